"""How a key is shown and what its refusals say, through the real server and the real store of keys."""

from collections.abc import AsyncIterator

import grpc
import pytest

from shopalytic.v1 import collector_pb2
from shopalytic_server.domain.projects import KeyClass
from standins.rpc import Running, batch, bearer, error_of, page_view, running, sentence_of


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
async def test_the_scheme_s_case_and_spaces_do_not_matter(shop: Running, scheme: str) -> None:
    metadata = (("authorization", f"{scheme} {shop.secrets[KeyClass.SERVER]}"),)
    response = await shop.collector.Track(batch(), metadata=metadata)
    assert response.results[0].status == collector_pb2.EVENT_STATUS_ACCEPTED


async def test_a_missing_key_and_a_wrong_class_are_told_as_sentences(shop: Running) -> None:
    error = await error_of(shop.collector.Track(batch()))
    assert "authorization: Bearer KEY" in sentence_of(error)
    error = await error_of(shop.collector.Track(batch(), metadata=shop.key(KeyClass.REPORTS)))
    assert sentence_of(error) == (
        "A key of class reports may not call CollectorService; use one of class browser or server."
    )


async def test_a_revoked_key_is_unknown_to_a_server_that_has_not_seen_it(shop: Running) -> None:
    issued = await shop.projects.create_key(shop.project.project_id, KeyClass.SERVER)
    await shop.projects.revoke_key(shop.project.project_id, issued.key.key_id)
    error = await error_of(shop.collector.Track(batch(), metadata=bearer(issued.secret)))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "revoked" in sentence_of(error)


async def test_a_browser_key_sends_only_the_types_its_project_allows(shop: Running) -> None:
    refund = page_view()
    refund.refund.order_id, refund.refund.refund_type = "o-1", "full"
    request = batch(page_view(), refund)
    by_browser = await shop.collector.Track(request, metadata=shop.key(KeyClass.BROWSER))
    assert [result.status for result in by_browser.results] == [
        collector_pb2.EVENT_STATUS_ACCEPTED,
        collector_pb2.EVENT_STATUS_REJECTED,
    ]
    assert by_browser.results[1].violations[0].rule_id == "key.event_type"
    by_server = await shop.collector.Track(request, metadata=shop.key(KeyClass.SERVER))
    assert {result.status for result in by_server.results} == {collector_pb2.EVENT_STATUS_ACCEPTED}


async def test_a_browser_key_whose_project_forbids_identify_is_denied_the_call(shop: Running) -> None:
    await shop.projects.update_project(shop.project.project_id, browser_event_types=["page_view"])
    request = collector_pb2.IdentifyRequest(event_id=page_view().event_id, tracking_id="t", identity="i")
    request.occurred_at.GetCurrentTime()
    error = await error_of(shop.collector.Identify(request, metadata=shop.key(KeyClass.BROWSER)))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
