"""Removes files that hold people who were erased.

An erasure marks the days that it took rows from (`changes`). Files of these
days that were made before it are no longer used by anybody, and must go.
"""

import asyncio
from collections.abc import Awaitable, Callable

from shopalytic_server.storage.database.connections import Pool
from shopalytic_server.storage.database.reading import reading
from shopalytic_server.storage.facts.files import FactFiles
from shopalytic_server.storage.facts.versions import Versions, read_versions


class ErasedFiles:
    """Removes them before an erasure gives its receipt."""

    def __init__(self, files: FactFiles, pool: Pool, on_removed: Callable[[], Awaitable[None]]) -> None:
        """`on_removed` forgets what was read of the files."""
        self._files = files
        self._pool = pool
        self._on_removed = on_removed

    async def remove(self) -> None:
        """When it returns they are gone, and so is what memory had of them."""
        datasets = {unit.dataset for unit in await asyncio.to_thread(self._files.units)}
        async with reading(self._pool) as snapshot:
            versions = await read_versions(snapshot, datasets)
        if await asyncio.to_thread(remove_erased, self._files, versions):
            await self._on_removed()


def remove_erased(files: FactFiles, versions: Versions) -> int:
    """Removes the units that hold what these versions say was erased; returns how many.

    Blocks while a question uses one. Units that are being made meanwhile wait, and
    then are found to be of an older version.
    """
    removed = 0
    with files.publishing():
        for unit in files.units():
            if any(
                (unit.dataset, day) in versions.erased and versions.days.get((unit.dataset, day)) != version
                for day, version in unit.versions.items()
            ):
                files.remove(unit, wait=True)
                removed += 1
    return removed
