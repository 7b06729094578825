"""Several server processes on one port: they share the work, are revived, and end together."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator

import grpc
import pytest

from running.ledger import Ledger, check_once_each, stored_ids
from running.running_service import COMMAND, PATIENCE_SECONDS, Service, folder
from shopalytic.v1 import collector_pb2, reports_pb2
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.reports_pb2_grpc import ReportServiceStub
from standins.rpc import batch, page_view

pytestmark = pytest.mark.slow

ACCEPTED = collector_pb2.EVENT_STATUS_ACCEPTED


RATE = 100


@pytest.fixture
def service() -> Iterator[Service]:
    with folder() as place, Service(place, "--workers", "2") as running:
        yield running


@pytest.fixture(scope="module")
def lasting() -> Iterator[Service]:
    """For the tests that end no process."""
    with folder() as place, Service(place, "--workers", "2", "--browser-key-rate", str(RATE)) as running:
        yield running


def started(service: Service) -> list[tuple[str, int]]:
    """The workers by number and process, in the order in which they became ready."""
    found = re.findall(r"Worker (\d+) serves, as process (\d+)", service.log())
    return [(number, int(process_id)) for number, process_id in found]


def send_by_many_connections(service: Service, count: int) -> set[str]:
    sent = set()
    for _ in range(count):
        event = page_view()
        with service.channel() as channel:
            answer = CollectorServiceStub(channel).Track(
                batch(event), metadata=service.metadata("server"), timeout=PATIENCE_SECONDS
            )
        assert [result.status for result in answer.results] == [ACCEPTED]
        sent.add(event.event_id)
    return sent


def test_who_watches_one_worker_is_told_of_what_all_of_them_store(lasting: Service):
    with lasting.channel() as channel:
        tail = ReportServiceStub(channel).TailEvents(
            reports_pb2.TailEventsRequest(), metadata=lasting.metadata("reports"), timeout=PATIENCE_SECONDS
        )
        tail.initial_metadata()
        # With sixteen connections, that one worker has them all is one case in 32,768.
        sent = send_by_many_connections(lasting, 16)
        assert {next(tail).event.event_id for _ in sent} == sent
        tail.cancel()
    assert sent <= set(stored_ids(lasting.ready["database_url"]))


def test_who_reaches_all_workers_may_send_no_more_than_a_rate_allows(lasting: Service):
    size, begun = RATE, time.monotonic()
    codes: Counter[grpc.StatusCode] = Counter()
    for _ in range(16):
        with lasting.channel() as channel:
            stub = CollectorServiceStub(channel)
            for _ in range(3):
                request = batch(*(page_view() for _ in range(size)))
                caller = {"metadata": lasting.metadata("browser"), "timeout": PATIENCE_SECONDS}
                codes[stub.Track.future(request, **caller).code()] += 1
    assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    # Ten seconds' worth at once, what the seconds bring, and one request more for each worker.
    assert size * codes[grpc.StatusCode.OK] <= RATE * (10 + time.monotonic() - begun) + 2 * size


def test_a_killed_worker_is_started_again_and_the_others_go_on(service: Service):
    ledger = Ledger()
    # With fifteen connections each of two workers has some.
    with ledger.load(service, 5):
        ledger.wait_for(10)
        connections = service.connections_by_worker()
        assert all(connections.values())
        number, victim = started(service)[0]
        os.kill(victim, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(started(service)) < 3 or len(ledger.failures) < connections[victim]:
            assert time.monotonic() < deadline, service.log()
            time.sleep(0.05)
        ledger.wait_for(10)
    assert len(ledger.failures) == connections[victim]
    assert f"Worker {number} ended (signal 9); starting it again. [worker_died]" in service.log()
    again = started(service)[-1]
    assert again[0] == number
    ledger.wait_until_back(service)
    check_once_each(service, ledger)


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_service(service: Service, how: signal.Signals):
    workers = [process_id for _, process_id in started(service)]
    service.stop(how)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(map(is_alive, workers)):
        assert time.monotonic() < deadline, service.log()
        time.sleep(0.05)
    assert "worker_died" not in service.log()


def test_a_port_that_somebody_else_listens_on_is_not_shared():
    with folder() as place, contextlib.closing(socket.socket()) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, "server", "--data-dir", str(place / "data"), "--grpc-port", port, "--workers", "2"],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    assert done.returncode != 0
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
