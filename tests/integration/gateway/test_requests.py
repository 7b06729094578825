"""How requests are read: cut anywhere, one behind another, and with an offer to upgrade."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from shopalytic_server.gateway.http.protocol import limited_protocol
from shopalytic_server.gateway.services import methods_of, published_files
from standins.gateway import KEY, PAGE_VIEW, running_gateway

BODY = json.dumps({"token": KEY, "events": [PAGE_VIEW]}).encode()
UPGRADES = {
    "h2c": b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAI\r\n",
    "websocket": b"Connection: keep-alive, upgrade\r\nUPGRADE: websocket\r\nsec-websocket-version: 13\r\n",
    "tls": b"upgrade: TLS/1.0\r\nconnection: upgrade\r\n",
    "several": b"upgrade: h2c\r\nupgrade: websocket\r\nconnection: upgrade\r\n",
}


class Wire(asyncio.Transport):
    """The client's end of a connection: what it got, and what it sends in pieces of its choice."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": ("203.0.113.7", 4711), "sockname": ("127.0.0.1", 8080)})
        self._protocol = protocol
        self._reads = asyncio.Event()
        self._reads.set()
        self._closed = asyncio.Event()
        self.got = b""
        protocol.connection_made(self)

    async def send(self, pieces: list[bytes]) -> bytes:
        """Sends the pieces one by one, and returns all answers once the other side has closed."""
        for piece in pieces:
            await self._reads.wait()
            self._protocol.data_received(piece)
            await asyncio.sleep(0)
        async with asyncio.timeout(120):
            await self._closed.wait()
        self._protocol.connection_lost(None)
        return self.got

    def write(self, data: Any) -> None:
        self.got += data

    def pause_reading(self) -> None:
        self._reads.clear()

    def resume_reading(self) -> None:
        self._reads.set()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass  # what is written is taken at once

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._closed.set()

    def close(self) -> None:
        self._closed.set()

    def is_closing(self) -> bool:
        return self._closed.is_set()


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with all that it was asked, but the headers that an offer to upgrade consists of."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = [(name.decode(), value.decode()) for name, value in scope["headers"] if name != b"connection"]
    asked = [scope["method"], scope["path"], scope["http_version"], headers, body.decode("latin-1")]
    answer = json.dumps(asked).encode()
    start = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": start})
    await send({"type": "http.response.body", "body": answer})


def wire() -> Wire:
    protocol_class = limited_protocol(10, 100)
    config = uvicorn.Config(echo, http=protocol_class, ws="none", lifespan="off", log_config=None)
    config.load()
    return Wire(protocol_class(config=config, server_state=ServerState(), app_state={}))


def cut(data: bytes, places: list[float]) -> list[bytes]:
    ends = sorted({round(place * len(data)) for place in places} | {0, len(data)})
    return [data[begin:end] for begin, end in itertools.pairwise(ends)]


def chunked(body: bytes, places: list[float]) -> bytes:
    parts = cut(body, places) if body else []
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\nx-trailer: 1\r\n\r\n"


PLACES = st.lists(st.floats(0, 1), max_size=12)


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes, bytes, bytes]:
    """The lines of a head, an offer to upgrade, and the body in its frame with the header that tells it."""
    method = draw(st.sampled_from([b"POST", b"PUT"]))
    path = draw(st.sampled_from([b"/a", b"/b?c=d"]))
    body = draw(st.binary(max_size=200)) * draw(st.sampled_from([1, 1, 100]))
    head = (
        method
        + b" "
        + path
        + b" HTTP/1.1\r\nhost: shop.example\r\nx-more: "
        + b"m" * draw(st.integers(0, 99))
    )
    offer = draw(st.sampled_from([b"", *UPGRADES.values()]))
    if draw(st.booleans()):
        return head, offer, b"transfer-encoding: chunked\r\n", chunked(body, draw(PLACES))
    return head, offer, b"content-length: %d\r\n" % len(body), body


LAST = b"GET /last HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
OFFERED = ("upgrade", "http2-settings", "sec-websocket-version")


def answered(data: bytes, pieces: list[bytes]) -> Iterator[Any]:
    """What the application was asked, request by request."""
    assert b"".join(pieces) == data

    async def talk() -> bytes:
        return await wire().send(pieces)

    got = asyncio.run(talk())
    while got:
        head, _, got = got.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK"), head
        (length,) = [int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
        asked, got = json.loads(got[:length]), got[length:]
        asked[3] = [pair for pair in asked[3] if pair[0] not in OFFERED]
        yield asked


@given(st.lists(requests(), min_size=1, max_size=4), PLACES)
def test_however_requests_are_cut_and_whatever_they_offer_the_same_is_asked(
    drawn: list[tuple[bytes, bytes, bytes, bytes]], places: list[float]
) -> None:
    plain = b"".join(head + b"\r\n" + frame + b"\r\n" + body for head, _, frame, body in drawn) + LAST
    whole = list(answered(plain, [plain]))
    assert len(whole) == len(drawn) + 1
    offering = [head + b"\r\n" + offer + frame + b"\r\n" + body for head, offer, frame, body in drawn]
    data = b"".join(offering) + LAST
    assert list(answered(data, cut(data, places))) == whole


@given(requests(), st.sampled_from([b"close, upgrade", b"Upgrade, Close, HTTP2-Settings"]), PLACES)
def test_who_offers_an_upgrade_and_ends_the_connection_is_answered_once(
    drawn: tuple[bytes, bytes, bytes, bytes], connection: bytes, places: list[float]
) -> None:
    head, _, frame, body = drawn
    plain = head + b"\r\nconnection: close\r\n" + frame + b"\r\n" + body
    data = head + b"\r\nupgrade: h2c\r\nconnection: " + connection + b"\r\n" + frame + b"\r\n" + body
    assert list(answered(data, cut(data, places))) == list(answered(plain, [plain]))


def test_a_head_that_comes_byte_by_byte_is_the_same() -> None:
    head = b"POST /a HTTP/1.1\r\nhost: a\r\n" + UPGRADES["h2c"] + b"content-length: 5\r\n\r\nhello" + LAST
    assert list(answered(head, [bytes([byte]) for byte in head])) == list(answered(head, [head]))


def test_thousands_of_requests_in_one_read_are_answered_one_by_one() -> None:
    data = b"GET /a HTTP/1.1\r\n\r\n" * 3_000 + LAST
    assert len(list(answered(data, [data]))) == 3_001


def test_trailers_are_no_headers() -> None:
    async def seen() -> list[Any]:
        body = b"2\r\n{}\r\n0\r\nauthorization: Bearer stolen\r\n\r\n"
        request = b"POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        got = await wire().send([request + body])
        return json.loads(got.partition(b"\r\n\r\n")[2])

    assert asyncio.run(seen())[3] == [["host", "a"], ["transfer-encoding", "chunked"]]


async def talk(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), 120)
    finally:
        writer.close()


@pytest.mark.parametrize("offer", [*UPGRADES.values(), b"connection: close, upgrade\r\nupgrade: h2c\r\n"])
async def test_events_of_a_client_that_offers_to_upgrade_are_stored(offer: bytes) -> None:
    head = b"POST /collect HTTP/1.1\r\nhost: localhost\r\n" + offer
    framed = [
        b"content-length: %d\r\n\r\n%s" % (len(BODY), BODY),
        b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    ]
    async with running_gateway() as gateway:
        for number, rest in enumerate(framed, 1):
            answer = await talk(gateway.port, head + rest + LAST)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"ACCEPTED" in answer
            assert len(gateway.collector.events) == number


async def test_a_proxy_is_what_this_is_not() -> None:
    async with running_gateway() as gateway:
        answer = await talk(
            gateway.port, b"CONNECT shop.example:443 HTTP/1.1\r\nhost: shop.example:443\r\n\r\n"
        )
    assert answer.startswith(b"HTTP/1.1 405 ")


async def test_what_is_whole_is_answered_before_what_cannot_be_read() -> None:
    request = b"POST /collect HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY
    async with running_gateway() as gateway:
        answer = await talk(gateway.port, request + b"and more than was announced\r\n\r\n")
        assert len(gateway.collector.events) == 1
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_each_call_says_whether_it_changes_something() -> None:
    methods = methods_of(published_files())
    reading = {path.rpartition("/")[2] for path, method in methods.items() if not method.changes}
    assert reading >= {"GetCustomer", "ListQuarantine", "TailEvents", "ExportCustomer"}
    changing = {path.rpartition("/")[2] for path, method in methods.items() if method.changes}
    assert changing >= {"Track", "Identify", "Alias", "ReplayQuarantine", "EraseCustomer", "UndoMerge"}
    assert not any("Report" in name for name in changing)


@pytest.mark.parametrize("body", [b"", b" \r\n"])
async def test_an_empty_json_body_changes_nothing_and_zero_bytes_are_a_message_in_protobuf(
    body: bytes,
) -> None:
    async with running_gateway() as gateway:
        for name, method in methods_of(published_files()).items():
            if not method.changes or method.client_streaming:
                continue
            answer = await gateway.rpc(name.removeprefix("/shopalytic.v1."), body)
            assert (answer.status, answer.json["code"]) == (400, "invalid_argument"), name
            assert "empty" in answer.json["message"]
        assert not gateway.collector.requests
        binary = await gateway.rpc("CollectorService/Track", b"", {"content-type": "application/proto"})
        asked = await gateway.rpc("ReportService/GetCustomer", body)
    assert binary.status == 200
    assert asked.json["code"] == "not_found"
