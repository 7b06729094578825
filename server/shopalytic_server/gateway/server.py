"""One gateway: its connection to the collector, its application, and its HTTP server."""

import asyncio
from collections.abc import Mapping

import grpc
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from shopalytic_server.gateway.application import make_application
from shopalytic_server.gateway.collector import Collector, LocalTrack
from shopalytic_server.gateway.http.http_server import HttpServer
from shopalytic_server.gateway.http.tracing import Traced
from shopalytic_server.gateway.metrics import Metrics
from shopalytic_server.gateway.options import GatewayOptions


class GatewayServer:
    """Start it once, then stop it once; both in one event loop."""

    def __init__(
        self,
        options: GatewayOptions,
        collector_address: str,
        guests: Mapping[str, ASGIApp] | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        local: LocalTrack | None = None,
    ) -> None:
        """`guests`: applications that share the port, by the path that each has.

        `credentials`: for a collector with TLS. `local` takes events in this process, without a call.
        """
        self._local = local
        self._credentials = credentials
        self._options = options
        self._guests = guests or {}
        self._address = collector_address
        self._stopping = asyncio.Event()
        self._metrics = Metrics()

    @property
    def registry(self) -> CollectorRegistry:
        """What it counts, for a port of its own."""
        return self._metrics.registry

    async def start(self) -> int:
        """Listens, and returns the port. Raises OSError when the address is taken."""
        metrics = self._metrics
        self._collector = Collector(
            self._address,
            metrics,
            track_seconds=self._options.track_seconds,
            credentials=self._credentials,
            local=self._local,
        )
        app = make_application(self._collector, metrics, self._options, self._stopping, self._guests)
        self._http = HttpServer(Traced(app) if self._options.traced else app, self._options)
        try:
            return await self._http.start()
        except OSError:
            await self._collector.close()
            raise

    async def stop(self, grace: float) -> None:
        """Takes nothing new, finishes what is under way within so many seconds, and closes."""
        self._stopping.set()
        await self._http.stop(grace)
        await self._collector.close()
