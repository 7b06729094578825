"""A service ends when it is told to: at whatever it is, and whatever one of its parts does."""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from running.running_service import COMMAND, PATIENCE_SECONDS, Service, folder

# A service with a part that hangs at its end, and takes each cancellation for nothing.
HANGING = """
import asyncio, sys
from shopalytic_server.process import ending, signals
signals.Lifecycle.__init__.__kwdefaults__["step_seconds"] = 2.0
ending.EXIT_SECONDS = 2.0
from shopalytic_server import probe

async def hangs(_):
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

probe.StoreProbe.stop = hangs
from shopalytic.__main__ import main
sys.exit(main())
"""


def of_postgresql(data_dir: Path) -> list[psutil.Process]:
    """Its processes, which work in the data folder."""
    processes = psutil.process_iter(["cwd"])
    return [each for each in processes if str(each.info["cwd"] or "").startswith(str(data_dir))]


def until(condition: Callable[[], bool], service: Service) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, service.log()
        time.sleep(0.001)


@pytest.mark.parametrize("begun", ["postgres.new/PG_VERSION", "postgres/postmaster.pid", "keys.json"])
def test_a_service_that_is_told_to_stop_while_it_starts_ends_and_leaves_nothing_running(begun: str) -> None:
    with folder() as place:
        service = Service(place, from_nothing=True)
        service.begin("serve", "--data-dir", str(service.data_dir), "--grpc-port", "0", "--http-port", "0")
        until((service.data_dir / begun).exists, service)
        assert service.stop(signal.SIGTERM) == 0, service.log()
        assert "Traceback" not in service.log()
        assert "[stopped]" in service.log()
        assert of_postgresql(service.data_dir) == []
        # What was begun is in nobody's way.
        assert service.start().stop() == 0


def test_a_part_that_hangs_at_the_end_is_named_and_postgresql_is_stopped_in_order() -> None:
    with folder() as place:
        service = Service(place, command=(sys.executable, "-c", HANGING))
        service.start()
        assert service.stop() == 1
        log = service.log()
        [stuck] = [line for line in log.splitlines() if "[end_stuck]" in line]
        assert "'hangs'" in stuck
        # What does not even end with the event loop keeps the process no longer, either.
        [cut_off] = [line for line in log.splitlines() if "[end_cut_off]" in line]
        assert "'the event loop'" in cut_off
        assert of_postgresql(service.data_dir) == []
        assert "database system is shut down" in (service.data_dir / "postgres.log").read_text()
        again = Service(place, command=COMMAND)
        assert again.start().stop() == 0
