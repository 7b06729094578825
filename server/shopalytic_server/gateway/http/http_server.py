"""Serves an ASGI application inside an event loop that somebody else owns, with the gateway's limits."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from shopalytic_server.gateway.http.protocol import limited_protocol
from shopalytic_server.gateway.http.tls import ReloadingTls
from shopalytic_server.gateway.options import GatewayOptions

_BACKLOG = 2_048


class HttpServer:
    """Start it once, then stop it once."""

    def __init__(self, app: ASGIApp, options: GatewayOptions) -> None:
        self._options = options
        config = uvicorn.Config(
            app,
            http=limited_protocol(options.header_seconds, options.max_connections),
            ws="none",
            lifespan="off",
            proxy_headers=False,  # addresses.py reads them, and only as far as they may be believed
            server_header=False,
            access_log=False,
            log_config=None,
            log_level="error",
            timeout_keep_alive=options.keep_alive_seconds,
            backlog=_BACKLOG,
        )
        tls = ReloadingTls(*options.tls) if options.tls else None
        self._server = _EmbeddedServer(config, tls)

    async def start(self) -> int:
        """Listens, and returns the port. Raises OSError when the address is taken."""
        sock = _bound(self._options.host, self._options.port)
        self._serving = asyncio.create_task(self._server.serve(sockets=[sock]))
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait([listening, self._serving], return_when=asyncio.FIRST_COMPLETED)
        if self._serving.done():
            listening.cancel()
            await self._serving  # says why it could not start
        return int(sock.getsockname()[1])

    async def stop(self, grace: float) -> None:
        """Takes nothing new, and finishes what is under way within so many seconds."""
        self._server.config.timeout_graceful_shutdown = max(1, round(grace))
        self._server.should_exit = True
        await self._serving


class _EmbeddedServer(uvicorn.Server):
    """uvicorn's server, which leaves signals to the program that it runs in."""

    def __init__(self, config: uvicorn.Config, tls: ReloadingTls | None) -> None:
        super().__init__(config)
        self._tls = tls
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._tls is not None:
            self.config.ssl = self._tls.context
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
