"""Messages of one request as events, each for itself, with a report on what each became."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from shopalytic.events.decoding import DecodeError, decode_event, undecoded_event
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.gateway.compatibility.body import Body
from shopalytic_server.gateway.compatibility.catalogue import KNOWN
from shopalytic_server.gateway.compatibility.message import Message, Numbering
from shopalytic_server.gateway.compatibility.surfaces import Surface
from shopalytic_server.gateway.compatibility.tools import ga4
from shopalytic_server.gateway.compatibility.translation import translate
from shopalytic_server.gateway.compatibility.values import folded
from shopalytic_server.gateway.metrics import Metrics
from shopalytic_server.gateway.requests.payload import UnreadableEvent

_MOST_NAMES = 50
_LARGEST_MESSAGE = 1_000_000


@dataclass(slots=True)
class Decoded:
    """One event, and what is told of it beside its verdict."""

    event: Event
    told: dict[str, Any]
    refused: dict[str, str] | None = None
    """A violation for which the event is not sent on."""


@dataclass(slots=True)
class Decoder:
    """Reads the messages of one request."""

    surface: Surface
    namespace: uuid.UUID
    metrics: Metrics
    numbering: Numbering = field(init=False)
    _named: bool = False

    def __post_init__(self) -> None:
        self.numbering = Numbering(self.namespace)

    def message(self, body: Body, index: int, kind: str | None) -> list[Decoded]:
        """The events of one message of a body."""
        if body.size(index) > _LARGEST_MESSAGE:
            return [self._too_large(body.size(index))]
        item = body.message(index)
        if isinstance(item, UnreadableEvent):
            return [self._unread(body.raw(index), DecodeError("", item.message, "json"))]
        if not isinstance(item, dict):
            return [self._unread(body.raw(index), DecodeError("", "must be a JSON object", "json"))]
        return self.read(self.surface.read(item, kind, body.beside))

    def read(self, message: Message) -> list[Decoded]:
        """The events of one message."""
        self.numbering.identify(message)
        decoded = self._named_user(message)
        for made in translate(message, self.namespace):
            told: dict[str, Any] = {"type": made.type}
            if message.name:
                told["name"] = message.name[:100]
            unused, message.unused = message.unused, ()
            if left_out := [*unused, *made.left_out][:_MOST_NAMES]:
                told["left_out"] = left_out
            name = KNOWN.get(folded(message.name), "other") if message.kind == "track" else message.kind
            self.metrics.foreign(self.surface.name, name, made.type, len(made.left_out))
            decoded.append(Decoded(_event(made.event, message), told))
        return decoded

    def _named_user(self, message: Message) -> list[Decoded]:
        if self.surface.names_users or self._named:
            return []
        user = ga4.user_of(message)
        if user is None:
            return []
        self._named = True
        return self.read(user)

    def _unread(self, raw: bytes, error: DecodeError) -> Decoded:
        event = undecoded_event(raw.decode("utf-8", "backslashreplace"), error, data={})
        return Decoded(event, {"type": "undecoded"})

    def _too_large(self, size: int) -> Decoded:
        violation = {
            "field": "",
            "rule_id": "event.max_bytes",
            "message": f"the event has {size:,} bytes; the limit is {256 * 1024:,}",
        }
        return Decoded(Event(event_id=str(uuid.uuid4())), {"type": "undecoded"}, violation)


def _event(values: dict[str, Any], message: Message) -> Event:
    at = None if message.age is None else datetime.now(UTC) - timedelta(seconds=message.age)
    try:
        event = decode_event(values, fill=True, now=at)
    except DecodeError as error:
        raw = json.dumps(values, default=str, ensure_ascii=False)
        return undecoded_event(raw, error, data=values)
    event.timed_on_arrival = message.occurred_at is None
    return event


def chunks(decoded: Iterable[Decoded], most: int, most_bytes: int) -> Iterable[list[Decoded]]:
    """The events in parts that one call of the contract takes."""
    part: list[Decoded] = []
    size = 0
    for each in decoded:
        of_this = each.event.ByteSize()
        if part and (len(part) == most or size + of_this > most_bytes):
            yield part
            part, size = [], 0
        part.append(each)
        size += of_this
    if part:
        yield part
