"""From an event as it was sent to what the store needs: checked, addressed and encoded."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.v1 import collector_pb2, properties, rules
from shopalytic.v1.events_pb2 import Event
from shopalytic.violations import Violation
from shopalytic_server.domain.bots import is_bot
from shopalytic_server.domain.deliveries import Arrival
from shopalytic_server.domain.identity import identity_subject, tracking_subject
from shopalytic_server.domain.projects import KeyClass, Project
from shopalytic_server.domain.signing import unsigned

MAX_EVENT_BYTES = 256 * 1024
MAX_CLOCK_AHEAD = timedelta(days=1)
# A sender's clock that is off by less is taken as right: the difference is
# mostly the network.
SKEW_TOLERANCE = timedelta(seconds=5)

# Fields of the context that are no part of what makes two events the same.
_SET_BY_GATEWAY = ("address", "origin", "privacy_signal")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_ID = UUID(int=0)

subject_of_tracking_id = lru_cache(100_000)(tracking_subject)
subject_of_identity = lru_cache(100_000)(identity_subject)


@dataclass(slots=True)
class Prepared:
    """An event ready for the store. One with `violations` goes to quarantine, or nowhere if rejected."""

    event: Event
    dataset_id: int
    currency: str
    received_at: datetime
    sent_at: datetime | None
    type: str
    fingerprint: bytes
    skip_known: bool = False
    violations: list[Violation] = field(default_factory=list)
    rejected: bool = False
    event_key: bytes = b""
    subject: UUID = _NO_ID
    occurred_at: datetime = _EPOCH
    corrected_at: datetime | None = None
    tracking_id: str | None = None
    identity: str | None = None
    source: str | None = None
    bot: bool = False
    properties: dict[str, Any] = field(default_factory=dict)
    properties_json: bytes = b""
    context_json: bytes | None = None
    arrivals: Sequence[Arrival] = ()
    """What the request says of its events' numbers; with the first of them, and stored with it."""

    @property
    def event_id(self) -> UUID:
        """The event's id; `event_key` has its 16 bytes."""
        return UUID(bytes=self.event_key)


def prepare(
    event: Event,
    *,
    project: Project,
    key_class: KeyClass,
    received_at: datetime,
    sent_at: datetime | None,
    skip_known: bool = False,
) -> Prepared:
    """Checks one event and works out what the store needs to know of it.

    `received_at` and `sent_at` are aware datetimes of the request. `skip_known`
    says that an identify whose link is known need not be kept. The event's id
    is put into lower case, its signatures are taken off. Never raises for what a sender may have done.
    """
    if not event.event_id.islower():
        event.event_id = event.event_id.lower()
    refusal = None
    if project.signed_identify and key_class is KeyClass.BROWSER and not event.HasField("undecoded"):
        refusal = unsigned(event, project.identity_secrets)
    if event.identity_signature or event.alias_signature:
        event.ClearField("identity_signature")
        event.ClearField("alias_signature")
    prepared = Prepared(
        event=event,
        dataset_id=2 * project.project_id + event.sandbox,
        currency=project.currency,
        received_at=received_at,
        sent_at=sent_at,
        type=event.WhichOneof("payload") or "",
        fingerprint=_fingerprint(event),
        skip_known=skip_known,
    )
    refusal = refusal or _refusal(event, prepared.type, project, key_class)
    if refusal is not None:
        prepared.rejected = True
        prepared.violations = [refusal]
        return prepared
    prepared.violations = rules.violations(event)
    if not prepared.violations:
        prepared.occurred_at = _datetime(event.occurred_at)
        prepared.violations = _late_checks(prepared)
    if not prepared.violations:
        _fill(prepared)
    return prepared


def _refusal(event: Event, type_: str, project: Project, key_class: KeyClass) -> Violation | None:
    if key_class is KeyClass.BROWSER and (refused := _browser_refusal(event, type_, project)):
        return refused
    size = event.ByteSize()
    if size > MAX_EVENT_BYTES:
        return Violation(
            "", "event.max_bytes", f"the event has {size:,} bytes; the limit is {MAX_EVENT_BYTES:,}"
        )
    return None


def _browser_refusal(event: Event, type_: str, project: Project) -> Violation | None:
    """Why a public key may not send this; what an operator's setting says is not kept."""
    if type_ not in project.browser_event_types and type_ != "undecoded":
        return Violation(
            "payload",
            "key.event_type",
            f"{type_ or 'this event'} may not be sent with a browser key; send it from a backend with a "
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


def _late_checks(prepared: Prepared) -> list[Violation]:
    if prepared.type == "undecoded":
        unread = prepared.event.undecoded
        return [Violation(unread.field, unread.rule_id or "json", unread.message)]
    if prepared.occurred_at > prepared.received_at + MAX_CLOCK_AHEAD:
        return [
            Violation(
                "occurred_at",
                "timestamp.not_in_future",
                "is more than one day ahead of the server's clock; check the sender's clock",
            )
        ]
    return []


def _fill(prepared: Prepared) -> None:
    event = prepared.event
    prepared.event_key = bytes.fromhex(event.event_id.replace("-", ""))
    prepared.tracking_id = event.tracking_id or None
    prepared.identity = event.identify.identity if prepared.type == "identify" else event.identity or None
    prepared.source = event.source or None
    if prepared.identity is not None:
        prepared.subject = subject_of_identity(prepared.identity)
    else:
        prepared.subject = subject_of_tracking_id(event.tracking_id)
    if prepared.sent_at is not None:
        skew = prepared.received_at - prepared.sent_at
        if abs(skew) > SKEW_TOLERANCE:
            prepared.corrected_at = prepared.occurred_at + skew
    prepared.properties = properties.properties(event)
    prepared.properties_json = orjson.dumps(prepared.properties)
    if event.HasField("context"):
        context = event.context
        prepared.bot = is_bot(context.user_agent, automated=context.automated)
        prepared.context_json = orjson.dumps(properties.context_dict(context))


def _datetime(timestamp: Timestamp) -> datetime:
    return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)


def _fingerprint(event: Event) -> bytes:
    """Equal for equal events, also when a retry comes from another network or page."""
    if event.HasField("undecoded"):
        return hashlib.blake2b(event.undecoded.json.encode(), digest_size=16).digest()
    if event.timed_on_arrival or (
        event.HasField("context") and any(map(event.context.HasField, _SET_BY_GATEWAY))
    ):
        plain = Event()
        plain.CopyFrom(event)
        if event.HasField("context"):
            for name in _SET_BY_GATEWAY:
                plain.context.ClearField(name)
        if event.timed_on_arrival:
            plain.ClearField("occurred_at")
        event = plain
    data = event.SerializeToString(deterministic=True)
    return hashlib.blake2b(data, digest_size=16).digest()


def verdict(
    prepared: Prepared, status: "collector_pb2.EventStatus", violations: list[Violation] | None = None
) -> collector_pb2.EventResult:
    """The answer for one event."""
    result = collector_pb2.EventResult(event_id=prepared.event.event_id, status=status)
    for found in violations or ():
        result.violations.add(field=found.field, rule_id=found.rule_id, message=found.message)
    return result
