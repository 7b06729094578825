"""clients/node: the shared vectors, faults and a killed service, a full queue, a close at a dead server."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from integration.compatibility.faulty_front import CUT, UNANSWERED, WAIT, FaultyFront
from running.running_service import Service, folder

PROGRAM = Path(__file__).with_name("node_sender.mjs")
VECTORS = Path(__file__).parents[2] / "vectors"
pytestmark = pytest.mark.skipif(
    shutil.which("node") is None and not os.environ.get("CI"), reason="needs Node.js"
)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    DEAD = f"http://127.0.0.1:{free.getsockname()[1]}"
PAGE = {"url": "https://shop.example/", "referrer": ""}


class NodeClient:
    """One client in a process of its own; each call is a line to it and a line back."""

    def __init__(self, **options: Any) -> None:
        self._process = subprocess.Popen(
            ["node", str(PROGRAM), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def call(self, *command: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as place, Service(place) as running:
        yield running


def test_the_vectors_get_the_verdicts_that_they_name(service: Service):
    vectors = [vector for path in sorted(VECTORS.glob("*.json")) for vector in json.loads(path.read_text())]
    whole = [
        vector for vector in vectors if isinstance(vector["event"], dict) and "event_id" in vector["event"]
    ]
    with NodeClient(url=service.ready["http_address"], key=service.ready["keys"]["server"]) as client:
        for vector in whole:
            client.call("send", vector["event"])
        assert client.call("flush", 30_000)
        told = client.call("told")
    refused = {verdict["event_id"] for verdict in told["refused"]}
    expected = {each["event"]["event_id"].lower() for each in whole if each["status"] == "QUARANTINED"}
    assert {each.lower() for each in refused} >= {each for each in expected if len(each) == 36}
    assert told["stats"]["accepted"] > 20
    assert told["lost"] == []


def test_every_event_arrives_once_through_faults_and_a_killed_service(service: Service):
    port = int(service.ready["http_address"].rpartition(":")[2])
    with (
        FaultyFront(port, (CUT, WAIT, UNANSWERED)) as front,
        NodeClient(url=front.url, key=service.ready["keys"]["server"], closeTimeoutMs=60_000) as client,
    ):
        for number in range(3):
            client.call("track", "wishlist_add", {"sku": f"S-{number}"}, {"identity": "node"})
        assert client.call("flush", 60_000)
        service.stop(signal.SIGKILL)
        for number in range(3, 6):
            client.call("track", "wishlist_add", {"sku": f"S-{number}"}, {"identity": "node"})
        service.start("--http-port", str(port))
        assert client.call("close") == {"delivered": 3, "undelivered": []}
        told = client.call("told")
        assert front.played[:3] == [CUT, WAIT, UNANSWERED]
    found = service.json("customer", "events", "node")["events"]
    assert Counter(event["properties"]["sku"] for event in found) == Counter(f"S-{n}" for n in range(6))
    assert any("sent again" in line for line in told["log"])
    assert any("delivered again" in line for line in told["log"])


def test_a_close_at_a_dead_server_ends_and_gives_back_what_waits():
    with NodeClient(url=DEAD, key="shop_server_x", closeTimeoutMs=300) as client:
        name = client.call("track", "page_view", PAGE, {"tracking_id": "v-1"})
        left = client.call("close")
        told = client.call("told")
        assert [event["event_id"] for event in left["undelivered"]] == [name]
        assert "nothing listens at" in told["lost"][0]["reason"]


def test_a_full_queue_gives_the_oldest_back():
    with NodeClient(url=DEAD, key="shop_server_x", maxQueue=3, closeTimeoutMs=100) as client:
        names = [client.call("track", "page_view", PAGE, {"tracking_id": "v-1"}) for _ in range(5)]
        lost = client.call("told")["lost"]
        assert [each["ids"][0] for each in lost] == names[:2]
        assert lost[0]["reason"] == "the queue is full"


def test_a_refused_key_is_told_and_not_tried_again(service: Service):
    with NodeClient(url=service.ready["http_address"], key="shop_server_" + "x" * 43) as client:
        client.call("track", "page_view", PAGE, {"tracking_id": "v-1"})
        assert client.call("flush", 10_000)
        told = client.call("told")
        assert "key" in told["lost"][0]["reason"]
        assert told["stats"]["retries"] == 0
