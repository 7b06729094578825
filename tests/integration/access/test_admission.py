"""Who is let in over HTTP by the key, and that nothing of a request is read for anybody else."""

import asyncio
import gzip
import json
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.gateway.access.admission import FRESH_SECONDS, STALE_SECONDS, Admission
from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.requests.keys import KEYLESS_PLAIN_BYTES, KEYLESS_SENT_BYTES, key_in
from shopalytic_server.gateway.work import Work
from standins.gateway import KEY, PAGE_VIEW, Gateway, refusal, running_gateway

INVENTED = KEY.replace("0", "x")
BODY = json.dumps({"events": [PAGE_VIEW]}).encode()
TRACK = "/shopalytic.v1.CollectorService/Track"
JSON_TYPE = {"content-type": "application/json"}
MANY_EVENTS = gzip.compress(b'{"events":[%s]}' % b",".join([b"{}"] * 1_398_000))
MANY_RECORDS = gzip.compress(bytes([0x0A, 0]) * 2_000_000)
BLANKS = gzip.compress(b'{"events":[%s{"a":1,"a":2}],"token":"x"}' % (b" " * 490_000))
PROTO = {"content-type": "application/proto", "content-encoding": "gzip"}
ZIPPED = {**JSON_TYPE, "content-encoding": "gzip"}


async def test_the_key_is_taken_from_the_address_the_headers_or_the_body():
    async with running_gateway() as gateway:
        ways: list[tuple[str, dict[str, str], bytes]] = [
            (f"/collect?a=b&token={KEY}", {}, BODY),
            (f"/collect?token={KEY.replace('_', '%5F')}", {}, BODY),
            ("/collect", {"authorization": f"Bearer {KEY}"}, BODY),
            ("/collect", {}, json.dumps({"events": [PAGE_VIEW], "token": KEY}).encode()),
        ]
        for path, headers, body in ways:
            assert (await gateway.request("POST", path, body, headers)).status == 200
        headers = {**JSON_TYPE, "connect-protocol-version": "1"}
        assert (await gateway.request("POST", f"{TRACK}?token={KEY}", b"{}", headers)).status == 200
        assert {metadata["authorization"] for metadata in gateway.collector.metadata} == {f"Bearer {KEY}"}
        assert gateway.admission.asked == [(KEY, "shopalytic.v1.CollectorService")]


@pytest.mark.parametrize("key", [None, INVENTED, "short", "shop_browser_" + "a" * 44])
@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        (TRACK, ZIPPED, MANY_EVENTS),
        (TRACK, PROTO, MANY_RECORDS),
        ("/collect", {}, BLANKS),
        ("/collect", {}, b"x" * 500_000),
        (TRACK, JSON_TYPE, b"x" * 5_000_000),
        (TRACK, JSON_TYPE, b"{}"),
    ],
)
async def test_without_a_valid_key_it_is_401_whatever_the_body_holds(
    key: str | None, path: str, headers: dict[str, str], body: bytes
):
    async with running_gateway() as gateway:
        gateway.admission.unknown = {INVENTED}
        given = headers if key is None else {**headers, "authorization": f"Bearer {key}"}
        answer = await gateway.request("POST", path, body, given)
        assert not gateway.collector.requests
    assert answer.status == 401
    assert b"unauthenticated" in answer.body


@pytest.mark.parametrize(("key", "status"), [(None, 413), (INVENTED, 401), (KEY, 413)])
async def test_a_body_that_fits_with_no_key_is_too_large_unless_a_wrong_key_is_given(
    key: str | None, status: int
):
    async with running_gateway() as gateway:
        gateway.admission.unknown = {INVENTED}
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        assert (await gateway.post(b"x" * 5_000_000, headers)).status == status


async def test_a_key_in_the_body_that_differs_from_the_headers_is_looked_at_too():
    body = json.dumps({"events": [PAGE_VIEW], "token": INVENTED}).encode()
    async with running_gateway() as gateway:
        gateway.admission.unknown = {INVENTED}
        answer = await gateway.post(body, {"authorization": f"Bearer {KEY}"})
        assert not gateway.collector.requests
    assert answer.error == (401, "unauthenticated")


async def test_a_key_of_the_wrong_class_is_refused_before_the_body_with_the_collectors_words():
    async with running_gateway() as gateway:
        gateway.admission.refusal = refusal(grpc.StatusCode.PERMISSION_DENIED, "Not with this key.")
        answer = await gateway.rpc("ReportService/ListOrders", b"not even JSON")
    assert (answer.status, answer.json) == (
        403,
        {"code": "permission_denied", "message": "Not with this key."},
    )


async def test_a_collector_that_is_away_is_503_and_one_that_does_not_know_the_question_decides_itself():
    async with running_gateway() as gateway:
        gateway.admission.refusal = refusal(grpc.StatusCode.UNAVAILABLE, "Away.")
        assert (await gateway.collect(PAGE_VIEW)).status == 503
        gateway.admission.refusal = refusal(grpc.StatusCode.UNIMPLEMENTED, "Of an older version.")
        assert (await gateway.collect(PAGE_VIEW)).status == 200


async def test_a_key_that_a_call_refuses_is_asked_about_again():
    async with running_gateway() as gateway:
        assert (await gateway.collect(PAGE_VIEW)).status == 200
        gateway.collector.refusal = refusal(grpc.StatusCode.UNAUTHENTICATED, "Revoked.")
        gateway.admission.unknown = {KEY}
        assert (await gateway.collect(PAGE_VIEW)).status == 401
        calls = len(gateway.collector.requests)
        assert (await gateway.post(b"x" * 5_000_000, path=f"/collect?token={KEY}")).status == 401
    assert calls == len(gateway.collector.requests)


def padded(size: int) -> bytes:
    """A request with its key at the end, of so many bytes."""
    head, tail = b'{"events":[%s],"pad":"' % json.dumps(PAGE_VIEW).encode(), b'","token":"%s"}' % KEY.encode()
    return head + b"x" * (size - len(head) - len(tail)) + tail


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("over", [-1, 0, 1])
async def test_a_key_in_the_body_is_looked_for_up_to_the_limits(zipped: bool, over: int):
    limit = KEYLESS_PLAIN_BYTES if zipped else KEYLESS_SENT_BYTES
    body = padded(limit + over)
    async with running_gateway() as gateway:
        answer = await gateway.post(gzip.compress(body) if zipped else body)
        keyed = await gateway.post(body, path=f"/collect?token={KEY}")
    assert answer.status == (401 if over > 0 else 200)
    assert keyed.status == 200


NAMES = st.text() | st.just("token")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("token"), inner, max_size=4)
    ),
)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.integers(0, 4), st.booleans(), st.integers(0, 60_000))
def test_only_the_token_at_the_top_is_found(members: dict[str, Any], place: int, there: bool, pad: int):
    members.pop("token", None)
    items = [*members.items(), ("pad", "x" * pad)]
    if there:
        items.insert(min(place, len(items)), ("token", KEY))
    body = json.dumps(dict(items)).encode()
    assert asyncio.run(key_in(body, Work())) == (KEY if there else None)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Collector:
    """Answers questions about keys, and counts them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.code: dict[str, grpc.StatusCode] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    async def ask(self, key: str, _service: str) -> None:
        self.asked.append(key)
        await self.gate.wait()
        if key in self.code:
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(self.code[key], nothing, nothing, "As scripted.")


async def test_a_known_key_is_asked_about_beside_the_request_and_an_unknown_one_not_again():
    clock, collector = Clock(), Collector()
    admission = Admission(collector.ask, clock=clock)
    collector.code[INVENTED] = grpc.StatusCode.UNAUTHENTICATED
    for _ in range(3):
        await admission.admit(KEY, "s")
        with pytest.raises(grpc.aio.AioRpcError):
            await admission.admit(INVENTED, "s")
    assert collector.asked == [KEY, INVENTED]
    clock.now += FRESH_SECONDS
    collector.code[KEY] = grpc.StatusCode.UNAVAILABLE
    await admission.admit(KEY, "s")
    await asyncio.sleep(0)
    assert collector.asked == [KEY, INVENTED, KEY]
    clock.now += STALE_SECONDS
    with pytest.raises(grpc.aio.AioRpcError):
        await admission.admit(KEY, "s")


async def test_a_revoked_key_is_out_as_soon_as_the_next_question_is_answered():
    clock, collector = Clock(), Collector()
    admission = Admission(collector.ask, clock=clock)
    await admission.admit(KEY, "s")
    collector.code[KEY] = grpc.StatusCode.UNAUTHENTICATED
    clock.now += FRESH_SECONDS
    await admission.admit(KEY, "s")
    for _ in range(3):
        await asyncio.sleep(0)
    with pytest.raises(grpc.aio.AioRpcError):
        await admission.admit(KEY, "s")


async def test_a_flood_of_invented_keys_is_bounded_and_keeps_no_known_key_out():
    collector = Collector()
    admission = Admission(collector.ask, max_entries=10)
    await admission.admit(KEY, "s")
    collector.gate.clear()
    keys = [f"shop_browser_{number:043d}" for number in range(2_000)]
    asking = [asyncio.ensure_future(admission.admit(key, "s")) for key in keys]
    await asyncio.sleep(0)
    await admission.admit(KEY, "s")
    await asyncio.sleep(0)
    refused = [task for task in asking if task.done()]
    assert refused
    assert all(isinstance(task.exception(), Refusal) for task in refused)
    collector.code.update(dict.fromkeys(keys, grpc.StatusCode.UNAUTHENTICATED))
    collector.gate.set()
    await asyncio.gather(*asking, return_exceptions=True)
    assert len(collector.asked) == 1 + len(keys) - len(refused)
    assert len(admission._refused) == 10
    assert admission.remembers(KEY, "s")


async def test_an_address_pays_for_what_was_read_without_a_key():
    async with running_gateway(address_rate=20, trusted_proxies=1) as gateway:
        gateway.admission.unknown = {INVENTED}
        assert await until_refused(gateway, "192.0.2.1", INVENTED, padded(60_000)) < 10
        assert await until_refused(gateway, "192.0.2.2", INVENTED, b"{}") > 10
        assert (await post_as(gateway, "192.0.2.3", KEY, BODY)).status == 200


async def test_an_address_pays_for_what_was_unpacked_to_look_for_a_key():
    packed = gzip.compress(b'{"events":[%s]}' % b",".join([b"{}"] * 60_000))
    async with running_gateway(address_rate=20, trusted_proxies=1) as gateway:
        answers = [await gateway.post(packed, {"x-forwarded-for": "192.0.2.1"}) for _ in range(6)]
    assert answers[0].status in (400, 401)
    assert answers[-1].status == 429


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("CollectorService/Track", b'{"events":[%s%s]}' % (b"[" * 200_000, b"]" * 200_000)),
        ("CollectorService/Track", b'{"events":[%s]}' % b",".join([b"{}"] * 200_000)),
        ("CollectorService/Track", b'{"events":[{"a":"%s"}]}' % (b"x" * 1_000_000)),
        ("CollectorService/Track", b" " * 5_000_000),
        ("/collect", b'{"events":[%s]}' % b",".join([b"{}"] * 150_000)),
        ("/collect", b'{"events":[{"a":"%s"}]}' % (b"x" * 480_000)),
    ],
)
async def test_an_address_pays_with_a_key_too_for_much_that_cannot_be_used(path: str, body: bytes):
    headers = {"x-forwarded-for": "192.0.2.1", "content-encoding": "gzip"}

    async def send() -> int:
        packed = gzip.compress(body)
        if path == "/collect":
            return int((await gateway.post(packed, headers, f"/collect?token={KEY}")).status)
        return int((await gateway.rpc(path, packed, {**headers, "authorization": f"Bearer {KEY}"})).status)

    async with running_gateway(address_rate=20, trusted_proxies=1) as gateway:
        statuses = [await send() for _ in range(4)]
    assert statuses[0] != 429
    assert statuses[-1] == 429


SERVER_KEY = KEY.replace("browser", "server")
SHORT = {"url": "https://shop.example/", "referrer": ""}
LONG = {"url": "https://shop.example/" + "x" * 4_000, "referrer": ""}
UNUSABLE = {"zzz": 1}


@pytest.mark.parametrize("path", ["CollectorService/Track", "/collect"])
@pytest.mark.parametrize(
    ("key", "page", "all_pass"),
    [(KEY, UNUSABLE, False), (KEY, LONG, False), (KEY, SHORT, True), (SERVER_KEY, LONG, True)],
)
async def test_an_address_pays_for_what_a_public_key_cannot_use_and_for_long_events(
    path: str, key: str, page: dict[str, Any], all_pass: bool
):
    """Three times thirty events are less than the 200 that may come at once, unless they cost more."""
    headers = {"x-forwarded-for": "192.0.2.1", "authorization": f"Bearer {key}"}
    is_rpc = path != "/collect"
    event = {"pageView": page} if is_rpc else {"type": "page_view", "properties": page}
    body = json.dumps({"events": [event] * 30}).encode()

    async def send() -> int:
        answer = gateway.rpc(path, body, headers) if is_rpc else gateway.post(body, headers, path)
        return int((await answer).status)

    async with running_gateway(address_rate=20, trusted_proxies=1) as gateway:
        statuses = [await send() for _ in range(3)]
    assert statuses[0] == 200
    assert (statuses[2] == 200) is all_pass


async def until_refused(gateway: Gateway, address: str, key: str, body: bytes) -> int:
    """How many requests are answered 401 before an address has to wait."""
    count = 0
    while (answer := await post_as(gateway, address, key, body)).status != 429:
        assert answer.status == 401
        count += 1
    return count


async def post_as(gateway: Gateway, address: str, key: str, body: bytes) -> Any:
    text = body.replace(KEY.encode(), key.encode())
    if b"token" in text:
        return await gateway.post(text, {"x-forwarded-for": address})
    return await gateway.post(text, {"x-forwarded-for": address}, f"/collect?token={key}")
