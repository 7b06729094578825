"""The surfaces of other tools over real HTTP: keys, sizes, packing, answers, refusals."""

import base64
import gzip
import json
import time
from typing import Any

import grpc
import pytest

from shopalytic.v1.collector_pb2 import EVENT_STATUS_QUARANTINED, EventResult, Violation
from shopalytic_server.domain.projects import KeyClass, new_secret
from standins.gateway import KEY, Answer, Gateway, refusal, retry_in, running_gateway

ITEM: dict[str, Any] = {
    "type": "track",
    "event": "Product Viewed",
    "userId": "ada",
    "messageId": "m-1",
    "properties": {"sku": "S-1", "name": "Mug", "price": 9.99},
}
UNKNOWN = new_secret(KeyClass.SERVER, b"?" * 32)


def basic(key: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


async def post(gateway: Gateway, path: str, body: Any, **headers: str) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.request("POST", path, data, given)


def only(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    [result] = answer.json["results"]
    return dict(result)


Request = tuple[str, Any, dict[str, str]]
REQUESTS: list[Request] = [
    ("/v1/track", ITEM, basic(KEY)),
    ("/v1/track", ITEM, {"authorization": f"Bearer {KEY}"}),
    (f"/v1/track?token={KEY}", ITEM, {}),
    ("/v1/t", {**ITEM, "writeKey": KEY}, {}),
    ("/v1/batch", {"batch": [ITEM], "writeKey": KEY}, {}),
    ("/v1/b", {"writeKey": KEY, "batch": [ITEM]}, {"content-type": "text/plain"}),
    ("/v1/import", {"batch": [ITEM]}, basic(KEY)),
    ("/batch/", {"batch": [{**ITEM, "distinct_id": "ada"}], "api_key": KEY}, {}),
    ("/capture/", {**ITEM, "distinct_id": "ada", "api_key": KEY}, {}),
    ("/e/?compression=gzip-js", [{**ITEM, "properties": {**ITEM["properties"], "token": KEY}}], {}),
    (f"/mp/collect?api_secret={KEY}", {"client_id": "1.2", "events": [{"name": "x"}]}, {}),
    (f"/{KEY}/g/collect?v=2&cid=1.2&en=x", b"", {}),
    (f"/g/collect?v=2&tid={KEY}&cid=1.2&en=x", b"", {}),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request_: request_[0][:20])
@pytest.mark.parametrize("packed", [False, True])
async def test_a_key_is_found_wherever_an_sdk_puts_it(request_: Request, packed: bool):
    path, body, headers = request_
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    # RudderStack's Node SDK says that its packed JSON is a form.
    given = {"content-type": "application/x-www-form-urlencoded"}
    given.update(headers)
    async with running_gateway() as gateway:
        data = gzip.compress(data) if packed and data else data
        answer = await gateway.request("POST", path, data, given)
        assert only(answer)["status"] == "ACCEPTED" or only(answer)["type"] == "custom"
        assert gateway.collector.metadata[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/t", "/batch/", "/e/", "/mp/collect", "/g/collect?en=x"])
async def test_without_a_valid_key_nothing_is_read_and_the_sdks_are_told(path: str):
    async with running_gateway() as gateway:
        gateway.admission.unknown.add(UNKNOWN)
        for headers in ({}, basic("nobody"), basic(UNKNOWN), {"authorization": "Basic %%"}):
            answer = await post(gateway, path, {"batch": [ITEM]}, **headers)
            assert answer.status == 401
            assert answer.json["code"] == "unauthenticated"
            assert answer.json["message"] == answer.json["detail"]
        assert gateway.collector.requests == []


async def test_a_key_within_an_event_is_not_taken_for_the_requests():
    async with running_gateway() as gateway:
        gateway.admission.unknown.add(UNKNOWN)
        lure = {**ITEM, "properties": {"api_key": KEY}}
        answer = await post(gateway, "/batch/", {"batch": [lure], "api_key": UNKNOWN})
        assert answer.status == 401


async def test_posthogs_python_writes_the_key_behind_a_large_batch():
    batch = [{**ITEM, "properties": {"text": "x" * 900}, "uuid": None} for _ in range(400)]
    async with running_gateway() as gateway:
        answer = await post(gateway, "/batch/", {"batch": batch, "api_key": KEY})
        assert answer.status == 200
        assert len(answer.json["results"]) == 400
        packed = gzip.compress(json.dumps({"batch": batch * 3, "api_key": KEY}).encode())
        assert (await post(gateway, "/batch/", packed)).status == 413


async def test_a_batch_beyond_one_call_is_sent_on_in_several():
    large = {**ITEM, "properties": {"text": "x" * 1_000}}
    batch = [{**large, "messageId": f"m-{number}"} for number in range(2_500)]
    async with running_gateway() as gateway:
        answer = await post(gateway, "/v1/batch", {"batch": batch}, **basic(KEY))
        assert len(answer.json["results"]) == 2_500
        assert [len(request.events) for request in gateway.collector.requests] == [250] * 10
        assert [result["status"] for result in answer.json["results"]] == ["ACCEPTED"] * 2_500
        assert len({event.event_id for event in gateway.collector.events}) == 2_500


async def test_what_counts_for_each_message_is_bounded_by_all_of_them():
    many = [{"type": "identify", "userId": "u", "messageId": f"m-{number}"} for number in range(2_000)]
    traits = {f"trait{number}": 1 for number in range(4_000)}
    shared = "&".join(f"epn.{number}=1" for number in range(400))
    async with running_gateway() as gateway:
        body = {"batch": many, "context": {"traits": traits}}
        answer = await post(gateway, "/v1/batch", body, **basic(KEY))
        assert (answer.status, answer.json["code"]) == (413, "too_large")
        answer = await post(gateway, f"/g/collect?token={KEY}&cid=1.2&{shared}", b"en=x\n" * 60)
        assert (answer.status, answer.json["code"]) == (413, "too_large")
        assert gateway.collector.requests == []
        answer = await post(gateway, "/v1/batch", {**body, "batch": many[:20]}, **basic(KEY))
        assert answer.status == 200
        answer = await post(gateway, f"/g/collect?token={KEY}&cid=1.2&{shared}", b"en=x\n" * 20)
        assert len(answer.json["results"]) == 20


async def test_a_body_above_the_limit_is_refused_packed_and_unpacked():
    async with running_gateway() as gateway:
        large = json.dumps({"batch": [{**ITEM, "properties": {"text": "x" * 5_300_000}}]}).encode()
        for body in (large, gzip.compress(large)):
            answer = await post(gateway, "/v1/batch", body, **basic(KEY))
            assert (answer.status, answer.json["code"]) == (413, "too_large")
        answer = await post(gateway, "/v1/batch", {"batch": [ITEM] * 20_001}, **basic(KEY))
        assert answer.status == 413
        assert gateway.collector.requests == []


async def test_one_broken_event_spoils_no_other():
    body = b'{"batch": [{"event": "x", "event": "y"}, 7, %s]}' % json.dumps(ITEM).encode()
    async with running_gateway() as gateway:
        answer = await post(gateway, "/v1/batch", body, **basic(KEY))
        assert [result["status"] for result in answer.json["results"]] == [
            "QUARANTINED",
            "QUARANTINED",
            "ACCEPTED",
        ]


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b'{"batch": 7}', b'{"batch": []}', b"data=%%%"])
async def test_a_body_that_is_no_json_is_refused_with_a_reason(body: bytes):
    async with running_gateway() as gateway:
        answer = await post(gateway, "/v1/batch", body, **basic(KEY))
        assert (answer.status, answer.json["code"]) == (400, "invalid_argument")
        assert answer.json["detail"].endswith((".", "]}"))


async def test_every_verdict_is_answered_with_200_and_its_reason():
    async with running_gateway() as gateway:
        gateway.collector.judge = lambda event: EventResult(
            event_id=event.event_id,
            status=EVENT_STATUS_QUARANTINED,
            violations=[Violation(field="product_view.price", rule_id="required", message="is required")],
        )
        told = only(await post(gateway, "/v1/track", ITEM, **basic(KEY)))
        assert told["name"] == "Product Viewed"
        assert told["type"] == "product_view"
        assert told["violations"][0]["field"] == "product_view.price"
        validated = await post(
            gateway, f"/debug/mp/collect?api_secret={KEY}", {"client_id": "1.2", "events": [{"name": "x"}]}
        )
        assert validated.json["validationMessages"][0]["validationCode"] == "VALUE_REQUIRED"


async def test_what_has_no_place_is_told_by_name_and_counted():
    async with running_gateway() as gateway:
        item = {**ITEM, "properties": {**ITEM["properties"], "coupon": "X", "Shelf": 3}}
        told = only(await post(gateway, "/v1/track", item, **basic(KEY)))
        assert told["left_out"] == ["coupon", "shelf"]
        own = only(await post(gateway, "/v1/track", {**ITEM, "event": "Quiz Done"}, **basic(KEY)))
        assert (own["type"], own["name"]) == ("custom", "Quiz Done")
        text = (await gateway.get("/metrics")).body.decode()
        assert 'left_out_total{name="Product Viewed",surface="segment"} 2.0' in text
        assert 'foreign_events_total{name="other",surface="segment",type="custom"} 1.0' in text


async def test_an_overloaded_store_is_passed_on_with_its_delay():
    async with running_gateway() as gateway:
        gateway.collector.refusal = refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "Full.", retry_in(7))
        answer = await post(gateway, "/v1/batch", {"batch": [ITEM]}, **basic(KEY))
        assert (answer.status, answer.header("retry-after"), answer.json["code"]) == (
            429,
            "7",
            "resource_exhausted",
        )
        gateway.collector.refusal = refusal(grpc.StatusCode.UNAVAILABLE, "Away.", retry_in(3))
        answer = await post(gateway, "/batch/", {"batch": [ITEM], "api_key": KEY})
        assert (answer.status, answer.header("retry-after"), answer.json["detail"]) == (503, "3", "Away.")


async def test_the_browsers_sdks_get_their_settings_and_may_call_from_any_page():
    async with running_gateway() as gateway:
        origin = {"origin": "https://shop.example"}
        settings = await gateway.request("GET", f"/v1/projects/{KEY}/settings", None, origin)
        assert settings.json["integrations"]["Segment.io"] == {
            "apiKey": KEY,
            "apiHost": f"127.0.0.1:{gateway.port}/v1",
            "protocol": "http",
        }
        for path in ("/flags/?v=2", "/decide/?v=3"):
            assert (await post(gateway, path, {"token": KEY}, **origin)).json["featureFlags"] == {}
        preflight = await gateway.request(
            "OPTIONS", "/v1/t", None, {**origin, "access-control-request-headers": "x-own"}
        )
        assert "x-own" in (preflight.header("access-control-allow-headers") or "")
        assert settings.header("access-control-allow-origin") == "https://shop.example"


async def test_the_same_request_again_has_the_same_ids_and_contents():
    body = {"batch": [ITEM, {**ITEM, "messageId": None, "timestamp": "2026-03-01T10:00:00"}], "sentAt": "x"}
    async with running_gateway() as gateway:
        for sent_at in ("2026-03-01T10:00:01Z", "2026-03-01T10:09:01Z"):
            await post(gateway, "/v1/batch", {**body, "sentAt": sent_at}, **basic(KEY))
        first, again = gateway.collector.requests
        assert [event.event_id for event in first.events] == [event.event_id for event in again.events]
        assert first.events[1] == again.events[1]


@pytest.mark.parametrize("path", ["//v1/batch", "/v1//batch", "/v1/batch/", "///v1/batch//"])
async def test_an_address_that_ends_with_a_slash_is_understood(path: str):
    async with running_gateway() as gateway:
        assert only(await post(gateway, path, {"batch": [ITEM]}, **basic(KEY)))["status"] == "ACCEPTED"
        settings = await gateway.request("GET", f"//v1/projects/{KEY}/settings", None, {})
        assert settings.status == 200
        assert (await gateway.get("//v1/nothing")).status == 404


async def test_a_body_that_a_proxy_has_unpacked_is_read_whatever_its_header_says():
    async with running_gateway() as gateway:
        answer = await post(gateway, "/v1/batch", {"batch": [ITEM]}, **basic(KEY), content_encoding="gzip")
        assert only(answer)["status"] == "ACCEPTED"


async def test_the_packing_of_old_browsers_is_refused_with_its_name():
    async with running_gateway() as gateway:
        answer = await post(gateway, "/e/?compression=lz64", b"data=N4Ig")
        assert (answer.status, answer.json["code"]) == (415, "unsupported_encoding")
        assert "lz64" in answer.json["detail"]


async def test_googles_body_without_its_list_is_refused():
    async with running_gateway() as gateway:
        for body in ({"client_id": "1.2"}, {"client_id": "1.2", "name": "x"}):
            answer = await post(gateway, f"/mp/collect?api_secret={KEY}", body)
            assert (answer.status, answer.json["code"]) == (400, "invalid_argument")


async def test_an_event_that_waited_happened_so_long_before_it_arrived():
    async with running_gateway() as gateway:
        waited = {"event": "x", "uuid": "0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10", "offset": 3_600_000}
        await post(gateway, "/e/", {**waited, "properties": {"token": KEY, "distinct_id": "d"}})
        [event] = gateway.collector.events
        assert event.timed_on_arrival
        assert 3_590 < time.time() - event.occurred_at.seconds < 3_700
