"""Runs several server processes on one gRPC port: starts them, revives them, and ends them together."""

import asyncio
import socket

from shopalytic_server.children import Child
from shopalytic_server.config import Settings
from shopalytic_server.grpc_service import ListenPorts
from shopalytic_server.worker import WorkerConfig


class Workers:
    """The worker processes of one service."""

    def __init__(self, settings: Settings, database_url: str, *, reporter: str, inner: bool) -> None:
        """`reporter` is where reports are asked.

        `inner`: whether they listen for this machine's own callers, too.
        """
        self._settings = settings
        self._database_url = database_url
        self._reporter = reporter
        self._with_inner = inner
        self._places: list[socket.socket] = []
        self._children: list[Child] = []

    async def start(self) -> ListenPorts:
        """Starts all and returns the ports, once every one of them serves. Raises OSError."""
        port = self._reserved(self._settings.grpc_host, self._settings.grpc_port)
        inner = self._reserved("127.0.0.1", 0) if self._with_inner else None
        self._children = [self._child(number, port, inner) for number in range(1, self._settings.workers + 1)]
        try:
            # One task fails with the first failure; the others are ended with it.
            async with asyncio.TaskGroup() as group:
                for child in self._children:
                    group.create_task(child.start())
        except ExceptionGroup as failures:
            await self.stop(0)
            raise failures.exceptions[0] from None
        for child in self._children:
            child.watch()
        return ListenPorts(port, inner or 0)

    async def stop(self, grace: float) -> None:
        """Lets all finish what they have; those that take longer than `grace` seconds and some are killed."""
        await asyncio.gather(*(child.stop(grace) for child in self._children))
        for place in self._places:
            place.close()

    def kill(self) -> None:
        """Ends at once what still runs."""
        for child in self._children:
            child.kill()

    def _reserved(self, host: str, port: int) -> int:
        self._places.append(reserve(host, port))
        return int(self._places[-1].getsockname()[1])

    def _child(self, number: int, port: int, inner: int | None) -> Child:
        config = WorkerConfig(
            settings=self._settings,
            number=number,
            workers=self._settings.workers,
            database_url=self._database_url,
            reporter=self._reporter,
            port=port,
            inner_port=inner,
        )
        return Child("shopalytic_server.worker", config, name=f"Worker {number}", word="worker")


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
