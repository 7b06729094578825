"""Group commit: concurrent requests share a transaction, and are answered when it has committed."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from shopalytic.v1.collector_pb2 import EventResult
from shopalytic.violations import Violation
from shopalytic_server.domain.errors import Overloaded, ShuttingDown, StoreUnavailable
from shopalytic_server.domain.ingest import Prepared
from shopalytic_server.storage.database import ROLLED_BACK, Pool, translated
from shopalytic_server.storage.ingest import Ingest

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Submission:
    items: list[Prepared]
    future: "asyncio.Future[list[EventResult]]"


class Writer:
    """Stores submitted events, one group at a time.

    While a group is being stored the next one gathers, so groups grow with the
    load and a lone event does not wait.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        max_pending_events: int = 50_000,
        max_group_events: int = 5_000,
        on_stored: Callable[[Sequence[Prepared]], None] | None = None,
    ) -> None:
        """`on_stored` is told of the events that were accepted, after their COMMIT."""
        self._pool = pool
        self._max_pending = max_pending_events
        self._max_group = max_group_events
        self._on_stored = on_stored
        self._ingest = Ingest()
        self._queue: deque[_Submission] = deque()
        self._pending = 0
        self._arrived = asyncio.Event()
        self._closing = False
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
        self._arrived.set()
        if self._task is not None:
            await self._task

    def submit(self, items: list[Prepared]) -> "asyncio.Future[list[EventResult]]":
        """Queues a request's events; the future gives their verdicts after COMMIT.

        Raises Overloaded when too many events wait already, and ShuttingDown.
        The future fails with StoreUnavailable when PostgreSQL is away. A request
        whose future is cancelled before its group begins is not stored.
        """
        if self._closing:
            raise ShuttingDown
        if self._pending + len(items) > self._max_pending and self._pending:
            raise Overloaded(
                f"{self._pending:,} events wait to be stored and the limit is {self._max_pending:,}; "
                "nothing was stored, send it again after the delay"
            )
        future: asyncio.Future[list[EventResult]] = asyncio.get_running_loop().create_future()
        self._queue.append(_Submission(items, future))
        self._pending += len(items)
        self._arrived.set()
        return future

    async def _run(self) -> None:
        while self._queue or not self._closing:
            if not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            group = self._next_group()
            try:
                await self._store(group)
            finally:
                self._pending -= sum(len(submission.items) for submission in group)

    def _next_group(self) -> list[_Submission]:
        group = [self._queue.popleft()]
        size = len(group[0].items)
        while self._queue and size + len(self._queue[0].items) <= self._max_group:
            group.append(self._queue.popleft())
            size += len(group[-1].items)
        return group

    async def _store(self, group: list[_Submission]) -> None:
        wanted = [submission for submission in group if not submission.future.cancelled()]
        items = [item for submission in wanted for item in submission.items]
        try:
            results = await self._store_items(items)
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers wait for it
            for submission in wanted:
                if not submission.future.done():
                    submission.future.set_exception(error)
            return
        start = 0
        for submission in wanted:
            end = start + len(submission.items)
            if not submission.future.done():
                submission.future.set_result(results[start:end])
            start = end

    async def _store_items(self, items: list[Prepared]) -> list[EventResult]:
        """Stores a group; if one of its events cannot be stored, all but that one."""
        try:
            return await self._attempt(items)
        except ROLLED_BACK as error:
            raise StoreUnavailable(retry_after=1.0) from error
        except StoreUnavailable:
            _log.warning("The store is away; callers are told to come back. [store_unavailable]")
            raise
        except psycopg.Error as error:
            if len(items) > 1:
                middle = len(items) // 2
                return await self._store_items(items[:middle]) + await self._store_items(items[middle:])
            _log.error("An event could not be stored and was quarantined: %s [unstorable]", error.sqlstate)
            return await self._attempt([_unstorable(items[0])])

    async def _attempt(self, items: Sequence[Prepared]) -> list[EventResult]:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(ROLLED_BACK),
            stop=stop_after_attempt(8),
            wait=wait_random_exponential(multiplier=0.02, max=1),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt, translated():
                async with self._pool.connection() as conn:
                    results, stored = await self._ingest.store(conn, items)
        if self._on_stored is not None:
            self._on_stored(stored)
        return results


def _unstorable(item: Prepared) -> Prepared:
    item.violations = [
        Violation(
            "", "event.unstorable", "the store refused this event; report it with its id to the operator"
        )
    ]
    return item
