"""Makes broken requests out of good ones: the vectors of tests/vectors, mutated by a seeded generator."""

import gzip
import itertools
import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shopalytic.events.decoding import decode_event
from shopalytic.v1 import collector_pb2

_VECTORS = Path(__file__).parents[1] / "vectors"
_TEXTS = (
    *("", "\0", "null", "NaN", "1e999", "-0", "9" * 40, "0.00001", "2026-02-30T00:00:00Z", "\ud800"),
    *("a" * 5_000, "\N{PILE OF POO}" * 60, "\N{ARABIC-INDIC DIGIT SEVEN}"),
    *("'; DROP TABLE events; --", "%s%n", "../../x"),
)
_NUMBERS = (0, -1, 2**31, -(2**63), 2**64, 10**30, 1.5, 1e308, -1e-308)


def good_events() -> list[dict[str, Any]]:
    """The JSON events of all vectors."""
    files = sorted(_VECTORS.glob("*.json"))
    return [case["event"] for path in files for case in json.loads(path.read_text()) if "event" in case]


class JsonMutator:
    """Bodies of /collect."""

    def __init__(self, seed: int, token: str) -> None:
        self._random = random.Random(seed)
        self._events = good_events()
        self._token = token

    def body(self) -> bytes:
        """The next one."""
        event = json.loads(json.dumps(self._random.choice(self._events)))
        for _ in range(self._random.randrange(4)):
            event = self._changed(event)
        body: Any = {"token": self._token, "events": [event]}
        if self._random.random() < 0.1:
            body = self._changed(body)
        data = json.dumps(body).encode()
        return _torn(data, self._random) if self._random.random() < 0.2 else data

    def _changed(self, value: Any) -> Any:
        """One place of a JSON value is another."""
        pick = self._random
        if isinstance(value, dict) and value and pick.random() < 0.9:
            name = pick.choice(list(value))
            if pick.random() < 0.1:
                return {**value, pick.choice((*_TEXTS, name + "x")): value[name]}
            return {**value, name: self._changed(value[name])}
        if isinstance(value, list) and value and pick.random() < 0.8:
            at = pick.randrange(len(value))
            return [*value[:at], self._changed(value[at]), *value[at + 1 :], *value[: pick.randrange(3)]]
        return pick.choice((None, True, [], {}, [[[]]], {"a": {}}, *_TEXTS, *_NUMBERS))


class BinaryMutator:
    """Bytes of a TrackRequest: fields cut, doubled, swapped, given other types and lengths."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._good = [request for event in good_events() if (request := _request(event)) is not None]

    def request(self) -> bytes:
        """The next one."""
        data = self._random.choice(self._good)
        for _ in range(self._random.randrange(1, 4)):
            data = self._random.choice(_CHANGES)(data, self._random)
        return data


class HttpMutator:
    """What comes over connections of HTTP: requests that are framed, zipped, offer upgrades, or break off."""

    def __init__(self, seed: int, token: str) -> None:
        self._random = random.Random(seed)
        self._bodies = JsonMutator(seed, token)
        self._key = token.encode()

    def pieces(self) -> list[bytes]:
        """The bytes of the next connection, as they are sent."""
        pick = self._random
        requests = [self._request(is_last=False) for _ in range(pick.choice((0, 0, 0, 1, 2, 40)))]
        data = b"".join([*requests, self._request(is_last=True)])
        if pick.random() < 0.3:
            data = pick.choice((_torn, _flipped, _doubled))(data, pick)
        ends = sorted({0, len(data), *(pick.randrange(len(data) + 1) for _ in range(pick.choice((0, 1, 9))))})
        return [data[start:end] for start, end in itertools.pairwise(ends)]

    def _request(self, *, is_last: bool) -> bytes:
        pick = self._random
        body = self._bodies.body()
        if pick.random() < 0.3:
            body = pick.choice(
                (gzip.compress(body), gzip.compress(body)[:-9], gzip.compress(bytes(2_000_000)))
            )
        lines = [pick.choice(_STARTS), b"host: shop.example", *pick.choices(_HEADERS, k=pick.randrange(4))]
        lines += pick.choice(((), (), *_OFFERS))
        if pick.random() < 0.5:
            lines.append(b"authorization: Bearer " + self._key)
        lines.append(b"connection: close" if is_last else b"x-more: 1")
        if pick.random() < 0.4:
            chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
            return b"\r\n".join([*lines, b"transfer-encoding: chunked", b"", chunk + b"0\r\n\r\n"])
        wrong = pick.choice((0, 0, 0, 0, 0, -1, 1, 10**9))
        return b"\r\n".join([*lines, b"content-length: %d" % max(len(body) + wrong, 0), b"", body])


_STARTS = (
    *[b"POST /collect HTTP/1.1"] * 6,
    b"POST /shopalytic.v1.CollectorService/Track HTTP/1.1",
    b"POST /shopalytic.v1.AdminService/ReplayQuarantine HTTP/1.1",
    b"POST /nowhere HTTP/1.1",
    b"GET /collect.gif?token=%ff HTTP/1.1",
    b"OPTIONS /collect HTTP/1.1",
    b"CONNECT shop.example:443 HTTP/1.1",
    b"POST /collect HTTP/1.0",
    b"POST http://shop.example/collect HTTP/1.1",
    b"PRI * HTTP/2.0",
)
_HEADERS = (
    *(b"content-type: text/plain", b"content-type: application/json", b"content-type: application/proto"),
    *(b"content-encoding: gzip", b"content-encoding: br", b"expect: 100-continue"),
    *(b"authorization: Bearer shop_browser_nobody", b"authorization: \xff", b"origin: null"),
    *(
        b"cookie: " + b"a=b; " * 900,
        b"x-forwarded-for: " + b"1.1.1.1, " * 400,
        b'forwarded: for="' + b"\\" * 400,
    ),
    *(b"access-control-request-headers: " + b"x," * 1_000, b"content-length: 7", b"te: trailers"),
)
_OFFERS = (
    (b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c", b"http2-settings: AAMAAABkAAQCAAAAAAIAAAAA"),
    (b"connection: upgrade", b"upgrade: websocket", b"sec-websocket-key: x"),
)


class HugeMutator:
    """Requests that are small on the wire and huge in some other way, around the limits of each."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def request(self) -> tuple[str, dict[str, str], bytes]:
        """Path, headers and body of the next one."""
        pick = self._random
        path, kinds = pick.choice(
            (
                ("/collect", _HUGE_JSON),
                (_TRACK, _HUGE_JSON),
                (_TRACK, _HUGE_BINARY),
                (_LIST_ORDERS, _HUGE_LISTS),
            )
        )
        most = pick.choice((100, 1_000, 1_001, 10_001, 100_000, 2_000_000))
        body = pick.choice(kinds)(max(1, most + pick.randrange(-2, 3)))
        headers = {"content-type": "application/proto" if kinds is _HUGE_BINARY else "application/json"}
        if len(body) > 1_000 or pick.random() < 0.5:
            headers["content-encoding"] = "gzip"
            body = (
                gzip.compress(body, 1)
                if pick.random() < 0.9
                else gzip.compress(body, 1) * pick.choice((2, 20))
            )
        if pick.random() < 0.1:
            body = _torn(body, pick)
        return path, headers, body


_TRACK = "/shopalytic.v1.CollectorService/Track"
_LIST_ORDERS = "/shopalytic.v1.ReportService/ListOrders"
_HUGE_JSON: tuple[Callable[[int], bytes], ...] = (
    lambda many: b'{"events":[%s]}' % b",".join([b"{}"] * many),
    lambda many: b'{"events":[%s{"a":1,"a":2}]}' % (b" " * many),
    lambda many: b'{"events":[%s%s]}' % (b"[" * many, b"]" * many),
    lambda many: b'{"events":[{"a":%s}]}' % (b"9" * many),
    lambda many: b'{"events":[{"a":"%s"}]}' % (b"\\n" * many),
    lambda many: b'{"events":[{%s}]}' % b",".join([b'"a":1'] * many),
    lambda many: b'{"events":[{}],%s:1}' % b":1,".join(b'"%d"' % each for each in range(min(many, 50_000))),
    lambda many: b'{"a":' * many,
)
_HUGE_LISTS: tuple[Callable[[int], bytes], ...] = (
    lambda many: b'{"orderIds":[%s]}' % b",".join([b'""'] * many),
    lambda many: b'{"scope":%s%s}' % (b"[" * many, b"]" * many),
)
_HUGE_BINARY: tuple[Callable[[int], bytes], ...] = (
    lambda many: b"\x0a\x00" * many,
    lambda many: b"\x10\x01" * many,
    lambda many: b"\x0a\x80\x80\x80\x7f" + bytes(many),
    lambda many: b"\xff" * many,
)
_HUGE = (
    ("/collect", _HUGE_JSON),
    (_TRACK, _HUGE_JSON),
    (_TRACK, _HUGE_BINARY),
    (_LIST_ORDERS, _HUGE_LISTS),
)


def _request(event: dict[str, Any]) -> bytes | None:
    try:
        message = decode_event(event, fill=True)
    except ValueError:
        return None
    return collector_pb2.TrackRequest(events=[message]).SerializeToString()


def _torn(data: bytes, pick: random.Random) -> bytes:
    at = pick.randrange(len(data) + 1)
    return pick.choice((data[:at], data[at:], data[:at] + data[at + 1 :], data[:at] + b"\xff" + data[at:]))


def _flipped(data: bytes, pick: random.Random) -> bytes:
    at = pick.randrange(len(data)) if data else 0
    return data[:at] + bytes([pick.randrange(256)]) + data[at + 1 :]


def _doubled(data: bytes, pick: random.Random) -> bytes:
    start, end = sorted((pick.randrange(len(data) + 1), pick.randrange(len(data) + 1)))
    return data[:end] + data[start:end] + data[end:]


def _other_field(data: bytes, pick: random.Random) -> bytes:
    """A field of any number and wire type, after or inside what is there."""
    tag = pick.randrange(1, 40) << 3 | pick.choice((0, 1, 2, 5, 3, 7))
    content = pick.choice((b"", b"\x00", b"\xff" * 10, struct.pack("<q", -1), b"\x05hello", b"\xff\xff\x03"))
    at = pick.choice((0, len(data), pick.randrange(len(data) + 1)))
    return data[:at] + _varint(tag) + content + data[at:]


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128, value >> 7])


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (_torn, _flipped, _doubled, _other_field)
