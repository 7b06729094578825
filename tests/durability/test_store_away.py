"""PostgreSQL goes away and comes back: calls say when to try again, and the client delivers everything."""

import os
import signal
import threading
import time

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from grpc_status import rpc_status

from running.ledger import an_event, stored_ids
from running.running_service import PATIENCE_SECONDS, Service, folder
from shopalytic import Client
from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic_server.embedded import EmbeddedPostgres

pytestmark = pytest.mark.slow

# How long PostgreSQL stays away.
OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS", "3"))


@pytest.fixture
def outside_postgres():
    with folder() as path, EmbeddedPostgres(path) as server:
        yield server


class Shop:
    """A Python client that keeps what it was told of each event."""

    def __init__(self, service: Service) -> None:
        self.sent: list[str] = []
        self.verdicts: list[tuple[str, str]] = []
        self.losses: list[Exception] = []
        self.client = Client(
            service.address,
            key=service.ready["keys"]["server"],
            # What a sender chooses that would rather wait than lose anything.
            overflow="block",
            on_result=lambda result: self.verdicts.append((result.event_id, result.status.value)),
            on_error=self.losses.append,
        )

    def send(self, count: int) -> None:
        for _ in range(count):
            self.sent.append(self.client.send(an_event(len(self.sent))))

    def check_delivered(self, url: str) -> None:
        """Each event was delivered, told of once, and stored once."""
        assert self.client.flush(PATIENCE_SECONDS)
        assert not self.losses
        assert sorted(event_id for event_id, _ in self.verdicts) == sorted(self.sent)
        # A transaction whose COMMIT was not answered may have been stored: sent again it is a duplicate.
        assert {status for _, status in self.verdicts} <= {"ACCEPTED", "DUPLICATE"}
        assert sorted(stored_ids(url)) == sorted(self.sent)


def refusals(service: Service) -> list[grpc.RpcError]:
    """What each kind of call is told now."""
    told: list[grpc.RpcError] = []
    event = an_event(2)
    identify = collector_pb2.IdentifyRequest(
        event_id=event.event_id, occurred_at=event.occurred_at, tracking_id="d", identity="p"
    )
    with service.channel() as channel:
        stub = CollectorServiceStub(channel)
        for call, request in (
            (stub.Track, collector_pb2.TrackRequest(events=[event])),
            (stub.Identify, identify),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                call(request, metadata=service.metadata("server"), timeout=PATIENCE_SECONDS)
            told.append(caught.value)
    return told


def retry_seconds(error: grpc.RpcError) -> float:
    status = rpc_status.from_call(error)
    [detail] = [each for each in status.details if each.Is(RetryInfo.DESCRIPTOR)]
    info = RetryInfo()
    detail.Unpack(info)
    return info.retry_delay.ToTimedelta().total_seconds()


def test_while_the_store_is_away_calls_say_when_to_come_back_and_the_client_waits(outside_postgres):
    url = outside_postgres.url()
    with folder() as place, Service(place, "--database-url", url) as service:
        shop = Shop(service)
        shop.send(200)
        assert shop.client.flush(PATIENCE_SECONDS)
        outside_postgres.stop()
        back_at = time.monotonic() + OUTAGE_SECONDS
        shop.send(200)
        for error in refusals(service):
            assert error.code() is grpc.StatusCode.UNAVAILABLE, error
            assert retry_seconds(error) > 0
        time.sleep(max(0.0, back_at - time.monotonic()))
        assert not shop.client.flush(0)
        outside_postgres.start()
        shop.check_delivered(url)
        shop.client.close()
        assert service.process.poll() is None


def test_a_store_that_is_cut_off_under_load_loses_nothing_and_stores_nothing_twice():
    with folder() as place, Service(place) as service:
        shop = Shop(service)
        enough = threading.Event()

        def busy() -> None:
            while not enough.is_set():
                shop.send(50)
                time.sleep(0.01)

        sender = threading.Thread(target=busy)
        sender.start()
        for goal in (300, 900):
            _wait_until(lambda goal=goal: len(shop.verdicts) >= goal)
            pid = int((service.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
        _wait_until(lambda: len(shop.verdicts) >= 1_500)
        enough.set()
        sender.join()
        shop.check_delivered(service.ready["database_url"])
        shop.client.close()
        assert service.command("rebuild", "--check").returncode == 0


def _wait_until(condition) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "nothing is delivered any more"
        time.sleep(0.02)
