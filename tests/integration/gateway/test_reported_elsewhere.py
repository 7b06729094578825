"""Requests that other collectors were reported to fail on: what is meant is stored, the rest gets a reason.

Each has the report where its kind was seen.
"""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from standins.gateway import KEY, PAGE_VIEW, Gateway, running_gateway

EVENTS = {"events": [PAGE_VIEW]}
BODY = json.dumps({**EVENTS, "token": KEY}).encode()
TOKEN = f"/collect?token={KEY}"


class Case(NamedTuple):
    """A request: what it is, where it goes, its headers and its body."""

    name: str
    status: int
    path: str = TOKEN
    headers: tuple[str, ...] = ("content-type: text/plain",)
    body: bytes = BODY
    method: str = "POST"
    announced: bool = True
    """Whether its length is."""


def chunked(body: bytes, size: int, trailers: bytes = b"", extension: bytes = b"") -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts) + (
        b"0\r\n" + trailers + b"\r\n"
    )


CHUNKED = ("content-type: text/plain", "transfer-encoding: chunked")
PLAIN = ("content-type: text/plain",)

STORED = (
    # open-telemetry/opentelemetry-collector#8114, -contrib#44010
    Case("no encoding, by name", 200, headers=(*PLAIN, "content-encoding: identity")),
    Case("an encoding without a name", 200, headers=(*PLAIN, "content-encoding:")),
    # BuilderIO/agent-native#1738: a proxy unpacked the body and kept the header
    Case("gzip that somebody has unpacked", 200, headers=(*PLAIN, "content-encoding: gzip")),
    Case("the same, as Connect's JSON", 200, "/shopalytic.v1.CollectorService/Track",
         ("content-type: application/json", "content-encoding: gzip", f"authorization: Bearer {KEY}"),
         b' {"events":[]}'),
    # kubeshop/testkube#3859, PostHog/posthog#54412: gzip that no header names
    Case("gzip that is not named", 200, body=gzip.compress(BODY)),
    Case("gzip by its old name", 200, headers=(*PLAIN, "content-encoding: X-GZIP"), body=gzip.compress(BODY)),
    Case("gzip of several members, some empty", 200, headers=(*PLAIN, "content-encoding: gzip"),
         body=gzip.compress(b"") + gzip.compress(BODY[:40]) + gzip.compress(b"") + gzip.compress(BODY[40:])),
    # open-telemetry/opentelemetry-collector#7452
    Case("a type with parameters", 200, headers=('content-type: application/json;v=1; charset="utf-8"',)),
    Case("a type in capitals", 200, headers=("content-type: Text/Plain;charset=UTF-8",)),
    # A beacon of a Blob has no type: PostHog/posthog-js#4139
    Case("no type", 200, headers=()),
    Case("an empty type", 200, headers=("content-type:",)),
    # opendatahub-io/agentic-ci#191
    Case("chunks", 200, headers=CHUNKED, body=chunked(BODY, 7), announced=False),
    Case("chunks with extensions and trailers", 200, headers=(*CHUNKED, "trailer: x-a"), announced=False,
         body=chunked(BODY, 50, b"x-a: b\r\nx-c: d\r\n", b";name=value")),
    Case("a mark of the order of bytes", 200, body=b"\xef\xbb\xbf" + BODY),
    Case("blanks around it", 200, body=b"\r\n\t " + BODY + b"\n\n"),
    # snowplow/stream-collector#98
    Case("an address that ends within an escape", 200, TOKEN + "&a=%b&=&&%zz=%"),
    # snowplow/snowplow#3431, snowplow/stream-collector#432
    Case("cookies that keep to no rule", 200,
         headers=(*PLAIN, 'cookie: a={"b":"c,d\\\\"}; =; b; ;; c=d=e; "f"="g"; \xff=\xfe')),
    Case("two headers of cookies", 200, headers=(*PLAIN, "cookie: a=b", "cookie: c=d")),
    # ClickHouse/ClickHouse#75469, umami-software/umami#2862
    Case("addresses of IPv6", 200, headers=(*PLAIN, "x-forwarded-for: 2607:f8b0:4007:818::200e, [::1]:80",
         'forwarded: for="[2001:db8::1%25eth0]:4711";proto=https, for=_hidden;by=unknown')),
    Case("a host of IPv6", 200, headers=(*PLAIN, "host: [2001:db8::1]:8080", "origin: http://[2001:db8::1]:80")),
    Case("an origin that is none", 200, headers=(*PLAIN, "origin: null", "referer: about:blank")),
)  # fmt: skip

REFUSED = (
    # umami-software/umami#2986: the reason is told
    Case("nothing", 400, body=b""),
    Case("UTF-16", 400, body=BODY.decode().encode("utf-16")),
    Case("bytes that are no text", 400, body=b'{"events":[{"type":"\xff\xfe"}]}x'),
    Case("gzip that is cut off", 400, headers=(*PLAIN, "content-encoding: gzip"),
         body=gzip.compress(BODY)[:-9]),
    # PostHog/posthog-js#3564: without its first bytes
    Case("gzip without its beginning", 400, headers=(*PLAIN, "content-encoding: gzip"),
         body=gzip.compress(BODY)[2:]),
    Case("an encoding that nobody unpacks", 415, headers=(*PLAIN, "content-encoding: br")),
    Case("a type that is no JSON", 415, headers=("content-type: multipart/form-data; boundary=x",)),
    Case("a length beside chunks", 400, headers=CHUNKED, body=chunked(BODY, 50)),
    Case("two lengths", 400, headers=(*PLAIN, "content-length: 5")),
    Case("a chunk of no number", 400, headers=CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n", announced=False),
    # snowplow/snowplow#3827
    Case("only the head", 405, method="HEAD", body=b""),
    Case("a method that nobody knows", 405, method="PROPFIND", body=b""),
    Case("two slashes", 404, "//collect?token=x"),
    Case("a way up", 404, "/a/../collect/../../etc/passwd"),
)  # fmt: skip


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with running_gateway(trusted_proxies=1) as gateway:
        yield gateway


async def answer_to(gateway: Gateway, case: Case) -> tuple[int, bytes]:
    """The status, and the rest of what came until the gateway ended the connection."""
    lines = [f"{case.method} {case.path} HTTP/1.1", "connection: close", *case.headers]
    if not any(each.startswith("host:") for each in case.headers):
        lines.append("host: shop.example")
    if case.announced:
        lines.append(f"content-length: {len(case.body)}")
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + case.body)
    async with asyncio.timeout(120):
        answer = await reader.read()
    writer.close()
    status = re.match(rb"HTTP/1\.1 ([0-9]{3}) ", answer)
    assert status is not None, answer
    return int(status[1]), answer


@pytest.mark.parametrize("case", STORED, ids=lambda case: case.name)
async def test_what_is_meant_is_stored(gateway: Gateway, case: Case) -> None:
    status, answer = await answer_to(gateway, case)
    assert status == case.status, answer
    if case.path.startswith("/collect"):
        assert [each.WhichOneof("payload") for each in gateway.collector.events] == ["page_view"]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
async def test_what_cannot_be_read_is_refused_with_a_reason(gateway: Gateway, case: Case) -> None:
    status, answer = await answer_to(gateway, case)
    assert status == case.status, answer
    body = answer.partition(b"\r\n\r\n")[2]
    assert case.method == "HEAD" or len(body) > 10
    assert not gateway.collector.events
    # And the next request is answered as ever.
    assert (await answer_to(gateway, STORED[0]))[0] == 200
