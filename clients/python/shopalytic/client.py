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
from shopalytic.sending.courier import Courier, Mail
from shopalytic.sending.wire import Wire
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
        self._mail = Mail(self._filled_outbox())
        self._wire = Wire(self._endpoint, self._numbering)
        self._courier: Courier | None = None
        forks.guard(self)
        if self._mail.outbox.pending:
            self._start_courier()

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
        mail = self._mail
        with mail.lock:
            watch = mail.outbox.watch()
            mail.work.notify()
            try:
                mail.settled.wait_for(lambda: mail.outbox.is_settled(watch), timeout)
            finally:
                mail.outbox.unwatch(watch)
            return FlushResult(mail.outbox.remaining(watch), len(watch.lost))

    def close(self, timeout: float | None = None) -> CloseResult:
        """Takes no more events, delivers what waits within `timeout` seconds and gives up the rest.

        Without a timeout it goes on for as long as events are delivered, and gives up
        when none was for `close_timeout` seconds; math.inf never gives up.
        """
        self._refuse_in_callback("close")
        mail = self._mail
        with mail.lock:
            mail.closing = True
            mail.room.notify_all()
            watch = mail.outbox.watch()
            waited = mail.outbox.remaining(watch)
            mail.work.notify()
            try:
                self._wait_for_the_last(watch, timeout)
                abandoned = mail.outbox.abandon()
            finally:
                mail.outbox.unwatch(watch)
            mail.settled.notify_all()
            mail.work.notify()
        self._wire.hang_up()
        if self._courier is not None:
            self._courier.thread.join(_LAST_STEPS)
        with mail.lock:
            mail.outbox.let_go()
        return self._closed(watch, waited, abandoned)

    def _wait_for_the_last(self, watch: Watch, timeout: float | None) -> None:
        """Waits for the verdicts of what waits, within the time of a close; called with the lock held."""
        mail = self._mail
        if timeout == math.inf:
            timeout = threading.TIMEOUT_MAX
        if timeout is not None:
            mail.settled.wait_for(lambda: mail.outbox.is_settled(watch), timeout)
            return
        while not mail.outbox.is_settled(watch):
            before = mail.outbox.remaining(watch)
            if not mail.settled.wait_for(partial(self._fewer_than, before, watch), self._close_timeout):
                return

    def _fewer_than(self, before: int, watch: Watch) -> bool:
        outbox = self._mail.outbox
        return outbox.remaining(watch) < before or outbox.is_settled(watch)

    @property
    def stats(self) -> Stats:
        """What became of all events so far."""
        with self._mail.lock:
            outbox = self._mail.outbox
            return self._outcomes.stats(outbox.queued, outbox.pending)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def before_fork(self) -> None:
        """Keeps the background thread out of gRPC for the moment of the fork."""
        self._wire.hold()

    def after_fork_in_parent(self) -> None:
        """Lets the background thread go on."""
        self._wire.release()

    def after_fork_in_child(self) -> None:
        """Forgets the parent's queue, thread, connection and counters."""
        closed = self._mail.closing
        self._mail.outbox.forget_files()
        self._outcomes = self._outcomes.renewed()
        self._start()
        self._mail.closing = closed

    def _queue(self, event_id: str, chunk: bytes) -> None:
        if self._disabled:
            return
        mail = self._mail
        outbox = mail.outbox
        dropped: Batch = []
        with mail.lock:
            if not outbox.has_room(len(chunk)) and not mail.closing:
                dropped = self._make_room(len(chunk))
            if mail.closing:
                self._after_close()
                return
            if outbox.add(event_id, chunk, time.monotonic()):
                mail.work.notify()
            if self._courier is None:
                self._start_courier()
        if dropped:
            self._outcomes.lost(dropped, LossReason.QUEUE_FULL)

    def _start_courier(self) -> None:
        self._courier = Courier(self._mail, self._wire, self._outcomes, self._timeout, self._retry_deadline)
        self._courier.thread.start()

    def _make_room(self, size: int) -> Batch:
        """Applies the overflow policy; called with the lock held."""
        mail = self._mail
        if self._overflow == "drop_oldest":
            dropped = mail.outbox.make_room(size)
            mail.settled.notify_all()
            return dropped
        # A callback that waited for room would wait for itself.
        if self._overflow == "error" or self._in_callback():
            raise QueueFull(QueueFull.__doc__)
        mail.room.wait_for(lambda: mail.closing or mail.outbox.has_room(size))
        return []

    def _in_callback(self) -> bool:
        return self._courier is not None and self._courier.thread is threading.current_thread()

    def _refuse_in_callback(self, call: str) -> None:
        if self._in_callback():
            raise RuntimeError(
                f"{call}() waits for delivery, and delivery for this callback; call it elsewhere."
            )
