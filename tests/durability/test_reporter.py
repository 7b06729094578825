"""The report process: it is killed and revived, ends with the service, and no other one adds reports up."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from running.running_service import PATIENCE_SECONDS, Service, folder
from shopalytic.v1 import collector_pb2, reports_pb2
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.reports_pb2_grpc import ReportServiceStub
from shopalytic_server.storage.facts.files import FactFiles
from shops.report_shop import order
from standins.rpc import batch, page_view

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[(), ("--workers", "2")], ids=["one", "workers"])
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    with folder() as place, Service(place, *request.param) as running:
        with running.channel() as channel:
            CollectorServiceStub(channel).Track(
                batch(page_view()), metadata=running.metadata("server"), timeout=PATIENCE_SECONDS
            )
        yield running


def reporter_of(service: Service) -> psutil.Process:
    """The report process that is at work now."""
    assert service.process is not None

    def found() -> list[psutil.Process]:
        assert service.process is not None
        children = psutil.Process(service.process.pid).children()
        return [each for each in children if "shopalytic_server.reporter.process" in each.cmdline()]

    until(lambda: bool(found()))
    [process] = found()
    return process


def until(asked: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not asked():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def page_views(service: Service, *, meanwhile: Callable[[], None] = lambda: None) -> int:
    with service.channel() as channel:
        asked = ReportServiceStub(channel).GetTrafficReport.future(
            reports_pb2.GetTrafficReportRequest(),
            metadata=service.metadata("reports"),
            timeout=PATIENCE_SECONDS,
        )
        meanwhile()
        return int(asked.result().total.page_views)


def test_a_question_whose_process_is_killed_is_answered_by_the_next_one(service: Service):
    assert page_views(service) == 1
    victim = reporter_of(service)
    # It takes the question, and never gets to it.
    victim.send_signal(signal.SIGSTOP)

    def kill() -> None:
        time.sleep(0.3)
        victim.kill()

    assert page_views(service, meanwhile=kill) == 1
    assert reporter_of(service).pid != victim.pid
    assert "The report process ended (signal 9); starting it again. [reporter_died]" in service.log()


def test_only_the_report_process_has_what_adds_reports_up(service: Service):
    assert page_views(service) == 1
    assert service.process is not None
    reporter = reporter_of(service)
    others = [service.process.pid, *(each.pid for each in service.workers())]
    loaded = {pid: Path(f"/proc/{pid}/maps").read_text() for pid in (reporter.pid, *others)}
    assert "_duckdb" in loaded[reporter.pid]
    assert [pid for pid in others if "_duckdb" in loaded[pid] or "adbc_driver" in loaded[pid]] == []
    assert reporter.nice() > psutil.Process(others[-1]).nice()


def test_who_waits_for_long_is_told_what_for(service: Service):
    reporter = reporter_of(service)
    reporter.suspend()
    try:
        command = [sys.executable, "-m", "shopalytic", "report", "traffic", "--data-dir", service.data_dir]
        asking = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert asking.stderr is not None
        assert asking.stderr.readline().startswith("At work: ")
    finally:
        reporter.resume()
    shown, _ = asking.communicate(timeout=PATIENCE_SECONDS)
    assert (asking.returncode, "page_views" in shown) == (0, True)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_service(how: signal.Signals):
    with folder() as place, Service(place) as running:
        assert page_views(running) == 0
        reporter = reporter_of(running)
        place_of_socket = next(each.laddr for each in reporter.net_connections("unix") if each.laddr)
        running.stop(how)
        until(lambda: not is_alive(reporter.pid))
        assert not Path(place_of_socket).exists()
        assert "reporter_died" not in running.log()


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_it_was_writing_when_it_was_killed_is_made_again():
    months = 6
    with folder() as place, Service(place) as running:
        past = datetime.now(UTC).replace(day=10) - timedelta(days=40)
        events = [
            order(f"o{month}{number}", identity=f"p{number}", at=past - timedelta(days=30 * month))
            for month in range(months)
            for number in range(100)
        ]
        with running.channel() as channel:
            request = collector_pb2.TrackRequest(events=events)
            CollectorServiceStub(channel).Track(request, metadata=running.metadata("server"))
        before = sales(running)
        assert before.reports[0].total.orders == months * 100
        facts = running.data_dir / "facts"

        victim = reporter_of(running)
        while not is_caught_writing(victim, facts):
            assert len(FactFiles(facts).units()) < months, "it was never caught at it"
        victim.kill()

        until(lambda: len(FactFiles(facts).units()) >= months and not list(facts.rglob("unfinished-*")))
        assert reporter_of(running).pid != victim.pid
        assert sales(running).SerializeToString(deterministic=True) == before.SerializeToString(
            deterministic=True
        )


def is_caught_writing(process: psutil.Process, facts: Path) -> bool:
    """Whether it stands still now, with a unit half written; else it goes on."""
    if not list(facts.rglob("unfinished-*/*.parquet")):
        return False
    process.suspend()
    if list(facts.rglob("unfinished-*/*.parquet")):
        return True
    process.resume()
    return False


def sales(service: Service) -> reports_pb2.GetSalesReportResponse:
    request = reports_pb2.GetSalesReportRequest(interval=reports_pb2.INTERVAL_DAY)
    getattr(request.scope, "from").FromDatetime(datetime(2020, 1, 1, tzinfo=UTC))
    request.scope.to.FromDatetime(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
    with service.channel() as channel:
        stub = ReportServiceStub(channel)
        return stub.GetSalesReport(request, metadata=service.metadata("reports"), timeout=PATIENCE_SECONDS)
