"""The threaded client: takes events in the caller's thread and has a background thread deliver them."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from shopalytic.base import ClientBase
from shopalytic.errors import InvalidEvent, LossReason, QueueFull
from shopalytic.events.building import Envelope, Properties, Time
from shopalytic.results import CloseResult, FlushResult, Stats
from shopalytic.sending import forks
from shopalytic.sending.batching import Batch, Watch
from shopalytic.sending.sender import Sender, SharedQueue
from shopalytic.sending.transport import Transport
from shopalytic.v1.calls import TypedTrack
from shopalytic.v1.events_pb2 import Context, Event

_LAST_STEPS = 1.0


class Client(TypedTrack, ClientBase):
    """Sends events from any thread: the call checks and queues, a background thread delivers in order.

    Close it, or use it as a context manager; a process that exits without gives
    it five seconds. A forked child starts with nothing queued: the parent
    delivers what was. The settings are described at ClientBase.
    """

    def _start(self) -> None:
        self._shared = SharedQueue(self._filled_queue())
        self._transport = Transport(self._endpoint, self._numbering)
        self._sender: Sender | None = None
        forks.guard(self)
        if self._shared.queue.pending:
            self._start_sender()

    def track_any(
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

        `properties` is a dict or the payload message. To send an event again
        later, give the same event_id AND occurred_at: the same id with another
        content is a CONFLICT.
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
        self._queue(event_id, chunk)
        return event_id

    if not TYPE_CHECKING:
        # Its types, one for each event, are in shopalytic.v1.calls.
        track = track_any

    def identify(self, identity: str, *, tracking_id: str | None = None, **envelope: Unpack[Envelope]) -> str:
        """Says that a device is used by a customer; takes what else `track` takes."""
        # Without a device the event still needs an owner, which is the customer named.
        owner = identity if tracking_id is None else None
        payload = {"identity": identity}
        return self.track_any("identify", payload, identity=owner, tracking_id=tracking_id, **envelope)

    def alias(
        self,
        identity: str,
        *,
        existing_identity: str | None = None,
        tracking_id: str | None = None,
        **envelope: Unpack[Envelope],
    ) -> str:
        """Gives the customer of existing_identity, else of tracking_id, a further identity."""
        payload = {"identity": identity}
        return self.track_any(
            "alias", payload, identity=existing_identity, tracking_id=tracking_id, **envelope
        )

    def send(self, event: Event) -> str:
        """Queues an event made elsewhere, such as one that `on_error` or `close` gave back."""
        try:
            event_id, chunk = self._builder.prepared(event)
        except InvalidEvent as error:
            return self._refused(error, event.event_id)
        self._queue(event_id, chunk)
        return event_id

    def flush(self, timeout: float | None = None) -> FlushResult:
        """Waits until every event queued before has its verdict, at most `timeout` seconds; true if so."""
        self._refuse_in_callback("flush")
        shared = self._shared
        with shared.lock:
            watch = shared.queue.watch()
            shared.work.notify()
            try:
                shared.settled.wait_for(lambda: shared.queue.is_settled(watch), timeout)
            finally:
                shared.queue.unwatch(watch)
            return FlushResult(shared.queue.remaining(watch), len(watch.lost))

    def close(self, timeout: float | None = None) -> CloseResult:
        """Takes no more events, delivers what waits within `timeout` seconds and gives up the rest.

        Without a timeout it goes on for as long as events are delivered, and gives up
        when none was for `close_timeout` seconds; math.inf never gives up.
        """
        self._refuse_in_callback("close")
        shared = self._shared
        with shared.lock:
            shared.closing = True
            shared.room.notify_all()
            watch = shared.queue.watch()
            waited = shared.queue.remaining(watch)
            shared.work.notify()
            try:
                self._wait_for_the_last(watch, timeout)
                abandoned = shared.queue.abandon()
            finally:
                shared.queue.unwatch(watch)
            shared.settled.notify_all()
            shared.work.notify()
        self._transport.hang_up()
        if self._sender is not None:
            self._sender.thread.join(_LAST_STEPS)
        with shared.lock:
            shared.queue.let_go()
        return self._closed(watch, waited, abandoned)

    def _wait_for_the_last(self, watch: Watch, timeout: float | None) -> None:
        """Waits for the verdicts of what waits, within the time of a close; called with the lock held."""
        shared = self._shared
        if timeout == math.inf:
            timeout = threading.TIMEOUT_MAX
        if timeout is not None:
            shared.settled.wait_for(lambda: shared.queue.is_settled(watch), timeout)
            return
        while not shared.queue.is_settled(watch):
            before = shared.queue.remaining(watch)
            if not shared.settled.wait_for(partial(self._fewer_than, before, watch), self._close_timeout):
                return

    def _fewer_than(self, before: int, watch: Watch) -> bool:
        queue = self._shared.queue
        return queue.remaining(watch) < before or queue.is_settled(watch)

    @property
    def stats(self) -> Stats:
        """What became of all events so far."""
        with self._shared.lock:
            queue = self._shared.queue
            return self._outcomes.stats(queue.queued, queue.pending)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def before_fork(self) -> None:
        """Keeps the background thread out of gRPC for the moment of the fork."""
        self._transport.hold()

    def after_fork_in_parent(self) -> None:
        """Lets the background thread go on."""
        self._transport.release()

    def after_fork_in_child(self) -> None:
        """Forgets the parent's queue, thread, connection and counters."""
        closed = self._shared.closing
        self._shared.queue.forget_files()
        self._outcomes = self._outcomes.renewed()
        self._start()
        self._shared.closing = closed

    def _queue(self, event_id: str, chunk: bytes) -> None:
        if self._disabled:
            return
        shared = self._shared
        queue = shared.queue
        dropped: Batch = []
        with shared.lock:
            if not queue.has_room(len(chunk)) and not shared.closing:
                dropped = self._make_room(len(chunk))
            if shared.closing:
                self._after_close()
                return
            if queue.add(event_id, chunk, time.monotonic()):
                shared.work.notify()
            if self._sender is None:
                self._start_sender()
        if dropped:
            self._outcomes.lost(dropped, LossReason.QUEUE_FULL)

    def _start_sender(self) -> None:
        self._sender = Sender(
            self._shared, self._transport, self._outcomes, self._timeout, self._retry_deadline
        )
        self._sender.thread.start()

    def _make_room(self, size: int) -> Batch:
        """Applies the overflow policy; called with the lock held."""
        shared = self._shared
        if self._overflow == "drop_oldest":
            dropped = shared.queue.make_room(size)
            shared.settled.notify_all()
            return dropped
        # A callback that waited for room would wait for itself.
        if self._overflow == "error" or self._in_callback():
            raise QueueFull(QueueFull.__doc__)
        shared.room.wait_for(lambda: shared.closing or shared.queue.has_room(size))
        return []

    def _in_callback(self) -> bool:
        return self._sender is not None and self._sender.thread is threading.current_thread()

    def _refuse_in_callback(self, call: str) -> None:
        if self._in_callback():
            raise RuntimeError(
                f"{call}() waits for delivery, and delivery for this callback; call it elsewhere."
            )
