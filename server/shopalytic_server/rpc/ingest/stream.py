"""Many requests on one connection: reads ahead, answers in order, and ends well."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from typing import NamedTuple

from shopalytic_server.domain.errors import Overloaded, ShuttingDown
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.domain.ingest.verdicts import Verdicts
from shopalytic_server.rpc.ingest.batches import Batch
from shopalytic_server.rpc.ports import EventWriter

READ_AHEAD = 1_000
# An answer that comes together with others is no longer than this, but for the last of them.
_LARGEST_ANSWER_BYTES = 256 * 1024

Stored = asyncio.Future[Verdicts]
Requests = AsyncIterator[Batch]
Prepare = Callable[[Batch], Awaitable[list[Prepared]]]


class _Answer(NamedTuple):
    stored: Stored
    together: bool
    """Whether it may come with others that say so."""

    @property
    def may_follow(self) -> bool:
        """Whether it may come with the one before, and is known already."""
        return (
            self.together
            and self.stored.done()
            and not self.stored.cancelled()
            and not self.stored.exception()
        )


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
        self._answers: deque[_Answer | Exception | None] = deque()
        self._added = asyncio.Event()
        self._newest: Stored | None = None
        self._interruptible = False

    async def answers(self) -> AsyncGenerator[bytes, None]:
        """One serialized TrackResponse per request, or per some that are to be answered together.

        Ends after the client's last one, or raises what ends the stream.
        """
        reader = asyncio.ensure_future(self._read())
        drained = asyncio.ensure_future(self._stop_at_drain(reader))
        try:
            while (answer := await self._next_answer()) is not None:
                if isinstance(answer, Exception):
                    raise answer
                response = (await answer.stored).response()
                answered = 1
                if answer.together:
                    # Responses one after the other are one with the results of all.
                    parts = [response, *self._ready(_LARGEST_ANSWER_BYTES - len(response))]
                    response, answered = b"".join(parts), len(parts)
                yield response
                for _ in range(answered):
                    self._room.release()
        finally:
            drained.cancel()
            reader.cancel()
            self._cancel_rest()

    async def _next_answer(self) -> "_Answer | Exception | None":
        while not self._answers:
            self._added.clear()
            await self._added.wait()
        return self._answers.popleft()

    def _add(self, answer: "_Answer | Exception | None") -> None:
        self._answers.append(answer)
        self._added.set()

    def _ready(self, size: int) -> Iterator[bytes]:
        """The next responses that may come with the one before, of about so many bytes."""
        while size > 0 and self._answers:
            answer = self._answers[0]
            if not isinstance(answer, _Answer) or not answer.may_follow:
                return
            self._answers.popleft()
            response = answer.stored.result().response()
            size -= len(response)
            yield response

    async def _read(self) -> None:
        end: Exception | None = None
        try:
            while (request := await self._next()) is not None:
                together = request.request.answer_together
                self._newest = await self._submit(await self._prepare(request))
                self._add(_Answer(self._newest, together))
        except asyncio.CancelledError:
            if not self._drain.is_set():
                raise
            end = ShuttingDown()
        except Exception as error:  # noqa: BLE001 - raised again, in its turn, by `answers`
            end = error
        self._add(end)

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
        while self._answers:
            answer = self._answers.popleft()
            if isinstance(answer, _Answer):
                # Also marks the error of a failed one as seen, or asyncio would log a thousand.
                answer.stored.cancel()
