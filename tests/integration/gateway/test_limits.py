"""What the gateway does to slow, large and broken connections, and how it stops."""

import asyncio
import contextlib
import json
import socket
from typing import Any

import pytest

from shopalytic_server.gateway.http import transport
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.server import GatewayServer
from standins.gateway import KEY, PAGE_VIEW, Gateway, running_gateway

BODY = json.dumps({"token": KEY, "events": [PAGE_VIEW]}).encode()
HEAD = b"POST /collect?token=%s HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n" % KEY.encode()


@contextlib.asynccontextmanager
async def connected(gateway: Gateway):
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """Everything up to the other side's close; fails if it never closes."""
    return await asyncio.wait_for(reader.read(), 120)


async def test_a_body_that_does_not_come_is_cut_off_with_408():
    async with running_gateway(body_seconds=0.2) as gateway, connected(gateway) as (reader, writer):
        writer.write(HEAD + b"content-length: 1000\r\n\r\n{")
        answer = await until_closed(reader)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"request_timeout" in answer


async def test_a_body_that_trickles_is_cut_off_too():
    async with running_gateway(body_seconds=0.3) as gateway, connected(gateway) as (reader, writer):
        writer.write(HEAD + b"content-length: 100000\r\n\r\n")
        answering = asyncio.create_task(until_closed(reader))
        while not answering.done():
            writer.write(b" ")
            await asyncio.sleep(0.02)
        assert (await answering).startswith(b"HTTP/1.1 408 ")


async def test_a_connection_on_which_nothing_comes_is_closed_without_a_word():
    async with running_gateway(header_seconds=0.2) as gateway, connected(gateway) as (reader, _):
        assert await until_closed(reader) == b""


@pytest.mark.parametrize("sent", [b"POST /coll", HEAD, HEAD + b"x-slow: a"])
async def test_headers_that_do_not_come_are_cut_off(sent: bytes):
    async with running_gateway(header_seconds=0.2) as gateway, connected(gateway) as (reader, writer):
        writer.write(sent)
        assert (await until_closed(reader)).startswith(b"HTTP/1.1 408 ")


async def test_a_kept_connection_may_idle_longer_than_headers_may_take():
    async with running_gateway(header_seconds=2) as gateway, connected(gateway) as (reader, writer):
        for _ in range(2):
            writer.write(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            answer = await reader.readuntil(b'{"status":"ok"}')
            assert answer.startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(2.5)


@pytest.mark.parametrize("unit", [b"x-many: abcdefghij\r\n", b"a"])
async def test_headers_without_end_are_cut_off(unit: bytes):
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        writer.write(HEAD + b"x-long: " + unit * (600_000 // len(unit)))
        assert (await until_closed(reader)).startswith(b"HTTP/1.1 431 ")
        assert (await gateway.get("/healthz")).status == 200


@pytest.mark.parametrize(
    "path", [b"/" + b"%41" * 10_000, b"/collect/" + b"a" * 3_000, b"/" + b"a" * 2_048 + b"?a=b"]
)
async def test_a_path_longer_than_any_is_refused(path: bytes):
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        writer.write(b"GET " + path + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert (await until_closed(reader)).startswith(b"HTTP/1.1 414 ")


async def test_an_address_with_a_short_path_may_be_long():
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        writer.write(
            b"GET /nowhere?a=" + b"%41" * 10_000 + b" HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        )
        assert (await until_closed(reader)).startswith(b"HTTP/1.1 404 ")


async def test_more_headers_than_anybody_sends_are_refused():
    many = b"".join(b"x-%d: a\r\n" % number for number in range(201))
    few = b"".join(b"x-%d: a\r\n" % number for number in range(150))
    async with running_gateway() as gateway:
        async with connected(gateway) as (reader, writer):
            writer.write(b"GET /healthz HTTP/1.1\r\n" + many + b"\r\n")
            assert (await until_closed(reader)).startswith(b"HTTP/1.1 431 ")
        async with connected(gateway) as (reader, writer):
            writer.write(b"GET /healthz HTTP/1.1\r\nconnection: close\r\n" + few + b"\r\n")
            assert (await until_closed(reader)).startswith(b"HTTP/1.1 200 ")


CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begin", "unit"),
    [
        (CHUNKED + b"1;", b"extension"),
        (CHUNKED + b"0\r\n", b"x-trailer: a\r\n"),
        (CHUNKED + b"0\r\nx-trailer: ", b"a" * 100),
        (CHUNKED + b"0\r\n", b"a" * 100),
    ],
)
async def test_what_comes_beside_a_body_is_bounded(begin: bytes, unit: bytes):
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        writer.write(begin + unit * (600_000 // len(unit)))
        assert (await until_closed(reader)).startswith(b"HTTP/1.1 400 ")
        assert not gateway.collector.requests


async def test_a_body_in_tiny_chunks_is_taken():
    body = BODY + b" " * 100_000
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        chunks = b"".join(b"1;x\r\n%c\r\n" % byte for byte in body)
        writer.write(CHUNKED + chunks + b"0\r\nx-trailer: 1\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")


MANY = 60
IMAGE = b"GET /shopalytic.v1.binpb HTTP/1.1\r\nhost: a\r\n\r\n"
"""A large answer for which nobody needs a key."""


async def test_who_does_not_take_an_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transport, "PATIENCE_SECONDS", 0.3)
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        writer.transport.pause_reading()
        writer.write(IMAGE * MANY)
        protocol: Any = gateway.server._http._server.config.http_protocol_class
        connections = protocol.by_age
        async with asyncio.timeout(120):
            while not connections:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.01)
            while connections:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        writer.transport.resume_reading()
        got = b""
        with contextlib.suppress(ConnectionError):
            while part := await asyncio.wait_for(reader.read(1_000_000), 120):
                got += part
    assert got.count(b"HTTP/1.1 200 OK") < MANY


async def test_who_takes_an_answer_slowly_gets_all_of_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transport, "PATIENCE_SECONDS", 4.0)
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        writer.write(IMAGE * MANY + b"GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n")
        got = b""
        while part := await asyncio.wait_for(reader.read(1_000_000), 120):
            got += part
            await asyncio.sleep(0.05)
    assert got.count(b"HTTP/1.1 200 OK") == MANY + 1


async def test_an_announced_giant_is_refused_without_being_read():
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        writer.write(HEAD + b"content-length: 100000000000\r\n\r\n")
        answer = await until_closed(reader)
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_bodies_of_all_requests_together_are_bounded():
    async with running_gateway(max_held_bytes=1_000 + len(BODY) - 1) as gateway:
        while not await is_full_beside_half_a_body(gateway):
            pass  # the half came while a whole one was held, and was refused in its place
        assert await until_taken(gateway)


async def is_full_beside_half_a_body(gateway: Gateway) -> bool:
    """Sends until the half-sent body of another has taken the room; False when that one was refused."""
    async with connected(gateway) as (reader, writer):
        writer.write(HEAD + b"content-length: 5000\r\n\r\n" + b"x" * 1_000)
        answered = asyncio.ensure_future(reader.read(1))
        while not answered.done():
            answer = await gateway.post(BODY)
            if answer.status != 200:
                answered.cancel()
                assert answer.error == (429, "resource_exhausted")
                assert answer.header("retry-after") == "1"
                return True
    return False


async def until_taken(gateway: Gateway) -> bool:
    """Sends until the room is free again."""
    while (await gateway.post(BODY)).status == 429:  # noqa: ASYNC110 - HTTP has no events
        await asyncio.sleep(0.01)
    return True


async def test_chunked_bodies_are_bounded_too():
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunk * 12 + b"0\r\n\r\n")
        answer = await reader.readuntil(b"\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00\x01", b"hello\r\n\r\n", b"GET \xff HTTP/1.1\r\n\r\n"],
)
async def test_what_is_not_http_is_400(garbage: bytes):
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        writer.write(garbage)
        assert (await until_closed(reader)).startswith(b"HTTP/1.1 400 ")


async def test_requests_on_one_connection_are_answered_in_order():
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        head = HEAD + f"content-length: {len(BODY)}\r\n\r\n".encode()
        writer.write((head + BODY) * 3 + b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        answers = await until_closed(reader)
    assert answers.count(b"HTTP/1.1 200 OK") == 4
    assert answers.count(b"ACCEPTED") == 3
    assert answers.endswith(b'{"status":"ok"}')


async def test_a_client_that_leaves_in_the_middle_of_its_body_stores_nothing():
    async with running_gateway() as gateway:
        async with connected(gateway) as (_, writer):
            writer.write(HEAD + b"content-length: 1000\r\n\r\n" + BODY)
            await writer.drain()
        assert (await gateway.collect(PAGE_VIEW)).status == 200
        assert len(gateway.collector.events) == 1


async def test_events_of_a_client_that_does_not_wait_for_the_answer_are_stored():
    async with running_gateway() as gateway:
        async with connected(gateway) as (_, writer):
            writer.write(HEAD + f"content-length: {len(BODY)}\r\n\r\n".encode() + BODY)
            await writer.drain()
        await asyncio.wait_for(gateway.collector.arrived(1), 120)


async def test_stopping_finishes_what_is_under_way_and_takes_nothing_new():
    async with running_gateway() as gateway:
        gateway.collector.gate.clear()
        under_way = [asyncio.create_task(gateway.collect(PAGE_VIEW)) for _ in range(5)]
        await gateway.collector.arrived(1)
        stopping = asyncio.create_task(gateway.server.stop(120))
        while not await refuses(gateway.port):  # noqa: ASYNC110 - nobody tells us when a port closes
            await asyncio.sleep(0.01)
        gateway.collector.gate.set()
        assert [(await task).status for task in under_way] == [200] * 5
        await stopping


async def refuses(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return True
    writer.close()
    return False


async def test_a_taken_port_is_an_os_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = GatewayOptions(port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            await GatewayServer(options, "127.0.0.1:1").start()
