"""The asyncio client: the same calls as `Client`, on one event loop and without threads."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from shopalytic.base import ClientBase
from shopalytic.errors import InvalidEvent, LossReason, QueueFull
from shopalytic.events.building import Envelope, Properties, Time
from shopalytic.results import CloseResult, FlushResult, Stats
from shopalytic.sending.aio_sender import AsyncSender, AsyncSharedQueue
from shopalytic.sending.batching import Watch
from shopalytic.v1.calls import TypedAsyncTrack
from shopalytic.v1.events_pb2 import Context, Event


class AsyncClient(TypedAsyncTrack, ClientBase):
    """Sends events from one event loop: the call checks and queues, a background task delivers in order.

    Close it, or use it as an async context manager: a loop that ends without
    gives what is left to `on_error`. The settings are described at ClientBase.
    """

    def _start(self) -> None:
        self._shared = AsyncSharedQueue(self._filled_queue())
        self._sender: AsyncSender | None = None

    async def track_any(
        self,
        type: str,  # noqa: A002 - the word of the catalogue and of every other surface
        properties: Properties,
        *,
        identity: str | None = None,
        tracking_id: str | None = None,
        event_id: str | None = None,
        occurred_at: Time | None = None,
        context: Mapping[str, Any] | Context | None = None,
        source: str | None = None,
        sandbox: bool | None = None,
        tie_breaker: int | None = None,
    ) -> str:
        """`track` for names and properties that no type checker knows.

        Queues an event and returns its id. One that breaks a rule is told of, as `on_invalid` says.

        Waits only for room, with overflow="block". `properties` is a dict or the
        payload message. To send an event again later, give the same event_id AND
        occurred_at: the same id with another content is a CONFLICT.
        `tie_breaker` tells which of several events of one kind and time came first: the
        smaller number.
        """
        try:
            event_id, chunk = self._builder.build(
                type,
                properties,
                identity,
                tracking_id,
                event_id,
                occurred_at,
                context,
                source,
                sandbox,
                tie_breaker,
            )
        except InvalidEvent as error:
            return self._refused(error, event_id)
        await self._queue(event_id, chunk)
        return event_id

    if not TYPE_CHECKING:
        # Its types, one for each event, are in shopalytic.v1.calls.
        track = track_any

    async def identify(
        self, identity: str, *, tracking_id: str | None = None, **envelope: Unpack[Envelope]
    ) -> str:
        """Says that a device is used by a customer; takes what else `track` takes."""
        # Without a device the event still needs an owner, which is the customer named.
        owner = identity if tracking_id is None else None
        payload = {"identity": identity}
        return await self.track_any("identify", payload, identity=owner, tracking_id=tracking_id, **envelope)

    async def alias(
        self,
        identity: str,
        *,
        existing_identity: str | None = None,
        tracking_id: str | None = None,
        **envelope: Unpack[Envelope],
    ) -> str:
        """Gives the customer of existing_identity, else of tracking_id, a further identity."""
        payload = {"identity": identity}
        return await self.track_any(
            "alias", payload, identity=existing_identity, tracking_id=tracking_id, **envelope
        )

    async def send(self, event: Event) -> str:
        """Queues an event made elsewhere, such as one that `on_error` or `close` gave back."""
        try:
            event_id, chunk = self._builder.prepared(event)
        except InvalidEvent as error:
            return self._refused(error, event.event_id)
        await self._queue(event_id, chunk)
        return event_id

    async def flush(self, timeout: float | None = None) -> FlushResult:  # noqa: ASYNC109 - as in Client
        """Waits until every event queued before has its verdict, at most `timeout` seconds; true if so."""
        shared = self._shared
        watch = shared.queue.watch()
        if shared.queue.remaining(watch):
            self._start_sender()
        shared.work.send()
        try:
            await shared.settled.wait_for(lambda: shared.queue.is_settled(watch), timeout)
            return FlushResult(shared.queue.remaining(watch), len(watch.lost))
        finally:
            shared.queue.unwatch(watch)

    async def close(self, timeout: float | None = None) -> CloseResult:  # noqa: ASYNC109 - as in Client
        """Takes no more events, delivers what waits within `timeout` seconds and gives up the rest.

        Without a timeout it goes on for as long as events are delivered, and gives up
        when none was for `close_timeout` seconds; math.inf never gives up.
        """
        shared = self._shared
        shared.closing = True
        shared.room.send()
        watch = shared.queue.watch()
        waited = shared.queue.remaining(watch)
        if waited:
            self._start_sender()
        shared.work.send()
        try:
            await self._wait_for_the_last(watch, timeout)
            abandoned = shared.queue.abandon()
            shared.queue.let_go()
            result = self._closed(watch, waited, abandoned)
            if self._sender is not None:
                await self._sender.stop()
        finally:
            shared.queue.unwatch(watch)
        return result

    async def _wait_for_the_last(self, watch: Watch, timeout: float | None) -> None:  # noqa: ASYNC109
        """Waits for the verdicts of what waits, within the time of a close."""
        shared = self._shared
        if timeout is not None:
            seconds = None if timeout == math.inf else timeout
            await shared.settled.wait_for(lambda: shared.queue.is_settled(watch), seconds)
            return
        while not shared.queue.is_settled(watch):
            progressed = partial(self._fewer_than, shared.queue.remaining(watch), watch)
            await shared.settled.wait_for(progressed, self._close_timeout)
            if not progressed():
                return

    def _fewer_than(self, before: int, watch: Watch) -> bool:
        queue = self._shared.queue
        return queue.remaining(watch) < before or queue.is_settled(watch)

    @property
    def stats(self) -> Stats:
        """What became of all events so far."""
        queue = self._shared.queue
        return self._outcomes.stats(queue.queued, queue.pending)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _queue(self, event_id: str, chunk: bytes) -> None:
        if self._disabled:
            return
        shared = self._shared
        if not shared.closing and not shared.queue.has_room(len(chunk)):
            await self._make_room(len(chunk))
        if shared.closing:
            self._after_close()
            return
        if shared.queue.add(event_id, chunk, time.monotonic()):
            shared.work.send()
        self._start_sender()

    def _start_sender(self) -> None:
        if self._sender is None:
            self._sender = AsyncSender(
                self._shared,
                self._endpoint,
                self._numbering,
                self._outcomes,
                self._timeout,
                self._retry_deadline,
            )

    async def _make_room(self, size: int) -> None:
        shared = self._shared
        if self._overflow == "drop_oldest":
            dropped = shared.queue.make_room(size)
            shared.settled.send()
            self._outcomes.lost(dropped, LossReason.QUEUE_FULL)
        elif self._overflow == "error":
            raise QueueFull(QueueFull.__doc__)
        else:
            await shared.room.wait_for(lambda: shared.closing or shared.queue.has_room(size))
