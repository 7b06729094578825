"""Puts the demo together: the shop, its backend, and the visitors, from keys and addresses alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from starlette.types import ASGIApp

from shopalytic.v1.admin_pb2 import GetProjectRequest
from shopalytic.v1.admin_pb2_grpc import AdminServiceStub
from shopalytic_demo.pages.layout import Tag
from shopalytic_demo.pages.shop import Shop
from shopalytic_demo.shop.backend import Backend
from shopalytic_demo.visitors.crowd import Crowd, Pace
from shopalytic_demo.visitors.history import DAYS

PATH = "/demo"
CALL_SECONDS = 15.0
DRAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the demo can be told."""

    visitors_per_minute: float | None = None
    """Beside those of the story. None: a few at first; 0: no visitors and no past, the shop is all yours."""
    history_days: int = DAYS
    seed: int = 1
    """Seed of the visitors and what they do."""


class Demo:
    """Open it, let visitors in once the shop has an address, then close it; all in one event loop."""

    def __init__(self, options: DemoOptions, keys: Mapping[str, str], grpc_address: str) -> None:
        self._options = options
        self._keys = keys
        self._grpc_address = grpc_address
        self._crowd: Crowd | None = None

    async def open(self, script_path: str) -> dict[str, ASGIApp]:
        """The shop, by the path that it is to be found at."""
        currency = await self._currency()
        self._backend = Backend(self._grpc_address, self._keys["server"])
        tag = Tag(script_path.removesuffix(".js") + "-stub.js", self._keys["browser"])
        return {PATH: Shop(self._backend, tag, currency)}

    def let_in(self, http_address: str, collect_path: str) -> None:
        """Begin with the visitors, if there are to be any."""
        if self._options.visitors_per_minute != 0:
            pace = Pace(self._options.visitors_per_minute, self._options.history_days)
            self._crowd = Crowd(
                self._options.seed,
                pace,
                collect_url=f"{http_address}{collect_path}",
                grpc_address=self._grpc_address,
                keys=self._keys,
            )
            self._crowd.start()

    async def send_away(self) -> None:
        """Let nobody else in; whoever is on a page leaves it."""
        if self._crowd is not None:
            await self._crowd.stop()

    async def close(self) -> None:
        """Deliver what the shop's backend has not sent yet."""
        await self._backend.close(DRAIN_SECONDS)

    async def _currency(self) -> str:
        metadata = (("authorization", f"Bearer {self._keys['admin']}"),)
        async with grpc.aio.insecure_channel(self._grpc_address) as channel:
            answer = await AdminServiceStub(channel).GetProject(
                GetProjectRequest(), metadata=metadata, timeout=CALL_SECONDS, wait_for_ready=True
            )
        return str(answer.project.currency)
