"""How strangers send: many requests over HTTP or gRPC, and bare HTTP/2 that keeps to no rule."""

import asyncio
import contextlib
import gzip
import itertools
import json
import re
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import grpc

from running.raw_http2 import PREFACE, SETTINGS, frame

# Longer than anything that is refused should take; what a stranger waits for costs nobody anything.
PATIENCE_SECONDS = 20.0
_ADDRESSES = 4
INVENTED = "shop_server_" + "x" * 43
_AT_ONCE, _A_SECOND = 8, 400.0
_STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3})")
_VERDICT = re.compile(rb'"status": ?"(?:EVENT_STATUS_)?([A-Z]+)"')


@dataclass
class Line:
    """Where the service is, what a stranger may know of it, and what came back."""

    grpc_port: int
    http_port: int
    browser_key: str
    reports_key: str
    until: float
    """By `time.monotonic`."""
    answers: Counter[str] = field(default_factory=Counter)

    @property
    def is_over(self) -> bool:
        """Whether it is time to end."""
        return time.monotonic() > self.until

    async def rest(self) -> None:
        """Until the end."""
        await asyncio.sleep(max(0.0, self.until - time.monotonic()))


class Stranger(NamedTuple):
    """One input, and how it is sent until the time is over."""

    name: str
    send: Callable[[Line], Awaitable[None]]


async def again_and_again(
    line: Line, at_once: int, a_second: float, once: Callable[[], Awaitable[None]]
) -> None:
    """Does something by so many tasks, together no more than so often a second, until the time is over."""

    async def one() -> None:
        while not line.is_over:
            begun = time.monotonic()
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await once()
            except TimeoutError:
                line.answers["no answer"] += 1
            except (OSError, asyncio.IncompleteReadError):
                line.answers["connection ended"] += 1
            await asyncio.sleep(max(0.0, at_once / a_second - (time.monotonic() - begun)))

    await asyncio.gather(*(one() for _ in range(at_once)))


def request(path: str, body: bytes, **headers: str) -> bytes:
    """A request of HTTP/1.1 that ends its connection; what it lacks is whose address it comes from."""
    lines = [
        f"POST {path} HTTP/1.1",
        "host: shop.example",
        "connection: close",
        f"content-length: {len(body)}",
    ]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n%s\r\n\r\n" + body


def json_request(path: str, body: object, **headers: str) -> bytes:
    """The same of a JSON value."""
    return request(path, json.dumps(body).encode(), content_type="application/json", **headers)


def zipped(path: str, body: bytes, content_type: str, **headers: str) -> bytes:
    """The same of a body that is packed by gzip."""
    return request(path, gzip.compress(body), content_type=content_type, content_encoding="gzip", **headers)


def bearer(key: str) -> str:
    """The header that carries a key."""
    return f"Bearer {key}"


async def posted(line: Line, *data: bytes, at_once: int = _AT_ONCE, a_second: float = _A_SECOND) -> None:
    """Sends each of the requests in turn, again and again."""
    place = 0

    async def once() -> None:
        nonlocal place
        place += 1
        await post(line, data[place % len(data)])

    await again_and_again(line, at_once, a_second, once)


_numbers = itertools.count()


def _from_somewhere(data: bytes) -> bytes:
    """A request as a proxy passes it on, from one of a few addresses."""
    address = b"x-forwarded-for: 203.0.113.%d" % (next(_numbers) % _ADDRESSES)
    head, _, body = data.partition(b"\r\n%s\r\n\r\n")
    return head + b"\r\n" + address + b"\r\n\r\n" + body


async def post(line: Line, data: bytes) -> None:
    """Sends a request and counts its status, and the verdicts in its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", line.http_port)
    try:
        writer.write(_from_somewhere(data))
        answer = await reader.read(2_000_000)
        found = _STATUS.match(answer)
        line.answers[f"HTTP {found[1].decode()}" if found else "no status"] += 1
        while part := await reader.read(2_000_000):
            answer += part
        line.answers.update(verdict.decode() for verdict in _VERDICT.findall(answer))
    finally:
        writer.close()


async def hold(line: Line, data: bytes, count: int) -> None:
    """Opens so many connections, sends the same over each, and reads nothing until the time is over."""
    writers = []
    for _ in range(count):
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                _, writer = await asyncio.open_connection("127.0.0.1", line.http_port, limit=1_024)
        except (OSError, TimeoutError):
            line.answers["refused"] += 1
            continue
        writers.append(writer)
        with contextlib.suppress(OSError):
            writer.write(_from_somewhere(data))
        line.answers["held"] += 1
        await asyncio.sleep(0.002)
        if line.is_over:
            break
    await line.rest()
    for writer in writers:
        writer.close()


async def call(
    line: Line, method: str, body: bytes | Callable[[], bytes], key: str, at_once: int, a_second: float
) -> None:
    """Calls a method again and again with these bytes, or with others each time, and counts the codes."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{line.grpc_port}", options=options) as channel:
        stub = channel.unary_unary(method)
        metadata = (("authorization", f"Bearer {key}"),) if key else ()

        async def once() -> None:
            try:
                sent = body if isinstance(body, bytes) else body()
                await stub(sent, metadata=metadata, timeout=PATIENCE_SECONDS)
                line.answers["OK"] += 1
            except grpc.aio.AioRpcError as error:
                line.answers[error.code().name] += 1

        await again_and_again(line, at_once, a_second, once)


async def raw(line: Line, data: bytes, a_second: float, at_once: int = 4, *, begin: bytes = b"") -> None:
    """Writes bytes as often as this to one connection after the other, after HTTP/2's preface and `begin`."""

    async def once() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", line.grpc_port)
        reading = asyncio.ensure_future(_swallow(reader))
        try:
            writer.write(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 1, 0)) + begin)
            while not line.is_over and not reading.done():
                writer.write(data)
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await writer.drain()
                line.answers["written"] += 1
                await asyncio.sleep(at_once / a_second)
            line.answers["connection ended"] += reading.done()
        finally:
            reading.cancel()
            writer.close()

    async def one() -> None:
        while not line.is_over:
            with contextlib.suppress(OSError, TimeoutError):
                await once()
            await asyncio.sleep(0.05)

    await asyncio.gather(*(one() for _ in range(at_once)))


async def _swallow(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):
        while await reader.read(65_536):
            pass
