"""The same kinds of weight in other forms: other tools' bodies, streams, headers, and valid events."""

import asyncio
import contextlib
import gzip
import itertools
import json
import re
import secrets
import struct
import time
import urllib.parse
import uuid

import grpc

from faults.lines import (
    INVENTED,
    PATIENCE_SECONDS,
    Line,
    Stranger,
    again_and_again,
    bearer,
    call,
    posted,
    request,
    zipped,
)
from shopalytic.v1.collector_pb2 import TrackRequest
from shopalytic.v1.events_pb2 import Event

_TRACK = "/shopalytic.v1.CollectorService/Track"
_REPORTS = "/shopalytic.v1.ReportService"

# Without a key


async def _new_keys(line: Line) -> None:
    """Small calls, each with a key that nobody has seen: each of them is looked up."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    body = TrackRequest(events=[Event(event_id=str(uuid.uuid4()))]).SerializeToString()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{line.grpc_port}", options=options) as channel:
        stub = channel.unary_unary(_TRACK)

        async def once() -> None:
            metadata = (("authorization", bearer(f"shop_server_{secrets.token_urlsafe(32)}")),)
            try:
                await stub(body, metadata=metadata, timeout=PATIENCE_SECONDS)
            except grpc.aio.AioRpcError as error:
                line.answers[error.code().name] += 1

        await again_and_again(line, 16, 400, once)


async def _long_headers(line: Line) -> None:
    """As much metadata as is taken, in one value and in many, over both ports."""
    cookie = request("/collect", b"{}", content_type="text/plain", cookie="shopalytic_id=" + "a; " * 20_000)
    accept = request("/collect", b"{}", content_type="text/plain", x_forwarded_for="1.1.1.1, " * 6_000)
    address = request("/collect?token=" + "%41" * 20_000, b"{}", content_type="text/plain")
    options = (("grpc.use_local_subchannel_pool", 1),)
    long, many = [("x-a", "b" * 15_000)], [(f"x-{number}", "b") for number in range(400)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{line.grpc_port}", options=options) as channel:
        stub = channel.unary_unary(_TRACK)
        metadata = itertools.cycle((long, many))

        async def once() -> None:
            try:
                await stub(b"", metadata=next(metadata), timeout=PATIENCE_SECONDS)
            except grpc.aio.AioRpcError as error:
                line.answers[error.code().name] += 1

        await asyncio.gather(again_and_again(line, 8, 200, once), posted(line, cookie, accept, address))


# With the public key of a browser


async def _other_tools(line: Line) -> None:
    """Bodies of other tools' SDKs, as full as they may be."""
    key = line.browser_key
    empty = b"[%s]" % b",".join([b"{}"] * 20_000)
    named = [{"type": "track", "event": f"{number}" + "e" * 100, "userId": "u"} for number in range(5_000)]
    full = json.dumps({"batch": named}).encode()
    nested = b'{"batch":[{"type":"track","event":"x","userId":"u","properties":%s%s}]}' % (
        b'{"a":' * 99 + b"[" * 400_000,
        b"]" * 400_000 + b"}" * 99,
    )
    hits = "\n".join(f"en=page_view&epn.{n}=1&dl=https://shop.example/{n}" for n in range(900))
    captured = {
        "api_key": key,
        "batch": [{"event": "$pageview", "properties": {"a": n}} for n in range(9_000)],
    }
    traits = {f"trait{n}": n for n in range(4_000)}
    known = [{"type": "identify", "userId": f"u{n}"} for n in range(9_000)]
    shared = json.dumps({"context": {"traits": traits}, "batch": known}).encode()
    parameters = "&".join(f"epn.{number}=1" for number in range(900))
    form = "data=" + urllib.parse.quote(json.dumps(captured)) * 3
    await posted(
        line,
        zipped("/v1/batch", b'{"batch":%s}' % empty, "application/json", authorization=bearer(key)),
        zipped("/v1/batch", full, "application/json", authorization=bearer(key)),
        zipped("/v1/batch", shared, "application/json", authorization=bearer(key)),
        zipped("/v1/batch", nested, "application/json", authorization=bearer(key)),
        zipped("/batch", json.dumps(captured).encode(), "application/json"),
        zipped("/e", form.encode(), "application/x-www-form-urlencoded", authorization=bearer(key)),
        request(f"/g/collect?token={key}&{parameters}", b"en=x\n" * 13_000, content_type="text/plain"),
        request(f"/g/collect?v=2&tid=G-1&cid=1.1&token={key}", hits.encode(), content_type="text/plain"),
        at_once=4,
        a_second=40,
    )


async def _nested_messages(line: Line) -> None:
    """Over gRPC: a struct in a struct, thousands deep, and as many small ones as there may be."""
    deep = b""
    while len(deep) < 200_000:
        # Value.struct_value.fields[""], inside out.
        deep = _field(5, _field(1, _field(2, deep)))
    wide = b"".join(_field(1, _field(1, b"%d" % n) + _field(2, b"\x10\x01")) for n in range(14_000))
    number = Event.DESCRIPTOR.fields_by_name["custom"].number
    events = [_field(1, _field(number, _field(2, _field(1, _field(2, deep))))) for _ in range(15)]
    many = [_field(1, _field(number, _field(1, b"x") + _field(2, wide))) for _ in range(15)]
    for body in (b"".join(events), b"".join(many)):
        part = Line(**{**line.__dict__, "until": line.until - (line.until - _now()) / 2})
        await call(part, _TRACK, body, line.browser_key, 4, 20)


def _now() -> float:
    return time.monotonic()


def _field(number: int, data: bytes) -> bytes:
    length, size = b"", len(data)
    while size > 127:
        length += bytes((size & 127 | 128,))
        size >>= 7
    tag = number << 3 | 2
    start = bytes((tag,)) if tag < 128 else bytes((tag & 127 | 128, tag >> 7))
    return start + length + bytes((size,)) + data


async def _large_orders(line: Line) -> None:
    """Orders as large as one may be: valid, and each counts as one event."""

    def order(number: int) -> bytes:
        lines = [{"sku": f"sku-{n}", "name": "n" * 50, "price": "1.00", "qty": 1} for n in range(1_900)]
        total = {"total": "1900.00", "subtotal": "1900.00", "currency": "EUR", "line_items": lines}
        event = {"type": "order", "properties": {"order_id": f"large-{number}", **total}}
        body = json.dumps({"events": [event]}).encode()
        return zipped(f"/collect?token={line.browser_key}", body, "text/plain")

    await posted(line, *(order(number) for number in range(40)), at_once=4, a_second=40)


async def _identities(line: Line) -> None:
    """Links that join ever more customers to one."""
    numbers = itertools.count()

    def links() -> bytes:
        start = next(numbers) * 150
        events = [
            {
                "type": "identify",
                "tracking_id": f"joined-{number + shift}",
                "properties": {"identity": f"chain-{number}"},
            }
            for number in range(start, start + 150)
            for shift in (0, 1)
        ]
        body = json.dumps({"events": events}).encode()
        return zipped(f"/collect?token={line.browser_key}", body, "text/plain")

    await posted(line, *(links() for _ in range(40)), at_once=4, a_second=40)


async def _small_calls(line: Line) -> None:
    """Calls of one event each, as many at once as four connections take."""
    await asyncio.gather(*(_calls_of_one(line, 100) for _ in range(4)))


async def _calls_of_one(line: Line, at_once: int) -> None:
    options = (("grpc.use_local_subchannel_pool", 1),)
    metadata = (("authorization", bearer(line.browser_key)),)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{line.grpc_port}", options=options) as channel:
        stub = channel.unary_unary(_TRACK)

        async def once() -> None:
            event = Event(event_id=str(uuid.uuid4()), tracking_id="flood")
            event.occurred_at.GetCurrentTime()
            event.page_view.url = "https://shop.example/"
            try:
                body = TrackRequest(events=[event]).SerializeToString()
                await stub(body, metadata=metadata, timeout=PATIENCE_SECONDS)
                line.answers["OK"] += 1
            except grpc.aio.AioRpcError as error:
                line.answers[error.code().name] += 1

        await again_and_again(line, at_once, 1e6, once)


async def _small_requests(line: Line) -> None:
    """Requests of one event each, over two hundred connections that stay, all of one address."""
    await asyncio.gather(*(_requests_of_one(line) for _ in range(200)))


async def _requests_of_one(line: Line) -> None:
    event = {"type": "page_view", "properties": {"url": "https://shop.example/"}}
    body = json.dumps({"events": [event]}).encode()
    data = request(f"/collect?token={line.browser_key}", body, content_type="text/plain")
    data = data.replace(b"connection: close\r\n", b"").replace(b"%s", b"x-forwarded-for: 203.0.113.99")
    while not line.is_over:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", line.http_port)
            try:
                while not line.is_over:
                    writer.write(data)
                    head = await reader.readuntil(b"\r\n\r\n")
                    [length] = re.findall(rb"content-length: (\d+)", head.lower())
                    await reader.readexactly(int(length))
                    line.answers[f"HTTP {head[9:12].decode()}"] += 1
            finally:
                writer.close()


# With a key for reports


async def _large_fields(line: Line) -> None:
    """Over gRPC: as many values as are counted, texts as long as a message, and fields that nobody knows."""
    ids = b"".join(_field(3, b"%d" % number) for number in range(19_000))
    unknown = b"".join(_field(900, _field(1, b"a")) for _ in range(9_000))
    calls = (
        ("ListOrders", ids),
        ("ListOrders", unknown),
        ("GetSalesReport", _field(1, _field(3, b"Europe/" + b"x" * 3_000_000))),
        ("GetSalesReport", _field(1, _field(4, b"A" * 3_000_000))),
        ("GetSalesReport", _field(1, _field(9, _field(3, b"v" * 90)) * 9_000)),
        ("ListEvents", b"".join(_field(5, b"page_vie%d" % number) for number in range(99))),
    )
    for name, body in calls:
        part = Line(**{**line.__dict__, "until": _now() + (line.until - _now()) / 3})
        await call(part, f"{_REPORTS}/{name}", body, line.reports_key, 4, 40)


async def _stream_bodies(line: Line) -> None:
    """Connect's envelopes: longer than they say, packed many times, and of a key that may not."""
    kind, tail = {"content_type": "application/connect+json"}, f"{_REPORTS}/TailEvents"
    types = b'{"types":[%s]}' % b",".join([b'"a"'] * 900_000)
    packed = gzip.compress(types)
    envelope = struct.pack(">BI", 1, len(packed)) + packed
    known = {**kind, "authorization": bearer(line.reports_key), "connect_content_encoding": "gzip"}
    plain = struct.pack(">BI", 0, len(types)) + types
    short = struct.pack(">BI", 0, 4_000_000) + b"{}"
    await posted(
        line,
        request(tail, envelope, **known),
        request(tail, short, **known),
        request(tail, struct.pack(">BI", 0, 2) + b"{}", **kind, authorization=bearer(line.browser_key)),
        request(tail, struct.pack(">BI", 0, 2) + b"{}", **kind, authorization=bearer(INVENTED)),
        request(tail, plain, **known),
        at_once=4,
        a_second=40,
    )


FORMS = (
    Stranger("calls with ever new keys", _new_keys),
    Stranger("long headers, both ports", _long_headers),
    Stranger("other tools' bodies, browser", _other_tools),
    Stranger("nested messages, browser", _nested_messages),
    Stranger("large valid orders, browser", _large_orders),
    Stranger("chains of links, browser", _identities),
    Stranger("small calls, browser", _small_calls),
    Stranger("small requests, one address", _small_requests),
    Stranger("large fields, reports", _large_fields),
    Stranger("Connect envelopes, reports", _stream_bodies),
)
