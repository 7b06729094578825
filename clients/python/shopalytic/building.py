"""Makes a queueable event of the arguments of one call and checks it by the server's rules."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.batching import MAX_EVENT_BYTES
from shopalytic.decoding import (
    LATER_NAMES,
    DecodeError,
    decode_context,
    decode_properties,
    decode_time,
    uuid7,
)
from shopalytic.errors import InvalidEvent
from shopalytic.v1.collector_pb2 import TrackRequest
from shopalytic.v1.events_pb2 import Context, Event
from shopalytic.v1.rules import violations
from shopalytic.values import to_text
from shopalytic.violations import Violation

Time = datetime | Timestamp | int | float | Decimal | str
Properties = Mapping[str, Any] | Message


class Envelope(TypedDict, total=False):
    """What `identify` and `alias` take besides, as `track` does."""

    event_id: str | None
    occurred_at: Time | None
    context: Mapping[str, Any] | Context | None
    source: str | None
    sandbox: bool | None


_SECOND = 1_000_000_000
_MAX_SECONDS_AHEAD = 86_400
_FIELD_OF_PAYLOAD: dict[type[Message], str] = {
    getattr(Event(), field.name).__class__: field.name
    for field in Event.DESCRIPTOR.oneofs_by_name["payload"].fields
}


class EventBuilder:
    """Builds the events of one client, with its source and sandbox where a call gives none."""

    def __init__(self, source: str | None, sandbox: bool) -> None:
        self._source = source
        self._sandbox = sandbox

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
    ) -> tuple[str, bytes]:
        """The event's id and its chunk (see batching.Pending); raises InvalidEvent."""
        request = TrackRequest()
        event_id = uuid7() if event_id is None else event_id
        try:
            payload = _payload(type, properties)
            event = request.events.add(**{_FIELD_OF_PAYLOAD[payload.__class__]: payload})
            # One by one: protobuf takes a single attribute faster than an argument.
            event.event_id = event_id
            if tracking_id is not None:
                event.tracking_id = tracking_id
            if identity is not None:
                event.identity = identity
            if (label := self._source if source is None else source) is not None:
                event.source = label
            if self._sandbox if sandbox is None else sandbox:
                event.sandbox = True
            _stamp(event, occurred_at)
            if context is not None:
                event.context.CopyFrom(context if isinstance(context, Context) else decode_context(context))
        except DecodeError as error:
            raise InvalidEvent([error.violation]) from None
        except (TypeError, ValueError) as error:
            envelope = {
                "event_id": event_id,
                "tracking_id": tracking_id,
                "identity": identity,
                "source": self._source if source is None else source,
            }
            raise InvalidEvent(_mistyped(envelope) or [Violation("", "type", str(error))]) from None
        return event_id, _checked(request, event, timed_by_caller=occurred_at is not None)

    @staticmethod
    def prepared(event: Event) -> tuple[str, bytes]:
        """The same for an event that the caller made whole."""
        request = TrackRequest(events=[event])
        return event.event_id, _checked(request, request.events[0], timed_by_caller=True)


def _payload(kind: str, properties: Properties) -> Message:
    if isinstance(properties, dict) or not isinstance(properties, Message):
        return decode_properties(kind, properties)
    given = _FIELD_OF_PAYLOAD.get(properties.__class__)
    if given != LATER_NAMES.get(kind, kind):
        name = properties.DESCRIPTOR.name
        told = f"is the payload of {given!r}" if given else "is not the payload of any event"
        raise DecodeError("type", f"is {kind!r}, but the {name} message {told}")
    return properties


def _stamp(event: Event, occurred_at: Time | None) -> None:
    if occurred_at is None:
        stamp = event.occurred_at
        stamp.seconds, stamp.nanos = divmod(time.time_ns(), _SECOND)
    elif isinstance(occurred_at, Timestamp):
        event.occurred_at.CopyFrom(occurred_at)
    else:
        event.occurred_at.CopyFrom(decode_time("occurred_at", occurred_at))


def _checked(request: TrackRequest, event: Event, *, timed_by_caller: bool) -> bytes:
    """The chunk of an event that breaks no rule."""
    if found := violations(event):
        raise InvalidEvent(found)
    if timed_by_caller and event.occurred_at.seconds > time.time() + _MAX_SECONDS_AHEAD:
        message = "is more than one day ahead of this machine's clock"
        raise InvalidEvent([Violation("occurred_at", "timestamp.not_in_future", message)])
    chunk = request.SerializeToString()
    # A chunk is a few bytes longer than its event, so only one this long needs the exact size.
    if len(chunk) > MAX_EVENT_BYTES and (size := event.ByteSize()) > MAX_EVENT_BYTES:
        message = f"the event has {size:,} bytes; the limit is {MAX_EVENT_BYTES:,}"
        raise InvalidEvent([Violation("", "event.max_bytes", message)])
    return chunk


def _mistyped(texts: Mapping[str, object]) -> list[Violation]:
    found = []
    for field, value in texts.items():
        try:
            to_text("" if value is None else value)
        except DecodeError as error:
            found.append(error.under(field).violation)
    return found
