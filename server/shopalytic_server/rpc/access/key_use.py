"""Writes down when keys were last used: now and then, for all keys at once."""

import asyncio
import contextlib

from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.rpc.access.auth import KeyCache
from shopalytic_server.rpc.ports import KeyFinder

EVERY_SECONDS = 60.0


class KeyUse:
    """Carries what the cache of keys saw to the store. Start it once, then stop it once."""

    def __init__(self, cache: KeyCache, store: KeyFinder, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._cache = cache
        self._store = store
        self._every = every_seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """Writes what is left, and ends."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self.write()

    async def write(self) -> None:
        """Writes what was seen since the last time. What cannot be written now is seen again soon."""
        used, self._cache.used = self._cache.used, {}
        if used:
            with contextlib.suppress(StoreUnavailable):
                await self._store.record_key_use(used)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            await self.write()
