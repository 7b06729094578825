"""What the threaded and the asyncio client have in common: their settings and how they make events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import grpc

from shopalytic.batching import MAX_BATCH_EVENTS, Limits
from shopalytic.building import EventBuilder
from shopalytic.connection import Endpoint
from shopalytic.errors import DeliveryError
from shopalytic.outcomes import Outcomes
from shopalytic.results import Result

Overflow = Literal["block", "drop_oldest", "error"]


class ClientBase:
    """The settings of a client; each kind of client adds its own delivery."""

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
        overflow: Overflow = "block",
        timeout: float = 15.0,
        retry_deadline: float = 300.0,
        on_result: Callable[[Result], object] | None = None,
        on_error: Callable[[DeliveryError], object] | None = None,
        tls: bool | grpc.ChannelCredentials = False,
        channel_options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """`target` and `key` default to SHOPALYTIC_TARGET (else 127.0.0.1:50051) and SHOPALYTIC_KEY.

        A batch goes out when `batch_size` events wait or the oldest has waited
        `linger` seconds, and is tried again, `timeout` seconds an attempt, until
        its newest event is `retry_deadline` seconds old. When `max_queue` events
        or `max_queue_bytes` wait, `overflow` decides: "block" waits in the call
        for room, "drop_oldest" gives the oldest waiting events to `on_error`,
        "error" raises QueueFull.

        `on_result` gets the verdict on every event, `on_error` the events that
        were not delivered; without them refusals and losses are logged. Both are
        plain functions and hold up delivery while they run. `tls=True` trusts
        the certificates that gRPC ships; give credentials for others.
        """
        if not 1 <= batch_size <= MAX_BATCH_EVENTS:
            raise ValueError(f"batch_size is {batch_size}; a request takes 1 to {MAX_BATCH_EVENTS:,} events.")
        if overflow not in get_args(Overflow):
            raise ValueError(f"overflow is {overflow!r}; choose one of {', '.join(get_args(Overflow))}.")
        if max_queue < 1 or max_queue_bytes < 1:
            raise ValueError("max_queue and max_queue_bytes must be at least 1.")
        if timeout <= 0:
            raise ValueError(f"timeout is {timeout}; it must be more than 0 seconds.")
        if linger < 0 or retry_deadline < 0:
            raise ValueError("linger and retry_deadline are seconds and must not be negative.")
        self._source = source
        self._endpoint = Endpoint.of(target, key, tls, channel_options)
        self._limits = Limits(max_queue, max_queue_bytes, batch_size, linger)
        self._overflow = overflow
        self._timeout = timeout
        self._retry_deadline = retry_deadline
        self._builder = EventBuilder(source, sandbox)
        self._outcomes = Outcomes(on_result, on_error)
        self._start()

    def _start(self) -> None:
        """Makes the parts that deliver."""
        raise NotImplementedError
