"""Asks the report process."""

import asyncio
import contextlib
import logging
from typing import Any

import grpc
from google.protobuf.message import Message

from shopalytic_server.background.cancelling import cancellation_kept
from shopalytic_server.background.periodic import Periodic
from shopalytic_server.domain.errors import Unavailable
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.requests import request_id
from shopalytic_server.reporter import wire

log = logging.getLogger(__name__)

_OPTIONS = [
    *wire.OPTIONS,
    # It is on this machine, and started again within a second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
]
# How long a question waits for a process that is being started.
_PATIENCE_SECONDS = 30.0
_NOTICE_SECONDS = 2.0
_AWAY = "The process that answers reports was started again; ask again after the delay, which is always safe."
# A question may have ended the process, so it is not asked for ever.
_ATTEMPTS = 2
_LOOK_SECONDS = 5.0
_NOTHING = wire.State(0, 0.0, 0, 0, 0)


class RemoteReports:
    """Questions to the report process of this service. Start it once, then stop it once."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._channel: grpc.aio.Channel | None = None
        self._looking = Periodic("reporter-state", self._look, _LOOK_SECONDS, first=0.0)
        self.state = _NOTHING
        """How it was doing when it was last looked at; nothing while it is away."""

    def start(self, *, looks: bool) -> None:
        """`looks`: whether `state` is kept."""
        self._channel = grpc.aio.insecure_channel(f"unix:{self._place}", options=_OPTIONS)
        if looks:
            self._looking.start()

    async def stop(self) -> None:
        """Ends."""
        await self._looking.stop()
        if self._channel is not None:
            await self._channel.close()

    async def ask(self, name: str, project: Project, request: Message) -> Any:
        """What a question finds; raises what it raises there, and Unavailable while the process is away.

        A question whose process is killed is asked once more. Whoever is
        cancelled ends it there.
        """
        question = wire.Question(name, project, request, request_id.get())
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                reply: wire.Reply = await self._call(wire.ASK, question)
            except (grpc.aio.AioRpcError, TimeoutError) as error:
                if attempt == _ATTEMPTS or isinstance(error, TimeoutError):
                    raise Unavailable(_AWAY, retry_after=2.0) from error
                await self._notice()
                continue
            if reply.error is not None:
                raise reply.error
            return reply.answer
        raise AssertionError("a last attempt returns or raises")

    async def _notice(self) -> None:
        """Waits until the channel knows, too, that the process ended."""
        assert self._channel is not None  # noqa: S101 - it was started
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_NOTICE_SECONDS):
                await self._channel.wait_for_state_change(grpc.ChannelConnectivity.READY)

    async def forget(self) -> None:
        """Keeps nothing of files that were removed; a process that is away has kept nothing."""
        with contextlib.suppress(grpc.aio.AioRpcError, TimeoutError):
            await self._call(wire.FORGET, None)

    async def _call(self, path: str, said: Any) -> Any:
        assert self._channel is not None  # noqa: S101 - it was started
        call = self._channel.unary_unary(
            path, request_serializer=wire.packed, response_deserializer=wire.unpacked
        )
        with cancellation_kept():
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._channel.channel_ready()
            return await call(said)

    async def _look(self) -> None:
        try:
            self.state = await self._call(wire.LOOK, None)
        except (grpc.aio.AioRpcError, TimeoutError):
            self.state = _NOTHING
