"""Reads requests of RPCs from JSON: counts before contents, and of Track each event for itself."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from shopalytic.events.decoding import DecodeError, undecoded_event
from shopalytic.v1.collector_pb2 import TrackRequest
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.formats import strict_json
from shopalytic_server.domain.formats.json_faults import fault_in
from shopalytic_server.domain.formats.strict_json import SpoiledJson, why_not_json
from shopalytic_server.domain.formats.wire import max_items
from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.requests.json_scan import Malformed, Scanner, Span, Spans, TooMany
from shopalytic_server.gateway.requests.payload import read_some
from shopalytic_server.gateway.work import SMALL_BYTES, Work

# json_format takes up to a microsecond for a byte of the densest JSON.
_SMALL_BYTES = 8_192
_SMALL_VALUES = 200
_MOST_VALUES = 50_000
_MAX_WORDS = 500
_SENT_AT = ("sentAt", "sent_at")
_EVENTS = "events"
_EVENTS_TAG = bytes([TrackRequest.EVENTS_FIELD_NUMBER << 3 | 2])
_ENVELOPE = {
    "eventId": "event_id",
    "event_id": "event_id",
    "trackingId": "tracking_id",
    "tracking_id": "tracking_id",
    "identity": "identity",
    "source": "source",
    "sandbox": "sandbox",
}

_ERRORS = (json_format.ParseError, UnicodeError, ValueError, RecursionError)


async def read_json(data: bytes, kind: type[Message], work: Work, on_count: Callable[[int], None]) -> bytes:
    """The binary form of a request in JSON. Raises Refusal."""
    is_track = kind is TrackRequest
    if len(data) <= _SMALL_BYTES and data.count(b",") <= _SMALL_VALUES:
        try:
            message: Any = _parsed(data, kind)
        except _ERRORS as error:
            if not is_track:
                raise _unreadable(kind, error, data) from None
        else:
            if is_track:
                on_count(len(message.events))
            return bytes(message.SerializeToString())
    descriptor: Any = kind.DESCRIPTOR
    scanning = Scanner(data, _EVENTS if is_track else "", lambda name: _limit_of(descriptor, name))
    async with work.turn():
        await work.through(_steps(scanning, kind))
        if is_track:
            return await _track(data, scanning.parts, work, on_count)
        faults = [f"{name}: {part.fault}" for name, part in scanning.parts.members.items() if part.fault]
        if faults or data.count(b",") > _MOST_VALUES:
            raise _unreadable(kind, ValueError(faults[0] if faults else "it has too many values."))
        try:
            return await work.apart(_binary, data, kind)
        except _ERRORS as error:
            raise _unreadable(kind, error, data) from None


async def _track(data: bytes, parts: Spans, work: Work, on_count: Callable[[int], None]) -> bytes:
    items = parts.items or []
    on_count(len(items))
    written = [_rest(data, parts)]
    for part in items:
        if part.end - part.start > SMALL_BYTES:
            event = await work.apart(_event, data, part)
        else:
            event = _event(data, part)
        written.append(_EVENTS_TAG + _length(event) + event)
        await work.rest()
    return b"".join(written)


def _rest(data: bytes, parts: Spans) -> bytes:
    """The request without its events. When it was sent is a hint: unreadable, it is absent."""
    members = {name: data[part.start : part.end] for name, part in parts.members.items()}
    if any(part.fault for part in parts.members.values()) or sum(map(len, members.values())) > _SMALL_BYTES:
        raise _unreadable(TrackRequest, ValueError("what is beside the events is too long or too deep."))
    request = TrackRequest()
    for name in _SENT_AT:
        value = members.pop(name, None)
        try:
            json_format.Parse(b'{"sentAt":' + (value or b"null") + b"}", request)
        except _ERRORS:
            request.ClearField("sent_at")
    text = b",".join(json.dumps(name).encode() + b":" + value for name, value in members.items())
    try:
        json_format.Parse(b"{" + text + b"}", request)
    except _ERRORS as error:
        raise _unreadable(TrackRequest, error, b"{" + text + b"}") from None
    return request.SerializeToString()


def _event(data: bytes, part: Span) -> bytes:
    """One event; what cannot be read of it, the collector keeps in quarantine."""
    text = data[part.start : part.end]
    if part.fault is None and text.count(b",") <= _MOST_VALUES:
        try:
            return _binary(text, Event)
        except _ERRORS:
            path, fault = _told(text, Event)
    else:
        path, fault = "", part.fault or f"has more than {_MOST_VALUES:,} values"
    found = read_some(text, _ENVELOPE)
    envelope = {_ENVELOPE[name]: value for name, value in found.items()}
    raw = text.decode("utf-8", "backslashreplace")
    return undecoded_event(
        raw, DecodeError(path, fault, "type" if path else "json"), data=envelope
    ).SerializeToString()


def _steps(scanning: Scanner, kind: type[Message]) -> Iterator[None]:
    try:
        yield from scanning.steps()
    except Malformed as error:
        raise _unreadable(kind, error) from None
    except TooMany as error:
        raise Refusal(400, "invalid_argument", f"{error}; send fewer.") from None


def _binary(data: bytes, kind: type[Message]) -> bytes:
    return bytes(_parsed(data, kind).SerializeToString())


def _parsed(data: bytes, kind: type[Message]) -> Message:
    # Unknown names are refused: dropping a mistyped field would lose data without a word.
    text = data.decode("utf-8-sig").strip() or "{}"
    if not text.startswith("{"):
        raise json_format.ParseError("it must be a JSON object")  # json_format lets an empty list through
    return json_format.Parse(text, kind())


def _unreadable(kind: type[Message], error: Exception, data: bytes | None = None) -> Refusal:
    if isinstance(error, RecursionError):
        return Refusal(400, "invalid_argument", "The request is nested too deeply.")
    name: str = kind.DESCRIPTOR.name
    if data is None:
        path, words = "", _words(error)
    else:
        path, words = _told(data, kind)
    told = f"{path}: {words}" if path else words
    return Refusal(400, "invalid_argument", f"The request is not a readable {name}: {told}")


def _told(data: bytes, kind: type[Message]) -> tuple[str, str]:
    """Where a text cannot be a message, and why, in our words; the readers' own name their insides."""
    try:
        value = strict_json.read(data.decode("utf-8-sig"))
    except SpoiledJson as spoiled:
        return "", str(spoiled)
    except json.JSONDecodeError as broken:
        return "", f"it is not JSON: {why_not_json(broken)}"
    except UnicodeDecodeError as broken:
        return "", f"it is not UTF-8 (byte {broken.start})"
    except (ValueError, RecursionError):
        return "", "it cannot be taken as JSON"
    if not isinstance(value, dict):
        return "", "it must be a JSON object"
    found = fault_in(value, kind.DESCRIPTOR)
    if found is not None:
        return found
    return "", "a value is out of its bounds"


def _words(error: Exception) -> str:
    return str(error).encode("utf-8", "backslashreplace").decode()[:_MAX_WORDS]


def _limit_of(descriptor: Any, name: str) -> int | None:
    """How many entries the list may have that JSON calls so; None: it is no list, or any number."""
    for field in descriptor.fields:
        if name in (field.name, field.json_name):
            return max_items(field)
    return None


def _length(data: bytes) -> bytes:
    """The length of a field, as a varint."""
    value, written = len(data), bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])
