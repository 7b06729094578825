"""Bodies that nobody sends in good faith: a clear 4xx or a verdict, never a 500, in bounded memory."""

import asyncio
import gzip
import json
import resource

import pytest

from gateway_standins import KEY, PAGE_VIEW, Answer, running_gateway

GOOD = json.dumps(PAGE_VIEW)
BOMB = gzip.compress(bytes(10_000_000))


def around(event: str, after: str = "") -> bytes:
    """A request with this JSON text as its first event and a good one as its second."""
    return f'{{"token": "{KEY}", "events": [{event}, {GOOD}]{after}}}'.encode("utf-8", "surrogatepass")


def prop(value: str) -> bytes:
    """A request whose first event has this JSON text as a property."""
    return around(f'{{"type": "cart_add", "properties": {{"cart_id": "c", "sku": "s", "price": {value}}}}}')


UNUSABLE = {
    "empty": b"",
    "not json": b"hello",
    "truncated": around(GOOD)[:-10],
    "spoiled and truncated": around('{"a": NaN}')[:-10],
    "trailing data": around(GOOD) + b"{}",
    "a list": b"[]",
    "null": b"null",
    "a number": b"5",
    "nested lists": b"[" * 100_000,
    "nested objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a nested event": around("[" * 50_000 + "]" * 50_000),
    "invalid utf-8": around(GOOD).replace(b"shop.example", b"shop\xff\xfe"),
    "surrogates in utf-8": around('"\ud800"'),
    "utf-16": around(GOOD).decode().encode("utf-16"),
    "raw NUL": around('{"type": "page\0view"}'),
    "NUL after": around(GOOD) + b"\0",
    "key twice at the top": around(GOOD, ', "token": "other"'),
    "events twice": around(GOOD, ', "events": []'),
    "NaN at the top": around(GOOD, ', "sent_at": NaN'),
    "huge number at the top": around(GOOD, ', "sent_at": 1e999999999'),
    "token is a list": b'{"token": [], "events": [{}]}',
    "events is an object": f'{{"token": "{KEY}", "events": {{}}}}'.encode(),
    "events is text": f'{{"token": "{KEY}", "events": "all"}}'.encode(),
    "no events": f'{{"token": "{KEY}", "events": []}}'.encode(),
    "events missing": f'{{"token": "{KEY}"}}'.encode(),
    "flag is text": around(GOOD, ', "cookie": "false"'),
    "unreadable sent_at": around(GOOD, ', "sent_at": "yesterday"'),
    "sent_at in milliseconds": around(GOOD, ', "sent_at": 1700000000000'),
    "tracking_id is a number": around(GOOD, ', "tracking_id": 5'),
    "truncated gzip": gzip.compress(around(GOOD))[:-5],
    "garbage gzip": b"\x1f\x8b" + b"garbage" * 10,
    "gzip and garbage": gzip.compress(around(GOOD)) + b"garbage",
    "gzip with a wrong checksum": gzip.compress(around(GOOD))[:-8] + bytes(8),
    "many empty gzip members": gzip.compress(b"") * 10_000,
    "gzip in gzip": gzip.compress(gzip.compress(around(GOOD))),
}

SPOILED = {
    "NaN": prop("NaN"),
    "Infinity": prop("-Infinity"),
    "huge exponent": prop("1e999999999"),
    "impossible exponent": prop("1e99999999999999999999999"),
    "tiny exponent": prop("1e-999999999"),
    "huge integer": prop("9" * 100_000),
    "a large integer": prop("9" * 300),
    "many digits": prop("0." + "3" * 100_000),
    "object for text": prop("{}"),
    "list for text": prop("[[[[[]]]]]"),
    "true for a number": prop("true"),
    "key twice": around('{"type": "page_view", "type": "order", "properties": {}}'),
    "key twice inside": around('{"type": "page_view", "properties": {"url": "a", "url": "b"}}'),
    "key twice by escapes": around('{"type": "page_view", "\\u0074ype": "order"}'),
    "lone surrogate": around('{"type": "page_view", "properties": {"url": "\\ud800", "referrer": ""}}'),
    "lone surrogate as a key": around('{"type": "page_view", "properties": {"\\udfff": "x"}}'),
    "lone surrogate as the type": around('{"type": "\\udc00"}'),
    "lone surrogate as the event id": around('{"type": "page_view", "event_id": "\\udc00"}'),
    "NUL in a key": around('{"type": "page_view", "properties": {"\\u0000": "x"}}'),
    "unknown type": around('{"type": "pageview"}'),
    "type is a number": around('{"type": 5}'),
    "no type": around('{"properties": {}}'),
    "properties is a list": around('{"type": "page_view", "properties": []}'),
    "context is text": around('{"type": "page_view", "properties": {}, "context": "x"}'),
    "unknown field": around('{"type": "page_view", "properties": {}, "time": 5}'),
    "occurred_at is nonsense": around('{"type": "page_view", "properties": {}, "occurred_at": "now"}'),
    "occurred_at is huge": around('{"type": "page_view", "properties": {}, "occurred_at": 1e300}'),
    "undecoded as a type": around('{"type": "undecoded", "properties": {"json": "{}"}}'),
    "prototype": around('{"type": "__proto__", "properties": {"constructor": 1}}'),
    "nested within bounds": around('{"type": "page_view", "properties": ' + "[" * 200 + "]" * 200 + "}"),
}

TOO_LARGE = {
    "too many bytes": around(GOOD, ', "pad": "' + "x" * 600_000 + '"'),
    "far too many bytes": b"x" * 1_500_000,
    "too many events": json.dumps({"token": KEY, "events": [{}] * 1_001}).encode(),
    "10 MB of zeros": BOMB,
    "10 MB of zeros in two members": gzip.compress(b"{}") + BOMB,
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_unusable_bodies_are_400_with_a_sentence(name: str):
    async with running_gateway() as gateway:
        answer = await gateway.post(UNUSABLE[name])
        assert not gateway.collector.requests
    assert answer.error == (400, "invalid_argument")


@pytest.mark.parametrize("name", SPOILED)
async def test_a_spoiled_event_is_quarantined_whole_and_its_neighbour_stored(name: str):
    body = SPOILED[name]
    async with running_gateway() as gateway:
        answer = await gateway.post(body)
        spoiled, good = gateway.collector.events
    assert answer.status == 200
    verdict, neighbour = answer.json["results"]
    assert (verdict["status"], neighbour["status"]) == ("QUARANTINED", "ACCEPTED")
    assert verdict["violations"][0]["message"]
    assert good.page_view.url == PAGE_VIEW["properties"]["url"]
    assert spoiled.tracking_id == answer.json["tracking_id"]
    assert spoiled.undecoded.json in body.decode()


@pytest.mark.parametrize("name", TOO_LARGE)
async def test_too_much_is_413(name: str):
    async with running_gateway() as gateway:
        answer = await gateway.post(TOO_LARGE[name])
        assert not gateway.collector.requests
    assert answer.error == (413, "too_large")


async def test_nul_in_a_value_is_left_to_the_rules():
    async with running_gateway() as gateway:
        answer = await gateway.post(around('{"type": "page_view", "properties": {"url": "\\u0000"}}'))
        event = gateway.collector.events[0]
    assert answer.status == 200
    assert event.page_view.url == "\0"


async def test_memory_stays_bounded_under_many_bombs():
    async with running_gateway() as gateway:
        await gateway.post(BOMB)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(10):
            answers: list[Answer] = await asyncio.gather(*(gateway.post(BOMB) for _ in range(10)))
            assert {answer.status for answer in answers} == {413}
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    # A hundred bombs of 10 MB each: unbounded decompression of even ten at once would show here.
    assert grown < 40_000
