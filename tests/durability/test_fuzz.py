"""Broken requests against the real service: each gets a verdict or a refusal, and nothing grows.

A thousand here, ten thousands in `make test-long`; `make fuzz` sends a million. FUZZ_SEED replays a run.
"""

import asyncio
import contextlib
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import psutil

from laws.fuzzing import BinaryMutator, HttpMutator, HugeMutator, JsonMutator
from running.length import either
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.server import GatewayServer
from shopalytic_server.storage.ingest.writer import Writer
from standins.gateway import Answer, fetch
from standins.rpc import Running, batch, opened, page_view, running

INPUTS = int(os.environ.get("FUZZ_INPUTS") or either(1200, 20_000))
SEED = int(os.environ.get("FUZZ_SEED", "20261125"))
AT_ONCE = 16
REFUSALS = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT}


@asynccontextmanager
async def shop_with_store(database_url: str) -> AsyncIterator[Running]:
    """The real server on the real store."""
    async with opened(database_url) as pool:
        writer = Writer(pool)
        await writer.start()
        try:
            async with running(database_url, writer) as shop:
                yield shop
        finally:
            await writer.close()


async def send_all(count: int, send: Callable[[int], Awaitable[None]]) -> None:
    """Sends so many inputs, some at once."""
    for start in range(0, count, AT_ONCE):
        await asyncio.gather(*(send(number) for number in range(start, min(start + AT_ONCE, count))))


def grown_megabytes(before: int) -> float:
    return (psutil.Process().memory_info().rss - before) / 1e6


async def test_broken_bytes_over_grpc(database_url: str) -> None:
    mutator, seen = BinaryMutator(SEED), Counter[Any]()
    async with shop_with_store(database_url) as shop:
        track: Any = shop.channel.unary_unary("/shopalytic.v1.CollectorService/Track")

        async def send(_: int) -> None:
            data = mutator.request()
            code = await track(data, metadata=shop.key(KeyClass.SERVER), timeout=60).code()
            assert code in REFUSALS, (code, data)
            seen[code] += 1

        await send_all(INPUTS // 20 + 1, send)  # Caches fill.
        before = psutil.Process().memory_info().rss
        await send_all(INPUTS // 2, send)
        assert grown_megabytes(before) < 60
        assert set(seen) == REFUSALS
        await shop.collector.Track(batch(page_view()), metadata=shop.key(KeyClass.SERVER))


async def test_broken_json_over_http(database_url: str) -> None:
    async with shop_with_store(database_url) as shop:
        gateway = GatewayServer(GatewayOptions(port=0), f"127.0.0.1:{shop.port}")
        port = await gateway.start()
        mutator, seen = JsonMutator(SEED, shop.secrets[KeyClass.SERVER]), Counter[int]()

        async def send(_: int) -> None:
            data = mutator.body()
            answer: Answer = await fetch(port, "POST", "/collect", data, {"content-type": "text/plain"})
            assert answer.status in (200, 400, 401, 413), (answer.status, answer.body, data)
            seen[answer.status] += 1

        try:
            await send_all(INPUTS // 20 + 1, send)
            before = psutil.Process().memory_info().rss
            await send_all(INPUTS // 2, send)
            assert grown_megabytes(before) < 60
        finally:
            await gateway.stop(5)
        assert {200, 400} <= set(seen)


async def test_huge_requests_over_http_with_and_without_a_key(database_url: str) -> None:
    async with shop_with_store(database_url) as shop:
        gateway = GatewayServer(GatewayOptions(port=0), f"127.0.0.1:{shop.port}")
        port = await gateway.start()
        keys = ["", f"?token={'shop_server_' + 'x' * 43}"]
        keys += [f"?token={shop.secrets[each]}" for each in (KeyClass.SERVER, KeyClass.REPORTS)]
        mutator, seen = HugeMutator(SEED), Counter[int]()

        async def send(number: int) -> None:
            path, headers, data = mutator.request()
            key = keys[number % len(keys)]
            answer: Answer = await fetch(port, "POST", path + key, data, headers)
            assert answer.status in (200, 400, 401, 403, 413, 429), (answer.status, answer.body, path, key)
            seen[answer.status] += 1

        try:
            await send_all(INPUTS // 40 + 1, send)
            before = psutil.Process().memory_info().rss
            await send_all(INPUTS // 8, send)
            assert grown_megabytes(before) < 100
            assert (await fetch(port, "GET", "/healthz")).status == 200
        finally:
            await gateway.stop(5)
        assert {200, 400, 401, 403, 413} <= set(seen)


async def talk(port: int, pieces: list[bytes]) -> bytes:
    """What comes back over one connection, which the other side ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)

    sending = asyncio.create_task(send())
    got = b""
    with contextlib.suppress(ConnectionError):
        while part := await asyncio.wait_for(reader.read(65_536), 60):
            got += part
    sending.cancel()
    writer.close()
    return got


async def test_broken_http(database_url: str) -> None:
    expected = {100, 200, 204, 400, 401, 403, 404, 405, 408, 413, 415, 429, 431, 501}
    async with shop_with_store(database_url) as shop:
        limits = {"header_seconds": 0.2, "body_seconds": 0.2, "keep_alive_seconds": 1}
        gateway = GatewayServer(GatewayOptions(port=0, **limits), f"127.0.0.1:{shop.port}")
        port = await gateway.start()
        mutator, seen = HttpMutator(SEED, shop.secrets[KeyClass.SERVER]), Counter[int]()

        async def send(_: int) -> None:
            pieces = mutator.pieces()
            answers = await talk(port, pieces)
            statuses = {int(status) for status in re.findall(rb"HTTP/1.1 (\d+) ", answers)}
            assert statuses <= expected, (statuses, pieces)
            seen.update(statuses)

        try:
            await send_all(INPUTS // 40 + 1, send)
            before = psutil.Process().memory_info().rss
            await send_all(INPUTS // 10, send)
            assert grown_megabytes(before) < 60
            answer = await fetch(port, "GET", "/healthz")
            assert answer.status == 200
        finally:
            await gateway.stop(5)
        assert {200, 400, 401, 404, 405, 408, 413} <= set(seen)
