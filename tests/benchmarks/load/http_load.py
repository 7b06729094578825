"""Sends prepared HTTP requests over kept connections, one at a time on each, as fast as they are answered."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any


class Connection(asyncio.Protocol):
    """Sends the next request when the last is answered; cheaper than streams, to measure the server."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._latencies = latencies
        self._done = done
        self._received = b""

    def connection_made(self, transport: Any) -> None:
        """Begins."""
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        """Waits for the end of the answer."""
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._received[:head_end].lower()
        length = 0
        if (at := head.find(b"content-length:")) >= 0:
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self._received) < head_end + 4 + length:
            return
        self._latencies.append(time.perf_counter() - self._started)
        if not head.startswith((b"http/1.1 200", b"http/1.1 204")):
            self._fail(f"the server answered {self._received[:300]!r}")
            return
        self._received = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that closes has failed."""
        self._fail("the server closed the connection")

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            if not self._done.done():
                self._done.set_result(None)
            self._transport.close()
            return
        self._started = time.perf_counter()
        self._transport.write(request)

    def _fail(self, text: str) -> None:
        if not self._done.done():
            self._done.set_exception(RuntimeError(text))


async def send_all(port: int, requests: list[bytes], connections: int) -> tuple[float, list[float]]:
    """The seconds that all requests took, and each one's."""
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    waiting = iter(requests)
    ends = [loop.create_future() for _ in range(connections)]
    started = time.perf_counter()
    for end in ends:
        await loop.create_connection(lambda end=end: Connection(waiting, latencies, end), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*ends)
    return time.perf_counter() - started, latencies
