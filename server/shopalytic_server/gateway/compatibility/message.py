"""One event of another tool, in one form for all of them."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from shopalytic.events.checking import is_device_placeholder, is_identity_placeholder

_LONGEST_ID = 200
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
    session: str | None = None
    """The visit, as the SDK numbers it."""
    event_id: str = ""
    """The id that the event gets; `Numbering` fills it in."""


def text_id(value: Any) -> str | None:
    """An id as text: text of 1 to 200 characters, or a whole number; None for anything else."""
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID or "\0" in value:
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
