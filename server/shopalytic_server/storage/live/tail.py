"""Events as they are stored, for readers who watch: ingest never waits for one of them.

What is published costs ingest one entry in a list, whoever watches. A little
later it is sorted into a feed for each dataset, which all readers of the
dataset share: each has its own place in it, and an event's answer is made once.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from google.protobuf import json_format

from shopalytic.v1 import properties, reports_pb2
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.events.typed import add_typed
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.customers.lookup import find, load_people
from shopalytic_server.storage.database.connections import Pool
from shopalytic_server.storage.database.reading import reading
from shopalytic_server.storage.database.times import timestamp

# What a reader may lag behind before events are left out for it.
MAX_WAITING = 1_000
# Readers are woken at most this often, for all that was stored meanwhile.
_WAKE_SECONDS = 0.05
# What all readers together are told a second; past it they lag behind. Each
# answer costs as much as storing a few events, and over HTTP twice as much.
ANSWERS_A_SECOND = 1_000
_BURST_SECONDS = 0.25
# Whose events a customer's are is looked up at most this often for one reader.
_LOOK_UP_SECONDS = 1.0

_LINKING = frozenset({"identify", "alias"})
# Stands for events of which only the number is known.
_ANY_TYPE = ""


@dataclass(frozen=True, slots=True)
class TailEvent:
    """A stored event, with what decides who is to be told of it."""

    dataset_id: int
    subject: UUID
    event: reports_pb2.StoredEvent

    @property
    def type(self) -> str:
        """The event's type."""
        return self.event.type


class Tail:
    """Hands stored events on to whoever watches this process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._feeds: dict[int, _Feed] = {}
        self._published: list[Sequence[Prepared | TailEvent]] = []
        self._sorting: asyncio.TimerHandle | None = None
        self._sorted_at = 0.0
        self._pace = _Pace()

    @property
    def watched(self) -> set[int]:
        """The datasets that somebody watches here."""
        return set(self._feeds)

    def publish(self, items: Sequence[Prepared | TailEvent]) -> None:
        """Tells the readers of events that have been committed; never waits, whoever they are."""
        if not self._feeds:
            return
        self._published.append(items)
        if self._sorting is None:
            loop = asyncio.get_running_loop()
            self._sorting = loop.call_at(self._sorted_at + _WAKE_SECONDS, self._sort)

    def miss(self, dataset: int, count: int) -> None:
        """Tells the readers of a dataset that so many events were left out."""
        self._sort()
        if (feed := self._feeds.get(dataset)) is not None:
            feed.published[_ANY_TYPE] += count
            feed.wake()

    async def tail_events(
        self, project: Project, request: reports_pb2.TailEventsRequest
    ) -> AsyncGenerator[bytes, None]:
        """Begins to watch, then returns what there is to tell, as serialized TailEventsResponses.

        Raises NotFound for an unknown customer.
        """
        dataset = Dataset.of(project, request.sandbox)
        subjects = await self._subjects(dataset, request) if request.HasField("customer") else None
        self._sort()
        feed = self._feeds.setdefault(dataset, _Feed())
        feed.readers += 1
        answers = self._watch(dataset, _Reader(feed, frozenset(request.types), subjects), request)
        # Begun here, so that its end is noticed also where nobody asks for an answer.
        await anext(answers)
        return answers

    async def _watch(
        self, dataset: int, reader: "_Reader", request: reports_pb2.TailEventsRequest
    ) -> AsyncGenerator[bytes, None]:
        loop, looked_up = asyncio.get_running_loop(), 0.0
        try:
            yield b""
            while True:
                await reader.news()
                missed, entries = reader.take()
                # Somebody was identified: more of the events may be the customer's.
                if reader.subjects is not None and any(entry.item.type in _LINKING for entry in entries):
                    await asyncio.sleep(looked_up + _LOOK_UP_SECONDS - loop.time())
                    reader.subjects = await self._subjects(dataset, request)
                    looked_up = loop.time()
                if missed:
                    yield reports_pb2.TailEventsResponse(missed=missed).SerializeToString()
                for entry in entries:
                    if reader.wants(entry.item):
                        await self._pace.turn()
                        yield entry.answer()
        finally:
            reader.feed.readers -= 1
            if not reader.feed.readers:
                del self._feeds[dataset]

    def _sort(self) -> None:
        """Puts what was published into the feeds, and wakes their readers."""
        if self._sorting is not None:
            self._sorting.cancel()
            self._sorting = None
        self._sorted_at = asyncio.get_running_loop().time()
        published, self._published = self._published, []
        for items in published:
            for item in items:
                if (feed := self._feeds.get(item.dataset_id)) is not None:
                    feed.add(_Entry(item))
        for feed in self._feeds.values():
            feed.wake()

    async def _subjects(self, dataset: int, request: reports_pb2.TailEventsRequest) -> set[UUID]:
        async with reading(self._pool) as snapshot:
            [person] = await load_people(snapshot, dataset, [await find(snapshot, dataset, request.customer)])
        return set(person.subjects)


class _Entry:
    """An event in a feed, and its answer once somebody wanted it."""

    __slots__ = ("_answer", "item")

    def __init__(self, item: Prepared | TailEvent) -> None:
        self.item = item
        self._answer: bytes | None = None

    def answer(self) -> bytes:
        """A serialized TailEventsResponse, made for the first who wants it."""
        if self._answer is None:
            self._answer = reports_pb2.TailEventsResponse(event=_told(self.item)).SerializeToString()
        return self._answer


class _Feed:
    """The newest events of a dataset."""

    def __init__(self) -> None:
        self.readers = 0
        self.entries: deque[_Entry] = deque()
        self.end = 0
        """How many have been added so far."""
        self.published: Counter[str] = Counter()
        """What was stored since the feed began, by type."""
        self.kept: Counter[str] = Counter()
        """What of that is still here."""
        self._changed = asyncio.Event()
        self._woken = 0

    def add(self, entry: _Entry) -> None:
        if len(self.entries) == MAX_WAITING:
            self.kept[self.entries.popleft().item.type] -= 1
        self.entries.append(entry)
        self.end += 1
        self.published[entry.item.type] += 1
        self.kept[entry.item.type] += 1

    def wake(self) -> None:
        """Wakes all readers, if there is something new."""
        total = self.published.total()
        if total != self._woken:
            self._woken = total
            self._changed.set()
            self._changed = asyncio.Event()

    async def wait(self) -> None:
        """Returns at the next change."""
        await self._changed.wait()


class _Reader:
    """One who watches: how far they are in the feed, and what they are to be told of."""

    def __init__(self, feed: _Feed, types: frozenset[str], subjects: set[UUID] | None) -> None:
        self.feed = feed
        self.subjects = subjects
        self._types = types
        self._place = feed.end
        self._seen = feed.published.copy()

    async def news(self) -> None:
        """Returns when there is something that was not taken yet."""
        while self._seen == self.feed.published:
            await self.feed.wait()

    def take(self) -> tuple[int, list[_Entry]]:
        """How many were left out, of the wanted types, and all that came since the last time."""
        feed = self.feed
        unread = min(feed.end - self._place, len(feed.entries))
        missed = feed.published[_ANY_TYPE] - self._seen[_ANY_TYPE]
        if feed.end - self._place > unread:
            for name in self._types or feed.published.keys() - {_ANY_TYPE}:
                missed += feed.published[name] - self._seen[name] - feed.kept[name]
        entries = list(islice(feed.entries, len(feed.entries) - unread, None))
        self._place, self._seen = feed.end, feed.published.copy()
        return missed, entries

    def wants(self, item: Prepared | TailEvent) -> bool:
        """Whether they are to be told of an event."""
        if self._types and item.type not in self._types:
            return False
        return self.subjects is None or item.subject in self.subjects


class _Pace:
    """How many answers all readers together get a second."""

    def __init__(self) -> None:
        self._free_at = 0.0

    async def turn(self) -> None:
        """Returns when it is this answer's turn."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now - _BURST_SECONDS) + 1 / ANSWERS_A_SECOND
        # Not a sleep for each: timers are no finer than this.
        if self._free_at - now > 0.01:
            await asyncio.sleep(self._free_at - now)


def _told(item: Prepared | TailEvent) -> reports_pb2.StoredEvent:
    """An event as readers are told of it."""
    event = stored(item)
    sandbox = Dataset(item.dataset_id).is_sandbox
    if isinstance(item, TailEvent):
        context = json_format.MessageToDict(event.context) if event.HasField("context") else None
        add_typed(event, json_format.MessageToDict(event.properties), context, sandbox=sandbox)
    else:
        context = None if item.context_jsonb is None else properties.context_dict(item.event.context)
        add_typed(event, item.properties, context, sandbox=sandbox, tie_breaker=item.tie_breaker)
    return event


def stored(item: Prepared | TailEvent) -> reports_pb2.StoredEvent:
    """An event as servers tell each other of it: without its typed form, which follows from the rest."""
    if isinstance(item, TailEvent):
        return item.event
    event = reports_pb2.StoredEvent(
        event_id=str(item.event_id),
        type=item.type,
        occurred_at=timestamp(item.stated_at),
        counted_at=timestamp(item.occurred_at),
        received_at=timestamp(item.received_at),
        tracking_id=item.tracking_id,
        identity=item.identity,
        source=item.source,
        robot=item.bot,
    )
    if item.corrected_at is not None:
        event.corrected_at.CopyFrom(timestamp(item.corrected_at))
    event.properties.update(item.properties)
    if item.context_jsonb is not None:
        event.context.update(properties.context_dict(item.event.context))
    return event
