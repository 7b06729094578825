"""What the threaded and the asyncio client have in common: their settings and how they make events."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import grpc

from shopalytic.errors import ClientClosed, DeliveryError, InvalidEvent, LossReason
from shopalytic.events.building import EventBuilder
from shopalytic.events.decoding import uuid7
from shopalytic.results import CloseResult, Result
from shopalytic.sending.batching import MAX_BATCH_EVENTS, Batch, Limits, SendQueue, Watch
from shopalytic.sending.connection import Endpoint
from shopalytic.sending.numbering import Numbering
from shopalytic.sending.outcomes import Outcomes, events_of
from shopalytic.sending.spool import Spool
from shopalytic.v1.collector_pb2 import TrackRequest

Overflow = Literal["block", "drop_oldest", "error"]
OnInvalid = Literal["log", "raise"] | Callable[[InvalidEvent], object]
CLOSE_SECONDS = 5.0
"""How long a close waits, unless told otherwise, while nothing is delivered."""
_YES = frozenset({"1", "true", "yes", "on"})
logger = logging.getLogger("shopalytic")
_told_of_no_key = threading.Event()


class ClientBase:
    """The settings of a client; each kind of client adds its own delivery.

    `target` and `key` default to SHOPALYTIC_TARGET (else 127.0.0.1:50051) and SHOPALYTIC_KEY.

    A batch goes out when `batch_size` events wait or the oldest has waited
    `linger` seconds, and is tried again, `timeout` seconds an attempt, until
    its newest event is `retry_deadline` seconds old: 300 unless given, without
    end with a spool. When `max_queue` events
    or `max_queue_bytes` wait, `overflow` decides: "drop_oldest" gives the oldest
    waiting events to `on_error`, "block" waits in the call for room, "error"
    raises QueueFull. What breaks a rule of the contract, `on_invalid` decides:
    "log", "raise" or a function that gets the InvalidEvent.

    A shop's request never suffers from its analytics: unless told otherwise the
    calls neither wait nor raise ("drop_oldest", "log"), and without a key the
    client says so once and sends nothing. With `strict`, or SHOPALYTIC_STRICT=1,
    they raise ("error", "raise", ValueError). `disabled`, or
    SHOPALYTIC_DISABLED=1: nothing is sent. The end of a `with` block, and a
    close without a timeout, give up when nothing was delivered for
    `close_timeout` seconds.

    `on_result` gets the verdict on every event, `on_error` the events that
    were not delivered; without them refusals and losses are logged. Both are
    plain functions and hold up delivery while they run. `tls=True` trusts
    the certificates that gRPC ships; give credentials for others.

    With `spool_dir` every waiting event is on disk as well before the call
    returns, until the server's verdict; the next client that opens the
    directory sends what a dead or closed one left, under the same ids.
    Several may use it at a time. It survives the process; with
    `spool_fsync`, which waits for the disk in each call, also a power cut. It
    holds as much as the queue, so `max_queue_bytes` and `overflow` bound it.
    Requests refused for their key are then tried again, and logged. An OSError
    of the disk is raised by the call, and that event is not taken.
    """

    def __init__(
        self,
        target: str | None = None,
        key: str | None = None,
        *,
        source: str | None = None,
        sandbox: bool = False,
        max_queue: int = 10_000,
        max_queue_bytes: int = 64 * 1024 * 1024,
        batch_size: int = 1_000,
        linger: float = 0.05,
        overflow: Overflow | None = None,
        timeout: float = 15.0,
        retry_deadline: float | None = None,
        on_result: Callable[[Result], object] | None = None,
        on_error: Callable[[DeliveryError], object] | None = None,
        on_invalid: OnInvalid | None = None,
        strict: bool | None = None,
        disabled: bool | None = None,
        close_timeout: float = CLOSE_SECONDS,
        tls: bool | str | os.PathLike[str] | grpc.ChannelCredentials = False,
        channel_options: Sequence[tuple[str, Any]] = (),
        spool_dir: str | os.PathLike[str] | None = None,
        spool_fsync: bool = False,
    ) -> None:
        """The settings are described at the class."""
        if retry_deadline is None:
            retry_deadline = 300.0 if spool_dir is None else math.inf
        _check_batches(batch_size, max_queue, max_queue_bytes, linger)
        overflow = self._take_manners(strict, overflow, on_invalid, close_timeout)
        _check_delivery(overflow, timeout, retry_deadline)
        self._disabled = _is_set("SHOPALYTIC_DISABLED") if disabled is None else disabled
        if not (self._strict or self._disabled or key or os.environ.get("SHOPALYTIC_KEY")):
            _tell_of_no_key()
            self._disabled = True
        self._source = source
        self._endpoint = Endpoint.of(
            target, key or (_NO_KEY if self._disabled else None), tls, channel_options
        )
        self._limits = Limits(max_queue, max_queue_bytes, batch_size, linger)
        self._overflow = overflow
        self._timeout = timeout
        self._retry_deadline = retry_deadline
        self._builder = EventBuilder(source, sandbox)
        self._outcomes = Outcomes(
            on_result, on_error, on_invalid if callable(on_invalid) else None, self._endpoint.target
        )
        self._spool_dir = spool_dir
        self._spool_fsync = spool_fsync
        self._start()

    def _take_manners(
        self,
        strict: bool | None,
        overflow: Overflow | None,
        on_invalid: OnInvalid | None,
        close_timeout: float,
    ) -> Overflow:
        """Decides what raises, and how long a close waits; gives the overflow policy."""
        if close_timeout < 0:
            raise ValueError(f"close_timeout is {close_timeout}; it is seconds and must not be negative.")
        self._close_timeout = close_timeout
        self._strict = _is_set("SHOPALYTIC_STRICT") if strict is None else strict
        self._raises = on_invalid == "raise" or (on_invalid is None and self._strict)
        return ("error" if self._strict else "drop_oldest") if overflow is None else overflow

    def _start(self) -> None:
        """Makes the parts that deliver."""
        raise NotImplementedError

    def _filled_queue(self) -> SendQueue:
        """A queue with what dead clients left in the spool."""
        self._numbering = Numbering(self._source, self._outcomes)
        self._spool: Spool | None = None
        if self._spool_dir is None:
            return SendQueue(self._limits)
        name = self._numbering
        self._spool = Spool(self._spool_dir, name.instance, name.source, fsync=self._spool_fsync)
        queue = SendQueue(self._limits, self._spool)
        now = time.monotonic()
        for folder, record in self._spool.adopt():
            (event,) = TrackRequest.FromString(record.chunk).events
            queue.adopt(event.event_id, record.chunk, now, (folder, record.number))
        name.adopted = queue.adopted
        return queue

    def _after_close(self) -> None:
        """What becomes of an event that comes after close: a shop's request must not fail for it."""
        if self._raises:
            raise ClientClosed(ClientClosed.__doc__)
        self._outcomes.too_late()

    def _refused(self, error: InvalidEvent, event_id: str | None) -> str:
        """What becomes of an event that breaks a rule; the id that it would have had."""
        if self._raises:
            raise error
        self._outcomes.invalid(error)
        return event_id if isinstance(event_id, str) and event_id else uuid7()

    def _closed(self, watch: Watch, waited: int, abandoned: Batch) -> CloseResult:
        """Tells what a close did that began with `waited` events and had to leave `abandoned`."""
        spooled = 0
        if self._spool is not None:
            spooled = len(abandoned)
            self._outcomes.spooled(spooled)
        else:
            self._outcomes.lost(abandoned, LossReason.CLOSED)
        left = {event.number for event in abandoned} if spooled else set()
        undelivered = [event for event in watch.lost if event.number not in left]
        delivered = waited - len(undelivered) - spooled
        return CloseResult(tuple(events_of(undelivered)), delivered, spooled)


_NO_KEY = "none"


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in _YES


def _tell_of_no_key() -> None:
    if not _told_of_no_key.is_set():
        _told_of_no_key.set()
        logger.warning(
            "No events are sent: there is no key. Give key=... or set SHOPALYTIC_KEY to a server key; "
            "set SHOPALYTIC_DISABLED=1 where none are wanted."
        )


def _check_batches(batch_size: int, max_queue: int, max_queue_bytes: int, linger: float) -> None:
    if not 1 <= batch_size <= MAX_BATCH_EVENTS:
        raise ValueError(f"batch_size is {batch_size}; a request takes 1 to {MAX_BATCH_EVENTS:,} events.")
    if max_queue < 1 or max_queue_bytes < 1:
        raise ValueError("max_queue and max_queue_bytes must be at least 1.")
    if linger < 0:
        raise ValueError("linger and retry_deadline are seconds and must not be negative.")


def _check_delivery(overflow: str, timeout: float, retry_deadline: float) -> None:
    if overflow not in get_args(Overflow):
        raise ValueError(f"overflow is {overflow!r}; choose one of {', '.join(get_args(Overflow))}.")
    if timeout <= 0:
        raise ValueError(f"timeout is {timeout}; it must be more than 0 seconds.")
    if retry_deadline < 0:
        raise ValueError("linger and retry_deadline are seconds and must not be negative.")
