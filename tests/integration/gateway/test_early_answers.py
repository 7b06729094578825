"""Answers that are ready before the request was read: whoever still sends gets them, within bounds."""

import asyncio
import contextlib
import http.client
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from running.certificates import make_pair
from shopalytic_server.gateway.http import lingering
from standins.gateway import KEY, Gateway, running_gateway

PATH = f"/collect?token={KEY}"
HEAD = b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n" % PATH.encode()
LARGE = 3_000_000


@contextlib.asynccontextmanager
async def connected(gateway: Gateway) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def send_all_then_read(gateway: Gateway, data: bytes) -> bytes:
    """What a client gets that looks for no answer before it has sent everything."""
    async with connected(gateway) as (reader, writer):
        for at in range(0, len(data), 65_536):
            writer.write(data[at : at + 65_536])
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 120)


def post(url: str, body: bytes, trust: ssl.SSLContext | None = None) -> tuple[int, bytes]:
    """By a client of the kind that sends everything first."""
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120, context=trust) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.parametrize("size", [512_001, LARGE, 20_000_000])
async def test_whoever_sends_too_much_learns_it(size: int) -> None:
    async with running_gateway() as gateway:
        url = f"http://127.0.0.1:{gateway.port}{PATH}"
        for _ in range(3):
            status, body = await asyncio.to_thread(post, url, b"x" * size)
            assert (status, b"too_large" in body) == (413, True)


async def test_whoever_sends_too_much_learns_it_without_a_key_too() -> None:
    async with running_gateway() as gateway:
        url = f"http://127.0.0.1:{gateway.port}/collect"
        status, body = await asyncio.to_thread(post, url, b"x" * LARGE)
    assert (status, b"too_large" in body) == (413, True)


async def test_over_tls_too(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, "here")
    trust = ssl.create_default_context(cafile=str(pair.certificate))
    async with running_gateway(tls=(pair.certificate, pair.key)) as gateway:
        for path, expected in ((PATH, 413), ("/nowhere", 404)):
            url = f"https://localhost:{gateway.port}{path}"
            status, _ = await asyncio.to_thread(post, url, b"x" * 10_000_000, trust)
            assert status == expected


EARLY = {
    "no such path": (b"POST /nowhere HTTP/1.1\r\nhost: a\r\n", 404),
    "another method": (b"PUT /collect HTTP/1.1\r\nhost: a\r\n", 405),
    "a page without a body": (b"POST /healthz HTTP/1.1\r\nhost: a\r\n", 405),
    "a media type of another kind": (
        b"POST /shopalytic.v1.CollectorService/Track HTTP/1.1\r\nhost: a\r\n",
        415,
    ),
    "too large": (HEAD, 413),
}


@pytest.mark.parametrize("name", EARLY)
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_every_answer_without_the_body_is_got(name: str, is_chunked: bool) -> None:
    head, status = EARLY[name]
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    body = chunk * (LARGE // 65_536) + b"0\r\n\r\n" if is_chunked else b"x" * LARGE
    frame = b"transfer-encoding: chunked" if is_chunked else b"content-length: %d" % LARGE
    async with running_gateway() as gateway:
        answer = await send_all_then_read(gateway, head + frame + b"\r\n\r\n" + body)
    head, _, text = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nconnection: close" in head
    assert b"content-length: %d\r\n" % len(text) in head + b"\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HEAD + b"x-long: " + b"a" * LARGE, 431),
        (HEAD + b"".join(b"x-%d: a\r\n" % number for number in range(200_000)), 431),
        (b"\x16\x03\x01\x02\x00" + bytes(LARGE), 400),
        (HEAD + b"transfer-encoding: chunked\r\n\r\nno number\r\n" + b"x" * LARGE, 400),
    ],
)
async def test_what_is_not_http_as_it_should_be_gets_its_answer_too(data: bytes, status: int) -> None:
    async with running_gateway() as gateway:
        answer = await send_all_then_read(gateway, data)
    assert answer.startswith(b"HTTP/1.1 %d " % status)


LIMITS = {"/collect": 512_000, "/shopalytic.v1.CollectorService/Track": 4 * 1024 * 1024}


@pytest.mark.parametrize("path", LIMITS)
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_of_just_the_limit_is_taken_and_one_byte_more_is_not(
    path: str, is_chunked: bool
) -> None:
    start = b"POST %s HTTP/1.1\r\nhost: a\r\nconnection: close\r\n" % path.encode()
    start += b"content-type: application/json\r\nauthorization: Bearer %s\r\n" % KEY.encode()
    async with running_gateway() as gateway:
        for beyond in (-1, 0, 1, 70_000):
            body = (b'{"events": [{"type": "page_view"}]}' if path == "/collect" else b"{}").ljust(
                LIMITS[path] + beyond
            )
            if is_chunked:
                framed = b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            else:
                framed = b"content-length: %d\r\n\r\n%s" % (len(body), body)
            answer = await send_all_then_read(gateway, start + framed)
            assert answer.startswith(b"HTTP/1.1 %d " % (413 if beyond > 0 else 200)), (beyond, answer)


async def test_who_asks_first_is_refused_without_the_body() -> None:
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        writer.write(HEAD + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % LARGE)
        answer = await asyncio.wait_for(reader.read(), 120)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer


async def test_who_asks_first_and_may_go_on_is_told_so() -> None:
    body = b'{"token": "%s", "events": [{"type": "page_view"}]}' % KEY.encode()
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        writer.write(HEAD + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(body))
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 120) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await asyncio.wait_for(reader.readline(), 120)).startswith(b"HTTP/1.1 200 ")


async def test_a_small_body_that_comes_after_its_answer_keeps_the_connection() -> None:
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        for _ in range(2):
            writer.write(b"POST /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 120)
            assert head.startswith(b"HTTP/1.1 404 ")
            assert b"connection: close" not in head
            await reader.readuntil(b"}}")
            writer.write(b"x" * 1_000)


async def test_a_small_body_that_does_not_come_after_its_answer_ends_the_connection() -> None:
    async with running_gateway(header_seconds=0.2) as gateway, connected(gateway) as (reader, writer):
        writer.write(b"POST /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\nx")
        answer = await asyncio.wait_for(reader.read(), 120)
    assert answer.count(b"HTTP/1.1") == 1


async def send_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * 65_536)
        await asyncio.wait_for(writer.drain(), 120)
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("bound", "value"), [("MOST_BYTES", 1_000_000), ("LONGEST_SECONDS", 0.3), ("PAUSE_SECONDS", 0.2)]
)
async def test_who_never_ends_is_closed(monkeypatch: pytest.MonkeyPatch, bound: str, value: Any) -> None:
    monkeypatch.setattr(lingering, bound, value)
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        writer.write(HEAD + b"content-length: 100000000000\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
        if bound != "PAUSE_SECONDS":
            with pytest.raises(ConnectionError):
                await send_for_ever(writer)
        await until_nobody_lingers(gateway)


def lingerers(gateway: Gateway) -> int:
    protocol: Any = gateway.server._http._server.config.http_protocol_class
    return len(protocol.lingering)


async def until_nobody_lingers(gateway: Gateway) -> None:
    async with asyncio.timeout(120):
        while lingerers(gateway):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


async def test_only_so_many_linger_and_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "MOST_CONNECTIONS", 3)
    async with running_gateway(max_connections=50) as gateway, contextlib.AsyncExitStack() as stack:
        for _ in range(10):
            reader, writer = await stack.enter_async_context(connected(gateway))
            writer.write(HEAD + b"content-length: 100000000000\r\n\r\n")
            assert (await asyncio.wait_for(reader.readline(), 120)).startswith(b"HTTP/1.1 413 ")
        assert lingerers(gateway) == 3
        await stack.aclose()
        await until_nobody_lingers(gateway)


async def test_stopping_waits_for_nobody_who_lingers() -> None:
    async with running_gateway() as gateway, connected(gateway) as (reader, writer):
        writer.write(HEAD + b"content-length: 100000000000\r\n\r\n")
        assert (await asyncio.wait_for(reader.readline(), 120)).startswith(b"HTTP/1.1 413 ")
        assert lingerers(gateway) == 1
        await gateway.server.stop(30)
        assert not lingerers(gateway)


async def test_a_slow_line_gets_its_batch_through() -> None:
    body = b'{"token": "%s", "events": [{"type": "page_view"}]}' % KEY.encode()
    async with running_gateway(body_seconds=4) as gateway, connected(gateway) as (reader, writer):
        begun = time.monotonic()
        body += b" " * 3_000
        writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(body))
        for at in range(0, len(body), 200):
            writer.write(body[at : at + 200])
            await asyncio.sleep(0.3)
        assert (await asyncio.wait_for(reader.readline(), 120)).startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - begun > 4


async def test_a_batch_that_was_cut_off_is_answered_so_that_a_page_can_read_it() -> None:
    async with running_gateway(body_seconds=0.2) as gateway, connected(gateway) as (reader, writer):
        writer.write(HEAD + b"origin: https://shop.example\r\ncontent-length: 59000\r\n\r\n" + b" " * 1_000)
        answer = await asyncio.wait_for(reader.read(), 120)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"access-control-allow-origin: https://shop.example" in answer
    assert b'"code":"request_timeout"' in answer


async def test_connections_that_are_kept_are_kept_after_large_bodies() -> None:
    async with running_gateway() as gateway:

        def twice() -> list[int]:
            connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=120)
            statuses = []
            for _ in range(2):
                connection.request("POST", PATH, b" " * 200_000 + b"{}")
                answer = connection.getresponse()
                answer.read()
                assert answer.getheader("connection") is None
                statuses.append(answer.status)
            connection.close()
            return statuses

        assert await asyncio.to_thread(twice) == [400, 400]


HTTP2_CALL = """
    const http2 = require("node:http2");
    const session = http2.connect(process.argv[1]);
    session.on("error", ({code}) => console.log("session", code));
    session.on("goaway", (code) => console.log("goaway", code));
    const call = session.request({":method": "POST", ":path": "/shopalytic.v1.CollectorService/Track"});
    call.on("error", ({code}) => console.log("call", code));
    call.on("close", () => session.close());
    call.end("{}");
"""


async def test_a_call_over_http2_is_told_to_use_http1() -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    async with running_gateway() as gateway:
        command = ("node", "-e", HTTP2_CALL, f"http://127.0.0.1:{gateway.port}")
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = await asyncio.create_subprocess_exec(*command, **pipes)
        async with asyncio.timeout(120):
            told, complaints = await process.communicate()
    assert (process.returncode, complaints) == (0, b"")
    # HTTP_1_1_REQUIRED
    assert b"goaway 13" in told
