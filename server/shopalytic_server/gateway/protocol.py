"""The HTTP connection: uvicorn's, with limits on headers' size and time, and on how many there may be.

uvicorn waits for ever for the first request of a connection, and its fast
parser keeps headers of any size in memory. Both are cheap ways to hold a
server's connections or fill its memory. When there are as many connections
as there may be, the one that has been idle longest makes room for a new one.
"""

import asyncio
import itertools
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADER_BYTES = 65_536
# Of the oldest connections, how many are looked at for one that is idle.
_LOOK_AT = 100


class _GatheringTransport:
    """A transport that writes once per turn of the event loop.

    uvicorn writes an answer's head and body apart: two system calls, and a
    client that wakes up for half an answer.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keeps data until the end of this turn."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Writes what is kept, then closes."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts = []
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    header_seconds: ClassVar[float] = 10.0
    max_connections: ClassVar[int] = 10_000
    # By when each last sent something, the longest ago first.
    by_age: ClassVar[dict["LimitedProtocol", None]] = {}

    _header_timer: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request."""
        super().connection_made(cast(asyncio.Transport, _GatheringTransport(transport, self.loop)))
        if len(self.by_age) >= self.max_connections and not self._make_room():
            self._close_with(b"503 Service Unavailable\r\nretry-after: 2")
            return
        self.by_age[self] = None
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the wait."""
        self._disarm()
        self.by_age.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Passes data on to the parser, and counts what it keeps of headers."""
        if self in self.by_age:
            del self.by_age[self]
            self.by_age[self] = None
        if not self._in_body:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._in_body or not self._header_bytes:
            return
        if self._header_bytes > MAX_HEADER_BYTES:
            self._close_with(b"431 Request Header Fields Too Large")
        elif self._header_timer is None:
            self._arm()

    def on_headers_complete(self) -> None:
        """The parser has a request's headers."""
        self._disarm()
        self._in_body = True
        self._header_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The parser has a whole request."""
        self._in_body = False
        super().on_message_complete()

    def _make_room(self) -> bool:
        """Closes the connection that has been idle longest; False when all that are old are at work."""
        for oldest in itertools.islice(self.by_age, _LOOK_AT):
            if oldest._is_idle:
                del self.by_age[oldest]
                oldest.transport.close()
                return True
        return False

    @property
    def _is_idle(self) -> bool:
        return not self._in_body and (self.cycle is None or self.cycle.response_complete)

    def _arm(self) -> None:
        self._header_timer = self.loop.call_later(self.header_seconds, self._too_slow)

    def _disarm(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _too_slow(self) -> None:
        self._header_timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._arm()  # an earlier request of this connection still waits for its answer
        else:
            self._close_with(b"408 Request Timeout")

    def _close_with(self, status: bytes) -> None:
        transport: Any = self.transport
        if not transport.is_closing():
            transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            transport.close()


def limited_protocol(header_seconds: float, max_connections: int) -> type[LimitedProtocol]:
    """The protocol of one server: each request's headers must come within so many seconds."""
    own = {"header_seconds": header_seconds, "max_connections": max_connections, "by_age": {}}
    return type("LimitedProtocol", (LimitedProtocol,), own)
