"""Makes a queueable event of the arguments of one call and checks it by the server's rules."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.errors import InvalidEvent
from shopalytic.events.decoding import (
    LATER_NAMES,
    DecodeError,
    decode_context,
    decode_time,
    payload_values,
    plain_dates,
    uuid7,
)
from shopalytic.events.values import to_text
from shopalytic.events.violations import Violation
from shopalytic.sending.batching import MAX_EVENT_BYTES
from shopalytic.v1.events_pb2 import Context, Event
from shopalytic.v1.rules import PAYLOAD_CHECKS, violations

Time = datetime | Timestamp | int | float | Decimal | str
Properties = Mapping[str, Any] | Message


class Envelope(TypedDict, total=False):
    """What `identify` and `alias` take besides, as `track` does."""

    event_id: str | None
    occurred_at: Time | None
    context: Mapping[str, Any] | Context | None
    source: str | None
    sandbox: bool | None
    tie_breaker: int | None


_SECOND = 1_000_000_000
_MAX_SECONDS_AHEAD = 86_400
# What no clock tells that is right: 1990 to 2100.
_FIRST_SECOND, _END_SECOND = 631_152_000, 4_102_444_800
_MOST_REMEMBERED = 10_000
_FIELD_OF_PAYLOAD: dict[type[Message], str] = {
    getattr(Event(), field.name).__class__: field.name
    for field in Event.DESCRIPTOR.oneofs_by_name["payload"].fields
}


class EventBuilder:
    """Builds the events of one client, with its source and sandbox where a call gives none."""

    def __init__(self, source: str | None, sandbox: bool) -> None:
        self._source = source
        self._sandbox = sandbox
        self._right: set[tuple[str | None, str | None, str | None]] = set()
        """Tracking ids, identities and sources that kept the rules: a shop sends the same ones often."""

    def build(
        self,
        type: str,  # noqa: A002 - the word of the catalogue and of every other surface
        properties: Properties,
        identity: str | None,
        tracking_id: str | None,
        event_id: str | None,
        occurred_at: Time | None,
        context: Mapping[str, Any] | Context | None,
        source: str | None,
        sandbox: bool | None,
        tie_breaker: int | None = None,
    ) -> tuple[str, bytes]:
        """The event's id and its chunk (see batching.Pending); raises InvalidEvent."""
        is_plain = event_id is None and occurred_at is None and context is None
        if event_id is None:
            event_id = uuid7()
        if source is None:
            source = self._source
        try:
            event = _event(type, properties)
            # One by one: protobuf takes a single attribute faster than an argument.
            event.event_id = event_id
            if tracking_id is not None:
                event.tracking_id = tracking_id
            if identity is not None:
                event.identity = identity
            if source is not None:
                event.source = source
            if self._sandbox if sandbox is None else sandbox:
                event.sandbox = True
            if tie_breaker is not None:
                event.tie_breaker = tie_breaker
            seconds = _stamp(event, occurred_at)
            event.plain_dates.extend(plain_dates(type, occurred_at, properties))
            if context is not None:
                event.context.CopyFrom(context if isinstance(context, Context) else decode_context(context))
        except DecodeError as error:
            raise InvalidEvent([error.violation]) from None
        except (TypeError, ValueError) as error:
            texts = {"event_id": event_id, "tracking_id": tracking_id, "identity": identity, "source": source}
            raise InvalidEvent(_mistyped(texts) or [Violation("", "type", str(error))]) from None
        if is_plain and _FIRST_SECOND <= seconds < _END_SECOND:
            self._check(event, (tracking_id, identity, source))
        else:
            _check(event, timed_by_caller=occurred_at is not None)
        return event_id, _chunk(event)

    @staticmethod
    def prepared(event: Event) -> tuple[str, bytes]:
        """The same for an event that the caller made whole."""
        _check(event, timed_by_caller=True)
        return event.event_id, _chunk(event)

    def _check(self, event: Event, names: tuple[str | None, str | None, str | None]) -> None:
        """Raises InvalidEvent; the id and the time are our own, and names that were right stay right."""
        kind = event.WhichOneof("payload")
        # What identify says is compared with the envelope.
        is_known = names in self._right and kind is not None and kind != "identify"
        if is_known and not PAYLOAD_CHECKS[kind](getattr(event, kind)):
            return
        if found := violations(event):
            raise InvalidEvent(found)
        if len(self._right) >= _MOST_REMEMBERED:
            self._right.clear()
        self._right.add(names)


def _event(kind: str, properties: Properties) -> Event:
    """An event with its payload."""
    if isinstance(properties, dict) or not isinstance(properties, Message):
        given: dict[str, Any] = {LATER_NAMES.get(kind, kind): payload_values(kind, properties)}
    else:
        payload = _payload(kind, properties)
        given = {_FIELD_OF_PAYLOAD[payload.__class__]: payload}
    return Event(**given)


def _payload(kind: str, properties: Message) -> Message:
    given = _FIELD_OF_PAYLOAD.get(properties.__class__)
    if given != LATER_NAMES.get(kind, kind):
        name = properties.DESCRIPTOR.name
        told = f"is the payload of {given!r}" if given else "is not the payload of any event"
        raise DecodeError("type", f"is {kind!r}, but the {name} message {told}")
    return properties


def _stamp(event: Event, occurred_at: Time | None) -> int:
    """Says when it happened; returns the second."""
    stamp = event.occurred_at
    if occurred_at is None:
        stamp.seconds, stamp.nanos = divmod(time.time_ns(), _SECOND)
    elif isinstance(occurred_at, Timestamp):
        stamp.CopyFrom(occurred_at)
    else:
        stamp.CopyFrom(decode_time("occurred_at", occurred_at))
    return stamp.seconds


def _check(event: Event, *, timed_by_caller: bool) -> None:
    """Raises InvalidEvent."""
    if found := violations(event):
        raise InvalidEvent(found)
    if timed_by_caller and event.occurred_at.seconds > time.time() + _MAX_SECONDS_AHEAD:
        message = "is more than one day ahead of this machine's clock"
        raise InvalidEvent([Violation("occurred_at", "timestamp.not_in_future", message)])


def _chunk(event: Event) -> bytes:
    """The event as a serialized TrackRequest with nothing else; raises InvalidEvent."""
    data = event.SerializeToString()
    size = len(data)
    if size < len(_LEADS):
        return _LEADS[size] + data
    if size > MAX_EVENT_BYTES:
        message = f"the event has {size:,} bytes; the limit is {MAX_EVENT_BYTES:,}"
        raise InvalidEvent([Violation("", "event.max_bytes", message)])
    return _lead(size) + data


def _lead(size: int) -> bytes:
    """What stands before an event of that size in a TrackRequest: field 1, and the length as a varint.

    https://protobuf.dev/programming-guides/encoding/
    """
    lead = bytearray(b"\x0a")
    while size > 0x7F:
        lead.append(size & 0x7F | 0x80)
        size >>= 7
    lead.append(size)
    return bytes(lead)


def _mistyped(texts: Mapping[str, object]) -> list[Violation]:
    found = []
    for field, value in texts.items():
        try:
            to_text("" if value is None else value)
        except DecodeError as error:
            found.append(error.under(field).violation)
    return found


_LEADS = tuple(map(_lead, range(1024)))
