"""Reads a TrackRequest without holding up the loop: counted first, and parsed in pieces when it is large."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from google.protobuf.message import DecodeError

from shopalytic.events.violations import Violation
from shopalytic.v1.collector_pb2 import TrackRequest
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.formats.wire import check_values, is_dense, records, too_many_values, varint
from shopalytic_server.domain.ingest import native
from shopalytic_server.domain.ingest.oversized import too_dense, too_large
from shopalytic_server.domain.ingest.preparation import MAX_EVENT_BYTES
from shopalytic_server.rpc.validation import MAX_EVENTS, too_many_events

# What is parsed whole. The densest request of this size takes ten milliseconds,
# one that somebody means takes a fraction of one.
_WHOLE_BYTES = 384 * 1024
_PIECE_BYTES = 64 * 1024
# How long one request may keep the loop before others have their turn. That is less where small requests are
# in work, and these then have three times as long: answering one of them takes the loop dozens of rounds.
TURN_SECONDS = 0.004
_SHORT_TURN_SECONDS = 0.001
_OTHERS_SECONDS = 0.003

_EVENTS = TrackRequest.DESCRIPTOR.fields_by_name["events"].number
_EVENT_TAG = _EVENTS << 3 | 2
_EVENT_ID = Event.DESCRIPTOR.fields_by_name["event_id"].number
# Fields of a request beside its events; the contract allows about a hundred.
_MOST_OTHERS = 1_000
# Of an event that is too large its id is wanted, which is looked for among so many fields.
_MOST_FIELDS = 100
_LONGEST_ID_BYTES = 1_000
# The longest list of an event may have 2,000 entries. Somebody's order with some
# more of them goes to quarantine; of many more the parser makes megabytes.
_MOST_ENTRIES = 5_000
# What is beside the events has no more than half as many values as bytes, which do no harm.
_SURELY_FEW_BYTES = 1_000
# An event of so few bytes cannot have as many entries.
_SURELY_FEW_ENTRIES = 2 * _MOST_ENTRIES


@dataclass(slots=True)
class Batch:
    """A TrackRequest as it was read."""

    request: TrackRequest
    unread: dict[int, Violation] = field(default_factory=dict)
    """What is wrong with events that are far too large, by their place: only the ids of these were read."""
    cut: Any = None
    """Its events, where the native core has cut it: then they are here, and not in `request`."""
    size: int = 0
    """Its bytes."""

    def __len__(self) -> int:
        return len(self.request.events if self.cut is None else self.cut)

    async def parse(self, turns: "Turns") -> None:
        """Has all events in `request`; raises DecodeError."""
        if self.cut is None:
            return
        with turns.turn() as turn:
            for place in range(len(self.cut)):
                self.request.events.append(Event.FromString(self.cut.event(place)))
                if turn.is_over:
                    await turn.pass_on()
        self.cut = None


class Turns:
    """Shares the loop between long work and all else: long work does one step after the other, of all calls.

    So however many large batches come at once, whoever has a small one waits
    for no more than a few short steps, and has half of the loop.
    """

    def __init__(self, small_calls: Callable[[], int] = lambda: 0) -> None:
        """`small_calls`: how many calls with small requests are in work."""
        self._small_calls = small_calls
        self._long = asyncio.Lock()

    def turn(self) -> "Turn":
        """A turn for work that may turn out to be long."""
        return Turn(self)

    def begin(self) -> float:
        """When a step that begins now ends."""
        return time.perf_counter() + (_SHORT_TURN_SECONDS if self._small_calls() else TURN_SECONDS)

    async def enter(self) -> None:
        """Returns when no other call does long work."""
        await self._long.acquire()

    def leave(self) -> None:
        """Ends long work."""
        self._long.release()

    async def rest(self) -> None:
        """Lets others have the loop."""
        await asyncio.sleep(_OTHERS_SECONDS if self._small_calls() else 0)


class Turn:
    """One call's work, while the block runs; `pass_on` is to be called whenever it `is_over`."""

    __slots__ = ("_ends", "_is_long", "_turns")

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._is_long = False
        self._ends = turns.begin()

    @property
    def is_over(self) -> bool:
        """Whether it is time for others."""
        return time.perf_counter() > self._ends

    async def pass_on(self) -> None:
        """Lets them, and begins another turn once no other call does long work."""
        if not self._is_long:
            await self._turns.enter()
            self._is_long = True
        await self._turns.rest()
        self._ends = self._turns.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_long:
            self._turns.leave()


async def read_batch(data: bytes, turns: Turns) -> Batch:
    """Raises InvalidRequest when there are too many events or other values, and DecodeError."""
    cut = native.split(data, MAX_EVENTS)
    if cut and len(cut.rest) <= _SURELY_FEW_BYTES:
        return Batch(TrackRequest.FromString(cut.rest), cut=cut, size=len(data))
    size = len(data)
    if size <= _SURELY_FEW_ENTRIES or (size <= _WHOLE_BYTES and not _has_large_event(data)):
        return Batch(TrackRequest.FromString(data), size=size)
    batch, others = Batch(TrackRequest(), size=size), bytearray()
    events = batch.request.events
    with turns.turn() as turn:
        for begin, end, large in _pieces(data):
            if large and (violation := await _unusable(data, end - large, end, turn)):
                batch.unread[len(events)] = violation
                events.add(event_id=_event_id(data, end - large, end))
            elif data[begin] == _EVENT_TAG:
                batch.request.MergeFromString(data[begin:end])
            else:
                others += data[begin:end]
            if turn.is_over:
                await turn.pass_on()
    check_values(bytes(others), TrackRequest.DESCRIPTOR)
    batch.request.MergeFromString(bytes(others))
    return batch


def _has_large_event(data: bytes) -> bool:
    """Whether one of the events may have too many values, or this cannot be seen at once."""
    at, end = 0, len(data)
    try:
        while at < end:
            # Written out, for each event of each batch comes by here.
            length, after = data[at + 1], at + 2
            if length > 127:
                high = data[after]
                if high > 127:
                    return True
                length, after = length & 127 | high << 7, after + 1
            if data[at] == _EVENT_TAG:
                if length > _SURELY_FEW_ENTRIES:
                    return True
            elif data[at] & 7 != 2:
                return True
            at = after + length
    except IndexError:
        return True
    return False


async def _unusable(data: bytes, start: int, end: int, turn: Turn) -> Violation | None:
    """Why an event cannot be read, if so: it is too large, or has too many values."""
    if end - start > MAX_EVENT_BYTES:
        return too_large(end - start, MAX_EVENT_BYTES)
    counting = is_dense(data, start, end, Event.DESCRIPTOR, _MOST_ENTRIES)
    while True:
        try:
            next(counting)
        except StopIteration as counted:
            dense, violation = counted.value
            break
        if turn.is_over:
            await turn.pass_on()
    return (violation or too_dense(_MOST_ENTRIES)) if dense else None


def _pieces(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Where a request may be cut: runs of events, and single fields of other kinds.

    With the bytes of an event that may be too large, which stands alone; else 0.
    """
    start = at = events = others = 0
    end = len(data)
    while at < end:
        is_event = data[at] == _EVENT_TAG
        if is_event:
            events += 1
            if events > MAX_EVENTS:
                raise InvalidRequest([too_many_events(None)])
            length, body = varint(data, at + 1, end)
            after, large = body + length, length if length > _SURELY_FEW_ENTRIES else 0
            if after > end:
                raise DecodeError("an event that is longer than its request")
        else:
            others += 1
            if others > _MOST_OTHERS:
                raise InvalidRequest([too_many_values(_MOST_OTHERS)])
            after, large = next(records(data, at, end)).end, 0
        if (large or not is_event) and start < at:
            yield start, at, 0
            start = at
        at = after
        if large or not is_event or at - start > _PIECE_BYTES:
            yield start, at, large
            start = at
    if start < at:
        yield start, at, 0


def _event_id(data: bytes, start: int, end: int) -> str:
    """The id of an event that is not parsed, where it can be found."""
    for place, record in enumerate(records(data, start, end)):
        if record.number == _EVENT_ID and record.is_bytes and record.end - record.start <= _LONGEST_ID_BYTES:
            return data[record.start : record.end].decode(errors="replace")
        if place == _MOST_FIELDS:
            break
    return ""
