"""Connections to PostgreSQL, and the one place where its errors become the product's."""

import asyncio
import logging
import math
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from weakref import WeakKeyDictionary

import psycopg
from psycopg import Pipeline
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg.pq import PipelineStatus
from psycopg_pool import AsyncConnectionPool

from shopalytic_server.background.cancelling import cancellation_kept
from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.storage.database.sessions import Session, conninfo

Connection = Session


class Pool(AsyncConnectionPool[Session]):
    """Connections that are lent, to whoever has not been cancelled meanwhile."""

    async def getconn(self, timeout: float | None = None) -> Session:  # noqa: ASYNC109 - the driver's own
        """As the driver's; it loses no cancellation that comes together with a connection."""
        lent: Session | None = None
        try:
            with cancellation_kept():
                lent = await super().getconn(timeout)
        except asyncio.CancelledError:
            if lent is not None:
                await self.putconn(lent)
            raise
        return lent


_log = logging.getLogger(__name__)

# How long a call waits for a connection before it says that the store is away.
CONNECT_TIMEOUT = 3.0

# Half of it, so that a call which is offered a dead connection still gets another.
_CHECK_SECONDS = CONNECT_TIMEOUT / 2
# A connection that was well a moment ago need not be asked again.
_TRUSTED_SECONDS = 0.5
_checked_at: "WeakKeyDictionary[Connection, float]" = WeakKeyDictionary()

# For how long the pool itself tries to connect after a failure, with growing
# pauses. Then it stops until the next call, which tries at once: the probe
# makes one each second. Without an end the pauses would grow without one, and
# a store that was away for an hour could stay unnoticed for another.
_RECONNECT_SECONDS = 1.0

# A connection that is idle for so long has lost its client; it must not keep
# its locks. The server ends it, for the client may have vanished without a word.
# Readers hold no lock that others need, and an export waits for who takes it.
_IDLE_WRITER_SECONDS = 15
_IDLE_READER_SECONDS = 60


async def open_pool(database_url: str, *, size: int = 8, statement_seconds: int = 0) -> Pool:
    """Opens a pool of up to `size` connections. They are made in the background: the store may be away.

    A statement that runs for longer than `statement_seconds` is ended; 0 is no
    limit, for pools that only read.
    """

    async def configure(conn: Session) -> None:
        # Group statements are the same each time; planning them once is enough.
        conn.prepare_threshold = 2
        await conn.set_up(**_limits(statement_seconds))

    pool = Pool(
        conninfo(database_url),
        connection_class=Session,
        min_size=1,
        max_size=size,
        timeout=CONNECT_TIMEOUT,
        reconnect_timeout=_RECONNECT_SECONDS,
        kwargs={"autocommit": True},
        configure=configure,
        check=_check,
        open=False,
    )
    await pool.open(wait=False)
    return pool


async def schema_of_tables(conn: Connection) -> str:
    """Where a connection finds the tables: `public`, or what the user's search path has before it."""
    found = await conn.execute(
        "SELECT n.nspname FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
        " WHERE c.oid = 'events'::regclass"
    )
    [(name,)] = await found.fetchall()
    return str(name)


def _limits(statement_seconds: int) -> dict[str, str]:
    idle_seconds = _IDLE_WRITER_SECONDS if statement_seconds else _IDLE_READER_SECONDS
    return {
        "statement_timeout": f"{statement_seconds}s",
        "idle_in_transaction_session_timeout": f"{idle_seconds}s",
        "tcp_keepalives_idle": "15",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }


@asynccontextmanager
async def together(conn: Connection) -> AsyncIterator[None]:
    """Sends the statements of a block without waiting for the answer of each; its errors come later, at the
    latest with its end. Rows that are asked for are waited for. No COPY may be within.

    https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
    """
    if conn.is_shared or not Pipeline.is_supported():
        yield
        return
    async with conn.pipeline():
        yield


def is_together(conn: Connection) -> bool:
    """Whether statements are sent so at the moment."""
    return conn.pgconn.pipeline_status != PipelineStatus.OFF


async def _check(conn: Connection) -> None:
    """Before a pooled connection is given out; under load that is hundreds of times a second."""
    now = time.monotonic()
    if now - _checked_at.get(conn, -math.inf) < _TRUSTED_SECONDS:
        return
    with within(conn, _CHECK_SECONDS):
        await AsyncConnectionPool.check_connection(conn)
    _checked_at[conn] = now


@contextmanager
def within(
    conn: Connection, seconds: float, on_cut: Callable[[int], object] = lambda _: None
) -> Iterator[None]:
    """Cuts a connection that is still at work after so many seconds; what waits for it then fails.

    `on_cut` is told PostgreSQL's process, which may not have noticed and keep its locks.

    PostgreSQL's own limits do not help where no answer arrives, and a cancelled
    task would first ask PostgreSQL to cancel the statement.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _cut, conn, seconds, on_cut)
    try:
        yield
    finally:
        timer.cancel()


def _cut(conn: Connection, seconds: float, on_cut: Callable[[int], object]) -> None:
    if conn.closed:
        return
    if not conn.is_shared:  # Or the pooler, which sees the line go, ends the session.
        on_cut(conn.info.backend_pid)
    _log.warning("PostgreSQL has not answered for %g seconds; connecting anew. [store_silent]", seconds)
    with socket.socket(fileno=os.dup(conn.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


# PostgreSQL rolled the transaction back because of another one; the same
# transaction succeeds when it is tried again.
ROLLED_BACK = (DeadlockDetected, SerializationFailure)

# Classes of SQLSTATE that speak of the rows: cardinality, data, integrity and
# limits such as the size of an index entry. Any other class speaks of the
# moment, the machine or the database, and the same rows may be taken later:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_OF_THE_DATA = frozenset({"21", "22", "23", "54"})
_INVALID_TRANSACTION_STATE = "25"
_INSUFFICIENT_RESOURCES = "53"


def is_of_the_data(error: psycopg.Error) -> bool:
    """Whether the rows are what PostgreSQL, or its driver, cannot take."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.DataError)
    return error.sqlstate[:2] in _OF_THE_DATA


def unavailable(error: psycopg.Error) -> StoreUnavailable:
    """What callers are told of an error that is not of their making."""
    # A full disk, or too many connections, takes longer than a restart.
    scarce = error.sqlstate is not None and error.sqlstate[:2] == _INSUFFICIENT_RESOURCES
    return StoreUnavailable(retry_after=5.0 if scarce else 1.0)


@contextmanager
def translated() -> Iterator[None]:
    """Turns the loss of the database into StoreUnavailable; the cause is kept."""
    try:
        yield
    except ROLLED_BACK:
        raise
    except psycopg.OperationalError as error:
        if is_of_the_data(error):
            raise
        raise unavailable(error) from error
    except psycopg.InternalError as error:
        # Such as a database that has become read-only, or a transaction that the server gave up.
        if error.sqlstate is None or error.sqlstate[:2] != _INVALID_TRANSACTION_STATE:
            raise
        raise unavailable(error) from error
