"""The processes that the faults strike: everything in one, or server, gateway and PostgreSQL apart."""

import asyncio
import contextlib
import os
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import psycopg

from faults.books import Books
from faults.outside import OutsidePostgres, free_port, small_disk
from faults.proxy import Proxy
from faults.senders import Calls, PythonClient, Sender, Streaming, Tag
from running.running_service import Service
from shopalytic_server.storage.rebuild.typed_tables import rebuild

# How long anything may take to be back; far more than it ever should.
PATIENCE = 120.0


class Stage:
    """Processes under test, and the clients that send to them."""

    kind = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.books = Books()
        self.senders: list[Sender] = []
        self.services: dict[str, Service] = {}
        self.database_url = ""
        self.data_dir = folder
        self._commands: dict[str, tuple[str, ...]] = {}
        self._environment: dict[str, str] = {}
        self._parts = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._open()
            keys = next(iter(self.services.values())).ready["keys"]
            self.senders = [
                Calls(self.books, self.grpc_address, keys["server"], 1, "single"),
                Calls(self.books, self.grpc_address, keys["server"], 20, "batch"),
                Streaming(self.books, self.grpc_address, keys["server"]),
                PythonClient(self.books, self.grpc_address, keys["server"]),
                Tag(self.books, self.http_address, keys["browser"]),
            ]
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    grpc_address = ""
    http_address = ""

    def _open(self) -> None:
        raise NotImplementedError

    def _close(self) -> None:
        for sender in self.senders:
            with contextlib.suppress(Exception):
                sender.close()
        for service in reversed(self.services.values()):
            service.__exit__()
        self._parts.close()

    def run(self, name: str, *command: str, environment: dict[str, str] | None = None) -> None:
        """Starts a process under a name."""
        (self.folder / name).mkdir(exist_ok=True)
        self.services[name] = Service(self.folder / name)
        self._commands[name] = command
        self._environment = environment or self._environment
        self.restart(name)

    def restart(self, name: str) -> None:
        """Starts a process again, as its supervisor would."""
        command, *flags = self._commands[name]
        before = dict(os.environ)
        os.environ.update(self._environment)
        try:
            self.services[name].start_as(command, *flags)
        finally:
            os.environ.clear()
            os.environ.update(before)

    def start_senders(self) -> None:
        """Lets every client send."""
        for sender in self.senders:
            sender.start()

    def stop_senders(self) -> None:
        """Lets every client see the end of what it has sent."""
        for sender in self.senders:
            sender.stop(PATIENCE)

    def wait_until_back(self, since: float) -> float:
        """Waits until every client is served as before; gives the seconds since."""
        return self.books.wait_for_all([sender.name for sender in self.senders], since, PATIENCE)

    def warm_up(self) -> None:
        """Waits until every client has been answered."""
        self.wait_until_back(time.monotonic())

    def count(self) -> tuple[int, int, int]:
        """Acknowledged events, those of them that are missing, and events that are there twice."""
        with psycopg.connect(self.database_url) as connection:
            stored = Counter(each for (each,) in connection.execute("SELECT event_id::text FROM events"))
            # An order that a stranger repeats under another id keeps that id, and is stored once.
            strays = connection.execute(
                "SELECT count(*) FROM event_keys k WHERE k.event_id = ANY(%s::uuid[]) AND NOT EXISTS"
                " (SELECT FROM events e WHERE e.dataset_id = k.dataset_id AND e.event_id = k.event_id)",
                [list(self.books.sent)],
            ).fetchone()[0]
        wanted = {each for each, status in self.books.acknowledged.items()}
        unanswered = set(self.books.sent) - wanted
        assert not unanswered, f"{len(unanswered)} events were never answered"
        assert not strays, f"{strays} event ids are taken without their event"
        missing = len(wanted - set(stored))
        return len(wanted), missing, sum(times - 1 for times in stored.values())

    def differences(self) -> dict[str, int]:
        """Where the typed tables are not what a rebuild would make of the events."""
        result = asyncio.run(rebuild(self.database_url, check=True))
        return {table: rows for table, rows in result.differences.items() if rows}

    def log(self) -> str:
        """What the processes have logged."""
        return "\n".join(f"== {name}\n{service.log()}" for name, service in self.services.items())


class InOne(Stage):
    """`shopalytic serve` with its embedded PostgreSQL."""

    kind = "serve"

    def __init__(self, folder: Path, *flags: str, data_dir: Path | None = None) -> None:
        super().__init__(folder)
        self.data_dir = data_dir or folder / "data"
        self._flags = flags

    def _open(self) -> None:
        ports = ("--grpc-port", str(free_port()), "--http-port", str(free_port()))
        self.run("server", "serve", "--data-dir", str(self.data_dir), *ports, *self._flags)
        ready: dict[str, Any] = self.services["server"].ready
        self.database_url = ready["database_url"]
        self.grpc_address, self.http_address = ready["grpc_address"], ready["http_address"]


class SmallDisk(InOne):
    """The same with a data directory on a disk of its own, which is soon full."""

    kind = "small"

    def __init__(self, folder: Path, *flags: str, megabytes: int = 400) -> None:
        super().__init__(folder, *flags, data_dir=folder / "disk" / "data")
        self._megabytes = megabytes

    def _open(self) -> None:
        self._parts.enter_context(small_disk(self.data_dir.parent, self._megabytes))
        super()._open()


class Apart(Stage):
    """Server, gateway and an outside PostgreSQL, with a proxy between each two and before the server."""

    kind = "apart"

    def __init__(
        self, folder: Path, *flags: str, postgres: str = "", environment: dict[str, str] | None = None
    ) -> None:
        super().__init__(folder)
        self._flags = flags
        self._postgres_settings = postgres
        self._environment = environment or {}

    def _open(self) -> None:
        self.postgres = OutsidePostgres(self.folder / "pg", self._postgres_settings)
        self._parts.callback(self.postgres.close)
        self.data_dir = self.postgres.folder
        self.database_url = self.postgres.url
        self.store_line = self._parts.enter_context(Proxy(("127.0.0.1", self.postgres.port)))
        self.grpc_port = free_port()
        self.client_line = self._parts.enter_context(Proxy(("127.0.0.1", self.grpc_port)))
        through = self.postgres.through(self.store_line.port)
        data = ("--data-dir", str(self.folder / "data"))
        self.run(
            "server",
            "server",
            "--database-url",
            through,
            "--grpc-port",
            str(self.grpc_port),
            *data,
            *self._flags,
        )
        collector = ("--collector", self.client_line.address)
        self.run("gateway", "gateway", *collector, "--http-port", str(free_port()))
        self.grpc_address = self.client_line.address
        self.http_address = self.services["gateway"].ready["http_address"]

    def start_second(self) -> "Future[None]":
        """Starts a second server on the same database, in the background."""
        command = ("server", "--database-url", self.database_url, "--grpc-port", str(free_port()))
        pool = self._parts.enter_context(ThreadPoolExecutor(1))
        return pool.submit(self.run, "second", *command, "--data-dir", str(self.folder / "second-data"))

    def send_to_second(self, seconds: float) -> None:
        """Both servers take events for a while; then the second one ends."""
        service = self.services["second"]
        sender = Calls(self.books, service.address, service.ready["keys"]["server"], 20, "second")
        sender.start()
        time.sleep(seconds)
        sender.stop(PATIENCE)
        sender.close()
        assert service.stop() == 0


class Workers(Apart):
    """The same with several server processes on the port."""

    kind = "workers"
    processes = 2

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "--workers", str(self.processes))


class FakeClock(Apart):
    """The same where server and gateway have a clock that can be set."""

    kind = "clock"

    def __init__(self, folder: Path) -> None:
        self.clock = folder / "clock"
        self.clock.write_text("+0")
        environment = {
            "LD_PRELOAD": clock_library() or "",
            "FAKETIME_TIMESTAMP_FILE": str(self.clock),
            "FAKETIME_NO_CACHE": "1",
            # Setting a machine's clock moves no timer.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        super().__init__(folder, environment=environment)


def clock_library() -> str | None:
    """libfaketime, where it is installed (Debian: apt-get install libfaketime)."""
    found = sorted(Path("/usr/lib").glob("**/libfaketimeMT.so.1"))
    return str(found[0]) if found else None
