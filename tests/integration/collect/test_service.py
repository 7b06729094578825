"""The gateway in front of the real server: the catalogue as written, identities, outages, sudden death."""

import asyncio
import http.client
import json
import re
import signal
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from running.running_service import Service
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.gateway.collector import Collector
from shopalytic_server.gateway.metrics import Metrics
from standins.gateway import PAGE_VIEW, Answer, fetch, running_gateway

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
CLIENTS = 16
EVENTS_BEFORE_DEATH = 300


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def gateway(service: Service, tmp_path: Path) -> Iterator[Service]:
    """A gateway in a process of its own, in front of the service."""
    alone = Service(tmp_path)
    alone.start_as("gateway", "--collector", service.address, "--http-port", "0")
    yield alone
    if alone.process is not None and alone.process.poll() is None:
        alone.stop()


def port_of(running: Service) -> int:
    return int(running.ready["http_address"].rpartition(":")[2])


async def collect(
    running: Service, service: Service, *events: Any, key: str = "server", **options: Any
) -> Answer:
    headers = {"content-type": "text/plain", "user-agent": "Test/1", **options.pop("headers", {})}
    body = json.dumps({"token": service.ready["keys"][key], "events": events, **options})
    return await fetch(port_of(running), "POST", "/collect", body.encode(), headers)


async def rpc(service: Service, name: str, key: str, request: dict[str, Any]) -> Answer:
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {service.ready['keys'][key]}",
    }
    body = json.dumps(request).encode()
    return await fetch(port_of(service), "POST", f"/shopalytic.v1.{name}", body, headers)


def vectors() -> list[Any]:
    return [
        pytest.param(vector, id=f"{path.stem}: {vector['name']}")
        for path in sorted(VECTORS.glob("*.json"))
        for vector in json.loads(path.read_text(), parse_float=lambda text: f"number {text}")
    ]


def as_written(event: dict[str, Any]) -> str:
    """The event's JSON with its numbers digit for digit."""
    return re.sub('"number ([^"]*)"', r"\1", json.dumps(event))


def is_completed(event: dict[str, Any]) -> bool:
    """Whether /collect itself adds what the vector leaves out."""
    anonymous = event.get("tracking_id") is None and event.get("identity") is None
    return anonymous or event.get("event_id") is None or event.get("occurred_at") is None


@pytest.mark.parametrize("vector", vectors())
async def test_the_catalogue_is_taken_as_written(service: Service, vector: dict[str, Any]):
    token = json.dumps(service.ready["keys"]["server"])
    body = f'{{"token": {token}, "events": [{as_written(vector["event"])}]}}'
    answer = await fetch(port_of(service), "POST", "/collect", body.encode())
    (result,) = answer.json["results"]
    if is_completed(vector["event"]):
        assert result["status"] == "ACCEPTED"
        return
    assert result["status"] == vector["status"]
    found = [{"field": each["field"], "rule_id": each["rule_id"]} for each in result["violations"]]
    wanted = [{"field": each["field"], "rule_id": each["rule_id"]} for each in vector.get("violations", [])]
    assert found == wanted


async def test_a_lost_answer_makes_a_duplicate_and_other_content_a_conflict(service: Service):
    event = {**PAGE_VIEW, "event_id": str(uuid.uuid4()), "occurred_at": "2025-05-01T12:00:00Z"}
    other = {**event, "properties": {"url": "https://shop.example/other", "referrer": ""}}
    statuses = []
    for sent in (event, event, other):
        answer = await collect(service, service, sent, key="browser")
        statuses.append(answer.json["results"][0]["status"])
    assert statuses == ["ACCEPTED", "DUPLICATE", "CONFLICT"]


async def test_an_event_with_its_id_and_without_its_time_is_known_again(service: Service):
    event = {**PAGE_VIEW, "event_id": str(uuid.uuid4())}
    event.pop("occurred_at", None)
    other = {**event, "properties": {"url": "https://shop.example/other", "referrer": ""}}
    timed = {**event, "occurred_at": "2025-05-01T12:00:00Z"}
    statuses = []
    for sent in (event, {**event, "occurred_at": None}, other, timed):
        answer = await collect(service, service, sent, key="browser")
        statuses.append(answer.json["results"][0]["status"])
    assert statuses == ["ACCEPTED", "DUPLICATE", "CONFLICT", "CONFLICT"]


async def test_two_browsers_and_one_identify_are_one_customer_whom_an_rpc_finds(service: Service):
    identity = f"ada-{uuid.uuid4()}"
    identify = {"type": "identify", "properties": {"identity": identity}}
    cookies = []
    for _ in range(2):
        first = await collect(service, service, PAGE_VIEW, key="browser")
        cookies.append(first.cookie["shopalytic_id"])
        headers = {"cookie": f"shopalytic_id={cookies[-1]}"}
        await collect(service, service, identify, key="browser", headers=headers)
    answer = await rpc(service, "ReportService/GetCustomer", "reports", {"customer": {"identity": identity}})
    assert sorted(answer.json["customer"]["trackingIds"]) == sorted(cookies)


ORDER = {
    "orderId": "1",
    "total": "9.99",
    "subtotal": "9.99",
    "lineItems": [{"sku": "S", "price": "9.99", "qty": 1}],
}


@pytest.mark.parametrize(
    ("wrong", "field", "rule", "words"),
    [
        ({"total": 9.99}, "order.total", "type", 'money is text here, such as "9.99"'),
        ({"lineItems": {}}, "order.line_items", "type", "must be a list, not an object"),
        ({"line_items": [{"qty": 2**31}]}, "order.line_items[0].qty", "type", "must be from -2,147,483,648"),
        ({"oderId": "1"}, "order.oderId", "unknown_property", "did you mean 'orderId'?"),
        ({"cartId": "\ud800"}, "order.cart_id", "type", "has half of a character"),
        ({"total": "M\xfcller"}, "", "json", "the byte 0xfc is not UTF-8"),
        ({"total": float("nan")}, "", "json", "NaN is not a JSON number"),
    ],
)
async def test_an_event_in_protobufs_json_is_judged_by_its_own_words(
    service: Service, wrong: dict[str, Any], field: str, rule: str, words: str
):
    event = {"eventId": str(uuid.uuid4()), "occurredAt": "2025-05-01T12:00:00Z", "trackingId": "t"}
    text = json.dumps(
        {"events": [{**event, "order": {**ORDER, **wrong}}]}, ensure_ascii="ü" not in str(wrong)
    )
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {service.ready['keys']['server']}",
    }
    path = "/shopalytic.v1.CollectorService/Track"
    answer = await fetch(port_of(service), "POST", path, text.encode("latin-1"), headers)
    [result] = answer.json["results"]
    [found] = result["violations"]
    assert (found.get("field", ""), found["ruleId"]) == (field, rule)
    assert words in found["message"]


async def test_a_spoiled_event_in_protobufs_json_can_be_repaired(service: Service):
    event = {"eventId": str(uuid.uuid4()), "occurredAt": "2025-05-01T12:00:00Z", "trackingId": "t"}
    order = {**event, "order": {**ORDER, "orderId": event["eventId"], "total": 9.99}}
    await rpc(service, "CollectorService/Track", "server", {"events": [order]})
    listed = await rpc(service, "AdminService/ListQuarantine", "admin", {"ruleId": "type"})
    [kept] = [each for each in listed.json["events"] if each["event"]["eventId"] == event["eventId"]]
    patch = [{"op": "replace", "path": "/order/total", "value": "9.99"}]
    request = {"quarantineIds": [kept["quarantineId"]], "patch": json.dumps(patch)}
    replayed = await rpc(service, "AdminService/ReplayQuarantine", "admin", request)
    assert replayed.json["accepted"] == 1, replayed.json


async def test_numbers_of_a_backend_count_and_those_of_a_page_do_not(service: Service):
    source = f"shop-{uuid.uuid4()}"

    def told(**more: Any) -> dict[str, Any]:
        return {"instance": "i", "source": source, "first_sequence": 1, "count": 1, **more}

    for key in ("browser", "server"):
        answer = await collect(service, service, PAGE_VIEW, key=key, deliveries=[told(first_sequence=3)])
        assert answer.status == 200
    rows = service.json("report", "delivery")["rows"]
    assert [(row["received"], row["missing"]) for row in rows if row["source"] == source] == [(1, 2)]
    for wrong, path in (
        ("many", "deliveries: must be a list, not text"),
        ([told(count="x")], "deliveries[0].count: must be a whole number"),
        ([told(first=1)], "deliveries[0].first: is not a field of Delivery"),
        ([told(instance="")], "deliveries[0].instance"),
    ):
        answer = await collect(service, service, PAGE_VIEW, deliveries=wrong)
        assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_argument")
        assert path in answer.json["error"]["message"]


async def test_a_wrong_key_is_401_and_a_reports_key_cannot_write(service: Service):
    wrong = await fetch(port_of(service), "POST", "/collect", b'{"token": "shop_browser_x", "events": [{}]}')
    reports = await collect(service, service, PAGE_VIEW, key="reports")
    assert wrong.error == (401, "unauthenticated")
    assert reports.error == (403, "permission_denied")


async def test_errors_of_rpcs_carry_typed_details(service: Service):
    answer = await rpc(service, "CollectorService/Track", "server", {"events": []})
    assert (answer.status, answer.json["code"]) == (400, "invalid_argument")
    (detail,) = answer.json["details"]
    assert detail["type"] == "google.rpc.BadRequest"
    assert detail["debug"]["fieldViolations"][0]["field"] == "events"


async def test_a_gateway_alone_is_ready_only_while_its_server_is(tmp_path: Path):
    server = Service(tmp_path).start()
    folder = tmp_path / "gateway"
    folder.mkdir()
    alone = Service(folder).start_as("gateway", "--collector", server.address, "--http-port", "0")
    try:
        assert (await fetch(port_of(alone), "GET", "/readyz")).status == 200
        server.stop(signal.SIGKILL)
        assert (await fetch(port_of(alone), "GET", "/readyz")).status == 503
        assert (await fetch(port_of(alone), "GET", "/healthz")).status == 200
        away = await collect(alone, server, PAGE_VIEW)
        assert away.error == (503, "unavailable")
        server.start("--grpc-port", server.address.rpartition(":")[2])
        while (await fetch(port_of(alone), "GET", "/readyz")).status != 200:  # noqa: ASYNC110 - HTTP has no events
            await asyncio.sleep(0.1)
        assert (await collect(alone, server, PAGE_VIEW)).json["results"][0]["status"] == "ACCEPTED"
    finally:
        alone.stop()
        if server.process is not None and server.process.poll() is None:
            server.stop()


async def test_what_was_answered_is_stored_though_the_gateway_is_killed(
    service: Service, gateway: Service, tmp_path: Path
):
    page = f"https://shop.example/{uuid.uuid4()}"
    sent, answered = await load_until_killed(gateway, service, page)
    assert len(answered) >= EVENTS_BEFORE_DEATH
    folder = tmp_path / "second"
    folder.mkdir()
    second = Service(folder).start_as("gateway", "--collector", service.address, "--http-port", "0")
    try:
        statuses = {
            event["event_id"]: (await collect(second, service, event)).json["results"][0]["status"]
            for event in sent
        }
    finally:
        second.stop()
    assert {statuses[event_id] for event_id in answered} == {"DUPLICATE"}
    assert set(statuses.values()) <= {"DUPLICATE", "ACCEPTED"}
    assert stored_pages(service, page) == len(sent)


async def load_until_killed(
    gateway: Service, service: Service, page: str
) -> tuple[list[dict[str, Any]], set[str]]:
    """Many clients send one event after the other; the gateway is killed in the middle of it."""
    sent: list[dict[str, Any]] = []
    answered: set[str] = set()

    async def client() -> None:
        while True:
            event = new_event(page)
            sent.append(event)
            try:
                answer = await collect(gateway, service, event)
            except (OSError, http.client.HTTPException):
                return
            assert answer.json["results"][0]["status"] == "ACCEPTED"
            answered.add(event["event_id"])
            if len(answered) == EVENTS_BEFORE_DEATH:
                assert gateway.process is not None
                gateway.process.send_signal(signal.SIGKILL)

    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(CLIENTS))
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return sent, answered


def new_event(page: str) -> dict[str, Any]:
    return {
        "type": "page_view",
        "properties": {"url": page, "referrer": ""},
        "event_id": str(uuid.uuid4()),
        "occurred_at": "2025-05-01T12:00:00Z",
        "tracking_id": "a-killed-gateways-visitor",
    }


def stored_pages(service: Service, page: str) -> int:
    with psycopg.connect(service.ready["database_url"]) as connection:
        query = "SELECT count(*) FROM events WHERE properties ->> 'url' = %s"
        row = connection.execute(query, (page,)).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_name_with_several_addresses_is_several_servers() -> None:
    async with running_gateway() as first, running_gateway() as second:
        collectors = [first.collector, second.collector]
        both = "ipv4:" + ",".join(each.grpc_address for each in (first, second))
        collector = Collector(both, Metrics(), track_seconds=10)
        try:
            for _ in range(20):
                await collector.track("key", [Event(event_id=str(uuid.uuid4()))], None)
        finally:
            await collector.close()
    assert all(each.events for each in collectors)
