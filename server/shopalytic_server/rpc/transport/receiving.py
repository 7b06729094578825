"""Takes requests off the line: whose message is read when, how long that may take, and how much is in work.

gRPC tells neither how long a message will be nor how much of it has come. So
messages that come at once are only counted; one that has not come whole after
a moment is slow, counts as if it were as long as it may be, and there is room
for few of those.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import grpc

from shopalytic.events.violations import Violation
from shopalytic_server.domain.errors import InvalidRequest, Overloaded, TooSlow
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.rpc.transport.connections import Connections, Peer

Context = grpc.aio.ServicerContext[Any, Any]

_TICK_SECONDS = 0.1
# Ticks and not time: while the loop is busy, what has come whole is still unread.
_SLOW_TICKS = 3
_WOKEN_AT_ONCE = 8
_LARGE_BYTES = 384 * 1024
SMALL_BYTES = 16 * 1024
"""A request of so many bytes is soon done with."""
_PUBLIC_FACTOR = 4

_SLOW = "Too many requests arrive slowly at the moment; nothing of this one was stored, send it again later."
_BUSY = "Too many requests are in work at the moment; nothing of this one was stored, send it again later."


class Sender(Enum):
    """Who sends, by how far they are trusted."""

    STRANGER = "no key"
    PUBLIC = "a browser key"
    KNOWN = "another key"


def sender_of(key_class: KeyClass) -> Sender:
    """The sender that has a key of this class."""
    return Sender.PUBLIC if key_class is KeyClass.BROWSER else Sender.KNOWN


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the callers of one process may take up."""

    calls: int = 5_000
    """Calls in work, of all."""
    work_bytes: int = 64 * 1024 * 1024
    """Bytes of requests in work, of all. Who has none yet is let in up to half as much again."""
    peer_bytes: int = 32 * 1024 * 1024
    """The same of one connection."""
    wait_seconds: float = 5.0
    """How long a call waits for others to finish before its message is read."""
    slow: dict[Sender, int] = field(
        default_factory=lambda: {Sender.STRANGER: 8, Sender.PUBLIC: 16, Sender.KNOWN: 32}
    )
    """Messages that come slowly: each takes up to 4 MB."""
    message_seconds: dict[Sender, float] = field(
        default_factory=lambda: {Sender.STRANGER: 2.0, Sender.PUBLIC: 30.0, Sender.KNOWN: 60.0}
    )
    """How long one message may take to come."""
    open_streams: int = 100
    """Calls without a key that stay: watches of health; as many reflections."""
    open_streams_each: int = 10
    """The same of one connection."""
    open_seconds: float = 3_600.0
    """How long one may stay."""
    track_streams: dict[Sender, int] = field(default_factory=lambda: {Sender.PUBLIC: 16, Sender.KNOWN: 256})
    """Streams of events; each may hold a message of 4 MB."""
    watchers: int = 100
    """Calls of TailEvents."""
    watchers_each: int = 50
    """The same of one key."""
    watcher_seconds: float = 43_200.0
    """How long one may stay."""
    exports: int = 4
    """Calls of ExportCustomer: each holds a connection to the store while its caller reads."""
    export_seconds: float = 900.0
    """How long one may take."""


def weight(size: int, sender: Sender) -> int:
    """How many bytes a message counts as.

    A public key may be anybody's, who makes a large message of such values as
    take most memory once they are parsed.
    """
    return size * _PUBLIC_FACTOR if sender is Sender.PUBLIC and size > _LARGE_BYTES else size


class _Reading:
    """A message that is on its way."""

    __slots__ = ("end", "peer", "sender", "task", "ticks")

    def __init__(self, peer: Peer, sender: Sender, task: "asyncio.Task[Any] | None") -> None:
        self.peer = peer
        self.sender = sender
        self.task = task
        self.ticks = 0
        self.end: Exception | None = None

    def give_up(self, reason: Exception) -> None:
        if self.task is not None and self.end is None:
            self.end = reason
            self.task.cancel()


class Call:
    """A call in work, as long as the block runs, which is given its connection."""

    __slots__ = ("_peer", "_receiver")

    def __init__(self, receiver: "Receiver", peer: Peer) -> None:
        self._receiver = receiver
        self._peer = peer

    def __enter__(self) -> Peer:
        self._receiver.calls += 1
        self._peer.calls += 1
        self._peer.heard += 1
        return self._peer

    def __exit__(self, *_: object) -> None:
        self._receiver.calls -= 1
        self._peer.calls -= 1
        self._peer.heard += 1


class Receiver:
    """Reads the messages of all calls of one process, within its bounds."""

    def __init__(self, bounds: Bounds, connections: Connections) -> None:
        self.bounds = bounds
        self.calls = 0
        """Calls in work."""
        self.small_calls = 0
        """Of these, the ones whose small request was read and is not answered yet."""
        self._connections = connections
        self._bytes = 0
        self._waiting: deque[tuple[Peer, asyncio.Future[None]]] = deque()
        # In the order of their beginning.
        self._readings: dict[_Reading, None] = {}
        self._ticking = False

    @property
    def bytes_in_work(self) -> int:
        """Bytes of the requests that were read and are not answered yet."""
        return self._bytes

    def call(self, context: Context) -> Call:
        """A call in work. Raises Overloaded when there are too many."""
        if self.calls >= self.bounds.calls:
            raise Overloaded(_BUSY)
        return Call(self, self._connections.peer(context.peer()))

    async def receive(self, context: Context, peer: Peer, sender: Sender) -> bytes:
        """The one message of a call; `done` gives its bytes back.

        Raises Overloaded, TooSlow, and InvalidRequest when no message comes.
        """
        if not self._has_room(peer):
            try:
                async with asyncio.timeout(self.bounds.wait_seconds):
                    await self._room(peer)
            except TimeoutError:
                raise Overloaded(_BUSY) from None
        reading = _Reading(peer, sender, asyncio.current_task())
        self._readings[reading] = None
        if not self._ticking:
            self._ticking = True
            asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)
        peer.messages += 1
        try:
            data = await context.read()
        except asyncio.CancelledError:
            if reading.end is None or reading.task is None:
                raise
            reading.task.uncancel()
            raise reading.end from None
        finally:
            peer.messages -= 1
            del self._readings[reading]
        if data is grpc.aio.EOF:
            raise InvalidRequest([Violation("", "required", "no request came; send one message")])
        self._take(peer, weight(len(data), sender))
        return data  # type: ignore[no-any-return]

    async def receive_next(self, context: Context, peer: Peer, sender: Sender) -> bytes | None:
        """The next message of a stream, whenever it comes; None after the last one."""
        if not self._has_room(peer):
            await self._room(peer)
        peer.messages += 1
        try:
            data = await context.read()
        finally:
            peer.messages -= 1
        if data is grpc.aio.EOF:
            return None
        self._take(peer, weight(len(data), sender))
        return data  # type: ignore[no-any-return]

    def done(self, peer: Peer, size: int) -> None:
        """A request of so many bytes, by its `weight`, is answered."""
        self._bytes -= size
        peer.bytes -= size
        if self._waiting:
            self._let_in()

    def _take(self, peer: Peer, size: int) -> None:
        self._bytes += size
        peer.bytes += size
        peer.heard += 1

    def _has_room(self, peer: Peer) -> bool:
        bounds = self.bounds
        if self._bytes < bounds.work_bytes:
            return peer.bytes < bounds.peer_bytes
        return not peer.bytes and self._bytes < bounds.work_bytes * 3 // 2

    async def _room(self, peer: Peer) -> None:
        """Returns when there is room for another message of this connection."""
        waiting = peer, asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting[1]
        finally:
            self._waiting.remove(waiting)

    def _let_in(self) -> None:
        """Wakes the first who may go on; a few at a time, for nobody knows how much each will bring."""
        woken = 0
        for waiting in tuple(self._waiting):
            peer, future = waiting
            if future.done() or not self._has_room(peer):
                continue
            future.set_result(None)
            woken += 1
            if woken == _WOKEN_AT_ONCE:
                return

    def _tick(self) -> None:
        """Ends what takes too long, and of what is slow the most greedy."""
        self._ticking = bool(self._readings)
        if not self._ticking:
            return
        asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)
        slow: dict[Sender, list[_Reading]] = {sender: [] for sender in Sender}
        for reading in self._readings:
            reading.ticks += 1
            if reading.ticks * _TICK_SECONDS > self.bounds.message_seconds[reading.sender]:
                reading.give_up(TooSlow())
            elif reading.ticks > _SLOW_TICKS:
                slow[reading.sender].append(reading)
        for sender, readings in slow.items():
            for reading in too_many(readings, self.bounds.slow[sender]):
                reading.give_up(Overloaded(_SLOW))


def too_many(readings: list[_Reading], most: int) -> Iterator[_Reading]:
    """Those that must end so that `most` are left: each the oldest of the connection that has most."""
    if len(readings) <= most:
        return
    held = Counter(reading.peer for reading in readings)
    queues: dict[Peer, deque[_Reading]] = {peer: deque() for peer in held}
    for reading in readings:
        queues[reading.peer].append(reading)
    for _ in range(len(readings) - most):
        [(peer, _)] = held.most_common(1)
        held[peer] -= 1
        yield queues[peer].popleft()
