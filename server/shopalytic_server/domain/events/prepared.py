"""What the store needs to know of one event, and of the request that it came with."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shopalytic.events.violations import Violation
from shopalytic.v1.collector_pb2 import EventResult
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.events.event_order import Place, place, rank
from shopalytic_server.domain.events.numbering import Arrival
from shopalytic_server.domain.events.plain_dates import begin_of_day
from shopalytic_server.domain.formats.order_numbers import Groups, order_key
from shopalytic_server.domain.privacy.addresses import AddressLevel
from shopalytic_server.domain.privacy.network_places import Locate
from shopalytic_server.domain.projects import KeyClass, Project

MAX_CLOCK_AHEAD = timedelta(days=1)
# A sender's clock that is off by less is taken as right: the difference is
# mostly the network.
SKEW_TOLERANCE = timedelta(seconds=5)
# One that is off by more does not tell when something happened.
MOST_CLOCK_OFF = timedelta(minutes=5)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST_CLOCK_OFF_US = MOST_CLOCK_OFF // _MICROSECOND
_NO_ID = bytes(16)

# What a jsonb in PostgreSQL's binary form begins with ("jsonb_recv" in
# https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/jsonb.c).
# Put in front where the JSON is made, for orjson writes it into a kilobyte of
# memory that it then cuts to size: kept, such pieces cost ten times as much as
# a copy of them does.
JSONB_VERSION = b"\x01"


def microseconds(time: datetime) -> int:
    """An aware time as microseconds after the Unix epoch."""
    return (time - _EPOCH) // _MICROSECOND


def skew_us(received_at: datetime, sent_at: datetime) -> int:
    """How far a sender's clock was behind when it sent a request, in microseconds.

    0 where it is taken as right.
    """
    behind = received_at - sent_at
    return behind // _MICROSECOND if abs(behind) > SKEW_TOLERANCE else 0


@dataclass(slots=True)
class Sending:
    """What the events of one request share; its times are aware.

    `skip_known` says that an identify whose link is known need not be kept. How far
    the sender's clock is behind comes from `sent_at`; without one it may be given.
    """

    currency: str
    received_at: datetime
    sent_at: datetime | None = None
    skip_known: bool = False
    received_us: int = field(init=False)
    sent_us: int | None = field(init=False, default=None)
    skew_us: int = 0
    """What to add to the sender's times; 0 where its clock is taken as right."""
    moved_us: int = field(init=False, default=0)
    """The same where the clock is off so much that what it tells does not count."""
    time_zone: str = "UTC"
    """The project's."""
    written_currency: str | None = field(init=False, default=None)
    """What is written into events that name no currency; None: nothing, `first_currency` says it."""
    order_number_groups: Groups = ()
    """The project's groups of sources that number their orders apart."""

    @property
    def first_currency(self) -> str:
        """What refunds count in that name no currency, carry none, and have no order yet."""
        return self.currency

    def __post_init__(self) -> None:
        self.received_us = microseconds(self.received_at)
        if self.sent_at is not None:
            self.sent_us = microseconds(self.sent_at)
            self.skew_us = skew_us(self.received_at, self.sent_at)
        if abs(self.skew_us) > _MOST_CLOCK_OFF_US:
            self.moved_us = self.skew_us


@dataclass(slots=True)
class Admitted(Sending):
    """A Sending whose sender is known: what prepares its events."""

    project: Project = field(kw_only=True)
    key_class: KeyClass = field(kw_only=True)
    addresses: AddressLevel = field(kw_only=True, default=AddressLevel.TRUNCATED)
    """How much of visitors' network addresses is kept."""
    locate: Locate | None = field(kw_only=True, default=None)
    """Where an address is, where there is a file of that."""
    key_id: UUID | None = field(kw_only=True, default=None)
    """The sender's key."""
    sender: str = field(kw_only=True, default="")
    """From where it sent, as far as that tells senders with one key apart; "" where nobody knows."""
    arrived_at: datetime | None = field(kw_only=True, default=None)
    """When it arrived first, which is not when it is judged again; None: now."""
    proven: Collection[str] = field(kw_only=True, default=())
    """Identities that were proved by a signature when the event arrived first."""
    latest_us: int = field(init=False)
    """The last moment that an event may say it happened at."""
    signed: bool = field(init=False)
    """Whether an identity needs a signature."""
    key_class_kept: str | None = field(init=False)
    """What the store keeps of the key's class; None: a server's."""

    def __post_init__(self) -> None:
        # slots=True makes the class anew, which super() without arguments does not see.
        Sending.__post_init__(self)
        self.time_zone = self.project.time_zone
        self.order_number_groups = self.project.order_number_groups
        self.key_class_kept = None if self.key_class is KeyClass.SERVER else str(self.key_class)
        if self.project.currency != self.project.first_currency:
            self.written_currency = self.project.currency
        self.signed = self.project.signed_identify and self.key_class is KeyClass.BROWSER
        self.latest_us = microseconds(self.received_at + MAX_CLOCK_AHEAD)

    @property
    def first_currency(self) -> str:
        """The project's."""
        return self.project.first_currency


@dataclass(slots=True)
class Prepared:
    """An event ready for the store. One with `violations` goes to quarantine, or nowhere if rejected.

    Ids are kept as their 16 bytes and times as microseconds after the Unix
    epoch: that is how they are stored, and objects made of them cost as much
    as the rest of the event's way. Properties make the objects for the few
    events that need them.
    """

    event: Event
    sending: Sending
    dataset_id: int
    type: str
    fingerprint: bytes
    event_key: bytes = _NO_ID
    subject_key: bytes = _NO_ID
    occurred_us: int = 0
    tracking_id: str | None = None
    identity: str | None = None
    source: str | None = None
    bot: bool = False
    properties: dict[str, Any] = field(default_factory=dict)
    properties_jsonb: bytes = b""
    context_jsonb: bytes | None = None
    """Both as PostgreSQL takes a jsonb in binary form: JSON after JSONB_VERSION."""
    key_class: str | None = None
    """The class of the sender's key; None: a server's."""
    identity_signed: bool | None = None
    """Whether it carries a signed identity; None where identities need no signature."""
    proven: Collection[str] = ()
    """The identities that a signature proved, where one is asked for."""
    violations: Sequence[Violation] = ()
    rejected: bool = False
    verdict: EventResult | None = None
    """What became of it, once it is stored; None: it was accepted, and there is nothing else to say."""
    denied_consent: str | None = None
    """What the project does with it because its consent was denied; None: it was not."""
    arrivals: Sequence[Arrival] = ()
    """What the request says of its events' numbers; with the first of them, and stored with it."""
    tie_breaker: int | None = None
    moved_us: int = 0
    """How far the counted time was moved from what the sender's clock told."""
    plain_dates: Sequence[str] = ()
    """Which of its times are days of the project's time zone."""

    @property
    def json_size(self) -> int:
        """Bytes of JSON."""
        return len(self.properties_jsonb) + len(self.context_jsonb or b"")

    @property
    def event_id(self) -> UUID:
        """The event's id."""
        return UUID(bytes=self.event_key)

    @property
    def subject(self) -> UUID:
        """What the event is stored under: its identity's key, or its tracking id's."""
        return UUID(bytes=self.subject_key)

    @property
    def occurred_at(self) -> datetime:
        """The counted time: when it happened, as far as the clocks tell."""
        return _EPOCH + timedelta(microseconds=self.occurred_us)

    @property
    def stated_us(self) -> int:
        """When it happened by the sender's clock."""
        return self.occurred_us - self.moved_us

    @property
    def stated_at(self) -> datetime:
        """`stated_us` as a time."""
        return _EPOCH + timedelta(microseconds=self.stated_us)

    def date(self, name: str) -> datetime | None:
        """A time that the shop states, by its property; a day begins as in the project's time zone."""
        text = self.properties.get(name)
        if text is None:
            return None
        at = datetime.fromisoformat(text)
        return begin_of_day(at, self.sending.time_zone) if name in self.plain_dates else at

    @property
    def order_key(self) -> str:
        """What the store knows the order by that it is about."""
        return self._apart("order_id")

    @property
    def parcel_key(self) -> str:
        """The same of the parcel: who numbers orders apart does so with parcels."""
        return self._apart("shipment_id")

    def _apart(self, name: str) -> str:
        number: str = self.properties[name]
        return order_key(number, self.source, self.sending.order_number_groups)

    @property
    def place(self) -> Place:
        """Where it stands in the order of events."""
        type_rank = rank(self.type, self.properties.get("refund_type", ""))
        return place(type_rank, self.occurred_us, self.tie_breaker, self.event_key)

    @property
    def corrected_us(self) -> int | None:
        """When it happened by the server's clock; None where the clock that told is taken as right."""
        if not self.sending.skew_us or self.event.timed_on_arrival:
            return None
        return self.stated_us + self.sending.skew_us

    @property
    def corrected_at(self) -> datetime | None:
        """`corrected_us` as a time."""
        corrected = self.corrected_us
        return None if corrected is None else _EPOCH + timedelta(microseconds=corrected)

    @property
    def currency(self) -> str:
        """The project's."""
        return self.sending.currency

    @property
    def received_at(self) -> datetime:
        """When the request arrived."""
        return self.sending.received_at

    @property
    def sent_at(self) -> datetime | None:
        """When the request was sent, by the sender's clock."""
        return self.sending.sent_at

    @property
    def skip_known(self) -> bool:
        """Whether an identify whose link is known need not be kept."""
        return self.sending.skip_known
