"""Connections that nobody opens in good faith, against the real servers: they answer others, and end them."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from shopalytic_server.domain.projects import KeyClass
from standins.gateway import KEY, PAGE_VIEW, Gateway, running_gateway
from standins.rpc import Running, batch, error_of, page_view, running, until

HEAD = b"POST /collect HTTP/1.1\r\nhost: localhost\r\n"
BODY = json.dumps({"token": KEY, "events": [PAGE_VIEW]}).encode()


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


@contextlib.asynccontextmanager
async def connections(port: int, count: int) -> AsyncIterator[list[Any]]:
    """So many open connections, as pairs of reader and writer."""
    pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    try:
        yield pairs
    finally:
        for _, writer in pairs:
            writer.close()
        for _, writer in pairs:
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def is_answered(gateway: Gateway) -> bool:
    return (await gateway.post(BODY)).status == 200


async def test_hundreds_of_idle_connections_keep_nobody_out_and_the_oldest_make_room() -> None:
    async with running_gateway(max_connections=100) as gateway, connections(gateway.port, 300) as pairs:
        assert await is_answered(gateway)
        async with asyncio.timeout(120):
            # 200 too many, and the one that was answered.
            for reader, _ in pairs[:200]:
                assert await reader.read() == b""
        newest = pairs[-1][0]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(newest.read(1), 0.1)


async def test_a_connection_at_work_is_not_closed_for_another_which_is_told_to_come_back() -> None:
    async with running_gateway(max_connections=3) as gateway, connections(gateway.port, 3) as pairs:
        gateway.collector.gate.clear()
        request = HEAD + f"content-length: {len(BODY)}\r\n\r\n".encode() + BODY
        for _, writer in pairs:
            writer.write(request)
        async with asyncio.timeout(120):
            await gateway.collector.arrived(1)
            # All three are being answered: the first by itself, the rest together after it.
            protocol: Any = gateway.server._http._server.config.http_protocol_class
            await until(lambda: not any(each._is_idle for each in protocol.by_age))
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            assert (await reader.read()).startswith(b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\n")
            writer.close()
            gateway.collector.gate.set()
            for reader, _ in pairs:
                assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"


async def test_a_hundred_slow_senders_hold_up_nobody_and_are_cut_off() -> None:
    async with (
        running_gateway(header_seconds=1, body_seconds=1) as gateway,
        connections(gateway.port, 100) as pairs,
    ):
        for number, (_, writer) in enumerate(pairs):
            writer.write(HEAD if number % 2 else HEAD + b"content-length: 5000\r\n\r\n{")
        assert await is_answered(gateway)
        async with asyncio.timeout(120):
            for reader, _ in pairs:
                assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")


async def test_a_flood_of_headers_is_refused() -> None:
    async with running_gateway() as gateway, connections(gateway.port, 20) as pairs:
        for _, writer in pairs:
            writer.write(HEAD + b"".join(b"x-%d: %s\r\n" % (number, b"a" * 500) for number in range(1_000)))
        async with asyncio.timeout(120):
            for reader, _ in pairs:
                with contextlib.suppress(ConnectionError):
                    assert (await reader.readline()).startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
        assert await is_answered(gateway)


async def test_bombs_are_refused_on_every_way_in_before_they_have_grown() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    assert len(bomb) < 70_000
    async with running_gateway() as gateway:
        zipped = {"content-encoding": "gzip"}
        assert (await gateway.post(bomb, zipped)).status == 401
        assert (await gateway.post(bomb, zipped, f"/collect?token={KEY}")).status == 413
        assert (await gateway.rpc("CollectorService/Track", bomb, zipped)).status == 413
        assert await is_answered(gateway)


async def test_grpc_refuses_a_flood_of_metadata_and_goes_on(shop: Running) -> None:
    flood = tuple((f"x-{number}", "a" * 1_000) for number in range(200))
    key = shop.key(KeyClass.SERVER)
    error = await error_of(shop.collector.Track(batch(), metadata=(*key, *flood)))
    assert error.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)
    await shop.collector.Track(batch(page_view()), metadata=key)


async def test_grpc_answers_beside_hundreds_of_idle_and_silent_connections(shop: Running) -> None:
    async with connections(shop.port, 300) as pairs:
        for _, writer in pairs[:150]:
            writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        for _, writer in pairs[150:200]:
            writer.write(b"\xff" * 1_000)
        await shop.collector.Track(batch(page_view()), metadata=shop.key(KeyClass.SERVER), timeout=120)
