"""Writes down when keys were last used: now and then, for all keys at once."""

import contextlib

from shopalytic_server.background.periodic import Periodic
from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.rpc.access.auth import KeyCache
from shopalytic_server.rpc.ports import KeyFinder

EVERY_SECONDS = 60.0


class KeyUse:
    """Carries what the cache of keys saw to the store. Start it once, then stop it once."""

    def __init__(self, cache: KeyCache, store: KeyFinder, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._cache = cache
        self._store = store
        self._periodic = Periodic("key-use", self.write, every_seconds)

    def start(self) -> None:
        """Begins to write."""
        self._periodic.start()

    async def stop(self) -> None:
        """Writes what is left, and ends."""
        await self._periodic.stop()
        await self.write()

    async def write(self) -> None:
        """Writes what was seen since the last time. What cannot be written now is seen again soon."""
        used, self._cache.used = self._cache.used, {}
        if used:
            with contextlib.suppress(StoreUnavailable):
                await self._store.record_key_use(used)
