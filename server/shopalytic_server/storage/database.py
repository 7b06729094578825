"""Connections to PostgreSQL, and the one place where its errors become the product's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from shopalytic_server.domain.errors import StoreUnavailable

Connection = psycopg.AsyncConnection[Any]
Pool = AsyncConnectionPool[Connection]

# How long a call waits for a connection before it says that the store is away.
CONNECT_TIMEOUT = 3.0


async def open_pool(database_url: str, *, size: int = 8) -> Pool:
    """Opens a pool of up to `size` connections. They are made in the background: the store may be away."""
    pool: Pool = AsyncConnectionPool(
        database_url,
        min_size=1,
        max_size=size,
        timeout=CONNECT_TIMEOUT,
        # A pool gives up on a store that stays away; ours must come back with it.
        reconnect_timeout=float("inf"),
        kwargs={"autocommit": True, "application_name": "shopalytic", "connect_timeout": 3},
        configure=_configure,
        check=AsyncConnectionPool.check_connection,
        open=False,
    )
    await pool.open(wait=False)
    return pool


async def _configure(conn: Connection) -> None:
    await conn.execute("SET timezone = 'UTC'")
    # Group statements are the same each time; planning them once is enough.
    conn.prepare_threshold = 2


# PostgreSQL rolled the transaction back because of another one; the same
# transaction succeeds when it is tried again.
ROLLED_BACK = (DeadlockDetected, SerializationFailure)


@contextmanager
def translated() -> Iterator[None]:
    """Turns the loss of the database into StoreUnavailable; the cause is kept."""
    try:
        yield
    except ROLLED_BACK:
        raise
    except (psycopg.OperationalError, PoolTimeout) as error:
        raise StoreUnavailable(retry_after=1.0) from error
