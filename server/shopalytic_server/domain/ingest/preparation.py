"""From an event as it was sent to what the store needs: checked, addressed and encoded.

Nearly every event keeps the rules. `_read` takes those in one pass, in which
each field is looked at once, and gives up on what it is not sure of;
`_examine` judges the rest, and says what is wrong.
"""

import hashlib
import re
from collections.abc import Collection
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.events.checking import is_device_placeholder, is_identity_placeholder
from shopalytic.events.decoding import DecodeError
from shopalytic.events.structs import struct_dict
from shopalytic.events.violations import Violation
from shopalytic.v1 import properties, rules
from shopalytic.v1.events_pb2 import Custom, Event
from shopalytic.v1.readers import PAYLOADS, read_context
from shopalytic_server.domain.customers.identity import identity_subject_key, tracking_subject_key
from shopalytic_server.domain.customers.signing import Judge, claims_of
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.events.plain_dates import begin_of_day
from shopalytic_server.domain.events.prepared import JSONB_VERSION, Admitted, Prepared, Sending, microseconds
from shopalytic_server.domain.ingest import undecoded
from shopalytic_server.domain.ingest.bots import is_bot, is_listed, is_of_client
from shopalytic_server.domain.privacy import consent, erasure
from shopalytic_server.domain.privacy.addresses import AddressLevel, limit_address, limit_addresses
from shopalytic_server.domain.privacy.consent import is_denied
from shopalytic_server.domain.privacy.network_places import NETWORK_PLACE, Locate, put_place
from shopalytic_server.domain.projects import MONEY_EVENT_TYPES, DeniedConsent, KeyClass, Project

__all__ = ["Admitted", "Prepared", "make_late_refund_nobodys", "prepare", "prepare_event"]

MAX_EVENT_BYTES = 256 * 1024
MAX_CUSTOM_BYTES = 32 * 1024

# Fields of the context that are no part of what makes two events the same.
_SET_BY_GATEWAY = frozenset({"address", "origin", "privacy_signal", *NETWORK_PLACE})

# Events count from 1990 on.
_EARLIEST_US = 631_152_000_000_000
# What a sender's clock may tell. The nanoseconds of a time that breaks the rules
# can be worth seconds, so that the first and last ones are not taken for certain.
_SURELY_FIRST_US, _SURELY_LAST_US = -62_135_596_797_000_000, 253_402_300_796_000_000
_LONGEST_ID, _LONGEST_SOURCE = 200, 100
# The dates that a shop states, and how far ahead a plan may be, in microseconds.
_YEAR_US = 365 * 86_400_000_000
_PARCEL_DATES = (("date_shipped", _YEAR_US), ("date_delivered", _YEAR_US))
_DATES = {
    "customer_register": (("join_date", 0),),
    "cart_add": (("modified_date", 0),),
    "cart_modify": (("modified_date", 0),),
    "order": (("order_date", 0),),
    "shipment": _PARCEL_DATES,
    "shipment_delivered": _PARCEL_DATES,
}
_OPTIONAL = ("tracking_id", "identity", "source")
_KEEP = DeniedConsent.KEEP
_NO_CONTEXT: dict[str, Any] = {}
_NUL_IN_JSON = b"\\u0000"

_is_lower_uuid = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch


def prepare(
    event: Event,
    *,
    project: Project,
    key_class: KeyClass,
    received_at: datetime,
    sent_at: datetime | None,
    skip_known: bool = False,
    skew_us: int = 0,
    addresses: AddressLevel = AddressLevel.TRUNCATED,
    locate: Locate | None = None,
    key_id: UUID | None = None,
    arrived_at: datetime | None = None,
    proven: Collection[str] = (),
) -> Prepared:
    """Checks one event that came alone; see `prepare_event`, and Admitted for what is given.

    `skew_us` is how far the sender's clock was behind, in microseconds, where that
    was found before.
    """
    admitted = Admitted(
        project.currency,
        received_at,
        sent_at,
        skip_known,
        skew_us,
        project=project,
        key_class=key_class,
        addresses=addresses,
        locate=locate,
        key_id=key_id,
        arrived_at=arrived_at,
        proven=proven,
    )
    return prepare_event(event, admitted)


def prepare_event(event: Event, admitted: Admitted) -> Prepared:
    """Checks one event and works out what the store needs to know of it.

    The event's id is put into lower case, its signatures are taken off. Never
    raises for what a sender may have done.
    """
    if event.HasField("tie_breaker") or event.plain_dates:
        return _prepare_marked(event, admitted)
    return _read(event, admitted) or _examine(event, admitted)


def _prepare_marked(event: Event, admitted: Admitted) -> Prepared:
    """An event with marks that are no part of what makes two events the same."""
    tie_breaker = event.tie_breaker if event.HasField("tie_breaker") else None
    event.ClearField("tie_breaker")
    read = None if event.plain_dates else _read(event, admitted)
    prepared = read or _examine(event, admitted)
    if tie_breaker is not None:
        # Kept in quarantine with the event.
        event.tie_breaker = prepared.tie_breaker = tie_breaker
    return prepared


def _read(event: Event, admitted: Admitted) -> Prepared | None:
    """The event, if it surely keeps every rule."""
    event_id, kind = event.event_id, event.WhichOneof("payload")
    reader = PAYLOADS.get(kind)
    data = event.SerializeToString(deterministic=True)
    if reader is None or not _is_lower_uuid(event_id) or _refusal(event, kind, len(data), admitted):
        return None
    if event.identity_signature or event.alias_signature or admitted.signed:
        return None
    # Without a zero byte no field is present and empty and no text has U+0000.
    zeros = b"\0" in data
    given = reader(getattr(event, kind), zeros)
    context = read_context(event.context, zeros) if event.HasField("context") else _NO_CONTEXT
    if given is None or context is None:
        return None
    denied = "analytics_consent" in context and is_denied(event)
    if denied and admitted.project.denied_consent is not _KEEP:
        return None
    tracking_id, identity, source = event.tracking_id or None, event.identity or None, event.source or None
    if kind == "identify" and (identity or tracking_id):
        own, identity = identity, given["identity"]
        if own is not None and own != identity:
            return None
    subject = _subject(tracking_id, identity)
    times = _read_times(event, kind, admitted)
    if subject is None or times is None:
        return None
    if event.timed_on_arrival or not _SET_BY_GATEWAY.isdisjoint(context):
        data = _as_sent(event)
        _read_address(event, context, admitted)
    _write_currency(kind, given, admitted.written_currency)
    given_jsonb, context_jsonb = JSONB_VERSION + orjson.dumps(given), None
    if context is not _NO_CONTEXT:
        context_jsonb = JSONB_VERSION + orjson.dumps(context)
    if _may_be_too_long(kind, source, given_jsonb):
        return None
    if zeros and not _surely_stored(event, given_jsonb, context_jsonb):
        return None
    return Prepared(
        event,
        admitted,
        Dataset.of(admitted.project, event.sandbox),
        kind,
        hashlib.blake2b(data, digest_size=16).digest(),
        bytes.fromhex(event_id.replace("-", "")),
        subject,
        times[0],
        tracking_id,
        identity,
        source,
        ("automated" in context or is_listed(context.get("user_agent", "")))
        and _is_bot(event, admitted, identity),
        given,
        given_jsonb,
        context_jsonb,
        admitted.key_class_kept,
        denied_consent=_KEEP if denied else None,
        moved_us=times[1],
    )


def _read_times(event: Event, kind: str, admitted: Admitted) -> tuple[int, int] | None:
    """The counted time and how far it was moved; None if one of the event's times may break a rule."""
    time = event.occurred_at
    stated_us = time.seconds * 1_000_000 + time.nanos // 1000
    moved_us = 0 if event.timed_on_arrival else admitted.moved_us
    if not _EARLIEST_US <= stated_us + moved_us <= admitted.latest_us:
        return None
    if moved_us and not _SURELY_FIRST_US <= stated_us <= _SURELY_LAST_US:
        return None
    if kind in _DATES and _impossible_date(event, kind, admitted.latest_us):
        return None
    return stated_us + moved_us, moved_us


def _read_address(event: Event, context: dict[str, Any], admitted: Admitted) -> None:
    """Keeps where the address is, and as much of it as may be kept."""
    if "address" not in context:
        return
    if admitted.locate is not None:
        context.update(put_place(event.context, admitted.locate))
    left = limit_address(event.context, admitted.addresses)
    if left is None:
        del context["address"]
    else:
        context["address"] = left


def _subject(tracking_id: str | None, identity: str | None) -> bytes | None:
    """What an event is stored under; None if the ids may break a rule or there is none."""
    subject = None
    if tracking_id is not None:
        subject = subject_of_device(tracking_id)
        if subject is None:
            return None
    return subject if identity is None else subject_of_customer(identity)


# A shop's visitors send many events each: their ids are judged once.
@lru_cache(100_000)
def subject_of_device(tracking_id: str) -> bytes | None:
    """The subject's 16 bytes; None if the tracking id may break a rule."""
    if len(tracking_id) > _LONGEST_ID or "\0" in tracking_id or is_device_placeholder(tracking_id):
        return None
    return tracking_subject_key(tracking_id)


@lru_cache(100_000)
def subject_of_customer(identity: str) -> bytes | None:
    """The subject's 16 bytes; None if the identity may break a rule."""
    if len(identity) > _LONGEST_ID or "\0" in identity or is_identity_placeholder(identity):
        return None
    return identity_subject_key(identity)


def _may_be_too_long(kind: str, source: str | None, given_jsonb: bytes) -> bool:
    if source is not None and len(source) > _LONGEST_SOURCE:
        return True
    return kind == "custom" and len(given_jsonb) > MAX_CUSTOM_BYTES


def _surely_stored(event: Event, given_jsonb: bytes, context_jsonb: bytes | None) -> bool:
    """Whether no text has U+0000, and no id that is present is empty."""
    if _NUL_IN_JSON in given_jsonb or _NUL_IN_JSON in (context_jsonb or b"") or "\0" in event.source:
        return False
    return all(getattr(event, name) or not event.HasField(name) for name in _OPTIONAL)


def _examine(event: Event, admitted: Admitted) -> Prepared:
    """Any event, with what is wrong with it."""
    if not event.event_id.islower():
        event.event_id = event.event_id.lower()
    size = event.ByteSize()
    named: list[tuple[str, Any]] = []
    unread: DecodeError | None = None
    if event.HasField("undecoded") and size <= MAX_EVENT_BYTES:
        public = admitted.key_class is KeyClass.BROWSER
        read = undecoded.read_again(event, public=public)
        if isinstance(read, Event):
            return prepare_event(read, admitted)
        unread = read
        named = undecoded.top_level(event.undecoded.json) if public else named
    project, refusal, proven = admitted.project, None, admitted.proven
    if admitted.signed:
        claims = undecoded.claims_in(named, claims_of(event))
        judge = Judge(project.identity_secrets, admitted.arrived_at or admitted.received_at, proven)
        refusal = judge.refusal(claims, event.tracking_id)
        proven = {claim.identity for claim in claims}
    if event.identity_signature or event.alias_signature:
        event.ClearField("identity_signature")
        event.ClearField("alias_signature")
    kind = event.WhichOneof("payload") or ""
    prepared = Prepared(event, admitted, Dataset.of(project, event.sandbox), kind, _fingerprint(event))
    prepared.key_class = admitted.key_class_kept
    prepared.proven = proven
    refusal = refusal or _refusal(event, kind, size, admitted, undecoded.types_in(named))
    if (project.denied_consent is not _KEEP or not event.HasField("undecoded")) and is_denied(event):
        prepared.denied_consent = project.denied_consent
    denied = prepared.denied_consent not in (None, _KEEP)
    if denied:
        refusal = refusal or consent.refusal(kind, project.denied_consent)
    if refusal is not None:
        prepared.rejected = True
        prepared.violations = [refusal]
        return prepared
    put_place(event.context, admitted.locate)
    limit_addresses(event, admitted.addresses)
    broken = rules.violations(event)
    # Who repaired the carrier alone would learn only then what is wrong with what it carries.
    broken += [unread.violation] if broken and unread else []
    if not broken:
        prepared.plain_dates = tuple(sorted(set(event.plain_dates)))
        prepared.moved_us = _moved_us(event, admitted)
        prepared.occurred_us = _microseconds(event.occurred_at) + prepared.moved_us
        broken = _late_checks(prepared, admitted) if unread is None else [unread.violation]
    if broken:
        prepared.violations = broken
        # Quarantine keeps an event whole, and its repair needs what may not be kept.
        prepared.rejected = denied
    elif denied:
        _make_nobodys(prepared, project)
    else:
        _fill(prepared)
    return prepared


def _make_nobodys(prepared: Prepared, project: Project) -> None:
    event = prepared.event
    bot = _is_bot(event, prepared.sending, event.identity)
    consent.anonymise(event, project.anonymous_salt)
    # Sent again it is the same, also if it says by its arrival which day it is of.
    prepared.fingerprint = _fingerprint(event)
    event.tracking_id = consent.nobody(event)
    _fill(prepared)
    prepared.bot = bot


def make_late_refund_nobodys(prepared: Prepared, order_id: str) -> None:
    """Turns a valid refund of an order whose customer was erased into one of the order that was kept."""
    erasure.strip_late_refund(prepared.event, order_id)
    prepared.fingerprint = _fingerprint(prepared.event)
    prepared.event.tracking_id = order_id
    prepared.context_jsonb = None
    _fill(prepared)


def _refusal(
    event: Event, kind: str, size: int, admitted: Admitted, named: Collection[str] = ()
) -> Violation | None:
    """Why nothing of an event is kept; `named` are the types that an unreadable one says it is of."""
    if admitted.key_class is KeyClass.BROWSER:
        kinds = named or (() if kind == "undecoded" else (kind,))
        refused = _browser_refusal(event, kinds, admitted.project)
        if refused:
            return refused
    if size > MAX_EVENT_BYTES:
        return Violation(
            "", "event.max_bytes", f"the event has {size:,} bytes; the limit is {MAX_EVENT_BYTES:,}"
        )
    return None


def _browser_refusal(event: Event, kinds: Collection[str], project: Project) -> Violation | None:
    """Why a public key may not send this; what an operator's setting says is not kept."""
    for kind in kinds:
        if kind in project.browser_event_types:
            continue
        return Violation(
            "payload",
            "key.event_type",
            f"{kind or 'this event'} may not be sent with a browser key; send it from a backend with a "
            "server key, or allow the type in the project's browser_event_types",
        )
    if project.respect_privacy_signals and event.context.privacy_signal:
        return Violation(
            "context.privacy_signal",
            "privacy.signal",
            "the browser asks not to be tracked and the project respects that; nothing is kept",
        )
    origin = event.context.origin
    if project.allowed_origins and origin and origin not in project.allowed_origins:
        return Violation(
            "context.origin",
            "origin.not_allowed",
            f"pages of {origin} may not send to this project; add the origin to its allowed_origins",
        )
    return None


def _late_checks(prepared: Prepared, admitted: Admitted) -> list[Violation]:
    by_clock = prepared.moved_us and "occurred_at" not in prepared.plain_dates
    counted = ", with sent_at taken into account," if by_clock else ""
    if prepared.occurred_us > admitted.latest_us:
        message = f"is{counted} more than one day ahead of the server's clock; check the sender's clock"
        return [Violation("occurred_at", "timestamp.not_in_future", message)]
    if prepared.occurred_us < _EARLIEST_US:
        message = f"is{counted} before 1990; send when it happened, or check the sender's clock"
        return [Violation("occurred_at", "timestamp.not_before_1990", message)]
    if prepared.type == "custom" and (large := _too_large(prepared.event.custom)):
        return [large]
    impossible = _impossible_date(prepared.event, prepared.type, admitted.latest_us)
    return [] if impossible is None else [impossible]


def _too_large(custom: Custom) -> Violation | None:
    size = len(orjson.dumps(struct_dict(custom.properties)))
    if size <= MAX_CUSTOM_BYTES:
        return None
    message = f"has {size:,} bytes as JSON; the limit is {MAX_CUSTOM_BYTES:,}"
    return Violation("custom.properties", "custom.properties.max_bytes", message)


def _impossible_date(event: Event, kind: str, latest_us: int) -> Violation | None:
    """What is wrong with a date that the shop states: nothing has been ordered or joined in the future."""
    payload = getattr(event, kind)
    for name, plan in _DATES.get(kind, ()):
        if not payload.HasField(name) or _microseconds(getattr(payload, name)) <= latest_us + plan:
            continue
        if plan:
            message = "is more than a year ahead; send the date that the parcel has, or leave it out"
        else:
            message = "is more than one day ahead of the server's clock; send when it was, or leave it out"
        return Violation(f"{kind}.{name}", "timestamp.not_in_future", message)
    return None


def _moved_us(event: Event, admitted: Admitted) -> int:
    """How far the counted time is from the time that was sent."""
    if "occurred_at" in event.plain_dates:
        midnight = event.occurred_at.ToDatetime(UTC)
        return microseconds(begin_of_day(midnight, admitted.time_zone)) - microseconds(midnight)
    return 0 if event.timed_on_arrival else admitted.moved_us


def _microseconds(time: Timestamp) -> int:
    return time.seconds * 1_000_000 + time.nanos // 1000


def _fill(prepared: Prepared) -> None:
    event = prepared.event
    prepared.event_key = bytes.fromhex(event.event_id.replace("-", ""))
    prepared.tracking_id = event.tracking_id or None
    prepared.identity = event.identify.identity if prepared.type == "identify" else event.identity or None
    prepared.source = event.source or None
    if isinstance(prepared.sending, Admitted) and prepared.sending.signed:
        prepared.identity_signed = prepared.identity is not None
    if prepared.identity is not None:
        prepared.subject_key = identity_subject_key(prepared.identity)
    else:
        prepared.subject_key = tracking_subject_key(event.tracking_id)
    prepared.properties = properties.properties(event)
    _write_currency(prepared.type, prepared.properties, prepared.sending.written_currency)
    prepared.properties_jsonb = JSONB_VERSION + orjson.dumps(prepared.properties)
    if event.HasField("context"):
        context = event.context
        prepared.bot = _is_bot(event, prepared.sending, prepared.identity)
        prepared.context_jsonb = JSONB_VERSION + orjson.dumps(properties.context_dict(context))


def _is_bot(event: Event, sending: Sending, identity: str | None) -> bool:
    context = event.context
    public = False
    own: tuple[str, ...] = ()
    if isinstance(sending, Admitted):
        public, own = sending.key_class is KeyClass.BROWSER, sending.project.own_user_agents
    is_client = is_of_client(context.library_name, public=public, identified=bool(identity))
    return is_bot(context.user_agent, automated=context.automated, is_client=is_client, own=own)


def _write_currency(kind: str, given: dict[str, Any], currency: str | None) -> None:
    """Writes down which currency an event took by default, for the project's may change.

    A refund that names none takes its order's, so what it took counts only while that is unknown.
    """
    if currency is not None and kind in MONEY_EVENT_TYPES and "currency" not in given:
        given["default_currency" if kind == "refund" else "currency"] = currency


def _fingerprint(event: Event) -> bytes:
    """Equal for equal events, also when a retry comes from another network or page."""
    if event.HasField("undecoded"):
        data = event.undecoded.json.encode()
    elif (event.timed_on_arrival or event.plain_dates) or (
        event.HasField("context") and any(map(event.context.HasField, _SET_BY_GATEWAY))
    ):
        data = _as_sent(event)
    else:
        data = event.SerializeToString(deterministic=True)
    return hashlib.blake2b(data, digest_size=16).digest()


def _as_sent(event: Event) -> bytes:
    """The event without what the server's side of the wire put in."""
    plain = Event()
    plain.CopyFrom(event)
    if event.HasField("context"):
        for name in _SET_BY_GATEWAY:
            plain.context.ClearField(name)
    plain.ClearField("plain_dates")
    if event.timed_on_arrival:
        plain.ClearField("occurred_at")
    return plain.SerializeToString(deterministic=True)
