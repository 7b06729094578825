"""Projects and their keys: what they are, and how a key's secret is made and recognised."""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shopalytic.v1 import events_pb2
from shopalytic_server.domain.access.people import Person

SECRET_BYTES = 32
DEFAULT_CURRENCY = "USD"

# Every kind of event a sender may send, by the catalogue's names. `undecoded`
# only marks what a JSON surface could not read.
EVENT_TYPES: tuple[str, ...] = tuple(
    field.name
    for field in events_pb2.Event.DESCRIPTOR.oneofs_by_name["payload"].fields
    if field.name != "undecoded"
)

# Types whose amounts are in the project's currency where they name none.
MONEY_EVENT_TYPES = frozenset(
    field.name
    for field in events_pb2.Event.DESCRIPTOR.oneofs_by_name["payload"].fields
    if field.message_type is not None and "currency" in field.message_type.fields_by_name
)

# Money coming back, parcels and what becomes of orders and subscriptions are the
# backend's to tell: a browser's key is public, so anybody could send them.
BACKEND_EVENT_TYPES = frozenset({"refund", "shipment", "shipment_delivered", "order_cancel", "subscription"})
DEFAULT_BROWSER_EVENT_TYPES = frozenset(EVENT_TYPES) - BACKEND_EVENT_TYPES

_SECRET = re.compile(r"shop_(?:browser|server|reports|admin|session)_[A-Za-z0-9_-]{43}")
_HINT_LETTERS = 4


class KeyClass(StrEnum):
    """What a key may do."""

    BROWSER = "browser"
    SERVER = "server"
    REPORTS = "reports"
    ADMIN = "admin"


_CLASSES = {str(key_class): key_class for key_class in KeyClass}


class DeniedConsent(StrEnum):
    """What becomes of events whose context says that consent to analytics was denied."""

    KEEP = "keep"
    ANONYMIZE = "anonymize"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Project:
    """A shop, or a part of one whose numbers stand for themselves."""

    project_id: int
    name: str
    currency: str
    time_zone: str
    browser_event_types: frozenset[str]
    created_at: datetime
    browser_event_types_by_default: bool = False
    """Whether nobody chose the types, so that types which a later version adds are allowed too."""
    changed_from: str | None = None
    """The project's first currency, if it was changed."""
    currency_open: bool = False
    """Whether nobody has chosen a currency, so that the first money that arrives decides."""
    own_user_agents: tuple[str, ...] = ()
    """Texts in the user agents of the shop's own programs, which are no robots."""
    order_number_groups: tuple[tuple[str, ...], ...] = ()
    """Groups of sources that number their orders apart from all others."""
    allowed_origins: frozenset[str] = frozenset()
    """Origins whose pages may send with a browser key; none: any."""
    respect_privacy_signals: bool = False
    """Whether events of browsers that ask not to be tracked are refused."""
    signed_identify: bool = False
    """Whether identities that come with a browser key must be signed."""
    identity_secrets: tuple[str, ...] = field(default=(), repr=False)
    """What they may be signed with: the newest and the one before."""
    denied_consent: DeniedConsent = DeniedConsent.KEEP
    anonymous_salt: bytes = field(default=b"", repr=False)
    """What anonymous names are made with; empty while no event was to be anonymous."""
    token_secret: bytes = field(default=b"", repr=False)
    """What tokens for its callers are signed with; see `tokens`."""
    retention: tuple[tuple[str, int | None], ...] = ()
    """How many days events are kept, by type or "default"; None: for ever. See `expiry`."""

    @property
    def first_currency(self) -> str:
        """What amounts without a currency are in, where the event does not carry the one that it took."""
        return self.changed_from or self.currency


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret."""

    key_id: UUID
    project_id: int
    key_class: KeyClass
    label: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    """To about a minute."""
    person: Person | None = None
    """Whose session stands for the key; None: it is a key."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key that was just made, with the secret that is kept nowhere."""

    key: Key
    secret: str

    def __repr__(self) -> str:
        return f"IssuedKey(key={self.key!r})"


def new_secret(key_class: KeyClass, token_bytes: bytes) -> str:
    """The secret made from 32 random bytes; its beginning tells the class to whoever finds it."""
    if len(token_bytes) != SECRET_BYTES:
        raise ValueError(f"a secret is made of {SECRET_BYTES} random bytes, not {len(token_bytes)}")
    token = base64.urlsafe_b64encode(token_bytes).rstrip(b"=").decode()
    return f"shop_{key_class}_{token}"


def new_identity_secret(token_bytes: bytes) -> str:
    """The secret made from 32 random bytes that identities are signed with.

    Unlike a key's it is kept as it is: a signature can only be checked with it.
    """
    return f"shop_identity_{base64.urlsafe_b64encode(token_bytes).rstrip(b'=').decode()}"


def is_secret(text: str) -> bool:
    """Whether a text has the shape of a key's secret, or of what names a session.

    What has not, needs no look into the store.
    """
    return _SECRET.fullmatch(text) is not None


def class_of(secret: str) -> KeyClass | None:
    """The class that a secret's beginning tells; None: it has not the shape of one, or names a session."""
    return _CLASSES.get(secret[5:].partition("_")[0]) if is_secret(secret) else None


def hash_secret(secret: str) -> bytes:
    """What the store keeps of a secret.

    A plain SHA-256 is enough: a secret is 256 random bits, so there is nothing to guess.
    """
    return hashlib.sha256(secret.encode()).digest()


def hint(secret: str, key_class: KeyClass) -> str:
    """The beginning of a secret, to recognise it by in a list."""
    return secret[: len(f"shop_{key_class}_") + _HINT_LETTERS]


def first_money(events: Iterable[events_pb2.Event]) -> events_pb2.Event | None:
    """The first event with an amount that counts."""
    kinds = ((event, event.WhichOneof("payload")) for event in events if not event.sandbox)
    return next((event for event, kind in kinds if kind in MONEY_EVENT_TYPES), None)


def in_catalogue_order(types: Iterable[str]) -> list[str]:
    """Event types without repetition, in the order of the catalogue."""
    chosen = set(types)
    return [name for name in EVENT_TYPES if name in chosen]
