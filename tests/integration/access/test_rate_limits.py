"""Senders that send more than they may, over the real server and the real gateway."""

import json
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.rpc import error_details_pb2

from shopalytic.v1 import admin_pb2, collector_pb2
from shopalytic.v1.events_pb2 import Event, Undecoded
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.rpc.access.limits import Rates
from shopalytic_server.rpc.ingest import batches
from standins.gateway import KEY as GATEWAY_KEY
from standins.gateway import PAGE_VIEW, running_gateway
from standins.rpc import Running, batch, detail, error_of, page_view, running, sentence_of

THOUSAND = [page_view() for _ in range(1_000)]


async def refused(shop: Running, key_class: KeyClass, count: int = 1_000) -> grpc.aio.AioRpcError:
    """Sends until one batch is refused, which must not take long."""
    for _ in range(20):
        call: Any = shop.collector.Track(batch(*THOUSAND[:count]), metadata=shop.key(key_class))
        if await call.code() is not grpc.StatusCode.OK:
            return await error_of(call)
    raise AssertionError("20,000 events passed")


async def test_a_key_that_sends_too_much_is_told_when_to_come_back(database_url: str) -> None:
    async with running(database_url, rates=Rates(browser_key=100, key=0)) as shop:
        error = await refused(shop, KeyClass.BROWSER)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "More than 100 events a second came from this key" in sentence_of(error)
        delay = detail(error, error_details_pb2.RetryInfo).retry_delay.ToMilliseconds()
        assert 0 < delay <= 11_000
        sent = len(shop.writer.submitted)
        await error_of(shop.collector.Track(batch(*THOUSAND), metadata=shop.key(KeyClass.BROWSER)))
        assert len(shop.writer.submitted) == sent
        # Other keys have buckets of their own, or none.
        for _ in range(5):
            await shop.collector.Track(batch(*THOUSAND), metadata=shop.key(KeyClass.SERVER))


async def test_events_cost_not_requests(database_url: str) -> None:
    async with running(database_url, rates=Rates(key=10)) as shop:
        for _ in range(50):
            await shop.collector.Track(batch(), metadata=shop.key(KeyClass.SERVER))
        error = await refused(shop, KeyClass.SERVER, 60)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_questions_cost_as_much_as_one_event(database_url: str) -> None:
    async with running(database_url, rates=Rates(key=1)) as shop:
        for _ in range(10):
            await shop.admin.GetProject(admin_pb2.GetProjectRequest(), metadata=shop.key(KeyClass.ADMIN))
        call = shop.admin.GetProject(admin_pb2.GetProjectRequest(), metadata=shop.key(KeyClass.ADMIN))
        assert (await error_of(call)).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_an_address_is_limited_over_all_its_keys(database_url: str) -> None:
    async with running(database_url, rates=Rates(address=1)) as shop:
        await refused(shop, KeyClass.SERVER)
        error = await error_of(shop.collector.Track(batch(), metadata=shop.key(KeyClass.BROWSER)))
        assert "from this address" in sentence_of(error)


async def test_one_of_several_processes_allows_its_share_and_always_a_call(database_url: str) -> None:
    async with running(database_url, rates=Rates(key=1, browser_key=4, processes=20)) as shop:
        for key_class, passes in ((KeyClass.SERVER, 1), (KeyClass.BROWSER, 2)):
            for _ in range(passes):
                await shop.collector.Track(batch(), metadata=shop.key(key_class))
            error = await error_of(shop.collector.Track(batch(), metadata=shop.key(key_class)))
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "More than 0.2 events a second came from this key over one of 20" in sentence_of(error)


async def test_a_stream_that_sends_too_much_ends_after_its_answers(database_url: str) -> None:
    async with running(database_url, rates=Rates(key=100)) as shop:
        stream = shop.collector.TrackStream(metadata=shop.key(KeyClass.SERVER), timeout=60)
        answers: list[collector_pb2.TrackResponse] = []
        for _ in range(3):
            await stream.write(batch(*THOUSAND[:600]))
        await stream.done_writing()
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            answers.extend([answer async for answer in stream])
        assert refusal.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def long_event(size: int) -> Event:
    """One that is no event of the catalogue, of so many bytes."""
    return Event(event_id=str(uuid4()), undecoded=Undecoded(json="x" * size, rule_id="json"))


async def passed(shop: Running, key_class: KeyClass, body: bytes, most: int = 60) -> int:
    """How many such calls are let through before one is refused for its rate."""
    track: Any = shop.channel.unary_unary("/shopalytic.v1.CollectorService/Track")
    for count in range(most):
        code = await track(body, metadata=shop.key(key_class)).code()
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return count
    return most


BODIES = {
    # 1,000 units in all, of which one costs so much.
    "few long events": (batch(long_event(100_000)).SerializeToString(), 100 + 4),
    "what cannot be used": (batch(*(long_event(10) for _ in range(20))).SerializeToString(), 20 + 80),
    "too many events": (b"\x0a\x00" * 100_000, 1_000),
    "what cannot be parsed": (b"\x0a\x01\xff" * 50_000, 150),
    "fields that nobody knows": (b"\xfa\x7d\x80\x08" + bytes(1_024) + batch().SerializeToString(), 1),
}


@pytest.mark.parametrize("body", BODIES)
async def test_a_public_key_pays_over_grpc_for_bytes_and_for_what_cannot_be_used(
    database_url: str, body: str
) -> None:
    data, price = BODIES[body]
    async with running(database_url, rates=Rates(browser_key=100, key=100)) as shop:
        if price > 1:
            most = 1_000 // price + 1
            assert most - 2 <= await passed(shop, KeyClass.BROWSER, data) <= most + 1
        else:
            assert await passed(shop, KeyClass.BROWSER, data, 20) == 20


async def test_bytes_of_another_key_cost_nothing(database_url: str) -> None:
    async with running(database_url, rates=Rates(browser_key=1, key=10)) as shop:
        body = batch(long_event(100_000)).SerializeToString()
        assert await passed(shop, KeyClass.SERVER, body, 50) == 50


async def test_who_cannot_pay_for_a_request_has_it_read_by_nobody(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database_url, rates=Rates(browser_key=1)) as shop:
        assert await passed(shop, KeyClass.BROWSER, batch(long_event(100_000)).SerializeToString()) == 1
        monkeypatch.setattr(batches, "read_batch", None)
        monkeypatch.setattr(batches.native, "split", None)
        assert await passed(shop, KeyClass.BROWSER, b"") == 0


async def test_links_pay_for_their_bytes_too(database_url: str) -> None:
    async with running(database_url, rates=Rates(browser_key=10)) as shop:
        request = collector_pb2.IdentifyRequest(tracking_id="t", identity="i" * 60_000)
        codes = [
            await shop.collector.Identify(request, metadata=shop.key(KeyClass.BROWSER)).code()
            for _ in range(3)
        ]
        assert codes[-1] is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_events_of_a_gateway_in_the_process_count_in_no_address(database_url: str) -> None:
    async with running(database_url, rates=Rates(address=1)) as shop:
        for _ in range(3):
            await shop.server.local.track(shop.secrets[KeyClass.BROWSER], THOUSAND[:15], None, 60)


FROM_AFAR = {"x-forwarded-for": "203.0.113.7"}
BODY = json.dumps({"token": GATEWAY_KEY, "events": [PAGE_VIEW] * 30}).encode()


async def test_an_address_that_sends_too_much_over_http_gets_429_with_a_delay() -> None:
    async with running_gateway(address_rate=10, trusted_proxies=1) as gateway:
        statuses = [(await gateway.post(BODY, FROM_AFAR)).status for _ in range(3)]
        assert statuses == [200, 200, 200]
        answer = await gateway.post(BODY, FROM_AFAR)
        assert answer.error == (429, "resource_exhausted")
        assert 1 <= int(answer.header("retry-after") or 0) <= 10
        # So that the tag on a page of another origin can read it.
        origin = {**FROM_AFAR, "origin": "https://shop.example"}
        answer = await gateway.post(BODY, origin)
        assert (answer.status, answer.header("access-control-allow-origin")) == (429, "https://shop.example")
        assert len(gateway.collector.events) == 90
        other = await gateway.post(BODY, {"x-forwarded-for": "203.0.113.8"})
        assert other.status == 200


async def test_requests_that_are_not_even_readable_are_counted() -> None:
    async with running_gateway(address_rate=1, trusted_proxies=1) as gateway:
        answers = [
            (await gateway.post(b"{", FROM_AFAR, f"/collect?token={GATEWAY_KEY}")).status for _ in range(11)
        ]
        assert answers == [400] * 10 + [429]
        assert (await gateway.get("/collect.gif", **FROM_AFAR)).status == 429
        answer = await gateway.rpc("CollectorService/Track", b"{}", FROM_AFAR)
        assert (answer.status, answer.json["code"]) == (429, "resource_exhausted")


async def test_this_machine_is_not_limited_and_a_forged_header_is_not_believed() -> None:
    async with running_gateway(address_rate=1) as gateway:
        for _ in range(12):
            assert (await gateway.post(BODY, FROM_AFAR)).status == 200
