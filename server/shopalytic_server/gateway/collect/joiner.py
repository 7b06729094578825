"""Joins requests with few events into larger Track calls, because a call costs much more than an event.

A request is sent at once while no other with the same key is under way.
Otherwise it waits for that call to return, or for a few milliseconds, or until
a full batch has come together, whichever is first, and goes with all others
that came meanwhile. After a call of several requests the next one waits a
moment, too: those who were just answered are likely to have more, and would
otherwise go as one event ahead of all the rest. Everybody gets the verdicts of
their own events.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import grpc
from opentelemetry.trace import SpanContext

from shopalytic.v1.collector_pb2 import Delivery, EventResult
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.gateway.errors import Refusal, collect_refusal
from shopalytic_server.gateway.http.tracing import joined, origin

_MAX_EVENTS = 1_000
_MAX_BYTES = 2_000_000
_JOIN_UP_TO = 100

Send = Callable[[str, Sequence[Event], float | None, Sequence[Delivery]], Awaitable[list[EventResult]]]
_Key = tuple[str, int | None]


@dataclass(slots=True)
class _Waiting:
    events: Sequence[Event]
    sent_at: float | None
    done: asyncio.Future[list[EventResult]]
    origin: SpanContext | None


@dataclass(slots=True)
class _Group:
    """The requests with one key whose clocks agree."""

    in_flight: int = 0
    waiting: list[_Waiting] = field(default_factory=list)
    events: int = 0
    bytes: int = 0
    timer: asyncio.TimerHandle | None = None


class Joiner:
    """Sends events by `send`, several requests in one call where that is possible."""

    def __init__(
        self,
        send: Send,
        *,
        linger_seconds: float,
        max_waiting_events: int,
        max_waiting_bytes: int,
        settle_seconds: float = 0.003,
        joins: bool = True,
    ) -> None:
        """Without `joins` each request is sent at once, and whoever takes it does the joining."""
        self._joins = joins
        self._send = send
        self._linger = linger_seconds
        self._settle = min(settle_seconds, linger_seconds)
        self._max_events = max_waiting_events
        self._max_bytes = max_waiting_bytes
        self._groups: dict[_Key, _Group] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unanswered = 0
        self._unanswered_bytes = 0

    @property
    def unanswered(self) -> int:
        """Events that were taken and have no verdict yet."""
        return self._unanswered

    async def track(
        self,
        token: str,
        events: Sequence[Event],
        sent_at: float | None,
        size: int,
        deliveries: Sequence[Delivery] = (),
    ) -> list[EventResult]:
        """The verdicts on one request's events. `size` is about how many bytes they take.

        A sender that numbers its events joins them itself, so its requests go alone.
        """
        events_after, bytes_after = self._unanswered + len(events), self._unanswered_bytes + size
        if self._unanswered and (events_after > self._max_events or bytes_after > self._max_bytes):
            text = f"{self._unanswered:,} events are waiting to be stored; send this again later."
            raise Refusal(429, "resource_exhausted", text, retry_after=1)
        self._unanswered, self._unanswered_bytes = events_after, bytes_after
        try:
            if deliveries or not self._joins or len(events) > _JOIN_UP_TO:
                return _whole(await self._send(token, events, sent_at, deliveries), len(events))
            return await self._track(token, events, sent_at, size)
        except grpc.aio.AioRpcError as error:
            raise collect_refusal(error) from error
        finally:
            self._unanswered -= len(events)
            self._unanswered_bytes -= size

    async def _track(
        self, token: str, events: Sequence[Event], sent_at: float | None, size: int
    ) -> list[EventResult]:
        key = (token, clock_group(sent_at, time.time()))
        group = self._groups.get(key)
        if group is None:
            return await self._send_first(key, events, sent_at)
        entry = _Waiting(events, sent_at, asyncio.get_running_loop().create_future(), origin())
        if group.events + len(events) > _MAX_EVENTS or group.bytes + size > _MAX_BYTES:
            self._flush(key, group)
        group.waiting.append(entry)
        group.events += len(events)
        group.bytes += size
        if group.timer is None:
            loop = asyncio.get_running_loop()
            group.timer = loop.call_later(self._linger, self._flush, key, group)
        return await entry.done

    async def _send_first(
        self, key: _Key, events: Sequence[Event], sent_at: float | None
    ) -> list[EventResult]:
        group = self._groups[key] = _Group(in_flight=1)
        try:
            return _whole(await self._send(key[0], events, sent_at, ()), len(events))
        finally:
            group.in_flight -= 1
            self._flush(key, group)

    def _flush(self, key: _Key, group: _Group) -> None:
        if group.timer is not None:
            group.timer.cancel()
            group.timer = None
        if not group.waiting:
            if not group.in_flight and self._groups.get(key) is group:
                del self._groups[key]
            return
        batch, group.waiting = group.waiting, []
        group.events = group.bytes = 0
        group.in_flight += 1
        task = asyncio.get_running_loop().create_task(self._send_joined(key, group, batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _returned(self, key: _Key, group: _Group, requests: int) -> None:
        group.in_flight -= 1
        loop = asyncio.get_running_loop()
        soon = loop.time() + self._settle
        if requests == 1:
            self._flush(key, group)
        elif group.timer is None or group.timer.when() > soon:
            if group.timer is not None:
                group.timer.cancel()
            group.timer = loop.call_at(soon, self._flush, key, group)

    async def _send_joined(self, key: _Key, group: _Group, batch: list[_Waiting]) -> None:
        events = [event for entry in batch for event in entry.events]
        try:
            with joined([entry.origin for entry in batch]):
                results = _whole(await self._send(key[0], events, _joint_sent_at(batch), ()), len(events))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.INVALID_ARGUMENT and len(batch) > 1:
                # One of them is at fault; the others must not share its refusal.
                await asyncio.gather(*(self._send_alone(key[0], entry) for entry in batch))
            else:
                _fail(batch, error)
        except Refusal as error:
            _fail(batch, error)
        except BaseException:
            text = "The gateway could not finish this. Sending the same request again is safe."
            _fail(batch, Refusal(503, "unavailable", text, retry_after=2))
            raise
        else:
            _hand_out(batch, results)
        finally:
            self._returned(key, group, len(batch))

    async def _send_alone(self, token: str, entry: _Waiting) -> None:
        try:
            results = _whole(await self._send(token, entry.events, entry.sent_at, ()), len(entry.events))
        except (grpc.aio.AioRpcError, Refusal) as error:
            _fail([entry], error)
        else:
            _hand_out([entry], results)


def clock_group(sent_at: float | None, now: float) -> int | None:
    """Which requests may share a call.

    A call has one `sent_at`, from which the collector learns how far the
    sender's clock is off, so only senders whose clocks agree to a second share
    one; those who do not say are a group of their own.
    """
    return None if sent_at is None else round(now - sent_at)


def _joint_sent_at(batch: list[_Waiting]) -> float | None:
    """The middle of the times given: at most half a second off for anybody."""
    times = [entry.sent_at for entry in batch if entry.sent_at is not None]
    return (min(times) + max(times)) / 2 if times else None


def _whole(results: list[EventResult], count: int) -> list[EventResult]:
    if len(results) != count:
        text = f"The collector gave {len(results)} verdicts on {count} events. Sending them again is safe."
        raise Refusal(503, "internal", text, retry_after=5)
    return results


def _hand_out(batch: list[_Waiting], results: list[EventResult]) -> None:
    at = 0
    for entry in batch:
        end = at + len(entry.events)
        if not entry.done.done():
            entry.done.set_result(results[at:end])
        at = end


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for entry in batch:
        if not entry.done.done():
            entry.done.set_exception(error)
