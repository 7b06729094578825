"""Reads for reports: many statements, one moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.storage.database.connections import ROLLED_BACK, Connection, Pool, translated

# A report sorts and hashes much at once, where an ingest statement does not; and
# compiling its statements takes longer than it saves.
_TUNED = "SET LOCAL work_mem = '128MB'; SET LOCAL jit = off"
# To plan a statement over all months takes longer than to run it for one customer.
_PLANNED_ONCE = "; SET LOCAL plan_cache_mode = force_generic_plan"


@dataclass(frozen=True, slots=True)
class Read:
    """A statement that was run, and what it found."""

    statement: str | sql.Composed
    parameters: dict[str, Any]
    rows: list[dict[str, Any]]


class Snapshot:
    """What the store holds at one moment; a merge that commits meanwhile is not half seen."""

    def __init__(
        self,
        conn: Connection,
        *,
        prepare: bool | None = None,
        database_url: str | None = None,
    ) -> None:
        """`prepare`: whether a statement is prepared when it is first run; else when it comes again.

        `database_url` is where other connections may look at the same moment;
        None for what only this connection sees.
        """
        self._conn = conn
        self._database_url = database_url
        self._prepare = prepare
        self._reads: list[Read] | None = None
        self.is_citus = conn.is_citus
        """Whether it is of a database whose tables may lie on several nodes."""

    def record(self) -> list[Read]:
        """What `fetch` and `fetch_one` find from now on."""
        self._reads = []
        return self._reads

    async def fetch(self, statement: str | sql.Composed, **parameters: Any) -> list[dict[str, Any]]:
        """Runs a named statement and returns its rows."""
        async with self._conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement, parameters, prepare=self._prepare)
            rows = await cursor.fetchall()
        if self._reads is not None:
            self._reads.append(Read(statement, parameters, [dict(row) for row in rows]))
        return rows

    async def fetch_one(self, statement: str | sql.Composed, **parameters: Any) -> dict[str, Any] | None:
        """Runs a named statement and returns its first row, if it has one."""
        rows = await self.fetch(statement, **parameters)
        return rows[0] if rows else None

    async def fetch_plain(self, statement: sql.Composed) -> list[tuple[Any, ...]]:
        """Runs a statement and returns its rows without their names."""
        cursor = await self._conn.execute(statement)
        return await cursor.fetchall()

    async def exported(self) -> tuple[str, str] | None:
        """The database, and this moment's name in it; None if no other connection can see it."""
        if self._database_url is None:
            return None
        [(name,)] = await self.fetch_plain(sql.Composed([sql.SQL("SELECT pg_export_snapshot()")]))
        return self._database_url, name


@asynccontextmanager
async def reading(
    pool: Pool, *, planned_once: bool = False, used_for: float | None = None
) -> AsyncIterator[Snapshot]:
    """A snapshot of the store as it is; raises StoreUnavailable.

    `planned_once` is for statements that go by indexes whatever their parameters are.
    `used_for`, in seconds, is for how long others may read what it sees while it waits;
    PostgreSQL ends it sooner if it is not told.
    """
    try:
        with translated():
            async with pool.connection() as conn, conn.transaction():
                await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                # Citus plans by the parameters' values which shards a statement needs.
                generic = planned_once and not conn.is_citus
                await conn.execute(_TUNED + _PLANNED_ONCE if generic else _TUNED)
                if used_for is not None:
                    await conn.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{used_for:.0f}s'")
                yield Snapshot(conn, prepare=generic or None, database_url=str(pool.conninfo))
    except ROLLED_BACK as error:
        # Only a replica does this to a reader, to keep up with its primary.
        raise StoreUnavailable(retry_after=1.0) from error
