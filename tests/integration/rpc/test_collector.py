"""Track, Identify and Alias through the real server, with a scripted writer behind it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from shopalytic.v1 import collector_pb2
from shopalytic_server.domain import errors
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.projects import KeyClass
from standins.rpc import (
    LINK,
    Running,
    batch,
    detail,
    error_of,
    fields_of,
    page_view,
    running,
    sentence_of,
    until,
)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


def identify(**fields: Any) -> collector_pb2.IdentifyRequest:
    request = collector_pb2.IdentifyRequest(event_id=page_view().event_id, **fields)
    request.occurred_at.GetCurrentTime()
    return request


def alias(**fields: Any) -> collector_pb2.AliasRequest:
    request = collector_pb2.AliasRequest(event_id=page_view().event_id, **fields)
    request.occurred_at.GetCurrentTime()
    return request


async def test_a_batch_gets_one_verdict_per_event_in_order(shop: Running) -> None:
    bad = page_view()
    bad.page_view.url = ""
    events = [page_view(), bad, page_view()]
    response = await shop.collector.Track(batch(*events), metadata=shop.key(KeyClass.SERVER))
    assert [result.event_id for result in response.results] == [event.event_id for event in events]
    assert [result.status for result in response.results] == [
        collector_pb2.EVENT_STATUS_ACCEPTED,
        collector_pb2.EVENT_STATUS_QUARANTINED,
        collector_pb2.EVENT_STATUS_ACCEPTED,
    ]
    assert response.results[1].violations[0].field == "page_view.url"


async def test_events_reach_the_writer_with_their_project_and_times(shop: Running) -> None:
    request = batch()
    sent = datetime.now(UTC) - timedelta(minutes=10)
    request.sent_at.FromDatetime(sent)
    before = datetime.now(UTC)
    await shop.collector.Track(request, metadata=shop.key(KeyClass.SERVER))
    [[item]] = shop.writer.submitted
    assert item.dataset_id == Dataset.of(shop.project)
    assert item.currency == "GBP"
    assert item.sent_at == sent
    assert before <= item.received_at <= datetime.now(UTC)
    assert item.corrected_at is not None


async def test_nothing_is_answered_before_the_writer_has_committed(shop: Running) -> None:
    shop.writer.hold = True
    call = shop.collector.Track(batch(), metadata=shop.key(KeyClass.SERVER))
    await until(lambda: len(shop.writer.submitted) == 1)
    assert not call.done()
    shop.writer.finish_all()
    assert (await call).results[0].status == collector_pb2.EVENT_STATUS_ACCEPTED


@pytest.mark.parametrize("count", [0, 1001])
async def test_an_unusable_batch_is_refused_and_nothing_of_it_is_submitted(shop: Running, count: int) -> None:
    request = collector_pb2.TrackRequest(events=[page_view() for _ in range(count)])
    error = await error_of(shop.collector.Track(request, metadata=shop.key(KeyClass.SERVER)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [field for field, _ in fields_of(error)] == ["events"]
    assert shop.writer.submitted == []


async def test_a_full_queue_is_told_with_its_number_and_a_delay(shop: Running) -> None:
    shop.writer.refusal = errors.Overloaded("100,000 events wait to be stored.", retry_after=0.25)
    error = await error_of(shop.collector.Track(batch(), metadata=shop.key(KeyClass.SERVER)))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert sentence_of(error) == "100,000 events wait to be stored."
    assert detail(error, error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() == 250


async def test_a_store_that_is_away_is_told_with_a_delay(shop: Running) -> None:
    shop.writer.failure = errors.StoreUnavailable(retry_after=2)
    error = await error_of(shop.collector.Track(batch(), metadata=shop.key(KeyClass.SERVER)))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert detail(error, error_details_pb2.RetryInfo).retry_delay.seconds == 2


async def test_a_deadline_that_passes_withdraws_what_waits(shop: Running) -> None:
    shop.writer.hold = True
    call = shop.collector.Track(batch(), metadata=shop.key(KeyClass.SERVER), timeout=0.3)
    error = await error_of(call)
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await until(lambda: len(shop.writer.futures) == 1 and shop.writer.futures[0].cancelled())


async def test_a_caller_that_cancels_withdraws_what_waits(shop: Running) -> None:
    shop.writer.hold = True
    call = shop.collector.Identify(
        identify(tracking_id="t", identity="customer-1"), metadata=shop.key(KeyClass.SERVER)
    )
    await until(lambda: len(shop.writer.futures) == 1)
    call.cancel()
    await until(lambda: shop.writer.futures[0].cancelled())


async def test_identify_says_what_it_did_and_asks_for_no_more_than_the_link(shop: Running) -> None:
    response = await shop.collector.Identify(
        identify(tracking_id="t", identity="customer-1"), metadata=shop.key(KeyClass.BROWSER)
    )
    assert (response.outcome, response.customer_id) == (LINK.outcome, LINK.customer_id)
    [[item]] = shop.writer.submitted
    assert item.skip_known
    assert (item.type, item.tracking_id, item.identity) == ("identify", "t", "customer-1")


async def test_alias_says_what_it_did(shop: Running) -> None:
    response = await shop.collector.Alias(
        alias(existing_identity="customer-1", identity="c1@example.org"), metadata=shop.key(KeyClass.SERVER)
    )
    assert (response.outcome, response.customer_id) == (LINK.outcome, LINK.customer_id)
    [[item]] = shop.writer.submitted
    assert not item.skip_known
    assert (item.type, item.identity) == ("alias", "customer-1")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (identify(tracking_id="t"), {"identity"}),
        (identify(), {"identity"}),
        (identify(tracking_id="", identity="customer-1"), {"tracking_id"}),
        (identify(tracking_id="t", identity="guest"), {"identity"}),
        (identify(identity="undefined"), {"identity"}),
        (collector_pb2.IdentifyRequest(tracking_id="t", identity="customer-1"), {"event_id", "occurred_at"}),
        (alias(identity="new"), {"tracking_id"}),
        (alias(existing_identity="null", identity="new"), {"existing_identity"}),
        (alias(tracking_id="t"), {"identity"}),
        (alias(tracking_id="t", identity="x" * 201), {"identity"}),
        (collector_pb2.AliasRequest(tracking_id="t", identity="new"), {"event_id", "occurred_at"}),
    ],
)
async def test_an_invalid_call_names_the_request_s_own_fields(
    shop: Running, request_: Any, expected: Any
) -> None:
    is_identify = isinstance(request_, collector_pb2.IdentifyRequest)
    method = shop.collector.Identify if is_identify else shop.collector.Alias
    error = await error_of(method(request_, metadata=shop.key(KeyClass.SERVER)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert {field for field, _ in fields_of(error)} == expected


@pytest.mark.parametrize(
    ("rule", "reason"), [("event_id.conflict", "EVENT_ID_CONFLICT"), ("identity.taken", "IDENTITY_TAKEN")]
)
async def test_an_alias_that_is_taken_is_refused_with_the_reason(
    shop: Running, rule: str, reason: str
) -> None:
    taken = collector_pb2.EventResult(status=collector_pb2.EVENT_STATUS_CONFLICT)
    taken.violations.add(field="alias.identity", rule_id=rule, message="belongs to another customer")
    shop.writer.answer = taken
    error = await error_of(
        shop.collector.Alias(alias(tracking_id="t", identity="new"), metadata=shop.key(KeyClass.SERVER))
    )
    assert error.code() is grpc.StatusCode.ALREADY_EXISTS
    assert sentence_of(error) == "identity: belongs to another customer"
    assert detail(error, error_details_pb2.ErrorInfo).reason == reason
