"""How much of visitors' addresses is stored, by level, whichever way events come; and that no log has one."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from running.running_service import Service, folder
from shopalytic.v1 import admin_pb2, collector_pb2
from shopalytic.v1.admin_pb2_grpc import AdminServiceStub
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.events_pb2 import Event

V4, V6, MAPPED = "203.0.113.77", "2001:db8:1234:5678::99", "::ffff:198.51.100.23"
LEFT = {
    "none": {},
    "truncated": {V4: "203.0.113.0", V6: "2001:db8:1234::", MAPPED: "198.51.100.0"},
    "full": {V4: V4, V6: V6, MAPPED: "198.51.100.23"},
}
# What is in a full address and in no truncated one.
TRACES = (V4, "5678::99", "198.51.100.23", "c633:6417")


@pytest.fixture(params=sorted(LEFT))
def level(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def service(level: str) -> Iterator[Service]:
    flags = ("--trusted-proxies", "1", "--address-rate", "20", "--log-level", "debug", "--log-format", "json")
    given = () if level == "truncated" else ("--client-addresses", level)
    with folder() as path, Service(path, *flags, *given) as running:
        yield running


def view(address: str) -> Event:
    event = Event(
        event_id=str(uuid4()),
        tracking_id="visitor-1",
        page_view={"url": "https://shop.example/", "referrer": ""},
        context={"address": address},
    )
    event.occurred_at.GetCurrentTime()
    return event


def over_grpc(service: Service, address: str) -> list[Event]:
    """Valid, invalid, clashing and unreadable events; gives the valid one."""
    stub, key = CollectorServiceStub(service.channel()), service.metadata("server")
    valid, invalid, clashing, unread = (view(address) for _ in range(4))
    invalid.page_view.url = ""
    clashing.event_id = valid.event_id
    clashing.page_view.url += "other"
    unread.undecoded.json = json.dumps({"type": "?", "context": {"address": address}})
    stub.Track(collector_pb2.TrackRequest(events=[valid, invalid, clashing, unread]), metadata=key)
    streamed = view(address)
    list(stub.TrackStream(iter([collector_pb2.TrackRequest(events=[streamed])]), metadata=key))
    identify = collector_pb2.IdentifyRequest(
        event_id=str(uuid4()), identity="ann", tracking_id=str(uuid4()), context={"address": address}
    )
    identify.occurred_at.GetCurrentTime()
    stub.Identify(identify, metadata=key)
    return [valid, streamed]


def over_http(service: Service, address: str) -> list[str]:
    """By the tag, the picture and a call; gives the event ids, the picture's is not known."""
    base, token = service.ready["http_address"], service.ready["keys"]["browser"]
    page, called = view(address), view(address)
    event = {
        "type": "page_view",
        "event_id": page.event_id,
        "properties": {"url": "https://shop.example/", "referrer": ""},
    }
    spoiled = {**event, "event_id": str(uuid4()), "properties": {"no": 1}, "context": {"address": address}}
    bodies = [
        ("/collect", json.dumps({"token": token, "events": [event, spoiled]}), {}),
        (
            f"/collect.gif?{urllib.parse.urlencode({'token': token, 'url': 'https://shop.example/'})}",
            None,
            {},
        ),
        (
            "/shopalytic.v1.CollectorService/Track",
            json.dumps(
                {
                    "events": [
                        {
                            "eventId": called.event_id,
                            "occurredAt": called.occurred_at.ToJsonString(),
                            "trackingId": "visitor-1",
                            "pageView": {"url": "https://shop.example/", "referrer": ""},
                            "context": {"address": address},
                        }
                    ]
                }
            ),
            {"authorization": f"Bearer {token}"},
        ),
    ]
    for path, body, more in bodies:
        headers = {"x-forwarded-for": address, "content-type": "application/json", **more}
        request = urllib.request.Request(f"{base}{path}", body and body.encode(), headers)
        with urllib.request.urlopen(request) as answer:
            answer.read()
    return [page.event_id, called.event_id]


def stored_addresses(service: Service) -> dict[str, str | None]:
    """By event id."""
    with psycopg.connect(service.ready["database_url"]) as conn:
        rows = conn.execute("SELECT event_id::text, context ->> 'address' FROM events").fetchall()
    return dict(rows)


def tables_with(service: Service, traces: tuple[str, ...]) -> set[str]:
    needles = [f"%{text}%" for trace in traces for text in (trace, trace.encode().hex())]
    found = set()
    with psycopg.connect(service.ready["database_url"]) as conn:
        tables = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert ("quarantine",) in tables
        for (table,) in tables:
            name = sql.Identifier(table)
            query = sql.SQL("SELECT count(*) FROM {} AS row WHERE row::text ILIKE ANY(%s)").format(name)
            if conn.execute(query, [needles]).fetchall() != [(0,)]:
                found.add(table)
    return found


def metrics_of(service: Service) -> str:
    """What the gateway counts; behind proxies it asks for a key."""
    key = {"authorization": f"Bearer {service.ready['keys']['reports']}"}
    request = urllib.request.Request(f"{service.ready['http_address']}/metrics", headers=key)
    with urllib.request.urlopen(request) as answer:
        return str(answer.read().decode())


def test_so_much_is_stored_whichever_way_it_comes_and_nothing_is_logged(service: Service, level: str) -> None:
    expected: dict[str, str | None] = {}
    for address in (V4, V6, MAPPED):
        ids = [event.event_id for event in over_grpc(service, address)] + over_http(service, address)
        expected |= dict.fromkeys(ids, LEFT[level].get(address))
    garbage = [event.event_id for event in over_grpc(service, "nowhere at all")]
    expected |= dict.fromkeys(garbage)
    stored = stored_addresses(service)
    assert expected.items() <= stored.items()
    # Pictures and identify calls are in it as well.
    assert set(stored.values()) - {None} == set(LEFT[level].values())
    assert len(stored) == len(expected) + 3 + 4
    request = admin_pb2.ReplayQuarantineRequest()
    AdminServiceStub(service.channel()).ReplayQuarantine(request, metadata=service.metadata("admin"))
    assert ("quarantine" in tables_with(service, TRACES)) == (level == "full")
    assert bool(tables_with(service, TRACES)) == (level == "full")
    if level == "none":
        assert tables_with(service, ("203.0.113", "2001:db8:1234", "198.51.100")) == set()
    metrics = metrics_of(service)
    told = service.log() + metrics + (service.data_dir / "postgres.log").read_text()
    assert [trace for trace in (*TRACES, "203.0.113", "198.51.100", "2001:db8:1234") if trace in told] == []


@pytest.mark.parametrize("level", ["none"], indirect=True)
def test_limits_go_by_the_full_address_that_is_not_stored(service: Service) -> None:
    body = json.dumps(
        {
            "token": service.ready["keys"]["browser"],
            "events": [{"type": "page_view", "properties": {"url": "https://shop.example/", "referrer": ""}}]
            * 150,
        }
    ).encode()

    def status(address: str) -> int:
        headers = {"x-forwarded-for": address, "content-type": "application/json"}
        request = urllib.request.Request(f"{service.ready['http_address']}/collect", body, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    # The address may send 200 at once.
    assert [status("203.0.113.77") for _ in range(2)] == [200, 429]
    event = json.loads(body)["events"][:1]
    body = json.dumps({"token": json.loads(body)["token"], "events": event}).encode()
    assert status("203.0.113.78") == 200


def test_a_level_that_is_none_of_them_is_refused() -> None:
    with folder() as path, pytest.raises(AssertionError, match="none, truncated, full"):
        Service(path, "--client-addresses", "hashed").start()
