"""The writing side of an HTTP connection."""

import asyncio
from collections.abc import Callable
from typing import Any

LEAST_BYTES_PER_SECOND = 1_000
PATIENCE_SECONDS = 30.0
"""How long a client may take less of its answer than the least rate before it counts as gone."""

# So much is written at once: a larger answer is not copied to be written in one piece.
_GATHER_BYTES = 32_768


class GatheringTransport:
    """A transport that writes once per turn of the event loop, may read on after it was closed, and waits
    for ever for no client to take its answer.

    uvicorn writes an answer's head and body apart: two system calls, and a
    client that wakes up for half an answer.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        lingers: Callable[[asyncio.Transport], bool],
    ) -> None:
        """`lingers` may take a transport that is to be closed, to close it later; it then says True."""
        transport.set_write_buffer_limits(high=_GATHER_BYTES)
        self._transport = transport
        self._loop = loop
        self._lingers = lingers
        self._parts: list[bytes] = []
        self._gathered = 0
        self._closed = False
        self._pauses: set[str] = set()
        self._written = 0
        self._taken = 0
        self._watch: asyncio.TimerHandle | None = None

    def write(self, data: bytes) -> None:
        """Keeps data until the end of this turn, or until it is much."""
        if self._closed:
            return
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)
        self._gathered += len(data)
        if self._gathered >= _GATHER_BYTES:
            self._flush()

    def close(self) -> None:
        """Writes what is kept, then closes, at once or once the client has read it."""
        if self._closed:
            return
        self._flush()
        self._closed = True
        if not self._lingers(self._transport):
            self._transport.close()
        self.expect_progress()

    def close_now(self) -> None:
        """Writes what is kept, then closes, whatever the client still sends."""
        self._flush()
        self._closed = True
        self._transport.close()
        self.expect_progress()

    def drop(self) -> None:
        """Closes at once, whatever the client still sends or has not taken."""
        self._closed = True
        self._transport.abort()

    def lost(self) -> None:
        """The connection is no more."""
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._closed or self._transport.is_closing()

    def expect_progress(self) -> None:
        """Ends the connection unless what is written leaves at the least rate."""
        if self._watch is None and self._transport.get_write_buffer_size():
            self._taken = self._left_so_far()
            self._watch = self._loop.call_later(PATIENCE_SECONDS, self._look)

    def _look(self) -> None:
        self._watch = None
        if self._left_so_far() - self._taken >= PATIENCE_SECONDS * LEAST_BYTES_PER_SECOND:
            self.expect_progress()
        elif self._transport.get_write_buffer_size():
            self.drop()

    def _left_so_far(self) -> int:
        return self._written - self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        """Reads nothing, until uvicorn's flow control wants more of a body."""
        self._pause("flow")

    def resume_reading(self) -> None:
        """Reads again, unless hold_reading says otherwise."""
        self._resume("flow")

    def hold_reading(self) -> None:
        """Reads nothing, until what was read has had its turn."""
        self._pause("held")

    def release_reading(self) -> None:
        """Ends hold_reading."""
        self._resume("held")

    def _pause(self, reason: str) -> None:
        if not self._pauses:
            self._transport.pause_reading()
        self._pauses.add(reason)

    def _resume(self, reason: str) -> None:
        if reason in self._pauses:
            self._pauses.remove(reason)
            if not self._pauses:
                self._transport.resume_reading()

    def _flush(self) -> None:
        if self._parts:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts = []
            self._written += self._gathered
            self._gathered = 0
            # The client may have gone in this very turn.
            if not self._transport.is_closing():
                self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
