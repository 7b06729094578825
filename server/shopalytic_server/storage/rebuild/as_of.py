"""The store as it was known at a moment: by what had arrived until then.

Names of tables that a statement leaves without a schema are looked up among a
connection's temporary ones first. So a connection of its own gets temporary
tables with what the events of then amount to, and temporary views over them,
and every statement of every report works on the past unchanged.

An order that was sent more than once with the same content is known from the
arrival of the event that stands for it, which is the one that happened first.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from shopalytic_server.storage.database.connections import Connection, schema_of_tables, translated
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.database.sessions import connect
from shopalytic_server.storage.rebuild.replay import TABLES, replay

_SQL = load("rebuild/as_of")

# Between two chunks the process serves other calls.
_CHUNK = 250


@dataclass(frozen=True, slots=True)
class Past:
    """Which datasets, as known at which moment."""

    datasets: Sequence[int]
    moment: datetime


@asynccontextmanager
async def connected_to(past: Past, database_url: str) -> AsyncIterator[Connection]:
    """A connection that shows the past, in a transaction that leaves nothing behind."""
    async with (
        # Statements that a pooled connection has prepared would go on reading
        # the tables of the present.
        await connect(database_url) as conn,
        conn.transaction(force_rollback=True),
    ):
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await _make_tables(conn, past)
        await replay(conn, chunk=_CHUNK)
        for table in TABLES:
            await conn.execute(sql.SQL("ANALYZE {}").format(_temporary(table)))
        yield conn


@asynccontextmanager
async def reading_past(database_url: str, past: Past) -> AsyncIterator[Snapshot]:
    """A snapshot of the store as it was known at a moment; raises StoreUnavailable.

    It makes temporary tables, so the database cannot be a replica.
    """
    with translated():
        async with connected_to(past, database_url) as conn:
            yield Snapshot(conn)


async def _make_tables(conn: Connection, past: Past) -> None:
    schema = await schema_of_tables(conn)
    # Read while the views' tables are still the ones that are found: their
    # names then have no schema, and find the temporary tables afterwards.
    views = await (await conn.execute(sql.SQL(_SQL.views).format(schema=sql.Literal(schema)))).fetchall()
    # No day is sealed then: what is summed up are the events of now. So what has
    # expired since is not there.
    for table in (*TABLES, "rollup_days", "expirations"):
        await conn.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(
                _temporary(table), sql.Identifier(schema, table)
            )
        )
    await conn.execute(
        sql.SQL(_SQL.events_of_then).format(
            events=sql.Identifier(schema, "events"),
            datasets=sql.Literal(list(past.datasets)),
            moment=sql.Literal(past.moment),
        )
    )
    await conn.execute(
        sql.SQL(_SQL.undone_by_then).format(
            undone_merges=sql.Identifier(schema, "undone_merges"), moment=sql.Literal(past.moment)
        )
    )
    for name, definition in views:
        await conn.execute(sql.SQL("CREATE VIEW {} AS {}").format(_temporary(name), sql.SQL(definition)))


def _temporary(name: str) -> sql.Identifier:
    return sql.Identifier("pg_temp", name)
