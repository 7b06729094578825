"""The client as a shop runs it: it neither blocks nor raises, ends in time, and says what is wrong."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from running.certificates import make_pair
from shopalytic import AsyncClient, Client, ClientClosed, InvalidEvent, LossReason
from shopalytic import base as client_base
from standins.scripted_collector import KEY, ScriptedCollector, fail, wait_for

PAGE = {"url": "https://shop.example/", "referrer": ""}
DEAD = "127.0.0.1:1"


@pytest.fixture
def collector() -> Iterator[ScriptedCollector]:
    running = ScriptedCollector().start()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, logger="shopalytic")
    return caplog


def view(client: Client, name: str = "v-1") -> str:
    return client.track("page_view", PAGE, tracking_id=name)


def test_a_wrong_event_is_counted_and_logged_by_its_rule_alone(
    collector: ScriptedCollector, logged: pytest.LogCaptureFixture
):
    with Client(collector.target, KEY) as client:
        client.track_any("ordr", {"totl": "secret"}, identity="ada")
        client.track_any("order", {"order_id": "secret"}, identity="ada")
        view(client)
        assert client.flush(10)
        assert client.stats.invalid == 2
    assert len(collector.stored) == 1
    assert "unknown_type" in logged.text
    assert "secret" not in logged.text


def test_a_function_gets_the_wrong_events(collector: ScriptedCollector):
    told: list[InvalidEvent] = []
    with Client(collector.target, KEY, on_invalid=told.append) as client:
        client.track_any("order", {}, identity="ada")
    assert told[0].violations[0].field.startswith("order.")


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_strict_raises(collector: ScriptedCollector, how: str, monkeypatch: pytest.MonkeyPatch):
    if how == "environment":
        monkeypatch.setenv("SHOPALYTIC_STRICT", "1")
    client = Client(collector.target, KEY, **({"strict": True} if how == "argument" else {}))
    with client, pytest.raises(InvalidEvent):
        client.track_any("ordr", {"totl": 1}, identity="ada")
    with pytest.raises(ClientClosed):
        view(client)


def test_a_full_queue_drops_the_oldest_and_tells_how_many(collector: ScriptedCollector):
    gate = threading.Event()
    collector.script.append(wait_for(gate))
    lost: list[Any] = []
    with Client(collector.target, KEY, max_queue=3, batch_size=1, linger=0, on_error=lost.append) as client:
        for number in range(20):
            view(client, f"v-{number}")
        gate.set()
        client.flush(10)
        dropped = client.stats.dropped[LossReason.QUEUE_FULL]
        assert client.stats.accepted + dropped == 20
        assert sum(len(each.events) for each in lost) == dropped >= 15


def test_a_block_at_a_dead_server_ends_within_its_close_timeout():
    lost: list[Any] = []
    with Client(DEAD, KEY, close_timeout=3, on_error=lost.append) as client:
        view(client)
    [error] = lost
    assert error.reason is LossReason.CLOSED
    assert "nothing listens at 127.0.0.1:1" in str(error)
    assert client.stats.last_error == error.detail


def test_a_close_goes_on_while_events_are_delivered(collector: ScriptedCollector):
    def slow(call: Any) -> Any:
        time.sleep(0.9)
        return call.collector.store(call.request)

    collector.script.extend([slow] * 6)
    with Client(collector.target, KEY, batch_size=1, close_timeout=5) as client:
        for number in range(6):
            view(client, f"v-{number}")
    assert len(collector.stored) == 6


async def test_the_asyncio_client_is_as_forgiving():
    lost: list[Any] = []
    async with AsyncClient(DEAD, KEY, close_timeout=0.2, on_error=lost.append) as client:
        await client.track_any("ordr", {}, identity="ada")
        await client.track("page_view", PAGE, tracking_id="v-1")
        assert client.stats.invalid == 1
    assert lost[0].reason is LossReason.CLOSED


def test_an_event_after_close_is_told_of_and_fails_nothing(
    collector: ScriptedCollector, logged: pytest.LogCaptureFixture
):
    client = Client(collector.target, KEY)
    client.close()
    assert view(client)
    assert "the client is closed" in logged.text


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_disabled_client_sends_nothing(
    collector: ScriptedCollector, how: str, monkeypatch: pytest.MonkeyPatch
):
    if how == "environment":
        monkeypatch.setenv("SHOPALYTIC_DISABLED", "true")
    with Client(collector.target, **({"disabled": True} if how == "argument" else {})) as client:
        assert view(client)
        assert client.flush(1)
    assert collector.requests == []


def test_a_missing_key_is_told_once(logged: pytest.LogCaptureFixture):
    client_base._told_of_no_key.clear()
    for _ in range(3):
        with Client(DEAD) as client:
            view(client)
    assert logged.text.count("there is no key") == 1


def test_a_failure_is_said_at_once_and_so_is_the_recovery(
    collector: ScriptedCollector, logged: pytest.LogCaptureFixture
):
    collector.script.extend(
        [fail(grpc.StatusCode.UNAVAILABLE, retry_after=0.01, details="the store is away")] * 3
    )
    with Client(collector.target, KEY) as client:
        view(client)
        assert client.flush(10)
    said = [record.getMessage() for record in logged.records]
    assert said[0] == "Events wait and are sent again: the store is away."
    assert said[1].startswith("Events are delivered again")
    assert len(said) == 2


def test_each_mistake_in_the_settings_is_said_in_words(tmp_path: Any, collector: ScriptedCollector):
    ours, theirs = make_pair(tmp_path, "ours"), make_pair(tmp_path, "theirs")
    secured = ScriptedCollector().start(
        grpc.ssl_server_credentials([(ours.key.read_bytes(), ours.certificate.read_bytes())])
    )
    here = f"localhost:{secured.port}"
    try:
        for target, tls, words in (
            (DEAD, False, "nothing listens at"),
            ("nobody.invalid:50051", False, "no host of the name"),
            (collector.target, str(ours.certificate), "does not speak TLS"),
            (here, False, "if it speaks TLS"),
            (here, str(theirs.certificate), "signed by nobody who is trusted here"),
        ):
            client = Client(target, KEY, tls=tls, close_timeout=5, on_error=lambda _: None)
            view(client)
            deadline = time.monotonic() + 120
            while client.stats.last_error is None and time.monotonic() < deadline:
                time.sleep(0.02)
            client.close(0)
            assert words in str(client.stats.last_error), target
    finally:
        secured.stop()
