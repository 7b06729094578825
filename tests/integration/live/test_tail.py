"""Watching events arrive: what is told, what is left out, and how it ends."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.database.connections import open_pool
from shopalytic_server.storage.ingest.writer import Writer
from shopalytic_server.storage.live.tail import MAX_WAITING, Tail
from standins.rpc import Running, batch, error_of, page_view, running, until

PATIENCE = 120.0


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    pool = await open_pool(database_url)
    tail = Tail(pool)
    writer = Writer(pool, on_stored=tail.publish)
    await writer.start()
    async with running(database_url, real_writer=writer, tail=tail) as shop:
        yield shop
    await writer.close()
    await pool.close()


async def watch(shop: Running, **request: object) -> "grpc.aio.UnaryStreamCall":
    call = shop.report.TailEvents(
        reports_pb2.TailEventsRequest(**request), metadata=shop.key(KeyClass.REPORTS)
    )
    await call.initial_metadata()
    return call


async def send(shop: Running, *events: Event) -> None:
    await shop.collector.Track(batch(*events), metadata=shop.key(KeyClass.SERVER))


async def next_of(call: "grpc.aio.UnaryStreamCall") -> reports_pb2.TailEventsResponse:
    return await asyncio.wait_for(call.read(), PATIENCE)


def identify(identity: str, tracking_id: str) -> Event:
    event = Event(event_id=page_view().event_id, tracking_id=tracking_id)
    event.occurred_at.GetCurrentTime()
    event.identify.identity = identity
    return event


async def test_a_replayed_event_is_told_once_it_is_stored_and_a_look_ahead_is_not(shop: Running) -> None:
    broken = page_view()
    broken.page_view.url = ""
    await send(shop, broken)
    call = await watch(shop)
    request = admin_pb2.ReplayQuarantineRequest(
        patch='[{"op": "add", "path": "/page_view/url", "value": "https://shop.example/"}]', dry_run=True
    )
    for dry_run in (True, False):
        request.dry_run = dry_run
        answer = await shop.admin.ReplayQuarantine(request, metadata=shop.key(KeyClass.ADMIN))
        assert answer.accepted == 1
        await send(shop, after := page_view())
        told = [(await next_of(call)).event.event_id for _ in range(1 if dry_run else 2)]
        assert told == ([] if dry_run else [broken.event_id]) + [after.event_id]


async def test_an_event_is_told_as_it_is_stored(shop: Running) -> None:
    call = await watch(shop)
    sent = page_view(source="web")
    await send(shop, sent)
    told = (await next_of(call)).event
    assert (told.event_id, told.type, told.tracking_id, told.source) == (
        sent.event_id,
        "page_view",
        "visitor-1",
        "web",
    )
    assert told.properties["url"] == sent.page_view.url
    assert told.HasField("received_at")
    assert told.event.page_view == sent.page_view
    assert (told.event.event_id, told.event.source) == (sent.event_id, "web")


async def test_duplicates_and_invalid_events_are_not_told(shop: Running) -> None:
    first, last = page_view(), page_view()
    await send(shop, first)
    call = await watch(shop)
    await send(shop, first, page_view(url=""), last)
    assert (await next_of(call)).event.event_id == last.event_id


async def test_types_and_sandbox_choose_what_is_told(shop: Running) -> None:
    identifies, trials = await watch(shop, types=["identify"]), await watch(shop, sandbox=True)
    wanted, trial = identify("jane", "phone"), page_view(sandbox=True)
    await send(shop, page_view(), wanted, trial)
    assert (await next_of(identifies)).event.event_id == wanted.event_id
    assert (await next_of(trials)).event.event_id == trial.event_id


async def test_a_customers_events_include_those_of_a_device_that_joins_meanwhile(shop: Running) -> None:
    await send(shop, identify("jane", "phone"))
    call = await watch(shop, customer=reports_pb2.CustomerSelector(identity="jane"))
    others, joining = page_view(tracking_id="other"), identify("jane", "tablet")
    from_tablet = page_view(tracking_id="tablet")
    await send(shop, others, joining)
    await send(shop, page_view(tracking_id="other"), from_tablet)
    assert (await next_of(call)).event.event_id == joining.event_id
    assert (await next_of(call)).event.event_id == from_tablet.event_id


async def test_an_unknown_customer_is_not_found(shop: Running) -> None:
    call = shop.report.TailEvents(
        reports_pb2.TailEventsRequest(customer=reports_pb2.CustomerSelector(identity="nobody")),
        metadata=shop.key(KeyClass.REPORTS),
    )
    assert (await error_of(call.read())).code() is grpc.StatusCode.NOT_FOUND


async def test_a_slow_reader_is_told_how_many_events_it_missed(database_url: str) -> None:
    pool = await open_pool(database_url)
    tail = Tail(pool)
    writer = Writer(pool, on_stored=tail.publish)
    await writer.start()
    async with running(database_url, real_writer=writer) as shop:
        answers = await tail.tail_events(shop.project, reports_pb2.TailEventsRequest())
        sent = [page_view() for _ in range(MAX_WAITING + 25)]
        for start in range(0, len(sent), 500):
            await send(shop, *sent[start : start + 500])
        await until(lambda: not tail._published)
        read = reports_pb2.TailEventsResponse.FromString
        assert read(await anext(answers)).missed == 25
        told = [read(await anext(answers)).event.event_id for _ in range(MAX_WAITING)]
        assert told == [event.event_id for event in sent[25:]]
        await answers.aclose()
    await writer.close()
    await pool.close()


async def test_a_shutdown_ends_the_watching_so_that_the_reader_can_come_back(shop: Running) -> None:
    call = await watch(shop)
    stopping = asyncio.ensure_future(shop.server.stop(grace=PATIENCE))
    error = await error_of(call.read())
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    await asyncio.wait_for(stopping, PATIENCE)
