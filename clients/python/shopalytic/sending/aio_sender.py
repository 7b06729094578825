"""The asyncio client's background task: takes batches out of the queue and sees each to its outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import grpc
from tenacity import AsyncRetrying

from shopalytic.errors import LossReason
from shopalytic.sending.batching import Batch, SendQueue
from shopalytic.sending.connection import TRACK_METHOD, Endpoint
from shopalytic.sending.numbering import Numbering
from shopalytic.sending.outcomes import Outcomes, matched
from shopalytic.sending.retrying import attempt_timeout, is_too_large, loss_reason, retry_options
from shopalytic.sending.transport import request_bytes
from shopalytic.v1.collector_pb2 import TrackResponse

CANCEL_AGAIN_SECONDS = 2.0
"""A task that was cancelled and has not ended by then is cancelled again."""


class Notifier:
    """Wakes whoever waits at this moment."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def send(self) -> None:
        """Wakes them; who comes later waits for the next."""
        self._event.set()
        self._event.clear()

    async def wait(self, seconds: float | None = None) -> bool:
        """False when the time is over."""
        try:
            async with asyncio.timeout(seconds):
                return await self._event.wait()
        except TimeoutError:
            return False

    async def wait_for(self, condition: Callable[[], bool], seconds: float | None = None) -> None:
        """Waits until a pulse finds the condition true, or the time is over."""
        until = None if seconds is None else time.monotonic() + seconds
        while not condition():
            if not await self.wait(None if until is None else until - time.monotonic()):
                return


class AsyncSharedQueue:
    """A queue and the three things that tasks wait for."""

    def __init__(self, queue: SendQueue) -> None:
        self.queue = queue
        self.work = Notifier()
        self.room = Notifier()
        self.settled = Notifier()
        self.closing = False


class AsyncSender:
    """One batch in flight at a time, so the server sees a client's events in the order of its calls."""

    def __init__(
        self,
        shared: AsyncSharedQueue,
        endpoint: Endpoint,
        numbering: Numbering,
        outcomes: Outcomes,
        timeout: float,
        retry_deadline: float,
    ) -> None:
        self._shared = shared
        self._endpoint = endpoint
        self._numbering = numbering
        self._outcomes = outcomes
        self._timeout = timeout
        self._retry_deadline = retry_deadline
        self._channel: grpc.aio.Channel | None = None
        self._call: Callable[..., Awaitable[TrackResponse]] | None = None
        self._task = asyncio.create_task(self._run(), name="shopalytic-client")

    async def stop(self) -> None:
        """Ends the task and the connection, whatever they are at."""
        # A call that fails at this moment raises its own error instead, and the task would go on.
        while not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=CANCEL_AGAIN_SECONDS)

    async def _run(self) -> None:
        queue = self._shared.queue
        try:
            while await self._next_batch():
                while (batch := queue.next_in_flight()) is not None:
                    await self._deliver(batch)
        finally:
            # Also when the loop ends without close(): nothing goes without a word.
            self._outcomes.lost(queue.abandon(), LossReason.CLOSED)
            self._shared.settled.send()
            await self._hang_up()

    async def _next_batch(self) -> bool:
        """Waits until a batch is due and puts it in flight; false when closing and all is done."""
        shared = self._shared
        while (delay := shared.queue.due_in(time.monotonic())) != 0.0:
            if delay is None and shared.closing:
                return False
            await shared.work.wait(delay)
        shared.queue.take()
        shared.room.send()
        return True

    async def _deliver(self, batch: Batch) -> None:
        expires_at = batch[-1].queued_at + self._retry_deadline
        retrying = AsyncRetrying(
            sleep=asyncio.sleep,
            **retry_options(expires_at, self._outcomes.retrying),
        )
        try:
            answer: TrackResponse = await retrying(self._attempt, batch, expires_at)
        except Exception as error:  # noqa: BLE001 - whatever it is, the batch needs an outcome
            self._failed(batch, error)
            return
        if self._shared.queue.claim(batch):
            self._outcomes.answered(answer.results)
            self._settle(lost=False)

    async def _attempt(self, batch: Batch, expires_at: float) -> TrackResponse:
        self._outcomes.sending(len(batch))
        try:
            answer = await self._connected()(
                request_bytes(batch, self._numbering),
                timeout=attempt_timeout(self._timeout, expires_at),
                metadata=self._endpoint.metadata,
            )
            return matched(answer, batch)
        except grpc.RpcError as error:
            # No answer in time may mean a connection that died silently: take a new one.
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                await self._hang_up()
            raise

    def _failed(self, batch: Batch, error: Exception) -> None:
        if len(batch) > 1 and isinstance(error, grpc.RpcError) and is_too_large(error):
            self._shared.queue.split(batch)
        elif self._shared.queue.claim(batch):
            self._outcomes.lost(batch, loss_reason(error), error)
            self._settle(lost=True)

    def _settle(self, *, lost: bool) -> None:
        self._shared.queue.settle(lost=lost)
        self._shared.settled.send()

    def _connected(self) -> Callable[..., Awaitable[TrackResponse]]:
        if self._channel is None or self._call is None:
            self._channel = self._endpoint.open_async()
            self._call = self._channel.unary_unary(
                TRACK_METHOD, response_deserializer=TrackResponse.FromString
            )
        return self._call

    async def _hang_up(self) -> None:
        channel, self._channel, self._call = self._channel, None, None
        if channel is not None:
            await channel.close()
