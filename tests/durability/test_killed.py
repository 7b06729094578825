"""A service that is killed or stopped under load: what it acknowledged is stored, and nothing twice."""

import os
import signal
from pathlib import Path

import grpc
import pytest

from ledger import Ledger, stored_ids
from running_service import Service, folder
from shopalytic.v1 import collector_pb2

pytestmark = pytest.mark.slow

ACCEPTED = collector_pb2.EVENT_STATUS_ACCEPTED
DUPLICATE = collector_pb2.EVENT_STATUS_DUPLICATE
BATCHES = 30


@pytest.fixture
def place():
    with folder() as path:
        yield path


def kill_postgres(service: Service) -> None:
    pid = int((service.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)


def check_once_each(service: Service, ledger: Ledger) -> None:
    """Everything acknowledged is stored, everything sent again gets in, and nothing is there twice."""
    acknowledged = set(ledger.acknowledged)
    assert set(ledger.acknowledged.values()) == {ACCEPTED}
    before = stored_ids(service.ready["database_url"])
    assert acknowledged <= set(before)
    verdicts = ledger.resend(service)
    assert {verdicts[event_id] for event_id in acknowledged} == {DUPLICATE}
    assert set(verdicts.values()) <= {ACCEPTED, DUPLICATE}
    after = stored_ids(service.ready["database_url"])
    assert sorted(after) == sorted(verdicts)
    checked = service.command("rebuild", "--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("power_cut", [False, True], ids=["the service alone", "PostgreSQL too"])
def test_killed_under_load_it_keeps_what_it_acknowledged(place: Path, power_cut: bool):
    ledger = Ledger()
    service = Service(place)
    with service:
        for _ in range(2):
            with ledger.load(service):
                ledger.wait_for(BATCHES)
                if power_cut:
                    kill_postgres(service)
                service.stop(signal.SIGKILL)
            assert ledger.failures
            ledger.failures.clear()
            service.start()
        check_once_each(service, ledger)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_stopped_under_load_it_stores_and_answers_what_it_took(place: Path, workers: str):
    ledger = Ledger()
    service = Service(place, "--workers", workers)
    with service:
        with ledger.load(service):
            ledger.wait_for(BATCHES)
            assert service.stop(signal.SIGTERM) == 0, service.log()
        codes = {error.code() for error in ledger.failures}
        assert codes <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}, ledger.failures
        service.start()
        check_once_each(service, ledger)
