"""Waiting for writers that began before: what they wrote can be seen then, on every node."""

import asyncio

from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.sessions import Session

_SQL = load("database/writers")
_WAIT_SECONDS = 0.05


async def older_writers_end(conn: Session) -> None:
    """Waits for all transactions that have an id by now; on Citus for all that have begun by now.

    A transaction that Citus has committed on the coordinator may still be prepared on a worker,
    where its rows are not seen yet: that one is waited for, too.
    """
    until = await _number(conn, _SQL.next_transaction)
    while await _number(conn, _SQL.oldest_transaction) < until:  # noqa: ASYNC110 - only PostgreSQL knows
        await asyncio.sleep(_WAIT_SECONDS)


async def _number(conn: Session, statement: str) -> int:
    row = await (await conn.execute(statement)).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has a row
    return int(row[0])
