"""Group commit: concurrent requests share a transaction, and are answered when it has committed."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeAlias

import psycopg
from opentelemetry import trace
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext
from psycopg.errors import CheckViolation
from psycopg_pool import PoolTimeout
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from shopalytic.events.violations import Violation
from shopalytic_server.domain.errors import Overloaded, ShuttingDown, StoreFault, StoreUnavailable
from shopalytic_server.domain.ingest.lanes import LARGE_GROUP_EVENTS, Lane
from shopalytic_server.domain.ingest.preparation import Admitted, Prepared
from shopalytic_server.domain.ingest.verdicts import Verdicts
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.database.connections import (
    ROLLED_BACK,
    Pool,
    is_of_the_data,
    translated,
    unavailable,
    within,
)
from shopalytic_server.storage.database.engines import is_permanent, statement_of
from shopalytic_server.storage.ingest.decisions import DECIDED_TYPES
from shopalytic_server.storage.ingest.quarantine_capacity import QuarantineRoom
from shopalytic_server.storage.ingest.transaction import Ingest, end_sessions

# The longest that storing a group may take, its statements for themselves, and
# all of it, before its connection counts as dead.
STATEMENT_SECONDS = 20
STORE_SECONDS = 30.0

# What waits is held several times over: as sent, as Python's objects and as JSON, which is what counts here.
MAX_PENDING_BYTES = 32 * 1024 * 1024

_log = logging.getLogger(__name__)
_tracer = trace.get_tracer("shopalytic.store")

# How long a group may gather, looked at in steps, and the size from which it need not.
_GATHER_SECONDS = 0.006
_GATHER_STEP_SECONDS = 0.001
# A request with more than this is long work; so is one with some events for quarantine, which take several
# times as long as others, and one order of a thousand lines.
_SHORT_EVENTS, _SHORT_REFUSED, _SHORT_BYTES = 100, 10, 64 * 1024
# How much of long work is stored by one transaction while others come with few events, for they wait for its
# locks: events that are decided on, their bytes, and the bytes of all. They come if they came so lately.
_PART_DECIDED, _PART_DECIDED_BYTES, _PART_BYTES = 50, 64 * 1024, 256 * 1024
_LATELY_SECONDS = 1.0
# Of a public key, which may be anybody's, fewer; and others then have the locks for so many times as long.
_PUBLIC_PART_DECIDED, _PUBLIC_PAUSES, _LONGEST_PAUSE_SECONDS = 15, 2, 0.2
PUBLIC_PERCENT = 50
"""How much of what waits may be of public keys: with a flood of them the others' room is left."""


class PartitionMissing(Exception):
    """The partition of an event's month is gone; the next attempt makes it."""


# The same transaction may succeed when it is tried again.
_PASSING = (*ROLLED_BACK, PartitionMissing)


@dataclass(slots=True)
class _Submission:
    items: list[Prepared]
    size: int
    decided: int
    sender: Hashable
    public: bool
    """Whether it came with a public key."""
    future: "asyncio.Future[Verdicts]"
    origin: SpanContext


_Lane: TypeAlias = "Lane[_Submission]"


class Writer:
    """Stores submitted events, one group at a time.

    While a group is being stored the next one gathers, so groups grow with the
    load and a lone event does not wait. A transaction costs about as much as
    twenty calls, and callers who were just answered are about to call again, so
    after a group of several the next one waits for them as long as they keep
    coming, and a few milliseconds at most. A large group does not wait for the
    one before it: PostgreSQL stores one while Python makes the rows of another.

    Long work has a lane of its own: whoever has a few events waits for the others
    who have few, and not for a thousand of somebody's, nor for what a stranger has
    sent to quarantine. Long work of public keys has another, so that a backend's
    waits for none of it. While there are such people, long work is stored in parts,
    for its locks last until its COMMIT. In a lane each sender has its turn.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        max_pending_events: int = 50_000,
        max_group_events: int = 5_000,
        room: QuarantineRoom | None = None,
        on_stored: Callable[[Sequence[Prepared]], None] | None = None,
        on_group: Callable[[Sequence[Prepared], float], None] | None = None,
    ) -> None:
        """What is called after a COMMIT; `room` is what quarantine may take, absent: anything.

        `on_stored` is told of the events that were accepted, `on_group` of all
        events of the group and how many seconds the transaction took.
        """
        self._pool = pool
        self._max_pending = max_pending_events
        self._max_group = max_group_events
        self._on_stored = on_stored
        self._on_group = on_group
        self._ingest = Ingest(room)
        self._short: _Lane = Lane()
        self._long: _Lane = Lane()
        self._public: _Lane = Lane()
        self._short_came_at = -math.inf
        # In the order in which they may begin.
        self._lanes = self._short, self._long, self._public
        # Of those that are being stored, too.
        self._pending = self._pending_bytes = 0
        self._public_pending = self._public_bytes = 0
        self._changed = asyncio.Event()
        self._closing = False
        self._storing: set[asyncio.Task[None]] = set()
        self.faults = 0
        """Groups that were not stored because the database cannot run a statement."""
        # PostgreSQL's processes behind connections that fell silent.
        self._lost: list[int] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def pending_events(self) -> int:
        """Events that wait for COMMIT."""
        return self._pending

    async def start(self) -> None:
        """Begins to store what is submitted."""
        self._task = asyncio.create_task(self._run(), name="shopalytic-writer")

    async def close(self) -> None:
        """Stores everything submitted so far, then ends; nothing accepted is dropped."""
        self._closing = True
        self._changed.set()
        if self._task is not None:
            await self._task

    def submit(self, items: list[Prepared]) -> "asyncio.Future[Verdicts]":
        """Queues a request's events; the future gives their verdicts after COMMIT.

        Raises Overloaded when too many events wait already, and ShuttingDown.
        The future fails with StoreUnavailable when PostgreSQL is away. A request
        whose future is cancelled before its group begins is not stored.
        """
        if self._closing:
            raise ShuttingDown
        size, public = sum(map(_size, items)), _is_public(items)
        self._refuse_if_full(len(items), size, public=public)
        future: asyncio.Future[Verdicts] = asyncio.get_running_loop().create_future()
        if not _is_long(items, size):
            lane, self._short_came_at = self._short, time.monotonic()
        else:
            lane = self._public if public else self._long
        decided = sum(item.type in DECIDED_TYPES for item in items)
        origin = trace.get_current_span().get_span_context()
        lane.add(_Submission(items, size, decided, _sender(items), public, future, origin))
        self._count(len(items), size, public=public)
        if lane.may_begin():
            self._changed.set()
        return future

    def _refuse_if_full(self, events: int, size: int, *, public: bool) -> None:
        """Few large events fill the memory as many small ones do. An empty queue takes anything."""
        bounds = [(self._pending, self._pending_bytes, 100, "")]
        if public:
            bounds.append((self._public_pending, self._public_bytes, PUBLIC_PERCENT, " of public keys"))
        for pending, pending_bytes, percent, whose in bounds:
            most, most_bytes = self._max_pending * percent // 100, MAX_PENDING_BYTES * percent // 100
            if not pending:
                continue
            if pending + events > most:
                full = f"{pending:,} events{whose} wait to be stored and the limit is {most:,}"
            elif pending_bytes + size > most_bytes:
                full = f"{pending_bytes:,} bytes{whose} wait to be stored and the limit is {most_bytes:,}"
            else:
                continue
            raise Overloaded(f"{full}; nothing was stored, send it again after the delay")

    def _count(self, events: int, size: int, *, public: bool) -> None:
        """Counts what begins to wait, and with numbers below 0 what has ended."""
        self._pending += events
        self._pending_bytes += size
        if public:
            self._public_pending += events
            self._public_bytes += size

    async def _run(self) -> None:
        while any(lane.waiting for lane in self._lanes) or not self._closing:
            lane = next(
                (lane for lane in self._lanes if lane.may_begin() and not self._steps_back(lane)), None
            )
            if lane is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            if lane.several and not self._closing:
                await self._gather(lane)
            # Who waits may have been turned away meanwhile.
            if lane.waiting:
                self._begin(lane)
        if self._storing:
            await asyncio.wait(self._storing)

    def _steps_back(self, lane: _Lane) -> bool:
        """Whether a group would only wait for the dataset's lock, and somebody with few events behind it."""
        if lane is self._short or not (lane.storing and lane.first().decided):
            return False
        return bool(self._short.waiting or self._short.storing)

    def _begin(self, lane: _Lane) -> None:
        group = lane.take_group(self._max_group)
        lane.several = len(group) > 1
        lane.storing += 1
        storing = asyncio.create_task(self._store_group(group, lane), name="shopalytic-group")
        self._storing.add(storing)

        def stored(_: "asyncio.Task[None]") -> None:
            self._storing.discard(storing)
            lane.storing -= 1
            self._changed.set()

        storing.add_done_callback(stored)

    async def _store_group(self, group: list[_Submission], lane: _Lane) -> None:
        try:
            await self._store(group, lane)
        finally:
            for submission in group:
                self._count(-len(submission.items), -submission.size, public=submission.public)

    async def _gather(self, lane: _Lane) -> None:
        """Waits while small requests keep coming."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _GATHER_SECONDS
        gathered = 0
        while gathered < lane.waiting and loop.time() < deadline:
            gathered = lane.waiting
            if lane.events >= LARGE_GROUP_EVENTS:
                return
            await asyncio.sleep(_GATHER_STEP_SECONDS)

    async def _store(self, group: list[_Submission], lane: _Lane) -> None:
        wanted = [submission for submission in group if not submission.future.cancelled()]
        items = [item for submission in wanted for item in submission.items]
        try:
            with _commit_span(wanted, len(items)):
                begin = 0
                while begin < len(items):
                    # What a part has stored stays if a later one fails: sent again, it is a duplicate.
                    end, begun = self._end_of_part(items, begin, lane), time.monotonic()
                    await self._store_items(items[begin:end])
                    begin = end
                    if lane is self._public and end < len(items):
                        took = time.monotonic() - begun
                        await asyncio.sleep(min(_PUBLIC_PAUSES * took, _LONGEST_PAUSE_SECONDS))
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers wait for it
            for submission in wanted:
                if not submission.future.done():
                    submission.future.set_exception(error)
            if isinstance(error.__cause__, PoolTimeout):
                self._turn_waiting_away(error)
            return
        for submission in wanted:
            if not submission.future.done():
                submission.future.set_result(Verdicts(submission.items))

    def _end_of_part(self, items: Sequence[Prepared], begin: int, lane: _Lane) -> int:
        """Up to which event a group is stored next."""
        if lane is self._short or time.monotonic() - self._short_came_at > _LATELY_SECONDS:
            return len(items)
        most = _PUBLIC_PART_DECIDED if lane is self._public else _PART_DECIDED
        decided = decided_bytes = size = 0
        for place in range(begin, len(items)):
            own = _size(items[place])
            size += own
            if items[place].type in DECIDED_TYPES:
                decided, decided_bytes = decided + 1, decided_bytes + own
            full = decided > most or decided_bytes > _PART_DECIDED_BYTES or size > _PART_BYTES
            if full and place > begin:
                return place
        return len(items)

    def _turn_waiting_away(self, error: Exception) -> None:
        """Nobody waits longer for a connection than those who began: their senders know when to come back."""
        for lane in self._lanes:
            while lane.waiting:
                submission = lane.take()
                self._count(-len(submission.items), -submission.size, public=submission.public)
                if not submission.future.done():
                    submission.future.set_exception(error)

    async def _store_items(self, items: list[Prepared]) -> None:
        """Stores a group; if one of its events cannot be stored, all but that one."""
        try:
            await self._attempt(items)
        except _PASSING as error:
            raise StoreUnavailable(retry_after=1.0) from error
        except StoreUnavailable as error:
            _log.warning(
                "The store is away (%s); callers are told to come back. [store_unavailable]", _why(error)
            )
            raise
        except (MemoryError, OSError) as error:
            raise StoreUnavailable(retry_after=5.0) from error
        except Exception as error:
            if isinstance(error, psycopg.Error) and not is_of_the_data(error):
                if is_permanent(error):
                    await self._attempt_anew(items)
                    return
                raise await self._doubt(error) from error
            if len(items) > 1:
                middle = len(items) // 2
                await self._store_items(items[:middle])
                await self._store_items(items[middle:])
                return
            _log.error(
                "An event could not be stored and was quarantined: %s [unstorable]",
                _state(error),
                extra={"event_id": str(items[0].event_id)},
            )
            await self._attempt([_unstorable(items[0])])

    async def _doubt(self, error: psycopg.Error) -> StoreUnavailable:
        """What to tell callers when the database is not as it should be; no event is at fault.

        Such as a missing right, or a plan made before a migration: a new
        connection knows better.
        """
        _log.error(
            "The database refuses to store: %s; callers are told to come back. [store_refuses]", _state(error)
        )
        await self._pool.drain()
        return unavailable(error)

    async def _attempt_anew(self, items: list[Prepared]) -> None:
        """Stores by new connections what an old one could not: its plan may be from before a migration.

        Raises StoreFault if the engine cannot run the statement.
        """
        await self._pool.drain()
        try:
            await self._attempt(items)
        except psycopg.Error as error:
            if not is_permanent(error):
                raise await self._doubt(error) from error
            self.faults += 1
            statement = statement_of(error)
            _log.error(
                "The database cannot run a statement (%s): %s; the group was not stored. [store_fault]",
                statement,
                _state(error),
            )
            raise StoreFault from error

    async def _attempt(self, items: Sequence[Prepared]) -> None:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_PASSING),
            stop=stop_after_attempt(8),
            wait=wait_random_exponential(multiplier=0.02, max=1),
            reraise=True,
        )
        started = time.perf_counter()
        async for attempt in retrying:
            with attempt, translated():
                stored = await self._store_once(items)
        if self._on_group is not None:
            self._on_group(items, time.perf_counter() - started)
        if self._on_stored is not None:
            self._on_stored(stored)

    async def _store_once(self, items: Sequence[Prepared]) -> list[Prepared]:
        async with self._pool.connection() as conn:
            if self._lost:
                await end_sessions(conn, self._lost)
                self._lost.clear()
            with within(conn, STORE_SECONDS, self._lost.append):
                try:
                    return await self._ingest.store(conn, items)
                except CheckViolation as error:
                    if error.diag.constraint_name is not None:
                        raise
                    # No table is there for a row's month: somebody dropped it since it was made.
                    self._ingest.forget_partitions()
                    raise PartitionMissing from error


def _is_long(items: Sequence[Prepared], size: int) -> bool:
    """Whether storing a request's events, of so many bytes, takes much longer than others should wait."""
    if size > _SHORT_BYTES:
        return True
    if not _SHORT_REFUSED < len(items) <= _SHORT_EVENTS:
        return len(items) > _SHORT_EVENTS
    return sum(bool(item.violations) for item in items) > _SHORT_REFUSED


def _is_public(items: Sequence[Prepared]) -> bool:
    """Whether a request came with a public key."""
    sending = items[0].sending if items else None
    return isinstance(sending, Admitted) and sending.key_class is KeyClass.BROWSER


def _sender(items: Sequence[Prepared]) -> Hashable:
    """Who sent a request: a key, and from where."""
    sending = items[0].sending if items else None
    return (sending.key_id, sending.sender) if isinstance(sending, Admitted) else None


def _size(item: Prepared) -> int:
    if item.violations:
        return item.event.ByteSize()
    return item.json_size


def _commit_span(group: Sequence[_Submission], events: int) -> AbstractContextManager[object]:
    """The span of a group's transaction: in the trace of its first traced call, with links to the others."""
    origins = [submission.origin for submission in group if submission.origin.is_valid]
    if not origins:
        return nullcontext()
    return _tracer.start_as_current_span(
        "COMMIT",
        context=trace.set_span_in_context(NonRecordingSpan(origins[0])),
        links=[Link(each) for each in origins[1:]],
        attributes={"shopalytic.calls": len(group), "shopalytic.events": events},
        record_exception=False,
    )


def _why(error: StoreUnavailable) -> str:
    return _state(error.__cause__) if error.__cause__ is not None else "no connection"


def _state(error: BaseException) -> str:
    """What may be logged: PostgreSQL's words can quote what was to be stored."""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return f"{type(error).__name__} {state}" if state else type(error).__name__


def _unstorable(item: Prepared) -> Prepared:
    item.violations = [
        Violation(
            "", "event.unstorable", "the store refused this event; report it with its id to the operator"
        )
    ]
    return item
