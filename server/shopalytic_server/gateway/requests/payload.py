"""Reads the JSON body of /collect, keeping one event's mistakes away from the others."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from shopalytic_server.domain.formats import strict_json
from shopalytic_server.domain.formats.strict_json import SpoiledJson, why_not_json
from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.requests.json_scan import MAX_PARTS, Malformed, Scanner, Span, Spans, TooMany

MAX_EVENTS = 1_000
_EVENTS = "events"
_KNOWN = (
    "token",
    "tracking_id",
    "sent_at",
    "cookie",
    "reset",
    "cross_subdomain_cookie",
    "deliveries",
    _EVENTS,
)
_LONGEST_FIELD = 4_096
_ENVELOPE = ("event_id", "tracking_id", "identity", "source", "sandbox")
_NO_LIST = 'events: give a list of events, as {"token": "...", "events": [{"type": ...}]}.'


@dataclass(frozen=True, slots=True)
class UnreadableEvent:
    """Stands for an event whose JSON cannot be taken."""

    message: str


@dataclass(slots=True)
class Payload:
    """The body of one request. Its events are read one by one, and each may turn out to be unreadable."""

    token: str | None
    tracking_id: str | None
    """The id that the tag would give a visitor who has no cookie."""
    sent_at: Any
    cookie: bool
    reset: bool
    cross_subdomain_cookie: bool
    deliveries: Any
    """How the sender numbers its events, unchecked; None: it does not say."""
    _body: bytes
    _read: list[Any] | None
    """The events, where all of them were read at once."""
    _parts: list[Span] = field(default_factory=list)
    """Where they are in the body; looked for when it is asked, if they were read at once."""

    @property
    def count(self) -> int:
        """How many events there are."""
        return len(self._parts if self._read is None else self._read)

    @property
    def is_small(self) -> bool:
        """Whether all events were read already."""
        return self._read is not None

    def size(self, index: int) -> int:
        """How many bytes one event has that is still to be read; 0 for one that was."""
        if self._read is not None:
            return 0
        part = self._parts[index]
        return part.end - part.start

    def event(self, index: int) -> Any:
        """What JSON gave for one event, unchecked, or UnreadableEvent."""
        if self._read is not None:
            return self._read[index]
        part = self._parts[index]
        if part.fault is not None:
            return UnreadableEvent(part.fault)
        return read_value(self._body[part.start : part.end])

    def raw(self, index: int) -> str:
        """The JSON text of one event, exactly as it was sent."""
        return self._bytes(index).decode("utf-8", "backslashreplace")

    def envelope(self, index: int) -> dict[str, Any]:
        """What can be read of the envelope of an event that cannot be read."""
        return read_some(self._bytes(index), _ENVELOPE)

    def _bytes(self, index: int) -> bytes:
        if not self._parts:
            self._parts = scan(self._body).items or []
        part = self._parts[index]
        return self._body[part.start : part.end]


def read_payload(body: bytes) -> Payload:
    """The request in a small body, read at once. An unusable one is refused with the reason."""
    try:
        fields = strict_json.read(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        # Something in it is not as it should be; only that shall suffer.
        return payload_of(body, scan(body))
    if not isinstance(fields, dict):
        raise unusable('The body must be an object: {"token": "...", "events": [...]}.')
    events = fields.get(_EVENTS)
    if events is not None and not isinstance(events, list):
        raise unusable(_NO_LIST)
    _check_count(None if events is None else len(events), fields)
    return _payload(fields, body, events or [], [])


def scanner(body: bytes) -> Scanner:
    """Finds the parts of a body in steps; what it raises, `refused` turns into a refusal."""
    return Scanner(body, _EVENTS, lambda name: MAX_EVENTS if name == _EVENTS else None)


def scan(body: bytes) -> Spans:
    """The parts of a small body, found at once."""
    scanning = scanner(body)
    try:
        for _ in scanning.steps():
            pass
    except (Malformed, TooMany) as error:
        raise refused(error) from None
    return scanning.parts


def refused(error: Malformed | TooMany) -> Refusal:
    """The refusal of a body that could not be scanned."""
    if isinstance(error, TooMany):
        text = f"{error.name}: more than {error.limit:,}; send them in several requests."
        return Refusal(413, "too_large", text)
    return unusable(f"The body is not JSON: {error}.")


def payload_of(body: bytes, parts: Spans) -> Payload:
    """The request in a body whose parts were found. An unusable one is refused with the reason."""
    fields = {}
    for name, part in parts.members.items():
        if name not in _KNOWN:
            continue
        if part.end - part.start > _LONGEST_FIELD:
            value: Any = UnreadableEvent("is too long")
        else:
            value = UnreadableEvent(part.fault) if part.fault else read_value(body[part.start : part.end])
        if isinstance(value, UnreadableEvent):
            if name != "sent_at":
                raise unusable(f"The body cannot be taken: {name[:100]}: {value.message}.")
            value = None
        fields[name] = value
    if fields.get(_EVENTS) is not None:
        raise unusable(_NO_LIST)
    _check_count(None if parts.items is None else len(parts.items), fields)
    return _payload(fields, body, None, parts.items or [])


def unusable(message: str) -> Refusal:
    """The refusal of a body that cannot be used."""
    return Refusal(400, "invalid_argument", message)


def _payload(fields: dict[str, Any], body: bytes, read: list[Any] | None, parts: list[Span]) -> Payload:
    return Payload(
        token=_text(fields, "token"),
        tracking_id=_text(fields, "tracking_id"),
        sent_at=fields.get("sent_at"),
        cookie=_flag(fields, "cookie", default=True),
        reset=_flag(fields, "reset", default=False),
        cross_subdomain_cookie=_flag(fields, "cross_subdomain_cookie", default=True),
        deliveries=fields.get("deliveries"),
        _body=body,
        _read=read,
        _parts=parts,
    )


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise unusable(f"{name}: must be text.")
    return value


def _flag(fields: dict[str, Any], name: str, *, default: bool) -> bool:
    value = fields.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise unusable(f"{name}: give true or false.")
    return value


def _check_count(count: int | None, fields: dict[str, Any]) -> None:
    reset = fields.get("reset") is True
    if count is None and not reset:
        raise unusable(_NO_LIST)
    if count is not None and count > MAX_EVENTS:
        raise refused(TooMany(_EVENTS, MAX_EVENTS))
    if count == 0 and not reset:
        raise unusable("events: give at least one event.")


def read_value(data: bytes) -> Any:
    """What JSON gives for one value, or UnreadableEvent."""
    try:
        return strict_json.read(data.decode())
    except SpoiledJson as error:
        return UnreadableEvent(f"cannot be taken: {error}")
    except UnicodeDecodeError as error:
        return UnreadableEvent(f"is not UTF-8 (byte {error.start})")
    except json.JSONDecodeError as error:
        return UnreadableEvent(f"is not JSON: {why_not_json(error)}")
    except RecursionError:
        return UnreadableEvent("is nested too deeply")


def read_some(data: bytes, names: Collection[str]) -> dict[str, Any]:
    """Those of an object's members that can be read, whatever the others hold."""
    scanning = Scanner(data, "", lambda _name: None, MAX_PARTS)
    try:
        for _ in scanning.steps():
            pass
    except Malformed:
        pass  # what came before it may do
    found = {
        name: read_value(data[part.start : part.end])
        for name, part in scanning.parts.members.items()
        if name in names and part.fault is None
    }
    return {name: value for name, value in found.items() if not isinstance(value, UnreadableEvent)}


def steps_of(scanning: Scanner) -> Iterator[None]:
    """The steps of a scan, with a refusal in place of its errors."""
    try:
        yield from scanning.steps()
    except (Malformed, TooMany) as error:
        raise refused(error) from None
