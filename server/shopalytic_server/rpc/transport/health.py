"""The standard health service (grpc.health.v1), which follows whether the store can be reached."""

import asyncio
from collections.abc import Iterable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]

POLL_SECONDS = 1.0


class HealthServicer(health_pb2_grpc.HealthServicer):
    """One answer for all services: they stand and fall with the store.

    The stock servicer is not used because its watches last as long as their
    clients like, so each would hold a shutdown up; here they end with it.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset(services) | {""}
        self._serving = False
        self._ended = False
        self._changed = asyncio.Event()

    def set_serving(self, serving: bool) -> None:
        """Tells every watch about a change."""
        if serving != self._serving and not self._ended:
            self._serving = serving
            self._wake()

    def end(self) -> None:
        """NOT_SERVING for good; watches end after saying so."""
        self._serving = False
        self._ended = True
        self._wake()

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        """The status now."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no service of this name here.")
        return health_pb2.HealthCheckResponse(status=self._status(request.service))

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:
        """The status now and at each change."""
        told = None
        while True:
            changed = self._changed
            status = self._status(request.service)
            if status != told:
                await context.write(health_pb2.HealthCheckResponse(status=status))
                told = status
            elif self._ended:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "This server is shutting down.")
            else:
                await changed.wait()

    def _status(self, service: str) -> int:
        if service not in self._services:
            return health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        return (
            health_pb2.HealthCheckResponse.SERVING
            if self._serving
            else health_pb2.HealthCheckResponse.NOT_SERVING
        )

    def _wake(self) -> None:
        # A new event for the next change: whoever waits for this one, wakes.
        self._changed.set()
        self._changed = asyncio.Event()
