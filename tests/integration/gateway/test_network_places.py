"""With a file of addresses, events that name no country get that of theirs, before it is cut."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from running.places import make_places
from running.running_service import Service, folder
from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.events_pb2 import Event

MUNICH, FRANCE, NOWHERE = "203.0.113.77", "203.0.113.200", "192.0.2.1"
PLACE = ("network_country", "network_region", "network_city")
BAVARIA = ("DEU", "Bavaria", "Munich")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as path:
        places = make_places(Path(path) / "places.mmdb")
        flags = ("--geoip-file", str(places), "--trusted-proxies", "1", "--client-addresses", "none")
        with Service(path, *flags) as running:
            yield running


def collect(
    service: Service, address: str, key: str = "browser", event_id: str = "", **context: Any
) -> tuple[str, int]:
    """Sends a page view; gives its id and the status."""
    event = {
        "type": "page_view",
        "event_id": event_id or str(uuid4()),
        "occurred_at": "2026-11-27T12:00:00Z",
        "tracking_id": "visitor-1",
        "properties": {"url": "https://shop.example/", "referrer": ""},
    }
    if context:
        event["context"] = context
    body = json.dumps({"token": service.ready["keys"][key], "events": [event]}).encode()
    headers = {"x-forwarded-for": address, "content-type": "application/json"}
    request = urllib.request.Request(f"{service.ready['http_address']}/collect", body, headers)
    with urllib.request.urlopen(request) as answer:
        answer.read()
        return str(event["event_id"]), answer.status


def track(service: Service, event: Event) -> int:
    stub = CollectorServiceStub(service.channel())
    answer = stub.Track(collector_pb2.TrackRequest(events=[event]), metadata=service.metadata("server"))
    return int(answer.results[0].status)


def view(address: str, **context: Any) -> Event:
    event = Event(
        event_id=str(uuid4()),
        tracking_id="visitor-2",
        page_view={"url": "https://shop.example/", "referrer": ""},
        context={"address": address, **context},
    )
    event.occurred_at.FromJsonString("2026-11-27T12:00:00Z")
    return event


def stored(service: Service, event_id: str) -> tuple[str | None, ...]:
    """What the store has of an event's place and address."""
    names = ", ".join(f"context ->> '{name}'" for name in (*PLACE, "address"))
    with psycopg.connect(service.ready["database_url"]) as conn:
        [row] = conn.execute(f"SELECT {names} FROM events WHERE event_id = %s", (event_id,)).fetchall()
    return tuple(row)


def test_a_browser_is_where_its_whole_address_is(service: Service) -> None:
    # Both are in one /24, and not even that is kept.
    assert stored(service, collect(service, MUNICH)[0]) == (*BAVARIA, None)
    assert stored(service, collect(service, FRANCE)[0]) == ("FRA", None, None, None)
    assert stored(service, collect(service, NOWHERE)[0]) == (None,) * 4


def test_a_backend_tells_its_visitors_address(service: Service) -> None:
    event = view(MUNICH)
    assert track(service, event) == collector_pb2.EVENT_STATUS_ACCEPTED
    assert stored(service, event.event_id) == (*BAVARIA, None)


def test_what_a_backend_sends_over_http_is_not_where_the_backend_is(service: Service) -> None:
    assert stored(service, collect(service, MUNICH, "server")[0]) == ("", None, None, None)


def test_an_event_that_names_its_country_keeps_it(service: Service) -> None:
    assert stored(service, collect(service, MUNICH, country="ITA")[0]) == (None,) * 4
    event = view(MUNICH, country="ITA")
    track(service, event)
    assert stored(service, event.event_id) == (None,) * 4


def test_a_browser_does_not_say_where_its_address_is(service: Service) -> None:
    said = dict(zip(PLACE, ("ESP", "Madrid", "Madrid"), strict=True))
    assert stored(service, collect(service, FRANCE, **said)[0]) == ("FRA", None, None, None)
    assert stored(service, collect(service, NOWHERE, **said)[0]) == (None,) * 4


def test_an_event_that_comes_again_from_elsewhere_is_the_same(service: Service) -> None:
    event_id, _ = collect(service, MUNICH)
    assert collect(service, FRANCE, event_id=event_id)[1] == 200
    event = view(MUNICH)
    track(service, event)
    event.context.address = FRANCE
    assert track(service, event) == collector_pb2.EVENT_STATUS_DUPLICATE
    event.context.network_country = "ITA"
    assert track(service, event) == collector_pb2.EVENT_STATUS_DUPLICATE


def test_reports_know_the_country(service: Service) -> None:
    # A visit has one country, so this one is somebody else's.
    event = view(MUNICH)
    event.tracking_id = "visitor-3"
    track(service, event)
    asked = ("--from", "2026-11-27", "--to", "2026-11-28", "--by", "country", "--by", "city")
    rows = service.json("report", "traffic", *asked, "--json")["rows"]
    found = {(row["dimensions"]["country"], row["dimensions"]["city"]) for row in rows if row["dimensions"]}
    assert ("DEU", "Munich") in found
    assert {country for country, _ in found} <= {"DEU", "FRA", "ITA", ""}


def test_a_file_that_cannot_be_used_ends_the_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "shopalytic", "gateway", "--geoip-file", str(tmp_path / "no.mmdb")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert (
        "no.mmdb cannot be used: it cannot be read (No such file or directory). Give a file" in ended.stderr
    )
