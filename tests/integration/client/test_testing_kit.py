"""shopalytic.testing: fakes that judge as the server does, the plugin's fixtures, fakes for stubs."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest

import shopalytic
from shopalytic import AsyncClient, Client, InvalidEvent
from shopalytic.events.decoding import decode_event
from shopalytic.testing import AsyncFakeClient, FakeClient
from shopalytic.testing.stubs import collector_channel
from shopalytic.v1 import collector_pb2 as pb
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub

ORDER: Any = {
    "order_id": "1",
    "total": 9.99,
    "subtotal": "9.99",
    "line_items": [{"sku": "S-1", "price": 9.99, "qty": 1}],
}
TEST_OF_A_SHOP = """
import shopalytic
from shopalytic import Client, InvalidEvent
import pytest

def test_fake(shopalytic_fake):
    Client().track("page_view", {"url": "https://shop.example/", "referrer": ""}, tracking_id="v-1")
    shopalytic.track("search", {"query": "mug"}, identity="ada")
    shopalytic_fake.assert_tracked("search", query="mug", identity="ada")
    shopalytic_fake.assert_tracked("page_view")

def test_strict():
    with Client(key="k") as client, pytest.raises(InvalidEvent):
        client.track("ordr", {"totl": 1}, identity="ada")
"""


def test_what_was_tracked_is_compared_as_it_is_stored():
    with FakeClient() as fake:
        event_id = fake.track("order", ORDER, identity="ada", event_id="0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10")
        fake.track("order", ORDER, identity="ada", event_id=event_id)
    found = fake.assert_tracked("order", order_id=1, total=9.99, identity="ada")
    assert found.properties["total"] == "9.99"
    assert len(fake.events) == 1
    fake.assert_not_tracked("refund")


def test_a_fake_refuses_what_the_server_would():
    with FakeClient() as fake, pytest.raises(InvalidEvent, match="total"):
        fake.track_any("order", {**ORDER, "total": "cheap"}, identity="ada")
    assert fake.events == []


def test_a_failed_assertion_says_what_came_instead():
    fake = FakeClient()
    fake.track("order", ORDER, identity="ada")
    with pytest.raises(AssertionError, match=r"order_id is '1', not '2'"):
        fake.assert_tracked("order", order_id="2")
    with pytest.raises(AssertionError, match="did you mean 'order'"):
        fake.assert_tracked("orders")


async def test_the_asyncio_fake_does_the_same():
    async with AsyncFakeClient() as fake:
        await fake.track("order", ORDER, identity="ada")
    fake.assert_tracked("order", order_id="1")


async def test_the_fixture_takes_the_events_of_every_client(shopalytic_fake: FakeClient):
    Client("127.0.0.1:1").track("order", ORDER, identity="ada")
    await AsyncClient("127.0.0.1:1").track("page_view", {"url": "x", "referrer": ""}, tracking_id="v-1")
    shopalytic.track("wishlist_add", {"sku": "S-1"}, identity="ada")
    assert [event.type for event in shopalytic_fake.events] == ["order", "page_view", "wishlist_add"]


def test_pytest_finds_the_plugin_by_itself(tmp_path: Path):
    (tmp_path / "test_shop.py").write_text(TEST_OF_A_SHOP)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    environment = {name: value for name, value in os.environ.items() if name != "SHOPALYTIC_STRICT"}
    done = subprocess.run(
        [*command, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_stubs_get_the_verdicts_of_the_contract():
    with collector_channel() as (channel, collector):
        stub = CollectorServiceStub(channel)
        right = decode_event({"type": "order", "properties": ORDER, "identity": "ada"}, fill=True)
        wrong = decode_event({"type": "order", "properties": {"order_id": "2"}, "identity": "ada"}, fill=True)
        answer = stub.Track(pb.TrackRequest(events=[right, wrong, right]))
        assert [pb.EventStatus.Name(each.status)[13:] for each in answer.results] == [
            "ACCEPTED",
            "QUARANTINED",
            "DUPLICATE",
        ]
        assert answer.results[1].violations[0].field.startswith("order.")
        collector.kept.assert_tracked("order", order_id="1")
        collector.refusal = (grpc.StatusCode.UNAVAILABLE, "away")
        with pytest.raises(grpc.RpcError) as caught:
            stub.Track(pb.TrackRequest(events=[right]))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
