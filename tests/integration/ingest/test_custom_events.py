"""Events beside buying: searches, lists, wishes, and what only the shop knows."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from laws.full_events import FULL
from running.running_service import Service, folder
from shopalytic.reports import funnel_step
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.projects import BACKEND_EVENT_TYPES
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import DUPLICATE, PROJECT, event, open_shop, order
from standins.gateway import Answer, fetch

NEW = tuple(FULL)[12:]
QUIZ = {"name": "quiz_finished", "properties": {"score": 7, "answers": ["a", {"b": None}]}}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as path, Service(path) as running:
        yield running


async def collect(service: Service, key: str, *events: dict[str, Any]) -> Answer:
    body = {"token": service.ready["keys"][key], "events": events}
    port = int(service.ready["http_address"].rpartition(":")[2])
    headers = {"content-type": "application/json"}
    return await fetch(port, "POST", "/collect", json.dumps(body).encode(), headers)


def statuses(answer: Answer) -> list[str]:
    return [result["status"] for result in answer.json["results"]]


def sent(kind: str, **envelope: Any) -> dict[str, Any]:
    return {"type": kind, "properties": FULL[kind], "tracking_id": "visitor", **envelope}


async def test_each_new_event_is_stored_shown_and_only_what_a_browser_may_say_is_taken_from_one(
    service: Service,
):
    answer = await collect(service, "server", *(sent(kind) for kind in NEW))
    assert statuses(answer) == ["ACCEPTED"] * len(NEW)
    timeline = service.json("customer", "events", "visitor")["events"]
    assert {each["type"]: each["properties"] for each in timeline} == {kind: FULL[kind] for kind in NEW}
    answer = await collect(service, "browser", *(sent(kind) for kind in NEW))
    refused = {kind for kind, status in zip(NEW, statuses(answer), strict=True) if status == "REJECTED"}
    assert refused == BACKEND_EVENT_TYPES & set(NEW)


async def test_properties_that_are_too_large_are_kept_in_quarantine_with_their_size(service: Service):
    for size, status in ((32_758, "ACCEPTED"), (32_759, "QUARANTINED")):
        properties = {"name": "large", "properties": {"text": "x" * (size - 1)}}
        answer = await collect(service, "server", sent("custom") | {"properties": properties})
        assert statuses(answer) == [status]
    [violation] = answer.json["results"][0]["violations"]
    assert violation["field"] == "custom.properties"
    assert "32,769 bytes" in violation["message"]


async def test_names_in_another_order_are_the_same_event(service: Service):
    event_id = str(uuid4())
    properties = [{"name": "x", "properties": {"a": 1, "b": {"c": 2, "d": 3}}}]
    properties.append({"properties": {"b": {"d": 3.0, "c": 2}, "a": 1}, "name": "x"})
    at = {"event_id": event_id, "occurred_at": "2026-03-01T00:00:00Z"}
    answers = [
        await collect(service, "server", sent("custom", **at) | {"properties": each}) for each in properties
    ]
    assert [statuses(answer) for answer in answers] == [["ACCEPTED"], ["DUPLICATE"]]


async def test_custom_events_are_steps_of_funnels_by_their_names_and_never_money(database_url: str):
    async with open_shop(database_url) as shop:
        await shop.send(
            event("custom", QUIZ, tracking_id="a", at=1),
            event("custom", {"name": "other"}, tracking_id="b", at=1),
            event("search", {"query": "mug"}, tracking_id="a"),
            event("search", {"query": "mug"}, tracking_id="b"),
            event("coupon", {"code": "MAY", "accepted": True, "value": "99"}, tracking_id="a"),
            event("subscription", {"subscription_id": "s", "state": "begun", "amount": "9"}, tracking_id="a"),
            order("o1", tracking_id="a", at=5),
        )
        request = reports_pb2.GetFunnelReportRequest(
            steps=[funnel_step(name) for name in ("search", "custom:quiz_finished", "order")]
        )
        [funnel] = (await shop.reports.get_funnel_report(PROJECT, request)).funnels
        assert [(step.step, step.customers) for step in funnel.steps] == [
            ("search", 2),
            ("custom:quiz_finished", 1),
            ("order", 1),
        ]
        [sales] = await shop.sales()
        assert (sales.currency, sales.total.total_sales) == ("EUR", "10.00")
    assert (await rebuild(database_url, check=True)).equal


async def test_a_custom_event_of_an_instant_is_repeated_by_grpc_with_another_order_of_names(
    database_url: str,
):
    async with open_shop(database_url) as shop:
        event_id = str(uuid4())
        names = [f"name {index}" for index in range(50)]
        first = event(
            "custom", {"name": "x", "properties": dict.fromkeys(names, 1)}, tracking_id="a", event_id=event_id
        )
        again = event("custom", {"name": "x"}, tracking_id="a", event_id=event_id)
        for name in reversed(names):
            again.custom.properties[name] = 1
        await shop.send(first)
        await shop.send(again, expected=[DUPLICATE])
