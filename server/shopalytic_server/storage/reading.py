"""Reads for reports: many statements, one moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.rows import dict_row

from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.storage.as_of import Past, connected_to
from shopalytic_server.storage.database import ROLLED_BACK, Connection, Pool, translated

if TYPE_CHECKING:
    from shopalytic_server.storage.bases import Bases

# A report sorts and hashes much at once, where an ingest statement does not; and
# compiling its statements takes longer than it saves.
_TUNED = "SET LOCAL work_mem = '128MB'; SET LOCAL jit = off"
# To plan a statement over all months takes longer than to run it for one customer.
_PLANNED_ONCE = "; SET LOCAL plan_cache_mode = force_generic_plan"


class Snapshot:
    """What the store holds at one moment; a merge that commits meanwhile is not half seen."""

    def __init__(
        self, conn: Connection, bases: "Bases | None" = None, *, prepare: bool | None = None
    ) -> None:
        """`prepare`: whether a statement is prepared when it is first run; else when it comes again."""
        self._conn = conn
        self._prepare = prepare
        self.bases = bases
        """What is kept of past days; nothing for a snapshot of the past."""

    async def fetch(self, statement: str | sql.Composed, **parameters: Any) -> list[dict[str, Any]]:
        """Runs a named statement and returns its rows."""
        async with self._conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement, parameters, prepare=self._prepare)
            return await cursor.fetchall()

    async def fetch_one(self, statement: str | sql.Composed, **parameters: Any) -> dict[str, Any] | None:
        """Runs a named statement and returns its first row, if it has one."""
        rows = await self.fetch(statement, **parameters)
        return rows[0] if rows else None


@asynccontextmanager
async def reading(
    pool: Pool, bases: "Bases | None" = None, *, planned_once: bool = False
) -> AsyncIterator[Snapshot]:
    """A snapshot of the store as it is; raises StoreUnavailable.

    `planned_once` is for statements that go by indexes whatever their parameters are.
    """
    try:
        with translated():
            async with pool.connection() as conn, conn.transaction():
                await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                await conn.execute(_TUNED + _PLANNED_ONCE if planned_once else _TUNED)
                yield Snapshot(conn, bases, prepare=planned_once or None)
    except ROLLED_BACK as error:
        # Only a replica does this to a reader, to keep up with its primary.
        raise StoreUnavailable(retry_after=1.0) from error


@asynccontextmanager
async def reading_past(database_url: str, past: Past) -> AsyncIterator[Snapshot]:
    """A snapshot of the store as it was known at a moment; raises StoreUnavailable.

    It makes temporary tables, so the database cannot be a replica.
    """
    with translated():
        async with connected_to(past, database_url) as conn:
            yield Snapshot(conn)
