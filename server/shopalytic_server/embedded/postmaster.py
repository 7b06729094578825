"""Finds the PostgreSQL server that runs on a data folder, also one that another process started."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

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
    try:
        lines = (pgdata / PID_FILE).read_text().splitlines()
    except FileNotFoundError:
        return None
    lines += [""] * (8 - len(lines))
    if not lines[0].isdigit() or not works_in(int(lines[0]), pgdata):
        return None
    return Postmaster(
        pid=int(lines[0]),
        socket_dir=lines[4].strip(),
        port=int(lines[3] or 5432),
        status=lines[7].strip(),
    )


def works_in(pid: int, pgdata: Path) -> bool:
    """Whether the process lives and has this folder as its working directory, as PostgreSQL's processes do.

    A process id alone proves nothing: after a reboot, or in a new container, it may be anybody's.
    """
    try:
        return Path(psutil.Process(pid).cwd()).samefile(pgdata)
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
    for left in (pgdata / PID_FILE, *pgdata.glob(".s.PGSQL.*")):
        left.unlink(missing_ok=True)


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
