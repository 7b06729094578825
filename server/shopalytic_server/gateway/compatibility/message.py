"""One event of another tool, in one form for all of them."""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from shopalytic.events.checking import is_device_placeholder, is_identity_placeholder

_LONGEST_ID = 200
# Whoever puts a whole token where an id belongs.
_LONGEST_READ = 10_000
# What stands in a request for the request, not for the event: it differs when an event is sent again.
_OF_THE_REQUEST = frozenset(
    {
        "sentAt",
        "sent_at",
        "receivedAt",
        "received_at",
        "messageId",
        "uuid",
        "offset",
        "$sent_at",
        "writeKey",
        "api_key",
    }
)


_ABSENT: tuple[Any, ...] = (None, "", [])
_NONE: Mapping[str, str | None] = MappingProxyType({})


@dataclass(slots=True)
class Message:
    """What one call of an SDK said. `kind` is "track", "page", "screen", "identify", "group" or "alias"."""

    kind: str
    name: str
    """The event's name as its sender gave it; of a page or screen its name, which may be empty."""
    properties: dict[str, Any]
    identity: str | None
    """The customer; None: not said, or a placeholder."""
    tracking_id: str | None
    """The browser or device; None as above."""
    sent_id: Any
    """The sender's id of this event, if it gave one."""
    occurred_at: Any
    """When it happened, in a form that the contract's JSON takes; None: not said."""
    content: Mapping[str, Any]
    """All of it as it was sent, from which an id is made where there is none."""
    context: dict[str, Any] = field(default_factory=dict)
    """As the contract has it."""
    traits: dict[str, Any] = field(default_factory=dict)
    """What is known of the customer."""
    previous_id: str | None = None
    """Of an alias: what the customer was called before."""
    previous_is_device: bool = False
    age: float | None = None
    """How many seconds before it was sent it happened, where only that is said."""
    misshapen: Any = None
    """What was sent in place of the properties and is no object."""
    unused: tuple[str, ...] = ()
    """What stands beside the properties and could not be used, by name."""
    session: str | None = None
    """The visit, as the SDK numbers it."""
    event_id: str = ""
    """The id that the event gets; `Numbering` fills it in."""


def text_id(value: Any) -> str | None:
    """An id as text: text, or a number as it was written; None for anything else.

    One that is too long stays, for the contract to refuse: without it the event
    would be somebody else's. Google's ids of clients, such as 123.456, look like
    numbers.
    """
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < _LONGEST_ID:
        value = format(value.to_integral_value() if value == value.to_integral_value() else value, "f")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_READ or "\0" in value:
        return None
    return value if _encodes(value) else None


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def identity_of(value: Any) -> str | None:
    """An identity, or None where it is none: also for placeholders such as "guest"."""
    text = text_id(value)
    return None if text is None or is_identity_placeholder(text) else text


def device_of(value: Any) -> str | None:
    """A tracking id, or None where it is none."""
    text = text_id(value)
    return None if text is None or is_device_placeholder(text) else text


def unused_of(
    given: Mapping[str, Any], ids: Mapping[str, str | None] = _NONE, objects: Iterable[str] = ()
) -> tuple[str, ...]:
    """Which of these were given and could not be used: ids that are none, and what should be an object.

    An empty list is PHP's word for an empty object.
    """
    lost = [name for name, read in ids.items() if read is None and given.get(name) not in _ABSENT]
    lost += [
        name for name in objects if given.get(name) not in _ABSENT and not isinstance(given[name], Mapping)
    ]
    return tuple(lost)


def misshapen(value: Any) -> Any:
    """The value where it is neither an object nor stands for an empty one; else None."""
    return None if isinstance(value, Mapping) or value in _ABSENT else value


def is_uuid(value: Any) -> bool:
    """Whether this is a UUID in its text form with dashes."""
    if not isinstance(value, str) or len(value) != 36:
        return False
    try:
        return str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


@lru_cache(maxsize=1_024)
def namespace_of(project: str) -> uuid.UUID:
    """The UUID under which a project's ids are made: `project` is what tells it from others."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"shopalytic:project:{project}")


def derived_id(namespace: uuid.UUID, name: str) -> str:
    """A UUID of version 5 (RFC 9562): the same for the same name, whenever it is asked."""
    return str(uuid.uuid5(namespace, name))


class Numbering:
    """Gives the messages of one request their event ids.

    A UUID is taken as it is; another id becomes a UUID of the project. Without
    an id the content makes one where it has its own time: sent again it is the
    same. Equal contents of one request are several events, so they are counted.
    Else the id is the arrival's, and the same request sent again is new.
    """

    def __init__(self, namespace: uuid.UUID) -> None:
        self._namespace = namespace
        self._seen: dict[str, int] = {}

    def identify(self, message: Message) -> None:
        """Fills in a message's event id."""
        if is_uuid(message.sent_id):
            message.event_id = message.sent_id.lower()
        elif isinstance(message.sent_id, str) and message.sent_id and _encodes(message.sent_id):
            message.event_id = derived_id(self._namespace, f"id:{message.sent_id[:10_000]}")
        elif (given := text_id(message.sent_id)) is not None:
            message.event_id = derived_id(self._namespace, f"id:{given}")
        elif message.occurred_at is not None:
            name = derived_id(self._namespace, _canonical(message))
            number = self._seen[name] = self._seen.get(name, 0) + 1
            message.event_id = derived_id(self._namespace, f"content:{number}:{name}")
        else:
            message.event_id = str(uuid.uuid4())


def _canonical(message: Message) -> str:
    content = {name: value for name, value in message.content.items() if name not in _OF_THE_REQUEST}
    who = [message.identity, message.tracking_id, message.occurred_at]
    return json.dumps([message.kind, who, content], sort_keys=True, default=str, separators=(",", ":"))
