"""POST /collect: what is taken, how it is stored, and what the answer says."""

import asyncio
import gzip
import json
import uuid

import grpc
import pytest

from shopalytic.v1 import collector_pb2
from standins.gateway import KEY, PAGE_VIEW, refusal, retry_in, running_gateway


async def test_answers_with_the_verdict_on_each_event_in_order():
    async with running_gateway() as gateway:
        first, second = str(uuid.uuid4()), str(uuid.uuid4())
        answer = await gateway.collect({**PAGE_VIEW, "event_id": first}, {**PAGE_VIEW, "event_id": second})
    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    assert set(answer.json) == {"tracking_id", "results"}
    assert answer.json["results"] == [
        {"event_id": first, "status": "ACCEPTED", "violations": []},
        {"event_id": second, "status": "ACCEPTED", "violations": []},
    ]


@pytest.mark.parametrize("number", [n for n in collector_pb2.EventStatus.values() if n])
async def test_statuses_have_their_short_names(number: int):
    async with running_gateway() as gateway:
        gateway.collector.judge = lambda event: collector_pb2.EventResult(
            event_id=event.event_id, status=collector_pb2.EventStatus.Name(number)
        )
        answer = await gateway.collect(PAGE_VIEW)
    name = collector_pb2.EventStatus.Name(number)
    assert f"EVENT_STATUS_{answer.json['results'][0]['status']}" == name


async def test_one_mistyped_field_spoils_only_its_event():
    mistyped = {"type": "cart_add", "properties": {"cart_id": "c", "sku": "s", "price": 1, "qty": "two"}}
    async with running_gateway() as gateway:
        answer = await gateway.collect(PAGE_VIEW, mistyped, PAGE_VIEW)
        stored = gateway.collector.events[1]
    statuses = [result["status"] for result in answer.json["results"]]
    assert statuses == ["ACCEPTED", "QUARANTINED", "ACCEPTED"]
    (violation,) = answer.json["results"][1]["violations"]
    assert violation["field"] == "cart_add.qty"
    assert violation["rule_id"] == "type"
    assert json.loads(stored.undecoded.json) == mistyped


@pytest.mark.parametrize("item", [None, 5, "page_view", [], True])
async def test_an_event_that_is_no_object_is_quarantined_alone(item: object):
    async with running_gateway() as gateway:
        answer = await gateway.collect(item, PAGE_VIEW)
    assert [result["status"] for result in answer.json["results"]] == ["QUARANTINED", "ACCEPTED"]


async def test_json_is_as_forgiving_as_the_catalogue_says():
    add = {"cart_id": "c", "sku": "s", "price": 9.99, "qty": "2", "modified_date": 1_700_000_000.5}
    register = {"email": "ada@example.com", "first_name": "Ada", "last_name": "L"}
    async with running_gateway() as gateway:
        await gateway.collect(
            {"type": "cart_add", "properties": add, "occurred_at": "2025-05-01T12:00:00+02:00"},
            {"type": "account_register", "properties": register, "occurred_at": 1_700_000_000},
        )
        cart, account = gateway.collector.events
    assert (cart.cart_add.price, cart.cart_add.qty) == ("9.99", 2)
    assert cart.cart_add.modified_date.nanos == 500_000_000
    assert cart.occurred_at.ToJsonString() == "2025-05-01T10:00:00Z"
    assert account.customer_register.email == "ada@example.com"
    assert account.occurred_at.seconds == 1_700_000_000


async def test_missing_ids_and_times_are_filled_in_and_given_ones_kept():
    async with running_gateway() as gateway:
        answer = await gateway.collect(PAGE_VIEW, sent_at="2025-05-01T12:00:00Z")
        (request,) = gateway.collector.requests
    (event,) = request.events
    assert uuid.UUID(event.event_id).version == 7
    assert answer.json["results"][0]["event_id"] == event.event_id
    assert event.occurred_at.seconds > 1_700_000_000
    assert request.sent_at.ToJsonString() == "2025-05-01T12:00:00Z"
    assert not event.HasField("source")


async def test_the_key_travels_as_a_bearer_token_from_body_or_header():
    async with running_gateway() as gateway:
        await gateway.collect(PAGE_VIEW)
        await gateway.collect(PAGE_VIEW, token=None, headers={"authorization": f"bearer {KEY}"})
        sent = [metadata["authorization"] for metadata in gateway.collector.metadata]
    assert sent == [f"Bearer {KEY}"] * 2


@pytest.mark.parametrize("token", [None, "", "two words", "ключ", "a\nb", "x" * 500])
async def test_no_key_or_an_impossible_one_is_401(token: str | None):
    async with running_gateway() as gateway:
        answer = await gateway.collect(PAGE_VIEW, token=token)
        assert not gateway.collector.requests
    assert answer.error == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("code", "details", "status", "name", "retry_after"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, [], 401, "unauthenticated", None),
        (grpc.StatusCode.PERMISSION_DENIED, [], 403, "permission_denied", None),
        (grpc.StatusCode.INVALID_ARGUMENT, [], 400, "invalid_argument", None),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, [retry_in(7)], 429, "resource_exhausted", "7"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, [], 413, "too_large", None),
        (grpc.StatusCode.UNAVAILABLE, [retry_in(3)], 503, "unavailable", "3"),
        (grpc.StatusCode.INTERNAL, [], 503, "internal", "5"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, [], 503, "deadline_exceeded", "2"),
    ],
)
async def test_the_collectors_refusals_become_http(code, details, status, name, retry_after):
    async with running_gateway() as gateway:
        gateway.collector.refusal = refusal(code, "The reason.", *details)
        answer = await gateway.collect(PAGE_VIEW, headers={"origin": "https://shop.example"})
    assert answer.error == (status, name)
    assert answer.header("retry-after") == retry_after
    assert answer.header("access-control-allow-origin") == "https://shop.example"
    assert answer.header("set-cookie") is None


async def test_a_collector_that_is_away_is_503_and_its_address_stays_private():
    async with running_gateway() as gateway:
        await gateway.grpc_server.stop(None)
        answer = await gateway.collect(PAGE_VIEW)
        assert answer.error == (503, "unavailable")
        assert answer.header("retry-after") == "2"
        assert "127.0.0.1" not in answer.json["error"]["message"]


async def test_a_collector_that_does_not_answer_is_503():
    async with running_gateway(track_seconds=0.1) as gateway:
        gateway.collector.gate.clear()
        answer = await gateway.collect(PAGE_VIEW)
    assert answer.error == (503, "deadline_exceeded")


async def test_too_few_verdicts_are_a_fault_that_can_be_repeated():
    async with running_gateway() as gateway:
        gateway.collector.forgotten_verdicts = 1
        answer = await gateway.collect(PAGE_VIEW, PAGE_VIEW)
    assert answer.error == (503, "internal")


async def test_gzip_is_taken_with_and_without_being_named():
    body = gzip.compress(json.dumps({"token": KEY, "events": [PAGE_VIEW]}).encode())
    async with running_gateway() as gateway:
        named = await gateway.post(body, {"content-encoding": "gzip"})
        unnamed = await gateway.post(body)
    assert [named.status, unnamed.status] == [200, 200]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain;charset=UTF-8", "Application/JSON"])
async def test_json_comes_as_json_or_as_plain_text(content_type: str):
    async with running_gateway() as gateway:
        assert (await gateway.collect(PAGE_VIEW, headers={"content-type": content_type})).status == 200


@pytest.mark.parametrize(
    "headers", [{"content-type": "application/x-www-form-urlencoded"}, {"content-encoding": "br"}]
)
async def test_other_forms_are_415(headers: dict[str, str]):
    async with running_gateway() as gateway:
        assert (await gateway.collect(PAGE_VIEW, headers=headers)).status == 415


async def test_other_methods_are_405_and_say_what_is_taken():
    async with running_gateway() as gateway:
        answer = await gateway.request("DELETE", "/collect")
    assert answer.error == (405, "method_not_allowed")
    assert answer.header("allow") == "POST, OPTIONS"


async def test_the_user_agent_and_the_truncated_address_are_added_and_never_the_senders_address():
    said = {**PAGE_VIEW, "context": {"user_agent": "Own/1", "address": "203.0.113.77"}}
    async with running_gateway() as gateway:
        await gateway.collect(PAGE_VIEW, said, headers={"user-agent": "Browser/9"})
        unsaid, own = gateway.collector.events
    assert (unsaid.context.user_agent, own.context.user_agent) == ("Browser/9", "Own/1")
    assert [unsaid.context.address, own.context.address] == ["127.0.0.0", "127.0.0.0"]


async def test_forwarded_addresses_count_only_behind_trusted_proxies():
    headers = {"x-forwarded-for": "6.6.6.6, 198.51.100.23, 10.0.0.1"}
    async with running_gateway() as gateway:
        await gateway.collect(PAGE_VIEW, headers=headers)
        assert gateway.collector.events[0].context.address == "127.0.0.0"
    async with running_gateway(trusted_proxies=2) as gateway:
        await gateway.collect(PAGE_VIEW, headers=headers)
        assert gateway.collector.events[0].context.address == "198.51.100.0"


async def test_paths_can_be_renamed():
    async with running_gateway(collect_path="/x/send", script_path="/lib/shop.js") as gateway:
        body = json.dumps({"token": KEY, "events": [PAGE_VIEW]}).encode()
        assert (await gateway.post(body, path="/x/send")).status == 200
        assert (await gateway.post(body)).status == 404
        assert (await gateway.get(f"/x/send.gif?token={KEY}&url=https://shop.example/")).status == 200


async def test_more_unanswered_events_than_allowed_are_429_at_once():
    async with running_gateway(max_waiting_events=3) as gateway:
        gateway.collector.gate.clear()
        first = asyncio.create_task(gateway.collect(PAGE_VIEW, PAGE_VIEW))
        await gateway.collector.arrived(1)
        answer = await gateway.collect(PAGE_VIEW, PAGE_VIEW)
        assert answer.error == (429, "resource_exhausted")
        assert answer.header("retry-after") == "1"
        gateway.collector.gate.set()
        assert (await first).status == 200


async def test_a_picture_counts_a_page_view_without_scripts():
    async with running_gateway() as gateway:
        path = f"/collect.gif?token={KEY}&url=https%3A%2F%2Fshop.example%2Fa%3Fb&referrer=https://search.example/"
        answer = await gateway.get(path, referer="https://shop.example/ignored")
        headless = await gateway.get(f"/collect.gif?token={KEY}", referer="https://shop.example/page")
        first, second = gateway.collector.events
    assert answer.status == 200
    assert answer.header("content-type") == "image/gif"
    assert answer.header("cache-control") == "no-store"
    assert answer.body.startswith(b"GIF89a")
    assert answer.cookie["shopalytic_id"] == first.tracking_id
    assert first.page_view.url == "https://shop.example/a?b"
    assert first.page_view.referrer == "https://search.example/"
    assert headless.status == 200
    assert second.page_view.url == "https://shop.example/page"


async def test_a_picture_without_a_key_is_401():
    async with running_gateway() as gateway:
        assert (await gateway.get("/collect.gif?url=https://shop.example/")).error == (401, "unauthenticated")
