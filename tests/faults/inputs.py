"""What strangers send: without a key, with the public one of a browser, and with one for reports."""

import asyncio
import contextlib
import gzip
import itertools
import json
import struct
import uuid
import zlib

import grpc
from google.protobuf.struct_pb2 import Struct
from grpc_health.v1 import health_pb2, health_pb2_grpc

from faults.forms import FORMS
from faults.lines import (
    INVENTED,
    Line,
    Stranger,
    bearer,
    call,
    hold,
    json_request,
    posted,
    raw,
    request,
    zipped,
)
from running.raw_http2 import (
    END_HEADERS,
    HEADERS,
    PING,
    RST_STREAM,
    WINDOW_UPDATE,
    frame,
    message,
    raw_connection,
)
from shopalytic.v1.collector_pb2 import TrackRequest
from shopalytic.v1.events_pb2 import Event, Undecoded
from shopalytic_server.domain.access import sign_in_calls

TRACK = "/shopalytic.v1.CollectorService/Track"
_LIST_ORDERS = "/shopalytic.v1.ReportService/ListOrders"
_TAIL = "/shopalytic.v1.ReportService/TailEvents"
_EVENTS = "/shopalytic.v1.ReportService/ListEvents"
_CONTINUATION = 9


# Without a key


async def _empty_events(line: Line) -> None:
    many = b'{"events":[%s]}' % b",".join([b"{}"] * 1_398_091)
    await posted(
        line,
        zipped(TRACK, many, "application/json"),
        zipped(TRACK, b"\x0a\x00" * 2_000_000, "application/proto"),
        zipped(TRACK, many, "application/json", authorization=bearer(INVENTED)),
    )


async def _other_bombs(line: Line) -> None:
    """Of every kind of packing, and of what a reader may choke on once it is unpacked."""
    nested = b'{"events":[%s%s]}' % (b"[" * 1_500_000, b"]" * 1_500_000)
    twice = gzip.compress(gzip.compress(bytes(50_000_000)))
    deflated = zlib.compress(bytes(4_000_000))
    await posted(
        line,
        zipped("/collect", nested, "text/plain"),
        zipped(TRACK, nested, "application/json"),
        request("/collect", gzip.compress(b"") * 4_000, content_type="text/plain"),
        request("/collect", twice, content_type="text/plain", content_encoding="gzip, gzip"),
        request("/collect", deflated, content_type="text/plain", content_encoding="deflate"),
        request("/collect", b"\x5b\xff\xaf\x02\x20", content_type="text/plain", content_encoding="br"),
        zipped(TRACK, b"\x10\x01" * 2_000_000, "application/proto"),
        zipped("/collect?token=" + INVENTED, bytes(500_000), "text/plain"),
    )


async def _invented_keys(line: Line) -> None:
    await call(line, TRACK, b"\x0a\x00" * 2_000_000, INVENTED, 8, 60)


async def _unfinished(line: Line) -> None:
    """Calls that send all of a message but the last byte."""
    while not line.is_over:
        with contextlib.suppress(OSError, TimeoutError):
            async with raw_connection(line.grpc_port) as connection:
                body = message(bytes(240_000), 4_000_000)
                for key in (None, INVENTED) * 30:
                    metadata = () if key is None else (("authorization", bearer(key)),)
                    connection.send(connection.open(TRACK, metadata), body)
                await asyncio.sleep(3)
                line.answers["refused"] += len(connection.answers) + len(connection.reset)
                line.answers["connection ended"] += connection.closed


async def _guesses(line: Line) -> None:
    """Guesses passwords of people whom nobody has added, each time of another."""
    numbers = itertools.count()

    def guess() -> bytes:
        request = Struct()
        request.update({"email": f"{next(numbers)}@shop.example", "password": "correct horse"})
        return request.SerializeToString()

    await call(line, sign_in_calls.path(sign_in_calls.SIGN_IN), guess, "", 80, 400)


async def _blanks(line: Line) -> None:
    body = b'{"events":[%s{"a":1,"a":2}],"token":"x"}' % (b" " * 490_000)
    await posted(line, zipped("/collect", body, "text/plain"))


async def _idle(line: Line) -> None:
    writers = []
    for _ in range(1_200):
        with contextlib.suppress(OSError):
            writers.append((await asyncio.open_connection("127.0.0.1", line.grpc_port))[1])
    line.answers["connections"] += len(writers)
    await line.rest()
    for writer in writers:
        writer.close()


async def _watches(line: Line) -> None:
    """Watches of health, as many as are let in, over many connections."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with contextlib.AsyncExitStack() as open_ones:
        watches = []
        for _ in range(30):
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{line.grpc_port}", options=options)
            stub = health_pb2_grpc.HealthStub(await open_ones.enter_async_context(channel))
            watches += [stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(40)]
        first = await asyncio.gather(*(_first(watch) for watch in watches))
        line.answers.update(first)
        await line.rest()
        for watch in watches:
            watch.cancel()


async def _first(watch: "grpc.aio.UnaryStreamCall[object, object]") -> str:
    try:
        await asyncio.wait_for(watch.read(), 10)
    except TimeoutError:
        return "no answer"
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "watching"


async def _metrics(line: Line) -> None:
    data = request("/metrics", b"").replace(b"POST", b"GET", 1)
    await posted(line, data, data.replace(b"/metrics", b"/nowhere", 1))


async def _resets(line: Line) -> None:
    """Calls that are taken back at once, a hundred at a time (CVE-2023-44487)."""
    block = _headers(TRACK)
    stream = 1
    while not line.is_over:
        with contextlib.suppress(OSError, TimeoutError):
            async with raw_connection(line.grpc_port) as connection:
                for _ in range(2_000):
                    if connection.closed or line.is_over:
                        break
                    for _ in range(100):
                        begin = frame(HEADERS, END_HEADERS, stream, block)
                        connection.write(begin + frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))
                        stream += 2
                    line.answers["resets"] += 100
                    await asyncio.sleep(0.05)
                line.answers["connection ended"] += connection.closed
        stream = 1


async def _frames(line: Line) -> None:
    """Pings, empty settings, and allowances of one byte, thousands at a time."""
    pings = frame(PING, 0, 0, bytes(8)) * 1_000
    tiny = frame(4, 0, 0) * 500 + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) * 500
    await asyncio.gather(raw(line, pings, 20, 2), raw(line, tiny, 20, 2))


async def _continuations(line: Line) -> None:
    """Headers that never end (CVE-2024-27316 and its like): gRPC keeps them, so few of them are sent."""
    begin = frame(HEADERS, 0, 1, _headers(TRACK))
    more = frame(_CONTINUATION, 0, 1, b"\x00\x01a\x01b" * 3_000)
    stray = frame(_CONTINUATION, 0, 1, bytes(100)) * 50
    await asyncio.gather(raw(line, more, 20, 2, begin=begin), raw(line, stray, 40, 2))


async def _large_headers(line: Line) -> None:
    """HTTP/1.1: as many headers, and as large ones, as are taken; and heads that come in drops."""
    many = {f"x-{number}": "y" * 300 for number in range(190)}
    data = request("/collect", b"{}", content_type="text/plain", **many)
    slow = b"POST /collect HTTP/1.1\r\nhost: shop"
    await asyncio.gather(posted(line, data), _trickle(line, slow, 300))


async def _trickle(line: Line, data: bytes, count: int) -> None:
    """Requests that begin and do not go on."""
    writers = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", line.http_port)
            writer.write(data)
            writers.append(writer)
    line.answers["held"] += len(writers)
    await line.rest()
    for writer in writers:
        writer.close()


def _headers(path: str) -> bytes:
    pairs = ((":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "shop"))
    every = (*pairs, ("content-type", "application/grpc"), ("te", "trailers"))
    return b"".join(b"\x00" + _short(name) + _short(value) for name, value in every)


def _short(text: str) -> bytes:
    return bytes((len(text),)) + text.encode()


# With the public key of a browser


def _collected(line: Line, events: list[dict[str, object]]) -> bytes:
    body = json.dumps({"events": events}).encode()
    return zipped(f"/collect?token={line.browser_key}", body, "text/plain")


async def _unreadable(line: Line) -> None:
    """What a browser may not send, in a form that cannot be read; and a valid order as unreadable text."""

    def refund(number: int) -> dict[str, object]:
        return {"order_id": str(number), "refund_type": "full", "zzz": 1}

    events = [{"type": "refund", "properties": refund(number)} for number in range(200)]
    events += [{"type": "identify", "properties": {"identity": f"victim-{n}", "zzz": 1}} for n in range(200)]
    order = json.dumps({"type": "order", "properties": {"order_id": "1001", "total": "1.00"}})
    hidden = [_undecoded(order, "json") for _ in range(200)]
    body = TrackRequest(events=hidden).SerializeToString()
    over_rpc = zipped(TRACK, body, "application/proto", authorization=bearer(line.browser_key))
    await posted(line, _collected(line, events), over_rpc, at_once=4, a_second=40)


async def _rules(line: Line) -> None:
    """Names of rules that nobody knows."""
    events = [_undecoded("{", uuid.uuid4().hex) for _ in range(500)]
    body = TrackRequest(events=events).SerializeToString()
    await posted(
        line,
        zipped(TRACK, body, "application/proto", authorization=bearer(line.browser_key)),
        at_once=4,
        a_second=40,
    )


def _undecoded(text: str, rule_id: str) -> Event:
    event = Event(
        event_id=str(uuid.uuid4()), tracking_id="t", undecoded=Undecoded(json=text, rule_id=rule_id)
    )
    event.occurred_at.GetCurrentTime()
    return event


async def _robots(line: Line) -> None:
    """Page views whose user agents are long and all different."""

    def view(number: int) -> dict[str, object]:
        agent = f"{number} " + "Mozilla/5.0 (bot compatible; " * 66
        properties = {"url": "https://shop.example/", "referrer": ""}
        return {"type": "page_view", "properties": properties, "context": {"user_agent": agent[:2_000]}}

    requests = [_collected(line, [view(1_000 * n + m) for m in range(200)]) for n in range(20)]
    await posted(line, *requests, at_once=4, a_second=40)


async def _dense(line: Line) -> None:
    """Over gRPC with a valid key: as many values, unknown fields and packed numbers as 4 MB hold."""
    for body in (b"\x0a\x00" * 2_000_000, b"\x10\x01" * 2_000_000, b"\x0b\x0c" * 2_000_000, _packed()):
        part = Line(**{**line.__dict__, "until": line.until - (line.until - _now()) * 3 / 4})
        await call(part, TRACK, body, line.browser_key, 4, 20)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _packed() -> bytes:
    """One event with a field that the contract does not have, of four million packed numbers."""
    numbers = b"\xfa\x7d\x80\x80\x10" + b"\x01" * 262_144
    return b"".join(b"\x0a" + b"\x85\x80\x10" + numbers for _ in range(15))


# With a key for reports


async def _tails(line: Line) -> None:
    data = struct.pack(">BI", 0, 2) + b"{}"
    kind = {"content_type": "application/connect+json", "authorization": bearer(line.reports_key)}
    await hold(line, request(_TAIL, data, **kind), 2_100)


async def _questions(line: Line) -> None:
    ids = b'{"orderIds":[%s]}' % b",".join([b'""'] * 1_300_000)
    key = {"authorization": bearer(line.reports_key)}
    await posted(
        line,
        zipped(_LIST_ORDERS, ids, "application/json", **key),
        zipped(_LIST_ORDERS, b'{"scope":%s%s}' % (b"[" * 900_000, b"]" * 900_000), "application/json", **key),
        json_request(_LIST_ORDERS, {"pageToken": "A" * 3_000}, **key),
        json_request(_EVENTS, {"explain": "eyJ" + "A" * 900}, **key),
        at_once=4,
        a_second=40,
    )


async def _slow_readers(line: Line) -> None:
    """Whoever asks for the script, and takes none of it."""
    data = request("/shopalytic.v1.binpb", b"").replace(b"POST", b"GET", 1)
    await hold(line, data, 500)


STRANGERS = (
    Stranger("empty events, gzip, no key", _empty_events),
    Stranger("other bombs, no key", _other_bombs),
    Stranger("4 MB calls, invented keys", _invented_keys),
    Stranger("unfinished messages", _unfinished),
    Stranger("guessed passwords", _guesses),
    Stranger("blanks, a wrong token", _blanks),
    Stranger("1,200 idle connections", _idle),
    Stranger("1,200 watches of health", _watches),
    Stranger("metrics and unknown paths", _metrics),
    Stranger("HTTP/2: rapid resets", _resets),
    Stranger("HTTP/2: pings, tiny frames", _frames),
    Stranger("HTTP/2: endless headers", _continuations),
    Stranger("large and unended headers", _large_headers),
    Stranger("unreadable refunds, browser", _unreadable),
    Stranger("names of rules, browser", _rules),
    Stranger("long user agents, browser", _robots),
    Stranger("dense 4 MB calls, browser", _dense),
    Stranger("2,100 TailEvents, reports", _tails),
    Stranger("huge questions, reports", _questions),
    Stranger("readers that take nothing", _slow_readers),
    *FORMS,
)
