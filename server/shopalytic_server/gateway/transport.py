"""The writing side of an HTTP connection."""

import asyncio
from collections.abc import Callable
from typing import Any


class GatheringTransport:
    """A transport that writes once per turn of the event loop, and may read on after it was closed.

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
        self._transport = transport
        self._loop = loop
        self._lingers = lingers
        self._parts: list[bytes] = []
        self._closed = False
        self._pauses: set[str] = set()

    def write(self, data: bytes) -> None:
        """Keeps data until the end of this turn."""
        if self._closed:
            return
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Writes what is kept, then closes, at once or once the client has read it."""
        if self._closed:
            return
        self._flush()
        self._closed = True
        if not self._lingers(self._transport):
            self._transport.close()

    def close_now(self) -> None:
        """Writes what is kept, then closes, whatever the client still sends."""
        self._flush()
        self._closed = True
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._closed or self._transport.is_closing()

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
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
