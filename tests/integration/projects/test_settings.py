"""What a project's settings refuse of browsers: pages of other origins, and visitors who ask for privacy."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from running.running_service import Service, folder
from standins.gateway import Answer, fetch

OWN = "https://shop.example"
PRIVATE = ({"dnt": "1"}, {"sec-gpc": "1"})


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as path, Service(path) as running:
        # Before the browser key is used first, so that no server remembers it without the settings.
        running.json("project", "update", "--allowed-origins", OWN, "--respect-privacy-signals")
        yield running


async def collect(service: Service, headers: dict[str, str], *, key: str = "browser", **event: Any) -> Answer:
    event = {"type": "page_view", "properties": {"url": f"{OWN}/", "referrer": ""}, **event}
    body = json.dumps({"token": service.ready["keys"][key], "events": [event]}).encode()
    port = int(service.ready["http_address"].rpartition(":")[2])
    return await fetch(port, "POST", "/collect", body, {"content-type": "text/plain", **headers})


def told(answer: Answer) -> list[tuple[str, str | None]]:
    return [
        (result["status"], result["violations"][0]["rule_id"] if result["violations"] else None)
        for result in answer.json["results"]
    ]


async def test_a_page_of_an_allowed_origin_may_send(service: Service) -> None:
    assert told(await collect(service, {"origin": OWN})) == [("ACCEPTED", None)]


async def test_a_page_of_another_origin_is_refused_and_told_which_setting_it_is(service: Service) -> None:
    answer = await collect(service, {"origin": "https://elsewhere.example"})
    assert told(answer) == [("REJECTED", "origin.not_allowed")]
    assert "allowed_origins" in answer.json["results"][0]["violations"][0]["message"]


async def test_a_page_cannot_claim_an_origin_in_its_event(service: Service) -> None:
    answer = await collect(service, {"origin": "https://elsewhere.example"}, context={"origin": OWN})
    assert told(answer) == [("REJECTED", "origin.not_allowed")]


@pytest.mark.parametrize("signal", PRIVATE, ids=lambda signal: next(iter(signal)))
async def test_a_visitor_who_asks_for_privacy_leaves_no_event_and_gets_no_cookie(
    service: Service, signal: dict[str, str]
) -> None:
    tracking_id = str(uuid4())
    answer = await collect(service, {"origin": OWN, **signal}, tracking_id=tracking_id)
    assert told(answer) == [("REJECTED", "privacy.signal")]
    assert answer.header("set-cookie") is None
    assert service.command("customer", "show", tracking_id).returncode == 1


async def test_the_settings_are_about_public_keys_only(service: Service) -> None:
    answer = await collect(service, {"origin": "https://elsewhere.example", "dnt": "1"}, key="server")
    assert told(answer) == [("ACCEPTED", None)]


async def test_a_retry_from_another_page_is_a_duplicate(service: Service) -> None:
    event = {"event_id": str(uuid4()), "occurred_at": "2026-02-01T00:00:00Z", "tracking_id": "visitor-1"}
    first = await collect(service, {"origin": OWN}, key="server", **event)
    again = await collect(service, {"origin": "https://www.shop.example"}, key="server", **event)
    assert told(first) + told(again) == [("ACCEPTED", None), ("DUPLICATE", None)]


def test_an_origin_with_a_path_is_refused(service: Service) -> None:
    done = service.command("project", "update", "--allowed-origins", f"{OWN}/shop")
    assert done.returncode == 1
    assert "allowed_origins.origins[0]" in done.stderr


def test_the_settings_are_shown(service: Service) -> None:
    shown = service.json("project", "show")
    assert shown["allowed_origins"] == [OWN]
    assert shown["respect_privacy_signals"] is True
