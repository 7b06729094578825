"""Whether the store can be written to, asked once a second so that health answers cost nothing."""

import logging

from shopalytic_server.background.periodic import Periodic
from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.storage.database.connections import Pool, translated, within

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0
PATIENCE_SECONDS = 3.0
_CAN_STORE = "SELECT NOT pg_is_in_recovery() AND NOT current_setting('default_transaction_read_only')::bool"


class StoreProbe:
    """Asks PostgreSQL again and again."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._can_store = True
        self._periodic = Periodic("probe", self._look, INTERVAL_SECONDS)

    def start(self) -> None:
        """Begin to ask; the migrations have just run, so the store counts as there."""
        self._periodic.start()

    async def stop(self) -> None:
        """Ask no more."""
        await self._periodic.stop()

    def can_store(self) -> bool:
        """What PostgreSQL said last."""
        return self._can_store

    async def _look(self) -> None:
        can_store = await self._ask()
        if can_store == self._can_store:
            return
        self._can_store = can_store
        if can_store:
            log.warning("The store is back. [store_back]")
        else:
            log.error("The store cannot be written to; senders are told to come back. [store_away]")

    async def _ask(self) -> bool:
        try:
            with translated():
                async with self._pool.connection() as connection:
                    with within(connection, PATIENCE_SECONDS):
                        # A replica reads, but cannot store.
                        cursor = await connection.execute(_CAN_STORE)
                        row = await cursor.fetchone()
        except StoreUnavailable:
            return False
        return bool(row and row[0])
