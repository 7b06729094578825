"""Turns the events of a JSON body into messages, each for itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format

from shopalytic.events.decoding import DecodeError, decode_event, decode_time, undecoded_event
from shopalytic.v1.collector_pb2 import Delivery, TrackRequest
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.formats.json_faults import fault_in
from shopalytic_server.domain.privacy.network_places import NETWORK_PLACE, NetworkPlace, set_place
from shopalytic_server.gateway.requests.payload import Payload, UnreadableEvent, unusable
from shopalytic_server.gateway.work import SMALL_BYTES, Work

_MAX_USER_AGENT = 2_000
_MAX_ORIGIN = 300
# So many events are decoded at once; an event that has every fault takes a tenth of a millisecond.
_FEW = 20


# One for each request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Sender:
    """What the connection says about whoever sent a request."""

    user_agent: str | None
    """The visitor's; None: the connection is a backend's, or tells none."""
    address: str | None
    origin: str | None = None
    privacy_signal: bool = False
    place: NetworkPlace | None = None
    """Where the visitor's address is; None: not known."""


def decode_sent_at(value: Any) -> float | None:
    """When the sender says that it sent the request, in Unix seconds; None where it cannot be read.

    It only helps to see that the sender's clock is off, so no event suffers from it.
    """
    if value is None:
        return None
    try:
        time = decode_time("sent_at", value)
    except DecodeError:
        return None
    return float(time.seconds + time.nanos / 1e9)


def decode_deliveries(value: Any) -> list[Delivery]:
    """What the sender says of its numbering, as TrackRequest has it; raises Refusal."""
    if value is None:
        return []
    told = {"deliveries": value}
    try:
        return list(json_format.ParseDict(told, TrackRequest()).deliveries)
    except (json_format.ParseError, ValueError, TypeError):
        path, words = fault_in(told, TrackRequest.DESCRIPTOR) or (
            "deliveries",
            "a value is out of its bounds",
        )
        raise unusable(f"{path}: {words}.") from None


async def decode_events(payload: Payload, sender: Sender, work: Work) -> list[Event]:
    """One message per event, in order. An unreadable one becomes a message that the collector quarantines."""
    if payload.is_small and payload.count <= _FEW:
        events = [_decode(payload, index) for index in range(payload.count)]
    else:
        events = []
        async with work.turn():
            for index in range(payload.count):
                if payload.size(index) > SMALL_BYTES:
                    events.append(await work.apart(_decode, payload, index))
                else:
                    events.append(_decode(payload, index))
                await work.rest()
    for event in events:
        describe(event, sender)
    return events


def _decode(payload: Payload, index: int) -> Event:
    item = payload.event(index)
    try:
        if isinstance(item, UnreadableEvent):
            raise DecodeError("", item.message, "json")
        event = decode_event(item, fill=True)
        # Sent again it will have another time of arrival, which is by our clock and no sender's.
        event.timed_on_arrival = item.get("occurred_at") is None
        return event
    except DecodeError as error:
        data = item if isinstance(item, dict) else payload.envelope(index)
        return _without_placeholder(undecoded_event(payload.raw(index), error, data=data))


def _without_placeholder(event: Event) -> Event:
    # Where nobody knows better, such an event is said to come from "undecoded". Here the visitor is known.
    if event.tracking_id == "undecoded":
        event.ClearField("tracking_id")
    return event


def describe(event: Event, sender: Sender) -> None:
    """Puts what the connection says about the sender into an event's context."""
    context = event.context
    if sender.user_agent and not context.HasField("user_agent"):
        context.user_agent = sender.user_agent[:_MAX_USER_AGENT]
    # The address is never the sender's to say.
    if sender.address is None:
        context.ClearField("address")
    else:
        context.address = sender.address
    # Nor is where the page is from, or what the browser asks for.
    context.ClearField("origin")
    if sender.origin:
        context.origin = sender.origin[:_MAX_ORIGIN]
    for name in NETWORK_PLACE:
        context.ClearField(name)
    if sender.place is not None and not context.HasField("country"):
        set_place(context, sender.place)
    context.ClearField("privacy_signal")
    if sender.privacy_signal:
        context.privacy_signal = True


def assign_tracking_id(events: Sequence[Event], tracking_id: str, *, even_if_identified: bool) -> None:
    """Gives the visitor's id to the events that carry none."""
    for event in events:
        if event.HasField("tracking_id"):
            continue
        if even_if_identified or not event.HasField("identity"):
            event.tracking_id = tracking_id
