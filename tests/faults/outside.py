"""A PostgreSQL of its own that listens on TCP, as an outside one does."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from shopalytic_server.embedded import EmbeddedPostgres

_HBA = "local all all peer map=admitted\nhost all all 127.0.0.1/32 trust\n"


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class OutsidePostgres:
    """Can be killed, stopped and started; a kill is followed by a restart, as its supervisor would do."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        with EmbeddedPostgres(folder) as first:
            owner = first.pgdata.stat()
            pgdata = first.pgdata
        hba = pgdata / "hba.conf"
        hba.write_text(_HBA)
        os.chown(hba, owner.st_uid, owner.st_gid)
        local = pgdata / "local.conf"
        local.write_text(
            f"listen_addresses = '127.0.0.1'\nport = {self.port}\nhba_file = '{hba}'\n{settings}\n"
        )
        self._server = EmbeddedPostgres(folder)
        self._server.start()
        self.url = f"postgresql://shopalytic@127.0.0.1:{self.port}/shopalytic"

    def through(self, port: int) -> str:
        """The database's address by way of a proxy."""
        return f"postgresql://shopalytic@127.0.0.1:{port}/shopalytic"

    def stop(self) -> None:
        """Stops it in order; nobody starts it again."""
        self._server.stop()

    def start(self) -> None:
        """Starts it after a stop."""
        self._server = EmbeddedPostgres(self.folder)
        self._server.start()

    def close(self) -> None:
        """Stops it for good."""
        with contextlib.suppress(Exception):
            self.stop()


def postmaster_pid(data_dir: Path) -> int:
    """The process of the PostgreSQL that runs on a data directory."""
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def kill_backend(url: str, pick: float, how: signal.Signals) -> None:
    """Sends a signal to one of the service's own connections; `pick` from 0 to 1 says which."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'shopalytic%' ORDER BY pid"
        ).fetchall()
    with contextlib.suppress(ProcessLookupError):
        os.kill(rows[int(pick * len(rows))][0], how)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of so many megabytes; only root can make one."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def may_mount() -> bool:
    """Whether a small disk can be made here."""
    return os.geteuid() == 0 and shutil.which("mount") is not None
