"""Many requests on one connection: reads ahead, answers in order, and ends well."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

from shopalytic_server.domain.errors import Overloaded, ShuttingDown
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.domain.ingest.verdicts import Verdicts
from shopalytic_server.rpc.ingest.batches import Batch
from shopalytic_server.rpc.ports import EventWriter

READ_AHEAD = 1_000

Stored = asyncio.Future[Verdicts]
Requests = AsyncIterator[Batch]
Prepare = Callable[[Batch], Awaitable[list[Prepared]]]


class TrackPipeline:
    """One TrackStream.

    A task reads, prepares and submits; `answers` waits for the verdicts in the
    order of the requests. Whatever ends the reading (the client, a bad request,
    a shutdown) comes after the verdicts of what was read before.
    """

    def __init__(
        self, requests: Requests, prepare: Prepare, writer: EventWriter, drain: asyncio.Event
    ) -> None:
        self._requests = requests
        self._prepare = prepare
        self._writer = writer
        self._drain = drain
        self._room = asyncio.Semaphore(READ_AHEAD)
        # What to answer, in order; at the end None, or the error to end with.
        self._answers: asyncio.Queue[Stored | Exception | None] = asyncio.Queue()
        self._newest: Stored | None = None
        self._interruptible = False

    async def answers(self) -> AsyncGenerator[bytes, None]:
        """One serialized TrackResponse per request.

        Ends after the client's last one, or raises what ends the stream.
        """
        reader = asyncio.ensure_future(self._read())
        drained = asyncio.ensure_future(self._stop_at_drain(reader))
        try:
            while (stored := await self._answers.get()) is not None:
                if isinstance(stored, Exception):
                    raise stored
                yield (await stored).response()
                self._room.release()
        finally:
            drained.cancel()
            reader.cancel()
            self._cancel_rest()

    async def _read(self) -> None:
        end: Exception | None = None
        try:
            while (request := await self._next()) is not None:
                self._newest = await self._submit(await self._prepare(request))
                self._answers.put_nowait(self._newest)
        except asyncio.CancelledError:
            if not self._drain.is_set():
                raise
            end = ShuttingDown()
        except Exception as error:  # noqa: BLE001 - raised again, in its turn, by `answers`
            end = error
        self._answers.put_nowait(end)

    async def _next(self) -> Batch | None:
        """The next request, once there is room for it; None after the last one."""
        if self._drain.is_set():
            raise ShuttingDown
        # A shutdown may cancel this wait, in which nothing has been read yet;
        # what has been read is finished.
        self._interruptible = True
        try:
            await self._room.acquire()
            return await anext(self._requests, None)
        finally:
            self._interruptible = False

    async def _submit(self, items: list[Prepared]) -> Stored:
        """Queues events. A full queue slows the stream down while answers of its own are under way."""
        while True:
            newest = self._newest
            try:
                return self._writer.submit(items)
            except Overloaded:
                if newest is None or newest.done():
                    raise
            await asyncio.wait([newest])

    async def _stop_at_drain(self, reader: "asyncio.Task[None]") -> None:
        await self._drain.wait()
        if self._interruptible:
            reader.cancel()

    def _cancel_rest(self) -> None:
        while not self._answers.empty():
            stored = self._answers.get_nowait()
            if isinstance(stored, asyncio.Future):
                # Also marks the error of a failed one as seen, or asyncio would log a thousand.
                stored.cancel()
