"""A service that is killed or stopped under load: what it acknowledged is stored, and nothing twice."""

import os
import signal
from pathlib import Path

import grpc
import pytest

from running.ledger import Ledger, check_once_each
from running.length import either
from running.running_service import Service, folder

pytestmark = pytest.mark.slow

BATCHES = either(10, 30)
# One process alone is the easier case, and does what one of several does.
WORKERS = [pytest.param("1", marks=pytest.mark.long), "2"]


@pytest.fixture
def place():
    with folder() as path:
        yield path


def kill_postgres(service: Service) -> None:
    pid = int((service.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("power_cut", [False, True], ids=["the service alone", "PostgreSQL too"])
def test_killed_under_load_it_keeps_what_it_acknowledged(place: Path, power_cut: bool, workers: str):
    ledger = Ledger()
    service = Service(place, "--workers", workers)
    with service:
        for _ in range(2):
            with ledger.load(service, int(workers)):
                ledger.wait_for(BATCHES)
                if power_cut:
                    kill_postgres(service)
                service.stop(signal.SIGKILL)
                ledger.wait_for_failure()
            ledger.failures.clear()
            service.start()
        check_once_each(service, ledger)


@pytest.mark.parametrize("workers", WORKERS)
def test_when_postgresql_is_killed_under_load_all_is_back_by_itself(place: Path, workers: str):
    ledger = Ledger()
    with Service(place, "--workers", workers) as service:
        with ledger.load(service, int(workers)):
            ledger.wait_for(BATCHES)
            kill_postgres(service)
            ledger.wait_for_failure()
        ledger.wait_until_back(service)
        codes = {error.code() for error in ledger.failures}
        assert codes == {grpc.StatusCode.UNAVAILABLE}, ledger.failures
        check_once_each(service, ledger)


@pytest.mark.parametrize("workers", WORKERS)
def test_stopped_under_load_it_stores_and_answers_what_it_took(place: Path, workers: str):
    ledger = Ledger()
    service = Service(place, "--workers", workers)
    with service:
        with ledger.load(service, int(workers)):
            ledger.wait_for(BATCHES)
            assert service.stop(signal.SIGTERM) == 0, service.log()
        codes = {error.code() for error in ledger.failures}
        assert codes <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}, ledger.failures
        service.start()
        check_once_each(service, ledger)
