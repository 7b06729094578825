"""Bodies that nobody sends in good faith: a clear 4xx or a verdict, never a 500, in bounded memory."""

import asyncio
import gzip
import json
import resource

import pytest

from standins.gateway import KEY, PAGE_VIEW, Answer, running_gateway

KEYED = f"/collect?token={KEY}"
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
    "utf-16": around(GOOD).decode().encode("utf-16"),
    "NUL after": around(GOOD) + b"\0",
    "key twice at the top": around(GOOD, ', "token": "other"'),
    "events twice": around(GOOD, ', "events": []'),
    "token is a list": b'{"token": [], "events": [{}]}',
    "events is an object": f'{{"token": "{KEY}", "events": {{}}}}'.encode(),
    "events is text": f'{{"token": "{KEY}", "events": "all"}}'.encode(),
    "no events": f'{{"token": "{KEY}", "events": []}}'.encode(),
    "events missing": f'{{"token": "{KEY}"}}'.encode(),
    "flag is text": around(GOOD, ', "cookie": "false"'),
    "tracking_id is a number": around(GOOD, ', "tracking_id": 5'),
    "truncated gzip": gzip.compress(around(GOOD))[:-5],
    "garbage gzip": b"\x1f\x8b" + b"garbage" * 10,
    "gzip and garbage": gzip.compress(around(GOOD)) + b"garbage",
    "gzip with a wrong checksum": gzip.compress(around(GOOD))[:-8] + bytes(8),
    "many empty gzip members": gzip.compress(b"") * 10_000,
    "gzip in gzip": gzip.compress(gzip.compress(around(GOOD))),
}

SPOILED = {
    "invalid utf-8": around('{"type": "page_view", "properties": {"url": "BAD", "referrer": ""}}').replace(
        b"BAD", b"\xff\xfe"
    ),
    "surrogates in utf-8": around('"\ud800"'),
    "raw NUL": around('{"type": "page\0view"}'),
    "a line's end in text": around('{"type": "page\nview"}'),
    "a name without quotes": around('{type: "page_view"}'),
    "a comma too many": around('{"type": "page_view",}'),
    "nested 1,000 deep": around('{"a":' * 1_000 + "1" + "}" * 1_000),
    "nested 50,000 deep": around("[" * 50_000 + "]" * 50_000),
    "deep in its properties": around('{"type": "page_view", "properties": ' + "[" * 990 + "]" * 990 + "}"),
    "20,000 objects": around('{"type": "order", "properties": [' + ",".join(["{}"] * 20_000) + "]}"),
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
        answer = await gateway.post(UNUSABLE[name], path=KEYED)
        assert not gateway.collector.requests
    assert answer.error == (400, "invalid_argument")


@pytest.mark.parametrize("name", SPOILED)
async def test_a_spoiled_event_is_quarantined_whole_and_its_neighbour_stored(name: str):
    body = SPOILED[name]
    async with running_gateway() as gateway:
        answer = await gateway.post(body, path=KEYED)
        spoiled, good = gateway.collector.events
    assert answer.status == 200
    verdict, neighbour = answer.json["results"]
    assert (verdict["status"], neighbour["status"]) == ("QUARANTINED", "ACCEPTED")
    assert verdict["violations"][0]["message"]
    assert good.page_view.url == PAGE_VIEW["properties"]["url"]
    assert spoiled.tracking_id == answer.json["tracking_id"]
    assert spoiled.undecoded.json in body.decode("utf-8", "backslashreplace").replace("\0", "\\u0000")


@pytest.mark.parametrize(
    "sent_at",
    ['"yesterday"', "1700000000000", "NaN", "1e999999999", "[[]]", '"' + "9" * 10_000 + '"', "-" * 3],
)
async def test_an_unreadable_sent_at_is_as_none(sent_at: str):
    async with running_gateway() as gateway:
        answer = await gateway.post(around(GOOD, f', "sent_at": {sent_at}'), path=KEYED)
        [request] = gateway.collector.requests
    assert [result["status"] for result in answer.json["results"]] == ["ACCEPTED", "ACCEPTED"]
    assert not request.HasField("sent_at")


@pytest.mark.parametrize("fault", ["NaN", "{" * 200 + "}" * 200, '{"a": 1, "a": 1}'])
async def test_an_unreadable_event_keeps_its_id_so_that_it_is_the_same_when_it_comes_again(fault: str):
    event_id = "0198c0de-1111-7000-8000-000000000001"
    async with running_gateway() as gateway:
        for _ in range(2):
            await gateway.post(around(f'{{"event_id": "{event_id}", "properties": {fault}}}'), path=KEYED)
        spoiled = gateway.collector.events[::2]
    assert [event.event_id for event in spoiled] == [event_id, event_id]


@pytest.mark.parametrize("name", TOO_LARGE)
async def test_too_much_is_413(name: str):
    async with running_gateway() as gateway:
        answer = await gateway.post(TOO_LARGE[name], path=KEYED)
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
        await gateway.post(BOMB, path=KEYED)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(10):
            answers: list[Answer] = await asyncio.gather(*(gateway.post(BOMB, path=KEYED) for _ in range(10)))
            assert {answer.status for answer in answers} == {413}
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    # A hundred bombs of 10 MB each: unbounded decompression of even ten at once would show here.
    assert grown < 40_000
