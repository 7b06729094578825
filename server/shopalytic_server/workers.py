"""Runs several server processes on one gRPC port: starts them, revives them, and ends them together."""

import asyncio
import contextlib
import logging
import socket
import sys

from shopalytic_server.config import Settings
from shopalytic_server.grpc_service import Ports
from shopalytic_server.worker import READY, Orders

log = logging.getLogger(__name__)

# A worker that keeps dying soon after its start is given longer and longer pauses.
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
_STEADY_SECONDS = 30.0
# Beyond the drain, for what ends after it: the last transaction, connections.
_END_SECONDS = 10.0


class WorkerFailed(OSError):
    """A worker ended before it was ready; what it said of it is in the log."""


class Workers:
    """The worker processes of one service."""

    def __init__(self, settings: Settings, database_url: str, *, inner: bool) -> None:
        """`inner`: whether they listen for this machine's own callers, too."""
        self._settings = settings
        self._with_inner = inner
        self._database_url = database_url
        self._place: socket.socket | None = None
        self._inner: socket.socket | None = None
        self._port = 0
        self._inner_port: int | None = None
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._watches: list[asyncio.Task[None]] = []

    async def start(self) -> Ports:
        """Starts all and returns the ports, once every one of them serves. Raises OSError."""
        self._place = reserve(self._settings.grpc_host, self._settings.grpc_port)
        self._port = int(self._place.getsockname()[1])
        if self._with_inner:
            self._inner = reserve("127.0.0.1", 0)
            self._inner_port = int(self._inner.getsockname()[1])
        numbers = range(1, self._settings.workers + 1)
        try:
            # One task fails with the first failure; the others are ended with it.
            async with asyncio.TaskGroup() as group:
                for number in numbers:
                    group.create_task(self._start_one(number))
        except ExceptionGroup as failures:
            await self.stop(0)
            raise failures.exceptions[0] from None
        self._watches = [asyncio.create_task(self._watch(number)) for number in numbers]
        return Ports(self._port, self._inner_port or 0)

    async def stop(self, grace: float) -> None:
        """Lets all finish what they have; those that take longer than `grace` seconds and some are killed."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        for process in self._processes.values():
            if process.stdin is not None:
                process.stdin.close()
        await asyncio.gather(*(_ended(process, grace) for process in self._processes.values()))
        if self._place is not None:
            self._place.close()
        if self._inner is not None:
            self._inner.close()

    def kill(self) -> None:
        """Ends at once what still runs."""
        for process in self._processes.values():
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    async def _start_one(self, number: int) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "shopalytic_server.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C in a terminal is for the main process, which then tells the workers.
            start_new_session=True,
        )
        self._processes[number] = process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a worker has no pipes")
        settings = self._settings
        orders = Orders(number, settings.workers, self._database_url, self._port, self._inner_port, settings)
        with contextlib.suppress(ConnectionError):
            process.stdin.write(orders.as_line())
            await process.stdin.drain()
        if await process.stdout.readline() != READY:
            await _ended(process, 0)
            raise WorkerFailed(None, f"Worker {number} ended before it was ready; its own message is above")
        log.info("Worker %d serves, as process %d. [worker_ready]", number, process.pid)

    async def _watch(self, number: int) -> None:
        """Starts a worker again whenever it ends."""
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE_SECONDS
        while True:
            started = loop.time()
            code = await self._processes[number].wait()
            if loop.time() - started > _STEADY_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            log.error("Worker %d ended (%s); starting it again. [worker_died]", number, _how(code))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            with contextlib.suppress(WorkerFailed):
                await self._start_one(number)


def reserve(host: str, port: int) -> socket.socket:
    """A socket that keeps a port for the workers, who listen on it beside each other.

    It listens never, so no connection comes to it. Raises OSError when somebody
    listens there: sharing a port with another service would go unnoticed.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    if port:
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _bind(trial, address, host, port)
            trial.listen(1)
    place = socket.socket(family, kind, protocol)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        _bind(place, address, host, port)
    except OSError:
        place.close()
        raise
    return place


def _bind(place: socket.socket, address: tuple[object, ...], host: str, port: int) -> None:
    try:
        place.bind(address)
    except OSError as error:
        raise OSError(
            error.errno,
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another port, or end what uses it.",
        ) from error


async def _ended(process: asyncio.subprocess.Process, grace: float) -> None:
    """Waits for a process to end; kills it when it takes too long."""
    try:
        async with asyncio.timeout(grace + _END_SECONDS):
            await process.wait()
    except TimeoutError:
        log.error("A worker did not end in time and was killed; its senders will repeat. [worker_killed]")
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
