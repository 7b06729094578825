"""Refuses to build a package that lacks what Node.js builds: the browser tag and the dashboard."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = "server/shopalytic_server/gateway/static"
BUILT = ("shopalytic.js", "shopalytic-stub.js", "dashboard/index.html")


class BuildCheck(BuildHookInterface[Any]):
    """Runs before each build; an editable installation needs nothing, `make` builds the rest later."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raise RuntimeError with the way out."""
        if version == "editable":
            return
        missing = [name for name in BUILT if not (Path(self.root) / STATIC / name).is_file()]
        if missing:
            raise RuntimeError(
                f"{STATIC} lacks {', '.join(missing)}: run `make wheel`, which builds them first."
            )
