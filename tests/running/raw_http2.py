"""HTTP/2 as no client of gRPC speaks it: calls whose messages are begun and never ended."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Sequence

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE = 0, 1, 3, 4, 6, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
INITIAL_WINDOW, MAX_STREAMS = 4, 3

Pairs = Sequence[tuple[str, str]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame."""
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def message(body: bytes, announced: int | None = None) -> bytes:
    """A message of gRPC, which may announce more bytes than it has."""
    return struct.pack(">BI", 0, len(body) if announced is None else announced) + body


class RawConnection:
    """One connection, whose sender does as it likes. `answers` has the statuses of ended streams."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, acknowledging: bool = True
    ) -> None:
        self.settings: dict[int, int] = {}
        self.answers: dict[int, bytes] = {}
        self.reset: set[int] = set()
        self.windows: dict[int, int] = {}
        self.closed = False
        self._acknowledging = acknowledging
        self._reader = reader
        self._writer = writer
        self._next = 1
        self._changed = asyncio.Event()

    def write(self, data: bytes) -> None:
        """Sends any bytes."""
        self._writer.write(data)

    def open(self, path: str, metadata: Pairs = (), *, ending: bool = True) -> int:
        """Begins a call; returns its stream. `ending`: its headers are complete."""
        stream, self._next = self._next, self._next + 2
        pairs = [
            *((":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "shop")),
            *(("content-type", "application/grpc"), ("te", "trailers"), *metadata),
        ]
        block = b"".join(b"\x00" + _text(name) + _text(value) for name, value in pairs)
        self._writer.write(frame(HEADERS, END_HEADERS if ending else 0, stream, block))
        return stream

    def send(self, stream: int, data: bytes, *, end: bool = False) -> None:
        """Sends data, in frames; whether the other side has allowed it is the caller's to know."""
        for start in range(0, len(data), 16_384):
            self._writer.write(frame(DATA, 0, stream, data[start : start + 16_384]))
        if end:
            self._writer.write(frame(DATA, END_STREAM, stream))

    async def until_answered(self, count: int) -> None:
        """Returns when so many streams have ended."""
        async with asyncio.timeout(120):
            while len(self.answers) < count:
                self._changed.clear()
                await self._changed.wait()

    async def read(self) -> None:
        """Takes what comes, until the connection ends."""
        while not self.closed:
            try:
                head = await self._reader.readexactly(9)
                payload = await self._reader.readexactly(int.from_bytes(head[:3]))
            except (asyncio.IncompleteReadError, ConnectionError):
                self.closed = True
            else:
                self._take(head[3], head[4], int.from_bytes(head[5:9]), payload)
            self._changed.set()

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == SETTINGS and not flags & ACK:
            for place in range(0, len(payload), 6):
                name, value = struct.unpack_from(">HI", payload, place)
                self.settings[name] = value
            if self._acknowledging:
                self._writer.write(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self._writer.write(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE:
            self.windows[stream] = self.windows.get(stream, 0) + int.from_bytes(payload)
        elif kind == HEADERS and flags & END_STREAM:
            self.answers[stream] = payload
        elif kind == RST_STREAM:
            self.reset.add(stream)


@contextlib.asynccontextmanager
async def raw_connection(port: int, *, acknowledging: bool = True) -> AsyncIterator[RawConnection]:
    """A connection that has exchanged its settings, and acknowledged the other side's if it is to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    # This side takes any answer, and has the answers' headers spelled out.
    writer.write(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 1, 0)))
    connection = RawConnection(reader, writer, acknowledging=acknowledging)
    reading = asyncio.ensure_future(connection.read())
    try:
        async with asyncio.timeout(120):
            while not connection.settings:  # noqa: ASYNC110 - a test's own condition has no event
                await asyncio.sleep(0.005)
        yield connection
    finally:
        reading.cancel()
        writer.close()


def _text(value: str) -> bytes:
    data = value.encode()
    if len(data) < 127:
        return bytes((len(data),)) + data
    rest, length = len(data) - 127, b"\x7f"
    while rest >= 128:
        length += bytes((rest % 128 + 128,))
        rest //= 128
    return length + bytes((rest,)) + data
