"""Events as they are stored, for readers who watch: ingest never waits for one of them."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from uuid import UUID

from shopalytic.v1 import properties, reports_pb2
from shopalytic_server.domain.ingest import Prepared
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.database import Pool
from shopalytic_server.storage.people import find, load_people
from shopalytic_server.storage.reading import reading
from shopalytic_server.storage.times import timestamp

# What a reader may lag behind before events are left out for it.
MAX_WAITING = 1_000

_LINKING = frozenset({"identify", "alias"})


@dataclass(frozen=True, slots=True)
class Told:
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
        self._readers: set[_Reader] = set()

    @property
    def watched(self) -> set[int]:
        """The datasets that somebody watches here."""
        return {reader.dataset for reader in self._readers}

    def publish(self, items: Iterable[Prepared | Told]) -> None:
        """Tells the readers of events that have been committed; never waits."""
        if not self._readers:
            return
        for item in items:
            for reader in self._readers:
                reader.offer(item)

    def miss(self, dataset: int, count: int) -> None:
        """Tells the readers of a dataset that so many events were left out."""
        for reader in self._readers:
            if reader.dataset == dataset:
                reader.miss(count)

    async def tail_events(
        self, project: Project, request: reports_pb2.TailEventsRequest
    ) -> AsyncGenerator[reports_pb2.TailEventsResponse, None]:
        """Begins to watch, then returns what there is to tell; raises NotFound for an unknown customer."""
        reader = _Reader(2 * project.project_id + request.sandbox, frozenset(request.types))
        if request.HasField("customer"):
            reader.subjects = await self._subjects(reader.dataset, request)
        self._readers.add(reader)
        return self._watch(reader, request)

    async def _watch(
        self, reader: "_Reader", request: reports_pb2.TailEventsRequest
    ) -> AsyncGenerator[reports_pb2.TailEventsResponse, None]:
        try:
            while True:
                await reader.arrived.wait()
                if reader.subjects is not None and reader.stale:
                    reader.stale = False
                    reader.subjects = await self._subjects(reader.dataset, request)
                for answer in reader.take():
                    yield answer
        finally:
            self._readers.discard(reader)

    async def _subjects(self, dataset: int, request: reports_pb2.TailEventsRequest) -> set[UUID]:
        async with reading(self._pool) as snapshot:
            [person] = await load_people(snapshot, dataset, [await find(snapshot, dataset, request.customer)])
        return set(person.subjects)


class _Reader:
    """One who watches: what waits for them, and what they are to be told of."""

    def __init__(self, dataset: int, types: frozenset[str]) -> None:
        self.dataset = dataset
        self.subjects: set[UUID] | None = None
        # Somebody was identified since `subjects` was looked up, so that more
        # of them may be the customer's: until then events are judged later.
        self.stale = False
        self.arrived = asyncio.Event()
        self._types = types
        self._waiting: deque[Prepared | Told] = deque()
        self._missed = 0

    def miss(self, count: int) -> None:
        """Some events were left out on their way here."""
        self._missed += count
        self.arrived.set()

    def offer(self, item: Prepared | Told) -> None:
        if item.dataset_id != self.dataset:
            return
        self.stale = self.stale or item.type in _LINKING
        if self._types and item.type not in self._types:
            return
        if self.subjects is not None and not self.stale and item.subject not in self.subjects:
            return
        if len(self._waiting) == MAX_WAITING:
            self._waiting.popleft()
            self._missed += 1
        self._waiting.append(item)
        self.arrived.set()

    def take(self) -> Iterable[reports_pb2.TailEventsResponse]:
        """All that waits, the number of events left out first."""
        self.arrived.clear()
        waiting, self._waiting = self._waiting, deque()
        if self._missed:
            yield reports_pb2.TailEventsResponse(missed=self._missed)
            self._missed = 0
        for item in waiting:
            if self.subjects is None or item.subject in self.subjects:
                yield reports_pb2.TailEventsResponse(event=stored(item))


def stored(item: Prepared | Told) -> reports_pb2.StoredEvent:
    """An event as readers are told of it."""
    if isinstance(item, Told):
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
    )
    if item.corrected_at is not None:
        event.corrected_at.CopyFrom(timestamp(item.corrected_at))
    event.properties.update(item.properties)
    if item.context_jsonb is not None:
        event.context.update(properties.context_dict(item.event.context))
    return event
