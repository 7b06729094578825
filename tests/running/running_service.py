"""Runs the real `shopalytic` command for tests: a service in its own process, and commands against it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import grpc
import psutil
from click.testing import CliRunner

from running import prepared_data
from running.scratch import scratch
from shopalytic_server.embedded import postmaster as postmasters


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder for services.

    Not pytest's: another run of pytest shuts the way to it for every other
    account, and PostgreSQL has one of its own when root runs the tests.
    """
    # Processes of a service that was killed end a moment after it.
    with tempfile.TemporaryDirectory(
        prefix="shopalytic-test-", dir=scratch(), ignore_cleanup_errors=True
    ) as path:
        yield Path(path)


COMMAND = (sys.executable, "-m", "shopalytic")
# Long enough for a loaded machine; a service that is up answers at once.
PATIENCE_SECONDS = 180.0


def run(
    *args: str | Path, stdin: bytes | None = None, timeout: float = 120.0
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    done = subprocess.run(
        [*COMMAND, *map(str, args)], input=stdin, capture_output=True, timeout=timeout, check=False
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    )


def ask(*args: str | Path, stdin: bytes | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end in this process, where its modules are imported already.

    What a process of its own is, the tests of `acceptance` and those with `run` show.
    """
    from shopalytic_server.cli.root import shopalytic

    # A thread, because an asynchronous test has a loop running, and some commands run one.
    with ThreadPoolExecutor(1) as thread, tempfile.TemporaryFile() as given:
        given.write(stdin or b"")
        given.seek(0)
        arguments = [*map(str, args)]
        done = thread.submit(
            CliRunner().invoke, shopalytic, arguments, input=given, prog_name="shopalytic"
        ).result()
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def start(*args: str | Path) -> "subprocess.Popen[bytes]":
    """Start a command and leave it running."""
    return subprocess.Popen([*COMMAND, *map(str, args)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Service:
    """One `shopalytic serve` on free ports."""

    def __init__(
        self,
        folder: Path,
        *flags: str,
        python_path: str = "",
        command: Sequence[str] = COMMAND,
        from_nothing: bool = False,
    ) -> None:
        """`python_path` is where another version of the code lies, `command` runs another installation.

        `from_nothing`: it makes its PostgreSQL itself; else it finds one with the schema in it.
        """
        self._command = command
        self._is_prepared = not (
            from_nothing or python_path or command != COMMAND or "--database-url" in flags
        )
        self.data_dir = folder / "data"
        self.ready_file = folder / "ready.json"
        self.log_path = folder / "service.log"
        self._flags = flags
        self._environment = {**os.environ, "PYTHONFAULTHANDLER": "1"}
        if python_path:
            self._environment["PYTHONPATH"] = python_path
        self.process: subprocess.Popen[bytes] | None = None
        self.ready: dict[str, Any] = {}

    def start(self, *more_flags: str) -> Self:
        """Start it and wait until it is ready."""
        if self._is_prepared and not self.data_dir.exists():
            prepared_data.copy_to(self.data_dir)
        where = ["--data-dir", str(self.data_dir), "--grpc-port", "0", "--http-port", "0"]
        return self.start_as("serve", *where, *self._flags, *more_flags)

    def begin(self, command: str, *flags: str) -> "subprocess.Popen[bytes]":
        """Run this command, with these flags only, and do not wait for it."""
        self.ready_file.unlink(missing_ok=True)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._command, command, "--ready-file", str(self.ready_file), *flags],
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        return self.process

    def start_as(self, command: str, *flags: str) -> Self:
        """Start this command, with these flags only, and wait until it is ready."""
        process = self.begin(command, *flags)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.ready_file.exists():
            assert process.poll() is None, f"the service ended: {self.log()}"
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the service was not ready in time: {self.log()}")
            time.sleep(0.02)
        self.ready = json.loads(self.ready_file.read_text())
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and give the exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end, and give the exit code. What does not end in time is killed, and its log told."""
        assert self.process is not None
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            # Python writes to the log where each of its threads stands.
            self.process.send_signal(signal.SIGABRT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE_SECONDS)
            self.kill()
            raise AssertionError(f"the service did not end in time: {self.log()}") from None

    def kill(self) -> None:
        """Kill it and all that it has started, and wait until they are gone: no other test may notice."""
        assert self.process is not None
        started = [self.process.pid, *self._started()]
        for pid in started:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def _started(self) -> Iterator[int]:
        """Its processes: children that run, and PostgreSQL, which outlives them."""
        assert self.process is not None
        with suppress(psutil.NoSuchProcess):
            yield from (each.pid for each in psutil.Process(self.process.pid).children(recursive=True))
        if (postmaster := postmasters.find(self.data_dir / "postgres")) is not None:
            yield postmaster.pid

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def log(self) -> str:
        """What it has printed and logged."""
        return self.log_path.read_text()

    @property
    def address(self) -> str:
        """Where gRPC listens."""
        return str(self.ready["grpc_address"])

    def metadata(self, key_class: str) -> tuple[tuple[str, str], ...]:
        """The metadata of a call with one of the service's keys."""
        return (("authorization", f"Bearer {self.ready['keys'][key_class]}"),)

    def channel(self) -> grpc.Channel:
        """A new channel to the service, with a connection of its own, which any of its workers may get."""
        return grpc.insecure_channel(self.address, options=[("grpc.use_local_subchannel_pool", 1)])

    def workers(self) -> list[psutil.Process]:
        """The processes that serve gRPC beside the main one."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return [each for each in children if "shopalytic_server.worker" in each.cmdline()]

    def connections_by_worker(self) -> dict[int, int]:
        """How many of this process's connections each worker has, by its process id."""
        own = {one.laddr for one in psutil.Process().net_connections("tcp")}
        return {
            each.pid: sum(one.raddr in own for one in each.net_connections("tcp")) for each in self.workers()
        }

    def command(self, *args: str | Path, stdin: bytes | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a client command that finds the service and its keys through the data directory."""
        return ask(*args, "--data-dir", self.data_dir, stdin=stdin)

    def json(self, *args: str | Path, stdin: bytes | None = None) -> Any:
        """Run a client command that must succeed, and read the JSON it prints."""
        done = self.command(*args, "--json", stdin=stdin)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
