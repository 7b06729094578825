"""Sessions with PostgreSQL: each is set as our statements and the binary COPY need it.

The environment (PGCLIENTENCODING, PGDATESTYLE, PGOPTIONS, …), the database's address, the role and the
database may all set a session up, and a setting of the session wins over them.

A pooler that lends one of its own sessions for a transaction (PgBouncer with `pool_mode = transaction`)
keeps nothing of ours between two transactions, and what we set would stay for the next borrower. There
each transaction sets what it needs for itself, nothing is prepared, and nothing listens.
https://www.pgbouncer.org/features.html
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from shopalytic_server.storage.database.engines import IS_CITUS, EngineCursor

# Finds a peer that vanished without a word; what the database URL says wins.
_DEFAULTS = {
    # Servers of the version before facts call themselves "shopalytic": see `facts.versions`.
    "application_name": "shopalytic-2",
    "connect_timeout": "3",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

LOCKING = "shopalytic lock"
"""The name of sessions that hold a lock in a transaction and write nothing."""

# What a pooler keeps for each of its clients, so that setting it is nobody else's matter. (PgBouncer
# knows more by now; these are what every version knows.)
_KEPT_BY_POOLERS = {
    "client_encoding": "UTF8",
    "datestyle": "ISO, MDY",
    "timezone": "UTC",
    "standard_conforming_strings": "on",
}
# The driver reads texts of these forms, statements have been written for these meanings, and what decides
# in a transaction must see what was committed before each of its statements.
_RELIED_ON = {
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "quote_all_identifiers": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
}
# Names without a schema are looked for where they are now: among temporary tables, in PostgreSQL's own
# catalogue, then in the schemas of the path, whatever other order the path has.
_PIN_PATH = """
SELECT set_config('search_path', string_agg(quote_ident(name), ', ' ORDER BY place), false)
  FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (name, place)
 WHERE name <> 'pg_catalog' AND name !~ '^pg_temp'
HAVING count(*) > 0
"""

# What a role or a database may limit for all its sessions. Ours have limits of their own; another's
# would end a long migration or a lock that is held for hours, each time anew.
_LIMITS = """
  FROM pg_settings
 WHERE name IN ('idle_in_transaction_session_timeout', 'idle_session_timeout', 'lock_timeout',
                'statement_timeout', 'transaction_timeout') -- of PostgreSQL 17
   AND setting <> '0'
"""
_END_LIMITS = f"SELECT set_config(name, '0', false) {_LIMITS}"

PATIENT = f"SELECT set_config(name, '0', true) {_LIMITS}"
"""In a transaction: whatever limits of time the session has do not hold in it."""


class Session(psycopg.AsyncConnection[Any]):
    """A connection that knows whether a pooler lends it for each transaction anew."""

    is_shared = False
    is_citus = False
    """Whether the database has the extension, so that its tables may lie on several nodes."""
    _each_transaction: sql.Composed | None = None

    async def set_up(self, **more: str) -> None:
        """Sets what our statements rely on, and `more`."""
        cursor = await self.execute(f"SELECT pg_backend_pid(), {IS_CITUS}")
        [(process, self.is_citus)] = await cursor.fetchall()
        self.cursor_factory = EngineCursor
        # A pooler gives its clients an invented one, for cancelling.
        self.is_shared = process != self.info.backend_pid
        if self.is_shared:
            self.prepare_threshold = None
            cursor = await self.execute(f"SELECT name {_LIMITS}")
            ended = {name: "0" for (name,) in await cursor.fetchall()}
            self._each_transaction = _set({**_RELIED_ON, **ended, **more}, local=True)
            await self.execute(_set(_KEPT_BY_POOLERS))
        else:
            await self.execute(_END_LIMITS)
            await self.execute(_set({**_KEPT_BY_POOLERS, **_RELIED_ON, **more}) + sql.SQL(_PIN_PATH))

    @asynccontextmanager
    async def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> AsyncIterator[psycopg.AsyncTransaction]:
        """As the driver's; where a session is shared, it begins with our settings."""
        is_outer = self.info.transaction_status == TransactionStatus.IDLE
        async with super().transaction(savepoint_name, force_rollback) as transaction:
            if is_outer and self._each_transaction is not None:
                await self.execute(self._each_transaction)
            yield transaction


def for_a_transaction() -> list[str]:
    """Statements that set up a transaction which another driver has begun."""
    wanted = {**_KEPT_BY_POOLERS, **_RELIED_ON}
    # The isolation of this one is decided already.
    local = [
        f"SET LOCAL {name} = " + (value if name == "datestyle" else f"'{value}'")
        for name, value in wanted.items()
        if not name.startswith("default_transaction_")
    ]
    return ["; ".join(local), PATIENT]


async def connect(database_url: str, **more: str) -> Session:
    """A connection of one's own; `more` are parameters of the connection."""
    session = await Session.connect(conninfo(database_url, **more), autocommit=True)
    try:
        await session.set_up()
    except BaseException:
        await session.close()
        raise
    return session


def connect_blocking(database_url: str, **more: str) -> psycopg.Connection[Any]:
    """The same for those who may block. They run statements that need no more than a pooler keeps."""
    connection = psycopg.connect(conninfo(database_url, **more), autocommit=True, prepare_threshold=None)
    try:
        connection.execute(_set(_KEPT_BY_POOLERS))
    except BaseException:
        connection.close()
        raise
    return connection


@asynccontextmanager
async def alone(database_url: str, what: str, *, wait: bool) -> AsyncIterator[bool]:
    """Holds a lock of the whole database while others go on; whether it was to be had, if not to `wait`.

    A connection of its own holds it, in a transaction, because a pooler keeps no session's locks.
    """
    name = f"shopalytic.{what}"
    # Its own name, because who waits for writers to end does not wait for those who only hold a lock.
    async with await connect(database_url, application_name=LOCKING) as session, session.transaction():
        await session.execute(PATIENT)
        if wait:
            await session.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])
            yield True
            return
        cursor = await session.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [name])
        [(held,)] = await cursor.fetchall()
        yield held


@contextmanager
def alone_blocking(database_url: str, lock_id: int, **more: str) -> Iterator[None]:
    """The same for those who may block, for a lock that has a number; waits for it."""
    with connect_blocking(database_url, **more) as connection, connection.transaction():
        connection.execute(PATIENT)
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [lock_id])
        yield


def is_shared(connection: psycopg.Connection[Any]) -> bool:
    """Whether a pooler stands between, so that the session may be another one in each transaction."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row is None or row[0] != connection.info.backend_pid


def conninfo(database_url: str, **more: str) -> str:
    """A connection string with our defaults for what it leaves open. The encoding is ours in any case."""
    given = conninfo_to_dict(database_url)
    missing = {name: value for name, value in _DEFAULTS.items() if name not in given}
    return make_conninfo(database_url, **{**missing, **more, "client_encoding": "UTF8"})


def _set(values: dict[str, str], *, local: bool = False) -> sql.Composed:
    how = sql.SQL("SET LOCAL {} = {};" if local else "SET {} = {};")
    parts = [how.format(sql.SQL(name), _value(name, value)) for name, value in values.items()]
    return sql.Composed(parts)


def _value(name: str, value: str) -> sql.Composable:
    # A list of words in quotes would be one word.
    return sql.SQL(value) if name == "datestyle" else sql.Literal(value)
