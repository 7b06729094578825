"""The calls with the real writer behind them: what the store decides arrives as the contract says."""

from collections.abc import AsyncIterator

import grpc
import pytest
from google.rpc import error_details_pb2

from shopalytic.v1 import collector_pb2
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.database.connections import open_pool
from shopalytic_server.storage.ingest.writer import Writer
from standins.rpc import Running, batch, detail, error_of, page_view, running, sentence_of


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    pool = await open_pool(database_url)
    writer = Writer(pool)
    await writer.start()
    async with running(database_url, real_writer=writer) as shop:
        yield shop
    await writer.close()
    await pool.close()


def identify(identity: str, tracking_id: str) -> collector_pb2.IdentifyRequest:
    event_id = page_view().event_id
    request = collector_pb2.IdentifyRequest(event_id=event_id, identity=identity, tracking_id=tracking_id)
    request.occurred_at.GetCurrentTime()
    return request


def alias(identity: str, existing_identity: str) -> collector_pb2.AliasRequest:
    request = collector_pb2.AliasRequest(
        event_id=page_view().event_id, identity=identity, existing_identity=existing_identity
    )
    request.occurred_at.GetCurrentTime()
    return request


async def test_an_event_sent_again_is_a_duplicate_and_with_other_content_a_conflict(shop: Running) -> None:
    event = page_view()
    key = shop.key(KeyClass.SERVER)
    first = await shop.collector.Track(batch(event), metadata=key)
    again = await shop.collector.Track(batch(event), metadata=key)
    event.page_view.url += "other"
    other = await shop.collector.Track(batch(event), metadata=key)
    assert [answer.results[0].status for answer in (first, again, other)] == [
        collector_pb2.EVENT_STATUS_ACCEPTED,
        collector_pb2.EVENT_STATUS_DUPLICATE,
        collector_pb2.EVENT_STATUS_CONFLICT,
    ]


async def test_identify_names_the_same_customer_each_time(shop: Running) -> None:
    key = shop.key(KeyClass.BROWSER)
    first = await shop.collector.Identify(identify("jane", "phone"), metadata=key)
    again = await shop.collector.Identify(identify("jane", "phone"), metadata=key)
    assert first.outcome == collector_pb2.LINK_OUTCOME_LINKED
    assert again.outcome == collector_pb2.LINK_OUTCOME_ALREADY_LINKED
    assert first.customer_id == again.customer_id != ""


async def test_an_identify_repeated_with_the_same_event_id_still_names_the_customer(shop: Running) -> None:
    key = shop.key(KeyClass.SERVER)
    request = identify("jane", "phone")
    first = await shop.collector.Identify(request, metadata=key)
    again = await shop.collector.Identify(request, metadata=key)
    assert first.customer_id == again.customer_id != ""


async def test_an_alias_repeated_with_the_same_event_id_still_names_the_customer(shop: Running) -> None:
    key = shop.key(KeyClass.SERVER)
    await shop.collector.Identify(identify("jane", "phone"), metadata=key)
    request = alias("jane@example.com", "jane")
    first = await shop.collector.Alias(request, metadata=key)
    again = await shop.collector.Alias(request, metadata=key)
    assert first.outcome == collector_pb2.LINK_OUTCOME_LINKED
    assert again.outcome == collector_pb2.LINK_OUTCOME_ALREADY_LINKED
    assert first.customer_id == again.customer_id != ""


async def test_an_alias_that_another_customer_has_is_refused_with_the_reason(shop: Running) -> None:
    key = shop.key(KeyClass.SERVER)
    await shop.collector.Identify(identify("jane", "phone"), metadata=key)
    await shop.collector.Identify(identify("john", "tablet"), metadata=key)
    error = await error_of(shop.collector.Alias(alias("john", "jane"), metadata=key))
    assert error.code() is grpc.StatusCode.ALREADY_EXISTS
    assert detail(error, error_details_pb2.ErrorInfo).reason == "IDENTITY_TAKEN"
    assert sentence_of(error).startswith("identity: belongs to another customer")


async def test_an_event_id_that_other_content_has_is_refused_with_the_reason(shop: Running) -> None:
    key = shop.key(KeyClass.SERVER)
    taken = page_view()
    await shop.collector.Track(batch(taken), metadata=key)
    request = alias("jane@example.org", "jane")
    request.event_id = taken.event_id
    error = await error_of(shop.collector.Alias(request, metadata=key))
    assert error.code() is grpc.StatusCode.ALREADY_EXISTS
    assert detail(error, error_details_pb2.ErrorInfo).reason == "EVENT_ID_CONFLICT"


async def test_a_stream_of_hundreds_of_requests_is_stored_and_answered_in_order(shop: Running) -> None:
    requests = [batch(page_view(), page_view()) for _ in range(300)]
    stream = shop.collector.TrackStream(metadata=shop.key(KeyClass.SERVER), timeout=60)
    for request in requests:
        await stream.write(request)
    await stream.done_writing()
    for request in requests:
        answer = await stream.read()
        assert isinstance(answer, collector_pb2.TrackResponse)
        assert [result.event_id for result in answer.results] == [event.event_id for event in request.events]
        assert {result.status for result in answer.results} == {collector_pb2.EVENT_STATUS_ACCEPTED}
    assert await stream.read() is grpc.aio.EOF
