"""The list of events that were not accepted: whole, with their reasons, page by page."""

from collections.abc import AsyncIterator

import grpc
import pytest

from shopalytic.v1 import admin_pb2, collector_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.database.connections import open_pool
from shopalytic_server.storage.ingest.writer import Writer
from standins.rpc import Running, batch, error_of, page_view, running


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    pool = await open_pool(database_url)
    writer = Writer(pool)
    await writer.start()
    async with running(database_url, real_writer=writer) as shop:
        yield shop
    await writer.close()
    await pool.close()


async def send(shop: Running, *events: Event) -> None:
    await shop.collector.Track(batch(*events), metadata=shop.key(KeyClass.SERVER))


async def listed(shop: Running, **request: object) -> admin_pb2.ListQuarantineResponse:
    return await shop.admin.ListQuarantine(
        admin_pb2.ListQuarantineRequest(**request), metadata=shop.key(KeyClass.REPORTS)
    )


def register(identity: str, email: str) -> Event:
    event = Event(event_id=page_view().event_id, identity=identity)
    event.occurred_at.GetCurrentTime()
    event.customer_register.email = email
    event.customer_register.first_name, event.customer_register.last_name = "Jane", "Doe"
    return event


async def test_an_invalid_event_is_kept_whole_with_its_reasons(shop: Running) -> None:
    sent = page_view(url="", source="web")
    await send(shop, sent, page_view())
    [kept] = (await listed(shop)).events
    assert kept.event == sent
    assert kept.status == collector_pb2.EVENT_STATUS_QUARANTINED
    assert [(found.field, found.rule_id) for found in kept.violations] == [("page_view.url", "required")]
    assert kept.HasField("received_at")


async def test_an_invalid_event_that_is_sent_again_is_kept_once(shop: Running) -> None:
    sent = page_view(url="")
    await send(shop, sent)
    await send(shop, sent, sent)
    assert len((await listed(shop)).events) == 1


async def test_a_conflict_is_kept_and_can_be_asked_for_by_its_rule(shop: Running) -> None:
    await send(shop, register("jane", "jane@example.com"), register("john", "Jane@example.com"))
    await send(shop, page_view(url=""))
    [kept] = (await listed(shop, rule_id="email.taken")).events
    assert kept.status == collector_pb2.EVENT_STATUS_CONFLICT
    assert kept.event.identity == "john"


async def test_pages_have_no_gaps_and_no_doubles_although_arrivals_share_a_time(shop: Running) -> None:
    sent = [page_view(url="") for _ in range(25)]
    await send(shop, *sent)
    of_kinds = [(await listed(shop, page_size=1, type=kind)).total_events for kind in ("page_view", "order")]
    assert of_kinds == [25, 0]
    found, token = [], ""
    while True:
        page = await listed(shop, page_size=10, page_token=token)
        assert page.total_events == (0 if token else 25)
        found += [kept.event.event_id for kept in page.events]
        token = page.next_page_token
        if not token:
            break
    assert sorted(found) == sorted(event.event_id for event in sent)


async def test_sandbox_events_are_listed_apart(shop: Running) -> None:
    await send(shop, page_view(url="", sandbox=True))
    assert not (await listed(shop)).events
    assert len((await listed(shop, sandbox=True)).events) == 1


async def test_a_token_of_another_list_is_refused(shop: Running) -> None:
    await send(shop, *(page_view(url="") for _ in range(3)))
    token = (await listed(shop, page_size=1)).next_page_token
    error = await error_of(
        shop.admin.ListQuarantine(
            admin_pb2.ListQuarantineRequest(page_token=token, sandbox=True),
            metadata=shop.key(KeyClass.ADMIN),
        )
    )
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
