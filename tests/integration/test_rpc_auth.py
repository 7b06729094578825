"""Who may call what, through the real server and the real store of keys."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from rpc_standins import Running, batch, bearer, error_of, page_view, running, sentence_of
from shopalytic.v1 import admin_pb2, collector_pb2, reports_pb2
from shopalytic_server.domain.projects import KeyClass, new_secret
from shopalytic_server.rpc.auth import ADMIN_READING, RIGHTS


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


SERVICES = [
    file.DESCRIPTOR.services_by_name[name]
    for file, name in (
        (collector_pb2, "CollectorService"),
        (reports_pb2, "ReportService"),
        (admin_pb2, "AdminService"),
    )
]
METHODS = [method for service in SERVICES for method in service.methods]
READING = {"GetProject", "ListQuarantine", "ListMerges"}
REFUSED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}


def method_name(method: Any) -> str:
    return f"{method.containing_service.name}.{method.name}"


async def code_of(shop: Running, method: Any, metadata: Any) -> Any:
    """Calls any method with an empty request and says how that ended."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    kind = "stream" if method.client_streaming else "unary"
    kind += "_stream" if method.server_streaming else "_unary"
    call = getattr(shop.channel, kind)(path)
    if method.client_streaming:
        stream = call(metadata=metadata)
        await stream.done_writing()
        return await stream.code()
    if method.server_streaming:
        # A refusal ends the call at once. Watching that was admitted has no end
        # of its own: it is ended here, after time enough for a refusal.
        watching = call(b"", metadata=metadata)
        ended = asyncio.ensure_future(watching.code())
        await asyncio.wait((ended,), timeout=2)
        watching.cancel()
        return await ended
    return await call(b"", metadata=metadata).code()


def test_every_method_of_every_service_is_in_the_table_of_rights() -> None:
    assert {service.full_name for service in SERVICES} == set(RIGHTS) - {ADMIN_READING}


@pytest.mark.parametrize("method", METHODS, ids=method_name)
async def test_each_key_class_may_call_exactly_the_methods_of_the_table(shop: Running, method: Any) -> None:
    allowed = RIGHTS[ADMIN_READING if method.name in READING else method.containing_service.full_name]
    for key_class in KeyClass:
        code = await code_of(shop, method, shop.key(key_class))
        if key_class in allowed:
            assert code not in REFUSED, key_class
        else:
            assert code is grpc.StatusCode.PERMISSION_DENIED, key_class


@pytest.mark.parametrize("method", METHODS, ids=method_name)
async def test_no_method_answers_without_a_valid_key(shop: Running, method: Any) -> None:
    unknown = new_secret(KeyClass.ADMIN, b"?" * 32)
    for metadata in ((), bearer("admin"), bearer(unknown), (("authorization", "Basic c2hvcDpzaG9w"),)):
        assert await code_of(shop, method, metadata) is grpc.StatusCode.UNAUTHENTICATED


def test_the_four_classes_have_the_rights_of_the_design() -> None:
    rights = {
        key_class: {name.rpartition(".")[2] for name in RIGHTS if key_class in RIGHTS[name]}
        for key_class in KeyClass
    }
    assert rights == {
        KeyClass.BROWSER: {"CollectorService"},
        KeyClass.SERVER: {"CollectorService"},
        KeyClass.REPORTS: {"ReportService", "AdminService (reading)"},
        KeyClass.ADMIN: {"ReportService", "AdminService", "AdminService (reading)"},
    }


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
