"""The threaded client's background thread: takes batches out of the queue and sees each to its outcome."""

from __future__ import annotations

import threading
import time

import grpc
from tenacity import Retrying

from shopalytic.sending.batching import Batch, SendQueue
from shopalytic.sending.outcomes import Outcomes, matched
from shopalytic.sending.retrying import attempt_timeout, is_too_large, loss_reason, retry_options
from shopalytic.sending.transport import Transport
from shopalytic.v1.collector_pb2 import TrackResponse


class SharedQueue:
    """A queue with its lock and the three things that threads wait for."""

    def __init__(self, queue: SendQueue) -> None:
        self.queue = queue
        # Reentrant, so that a signal handler that tracks does not wait for the call it interrupted.
        self.lock = threading.RLock()
        self.work = threading.Condition(self.lock)
        self.room = threading.Condition(self.lock)
        self.settled = threading.Condition(self.lock)
        self.closing = False


class Abandoned(Exception):
    """The client was closed and has given this batch up."""


class Sender:
    """One batch in flight at a time, so the server sees a client's events in the order of its calls."""

    def __init__(
        self,
        shared: SharedQueue,
        transport: Transport,
        outcomes: Outcomes,
        timeout: float,
        retry_deadline: float,
    ) -> None:
        self._shared = shared
        self._transport = transport
        self._outcomes = outcomes
        self._timeout = timeout
        self._retry_deadline = retry_deadline
        self.thread = threading.Thread(target=self._run, name="shopalytic-client", daemon=True)

    def _run(self) -> None:
        while self._next_batch():
            while (batch := self._shared.queue.next_in_flight()) is not None:
                self._deliver(batch)
        self._transport.hang_up()

    def _next_batch(self) -> bool:
        """Waits until a batch is due and puts it in flight; false when closing and all is done."""
        shared = self._shared
        with shared.lock:
            while (delay := shared.queue.due_in(time.monotonic())) != 0.0:
                if delay is None and shared.closing:
                    return False
                shared.work.wait(delay)
            shared.queue.take()
            shared.room.notify_all()
            return True

    def _deliver(self, batch: Batch) -> None:
        expires_at = batch[-1].queued_at + self._retry_deadline
        retrying = Retrying(
            sleep=self._pause,
            **retry_options(expires_at, self._outcomes.retrying),
        )
        try:
            answer = retrying(self._attempt, batch, expires_at)
        except Abandoned:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the batch needs an outcome
            self._failed(batch, error)
            return
        if self._claim(batch):
            self._outcomes.answered(answer.results)
            self._settle(lost=False)

    def _attempt(self, batch: Batch, expires_at: float) -> TrackResponse:
        if self._shared.queue.next_in_flight() is not batch:
            raise Abandoned
        self._outcomes.sending(len(batch))
        answer = self._transport.send(batch, attempt_timeout(self._timeout, expires_at))
        return matched(answer, batch)

    def _pause(self, seconds: float) -> None:
        """Sleeps between attempts, but not past a close that gives up."""
        shared = self._shared
        until = time.monotonic() + seconds
        with shared.lock:
            while shared.queue.next_in_flight() is not None and (left := until - time.monotonic()) > 0:
                shared.work.wait(left)

    def _failed(self, batch: Batch, error: Exception) -> None:
        if len(batch) > 1 and isinstance(error, grpc.RpcError) and is_too_large(error):
            with self._shared.lock:
                self._shared.queue.split(batch)
        elif self._claim(batch):
            self._outcomes.lost(batch, loss_reason(error), error)
            self._settle(lost=True)

    def _claim(self, batch: Batch) -> bool:
        with self._shared.lock:
            return self._shared.queue.claim(batch)

    def _settle(self, *, lost: bool) -> None:
        with self._shared.lock:
            self._shared.queue.settle(lost=lost)
            self._shared.settled.notify_all()
