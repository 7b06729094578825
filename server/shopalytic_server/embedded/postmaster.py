"""Finds the PostgreSQL server that runs on a data folder, also one that another process started."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from shopalytic_server.embedded import account_files

PID_FILE = "postmaster.pid"


@dataclass(frozen=True)
class Postmaster:
    """A running server as its pid file describes it; `status` is empty while the file is being written."""

    pid: int
    socket_dir: str
    port: int
    status: str

    @property
    def is_ready(self) -> bool:
        """Whether it takes connections (not so during crash recovery and shutdown)."""
        return self.status == "ready"


def find(pgdata: Path) -> Postmaster | None:
    """The server running on this folder, or None; a pid file of the past is not believed."""
    text = account_files.read(pgdata, PID_FILE)
    if text is None:
        return None
    # Its lines: https://github.com/postgres/postgres/blob/master/src/include/utils/pidfile.h
    pid, _, _, port, socket_dir, _, _, status = (text.splitlines() + [""] * 8)[:8]
    if not pid.isdecimal() or not works_in(int(pid), pgdata):
        return None
    return Postmaster(
        pid=int(pid),
        # Only ever a folder: a name would be that of another machine.
        socket_dir=socket_dir.strip() if socket_dir.startswith("/") else str(pgdata),
        port=int(port) if port.isdecimal() else 5432,
        status=status.strip(),
    )


def works_in(pid: int, pgdata: Path) -> bool:
    """Whether the process lives, is of the folder's owner, and has the folder as its working directory.

    PostgreSQL's processes do. A process id alone proves nothing: after a reboot, or in a new container, it
    may be anybody's; and the account may write any into the pid file, so that we would end that process.
    """
    try:
        process = psutil.Process(pid)
        return process.uids().real == account_files.owner(pgdata) and Path(process.cwd()).samefile(pgdata)
    except (psutil.Error, OSError):
        return False


def clear_leftovers(pgdata: Path, patience: float = 5.0) -> None:
    """Remove what a killed server left: processes that still work on the files, then its lock files.

    PostgreSQL itself refuses to start while such a process lives, and also when the
    dead server's process id belongs to something else by now, or to a zombie.
    """
    # They notice by themselves that their parent is gone; a busy one may need help.
    if (pgdata / PID_FILE).exists() and not wait_until(lambda: not _workers(pgdata), patience):
        for worker in _workers(pgdata):
            worker.kill()
        wait_until(lambda: not _workers(pgdata), patience)
    account_files.remove(pgdata, PID_FILE, *(path.name for path in pgdata.glob(".s.PGSQL.*")))


def wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Whether the condition came true in time, looked at every 20 ms."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def _workers(pgdata: Path) -> list[psutil.Process]:
    named = (p for p in psutil.process_iter(["name"]) if (p.info["name"] or "").startswith("postgres"))
    return [process for process in named if works_in(process.pid, pgdata)]
