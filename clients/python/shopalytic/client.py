"""The threaded client: takes events in the caller's thread and has a background thread deliver them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, Unpack

from shopalytic import forks
from shopalytic.base import ClientBase
from shopalytic.batching import Batch
from shopalytic.building import Envelope, Properties, Time
from shopalytic.courier import Courier, Mail
from shopalytic.errors import ClientClosed, LossReason, QueueFull
from shopalytic.results import CloseResult, FlushResult, Stats
from shopalytic.v1.events_pb2 import Context, Event
from shopalytic.wire import Wire

_LAST_STEPS = 1.0


class Client(ClientBase):
    """Sends events from any thread: the call checks and queues, a background thread delivers in order.

    Close it, or use it as a context manager; a process that exits without gives
    it five seconds. A forked child starts with nothing queued: the parent
    delivers what was. The settings are described at __init__.
    """

    def _start(self) -> None:
        self._mail = Mail(self._filled_outbox())
        self._wire = Wire(self._endpoint, self._numbering)
        self._courier: Courier | None = None
        forks.guard(self)
        if self._mail.outbox.pending:
            self._start_courier()

    def track(
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
        """Queues an event and returns its id; raises InvalidEvent when it breaks a rule.

        `properties` is a dict or the payload message. To send an event again
        later, give the same event_id AND occurred_at: the same id with another
        content is a CONFLICT.
        `tie_breaker` tells which of several events of one kind and time came first: the
        smaller number.
        """
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
        self._queue(event_id, chunk)
        return event_id

    def identify(self, identity: str, *, tracking_id: str | None = None, **envelope: Unpack[Envelope]) -> str:
        """Says that a device is used by a customer; takes what else `track` takes."""
        # Without a device the event still needs an owner, which is the customer named.
        owner = identity if tracking_id is None else None
        payload = {"identity": identity}
        return self.track("identify", payload, identity=owner, tracking_id=tracking_id, **envelope)

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
        return self.track("alias", payload, identity=existing_identity, tracking_id=tracking_id, **envelope)

    def send(self, event: Event) -> str:
        """Queues an event made elsewhere, such as one that `on_error` or `close` gave back."""
        event_id, chunk = self._builder.prepared(event)
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

        Without a timeout it waits until each event is delivered or past its
        retry_deadline.
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
                mail.settled.wait_for(lambda: mail.outbox.is_settled(watch), timeout)
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
        mail = self._mail
        outbox = mail.outbox
        dropped: Batch = []
        with mail.lock:
            if not outbox.has_room(len(chunk)) and not mail.closing:
                dropped = self._make_room(len(chunk))
            if mail.closing:
                raise ClientClosed(ClientClosed.__doc__)
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
