"""clients/node and clients/go: one list of tests for both, each in a process of its own.

The shared vectors, faults and a killed service, a full queue, halved batches,
numbered deliveries, a close at a dead server.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from integration.compatibility.faulty_front import CUT, UNANSWERED, WAIT, FaultyFront
from running.running_service import Service, folder

HERE = Path(__file__).parent
VECTORS = Path(__file__).parents[2] / "vectors"
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    DEAD = f"http://127.0.0.1:{free.getsockname()[1]}"
PAGE = {"url": "https://shop.example/", "referrer": ""}
ENVELOPE = {"type", "properties", "event_id", "occurred_at", "tracking_id", "identity", "source", "sandbox"}


class BackendClient:
    """One client in a process of its own; each call is a line to it and a line back."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        self._process = subprocess.Popen(
            [*command, json.dumps(options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(120)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def call(self, *command: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def page(self) -> str:
        """Queues one page view; returns its id."""
        return str(self.call("track", "page_view", PAGE, {"tracking_id": "v-1"}))


Make = Callable[..., BackendClient]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as place, Service(place) as running:
        yield running


def _command(language: str, place: Path) -> list[str]:
    """How the driver of a language is started, built where it must be."""
    tool = {"node": "node", "go": "go"}[language]
    if shutil.which(tool) is None and not (os.environ.get("CI") and language == "node"):
        pytest.skip(f"{tool} is not installed")
    if language == "node":
        return ["node", str(HERE / "node_sender.mjs")]
    built = place / "sender"
    # The client has no dependencies, so nothing is fetched.
    environment = {**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOWORK": "off"}
    source = HERE / "go_sender"
    for arguments in (["vet", "shopalytic", "."], ["build", "-o", str(built), "."]):
        done = subprocess.run(
            ["go", *arguments], cwd=source, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    return [str(built)]


@pytest.fixture(scope="module", params=["node", "go"])
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes clients of one language with the options given."""
    command = _command(request.param, tmp_path_factory.mktemp("driver"))

    def make(**options: Any) -> BackendClient:
        return BackendClient(command, **options)

    return make


class ScriptedGateway:
    """An HTTP server that answers /collect by a function: of the request's body, a status and its body."""

    def __init__(self, answer: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]) -> None:
        self.requests: list[dict[str, Any]] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                gateway.requests.append(body)
                status, value = answer(body)
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _same(answer: tuple[int, dict[str, Any]], _: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return answer


def accepted(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Every event is stored."""
    results = [
        {"event_id": event["event_id"], "status": "ACCEPTED", "violations": []} for event in body["events"]
    ]
    return 200, {"results": results}


def test_the_vectors_get_the_verdicts_that_they_name(client: Make, service: Service):
    vectors = [vector for path in sorted(VECTORS.glob("*.json")) for vector in json.loads(path.read_text())]
    whole = [
        vector for vector in vectors if isinstance(vector["event"], dict) and "event_id" in vector["event"]
    ]
    with client(url=service.ready["http_address"], key=service.ready["keys"]["server"]) as sender:
        # Go's types have no other fields, and leave empty text out.
        writable = [
            each for each in whole if each["event"].keys() <= ENVELOPE and "" not in each["event"].values()
        ]
        sent = [each for each in writable if sender.call("send", each["event"]) is not None]
        assert sender.call("flush", 30_000)
        told = sender.call("told")
    assert len(sent) > 100
    refused = {verdict["event_id"].lower() for verdict in told["refused"]}
    expected = {each["event"]["event_id"].lower() for each in sent if each["status"] == "QUARANTINED"}
    assert refused >= {each for each in expected if len(each) == 36}
    assert told["stats"]["accepted"] + told["stats"]["duplicate"] > 20
    assert told["lost"] == []


def test_every_event_arrives_once_through_faults_and_a_killed_service(client: Make, service: Service):
    port = int(service.ready["http_address"].rpartition(":")[2])
    with (
        FaultyFront(port, (CUT, WAIT, UNANSWERED)) as front,
        client(url=front.url, key=service.ready["keys"]["server"], closeTimeoutMs=60_000) as sender,
    ):
        who = f"customer-{front.url}"
        for number in range(3):
            sender.call("track", "wishlist_add", {"sku": f"S-{number}"}, {"identity": who})
        assert sender.call("flush", 60_000)
        service.stop(signal.SIGKILL)
        for number in range(3, 6):
            sender.call("track", "wishlist_add", {"sku": f"S-{number}"}, {"identity": who})
        service.start("--http-port", str(port))
        assert sender.call("close") == {"delivered": 3, "undelivered": []}
        told = sender.call("told")
        assert front.played[:3] == [CUT, WAIT, UNANSWERED]
    found = service.json("customer", "events", who)["events"]
    assert Counter(event["properties"]["sku"] for event in found) == Counter(f"S-{n}" for n in range(6))
    assert any("sent again" in line for line in told["log"])
    assert any("delivered again" in line for line in told["log"])


def test_the_service_knows_which_numbers_never_arrived(client: Make, service: Service):
    source = f"shop-{id(client)}"
    options = {"url": service.ready["http_address"], "key": service.ready["keys"]["server"]}
    with client(**options, source=source, maxQueue=2, lingerMs=60_000) as sender:
        for _ in range(5):
            sender.page()
        assert sender.call("close")["delivered"] == 2
    [row] = [row for row in service.json("report", "delivery")["rows"] if row["source"] == source]
    assert (row["received"], row["dropped"]["queue_full"], row["unexplained"]) == (2, 3, 0), row


def test_a_close_at_a_dead_server_ends_and_gives_back_what_waits(client: Make):
    with client(url=DEAD, key="shop_server_x", closeTimeoutMs=300) as sender:
        name = sender.page()
        left = sender.call("close")
        told = sender.call("told")
        assert left["undelivered"] == [name]
        assert "nothing listens at" in told["lost"][0]["reason"]
        sender.page()
        assert "closed" in sender.call("told")["lost"][-1]["reason"]
        assert sender.call("close")["delivered"] == 0


def test_a_full_queue_gives_the_oldest_back(client: Make):
    with client(url=DEAD, key="shop_server_x", maxQueue=3, closeTimeoutMs=100, lingerMs=60_000) as sender:
        names = [sender.page() for _ in range(5)]
        lost = sender.call("told")["lost"]
        assert [each["ids"][0] for each in lost] == names[:2]
        assert lost[0]["reason"] == "the queue is full"


def test_a_full_queue_drops_nothing_that_is_under_way(client: Make):
    gate = threading.Event()

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        gate.wait(120)
        return accepted(body)

    with ScriptedGateway(answer) as gateway, client(url=gateway.url, key="k", maxQueue=1) as sender:
        first = sender.page()
        while not gateway.requests:
            sender.call("told")
        others = [sender.page() for _ in range(3)]
        assert [each["ids"] for each in sender.call("told")["lost"]] == [[name] for name in others[:2]]
        gate.set()
        assert sender.call("flush", 30_000)
        stored = [event["event_id"] for body in gateway.requests for event in body["events"]]
        assert stored == [first, others[2]]


def test_a_batch_too_large_for_the_server_is_halved_until_it_fits(client: Make):
    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return accepted(body) if len(body["events"]) <= 2 else (413, {"error": {"message": "Too large."}})

    with ScriptedGateway(answer) as gateway, client(url=gateway.url, key="k", lingerMs=60_000) as sender:
        names = [sender.page() for _ in range(7)]
        assert sender.call("flush", 30_000)
        taken = [body for body in gateway.requests if len(body["events"]) <= 2]
    assert [event["event_id"] for body in taken for event in body["events"]] == names
    numbers = [
        (body["deliveries"][0]["first_sequence"], body["deliveries"][0]["count"]) for body in gateway.requests
    ]
    assert numbers == [(1, 7), (1, 4), (1, 2), (3, 2), (5, 3), (5, 2), (7, 1)]


def test_an_event_past_its_deadline_and_one_too_large_are_given_back(client: Make):
    for answer in ((503, {"error": {"message": "away"}}), (413, {"error": {"message": "too much"}})):
        reason = answer[1]["error"]["message"]
        with (
            ScriptedGateway(partial(_same, answer)) as gateway,
            client(url=gateway.url, key="k", retryDeadlineMs=300) as sender,
        ):
            name = sender.page()
            assert sender.call("flush", 30_000)
            [lost] = sender.call("told")["lost"]
            assert lost["ids"] == [name]
            assert reason in lost["reason"]


def test_an_answer_with_too_few_verdicts_is_not_taken_for_success(client: Make):
    with (
        ScriptedGateway(lambda _: (200, {"results": []})) as gateway,
        client(url=gateway.url, key="k") as sender,
    ):
        name = sender.page()
        assert sender.call("flush", 30_000)
        told = sender.call("told")
    assert [each["ids"] for each in told["lost"]] == [[name]]
    assert "is not a Shopalytic gateway" in told["lost"][0]["reason"]


def test_a_flush_waits_for_what_was_queued_before_it_alone(client: Make):
    gate = threading.Event()

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if len(gateway.requests) > 1:
            gate.wait(120)
        return accepted(body)

    with ScriptedGateway(answer) as gateway, client(url=gateway.url, key="k", batchSize=1) as sender:
        sender.page()
        assert sender.call("flush", 30_000)
        sender.page()
        assert sender.call("flush", 100) is False
        gate.set()
        assert sender.call("flush", 30_000)


def test_a_callback_that_fails_does_not_stop_delivery(client: Make, service: Service):
    options = {"url": service.ready["http_address"], "key": service.ready["keys"]["server"]}
    with client(**options, callbacksFail=True) as sender:
        sender.call("track", "wishlist_add", {}, {"identity": "x"})
        assert sender.call("flush", 30_000)
        sender.page()
        assert sender.call("flush", 30_000)
        told = sender.call("told")
    assert [verdict["violations"][0]["field"] for verdict in told["refused"]] == ["wishlist_add.sku"]
    assert told["stats"]["accepted"] == 1
    assert any("a callback failed" in line for line in told["log"])


def test_an_event_of_nobody_is_refused_and_not_sent(client: Make):
    with client(url=DEAD, key="k") as sender:
        sender.call("track", "page_view", PAGE, {})
        told = sender.call("told")
    assert [each["violations"][0]["rule_id"] for each in told["refused"]] == ["tracking_id.or_identity"]
    assert told["stats"]["queued"] == 0


def test_without_a_key_it_is_said_once_and_nothing_is_sent(client: Make, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SHOPALYTIC_KEY", raising=False)
    with client(url=DEAD) as sender:
        sender.page()
        sender.page()
        assert sender.call("flush", 1_000)
        told = sender.call("told")
    assert told["stats"]["queued"] == 0
    assert len(told["log"]) == 1
    assert "there is no key" in told["log"][0]


def test_a_refused_key_is_told_and_not_tried_again(client: Make, service: Service):
    with client(url=service.ready["http_address"], key="shop_server_" + "x" * 43) as sender:
        sender.page()
        assert sender.call("flush", 10_000)
        told = sender.call("told")
        assert "key" in told["lost"][0]["reason"]
        assert told["stats"]["retries"] == 0
