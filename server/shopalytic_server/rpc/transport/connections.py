"""Ends connections of a gRPC port that take up room and bring nothing.

gRPC hands over calls and tells nothing of connections. One that never makes a
call keeps a place of the port for as long as idle ones may. One whose headers
never end (CONTINUATION frames, CVE-2024-27316 and its like) keeps memory, of
which gRPC takes 36 bytes for each that came, and no setting of its bounds that
until the other side has acknowledged the settings.

Both are seen from below: the connections are sockets of this process, of which
the kernel tells how much has come. The process may not read or close them, for
they are gRPC's; but it may disconnect them, which gRPC takes as the other
side's end. Where the system tells nothing of sockets as Linux does, nothing is watched.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import ipaddress
import os
import socket
import stat
import struct
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from shopalytic_server.background.periodic import Periodic

_FOLDER = Path("/proc/self/fd")
# Where tcp_info in linux/tcp.h has tcpi_bytes_received.
_RECEIVED_AT, _TCP_INFO_BYTES = 128, 192

# The memory of the process is looked at so often, its connections in any case this often.
_GLANCE_SECONDS = 0.01
_LOOK_SECONDS = 1.0
# By how much memory must have grown since the last look for another one at once.
_GROWTH_BYTES = 8 * 1024 * 1024
# How many sockets are looked at before others have the loop.
_STEP_SOCKETS = 50

LOOKS = 10
"""At how many looks in a row one has sent too much: a busy machine hears late of a call that was begun."""
# The same where memory has grown by so much meanwhile.
_LOOKS_IN_NEED = 2
_NEED_BYTES = 32 * 1024 * 1024

FRAMES_BYTES = 128 * 1024
"""What a connection may send in frames that are no call and no message."""
# Beside that, what each call in work may send before its message is taken, and each message on its way.
_CALL_BYTES = 256 * 1024
_MESSAGE_BYTES = 4 * 1024 * 1024 + 128 * 1024

# connect(2): a socket that is connected to no address (AF_UNSPEC) loses its connection and all that came.
_disconnect = ctypes.CDLL(None).connect
_NO_ADDRESS = struct.pack("=H14x", socket.AF_UNSPEC)

FIRST_CALL_SECONDS = 10.0
"""How long a connection may be there without a call."""
CROWDED_PART = 0.75
"""When so much of the port is taken, connections that have been idle longest make room."""
IDLE_SECONDS = 30.0
"""How long one is left alone even then."""


class Peer:
    """What its calls tell of a connection."""

    __slots__ = ("bytes", "calls", "heard", "messages")

    def __init__(self) -> None:
        self.calls = 0
        """That are in work."""
        self.messages = 0
        """That it was asked for and that have not come yet."""
        self.bytes = 0
        """Of its requests in work."""
        self.heard = True
        """Whether a call or a message came since the last look."""


@dataclass(slots=True)
class _Connection:
    """A socket of the port."""

    name: str
    since: float
    """When it was seen first, or had something in work last."""
    received: int = 0
    """What had come when it was last heard."""
    excessive: int = 0
    """At how many looks in a row it had sent too much."""
    is_ended: bool = False
    """Whether it was disconnected; gRPC may hold its socket for some looks more."""


class _Socket(NamedTuple):
    descriptor: int
    inode: int


class Connections:
    """Those of one server, of which the port that strangers reach is watched."""

    def __init__(
        self, memory: Callable[[], int] = lambda: 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`memory`: how many bytes the process has; 0 where nobody knows."""
        self._memory = memory
        self._clock = clock
        self._peers: dict[str, Peer] = {}
        self._known: dict[_Socket, _Connection | None] = {}
        self._periodic = Periodic("connections", self._glance, _GLANCE_SECONDS)
        self._looked = 0.0
        self._least = 0
        """How much memory the process had then."""
        self._calm = 0
        """How much it had when no connection had sent too much."""
        self._port = 0
        self._most = 0
        self.ended = 0
        """How many were disconnected."""

    @property
    def _is_urgent(self) -> bool:
        """Whether a connection may have to end at the next look: more would come until then."""
        return any(each is not None and each.excessive and not each.is_ended for each in self._known.values())

    @property
    def count(self) -> int:
        """How many there were at the last look."""
        return sum(each is not None and not each.is_ended for each in self._known.values())

    def peer(self, name: str) -> Peer:
        """What is known of the connection of this name, which is as gRPC writes it."""
        peer = self._peers.get(name)
        if peer is None:
            peer = self._peers[name] = Peer()
        return peer

    # What is looked at

    def start(self, port: int, most: int) -> None:
        """Begins to watch the port, which takes `most` connections."""
        if _FOLDER.is_dir() and hasattr(socket, "TCP_INFO"):
            self._port, self._most = port, most
            self._looked, self._least = self._clock(), self._memory()
            self._calm = self._least
            self._periodic.start()

    async def stop(self) -> None:
        """Ends watching."""
        await self._periodic.stop()

    async def _glance(self) -> None:
        now, memory = self._clock(), self._memory()
        grown = memory - self._least >= _GROWTH_BYTES
        if now - self._looked >= _LOOK_SECONDS or grown or self._is_urgent:
            for _ in self._steps(now):
                await asyncio.sleep(0)
            self._looked, self._least = now, memory

    def look(self, now: float) -> None:
        """Looks at all connections, and ends those that may not stay."""
        for _ in self._steps(now):
            pass

    def _steps(self, now: float) -> Iterator[None]:
        """A look in parts, between which others may have the loop: there may be thousands of connections."""
        yield from self._find(now)
        if not self._is_urgent:
            self._calm = self._memory()
        idle: list[tuple[float, _Socket, _Connection]] = []
        count = 0
        for at, (place, connection) in enumerate(list(self._known.items())):
            if at % _STEP_SOCKETS == 0:
                yield
            if connection is None or connection.is_ended:
                continue
            count += 1
            peer = self._peers.get(connection.name)
            if self._may_stay(place, connection, peer, now):
                if not (peer and peer.calls):
                    idle.append((connection.since, place, connection))
            else:
                self._end(place, connection)
        crowd = count - int(self._most * CROWDED_PART)
        if crowd > 0:
            for since, place, connection in sorted(idle, key=lambda each: each[:2])[:crowd]:
                if now - since > IDLE_SECONDS:
                    self._end(place, connection)

    def _may_stay(self, place: _Socket, connection: _Connection, peer: Peer | None, now: float) -> bool:
        received, allowed = self._received(place), FRAMES_BYTES
        if peer is None:
            if now - connection.since > FIRST_CALL_SECONDS:
                return False
        else:
            if peer.heard or peer.calls:
                connection.since = now
            if peer.heard:
                peer.heard, connection.received = False, received
            allowed += peer.calls * _CALL_BYTES + peer.messages * _MESSAGE_BYTES
        too_much = received - connection.received > allowed
        connection.excessive = connection.excessive + 1 if too_much else 0
        in_need = self._memory() - self._calm >= _NEED_BYTES
        return connection.excessive < (_LOOKS_IN_NEED if in_need else LOOKS)

    def _find(self, now: float) -> Iterator[None]:
        """Which sockets are connections of the port; each is asked once."""
        before: dict[_Socket, _Connection | None] = self._known
        known: dict[_Socket, _Connection | None] = {}
        # A connection that comes meanwhile is found by the next look, and what is known of it stays.
        peers = list(self._peers.items())
        # Names alone, of which there may be thousands.
        for at, name in enumerate(os.listdir(_FOLDER)):  # noqa: PTH208
            if at % _STEP_SOCKETS == 0:
                yield
            try:
                found = os.fstat(descriptor := int(name))
            except OSError:
                continue
            if stat.S_ISSOCK(found.st_mode):
                place = _Socket(descriptor, found.st_ino)
                known[place] = before[place] if place in before else self._connection(place, now)
        self._known = known
        names = {each.name for each in self._known.values() if each is not None}
        gone = [name for name, peer in peers if name not in names and not peer.calls]
        for name in gone:
            self._peers.pop(name, None)

    def _connection(self, place: _Socket, now: float) -> _Connection | None:
        with contextlib.suppress(OSError), _opened(place) as sock:
            if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.getsockname()[1] == self._port:
                name = _name_of(*sock.getpeername()[:2])
                return None if name is None else _Connection(name, now)
        return None

    def _received(self, place: _Socket) -> int:
        """How many of its bytes gRPC has taken; what waits in the kernel costs no more than that."""
        with contextlib.suppress(OSError), _opened(place) as sock:
            told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
            if len(told) >= _RECEIVED_AT + 8:
                waiting = struct.unpack("=i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))[0]
                return int(struct.unpack_from("=Q", told, _RECEIVED_AT)[0]) - int(waiting)
        return 0

    def _end(self, place: _Socket, connection: _Connection) -> None:
        with contextlib.suppress(OSError), _opened(place) as sock:
            # Not shut down, for then what has come and was not read yet would still be taken.
            _disconnect(sock.fileno(), _NO_ADDRESS, len(_NO_ADDRESS))
            connection.is_ended = True
            self.ended += 1


def _name_of(host: str, port: int) -> str | None:
    """How gRPC names a peer; None for addresses of one link, whose names have more than an address."""
    if "%" in host:
        return None
    if ":" not in host:
        return f"ipv4:{host}:{port}"
    mapped = ipaddress.IPv6Address(host).ipv4_mapped
    return f"ipv4:{mapped}:{port}" if mapped else f"ipv6:%5B{host}%5D:{port}"


@contextlib.contextmanager
def _opened(place: _Socket) -> Iterator[socket.socket]:
    """A descriptor of our own for a socket; raises OSError when it is another one by now."""
    own = os.dup(place.descriptor)
    try:
        if os.fstat(own).st_ino != place.inode:
            raise OSError
        sock = socket.socket(fileno=own)
    except BaseException:
        os.close(own)
        raise
    with sock:
        yield sock
