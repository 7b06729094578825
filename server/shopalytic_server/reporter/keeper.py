"""Keeps the report process of a service: starts it, revives it, and ends it with the service."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from shopalytic_server import children
from shopalytic_server.children import Child
from shopalytic_server.config import Settings


@dataclass(frozen=True, slots=True)
class ReporterConfig(children.ChildConfig):
    """What the report process is told at its start."""

    database_url: str
    place: str
    """The path of the socket; its folder goes with the process if its parent was killed."""


class ReporterKeeper:
    """The report process, from the side of the main one."""

    def __init__(self, settings: Settings, database_url: str) -> None:
        # Paths of sockets are short, and a data directory's may be long.
        self._folder = Path(tempfile.mkdtemp(prefix="shopalytic-"))
        self.place = str(self._folder / "reports")
        """Where it is asked."""
        config = ReporterConfig(settings=settings, database_url=database_url, place=self.place)
        self._child = Child(
            "shopalytic_server.reporter.process", config, name="The report process", word="reporter"
        )

    async def start(self) -> None:
        """Starts it beside everything else: nothing but reports waits for it."""
        await self._child.begin()
        self._child.watch(is_ready=False)

    async def stop(self, grace: float) -> None:
        """Lets questions in flight finish."""
        await self._child.stop(grace)

    def end(self) -> None:
        """Ends it at once if it still runs, and removes the socket."""
        self._child.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
