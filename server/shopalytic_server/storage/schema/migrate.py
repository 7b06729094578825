"""Brings a database's schema up to date: numbered SQL files, each applied once, forward only."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import psycopg
from psycopg.errors import LockNotAvailable
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random,
    wait_random_exponential,
)
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri
from yoyo.migrations import MigrationList, default_migration_table, get_migration_hash

from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.storage.analytics import ensure_views
from shopalytic_server.storage.database.connections import ROLLED_BACK
from shopalytic_server.storage.database.sessions import PATIENT, alone_blocking, connect_blocking
from shopalytic_server.storage.schema import distribute
from shopalytic_server.storage.schema.cluster import (
    MIGRATING,
    Placed,
    is_distributed,
    placements,
    why_not_to_write,
)

MINIMUM_SERVER_VERSION = 150000

# Events may hold any text. Servers of minimal systems make databases of another encoding.
ENCODING = "UTF8"

# Any number, the same in every version: servers that start together on one
# database wait for each other here.
_LOCK_ID = 7_254_611_930_021_733

# A migration locks several tables, and so does ingest, which goes on meanwhile:
# where they wait for each other, PostgreSQL rolls one of them back.
_ATTEMPTS = 10

# Migrations that once had another name, by the present one. A database that has
# one by its former name has it; servers of that time go on finding it there.
_FORMER_NAMES = {"0007_page_quarters": "0005_page_quarters"}

# A migration that waits for a table holds up all who come after it. So it gives
# up soon, lets them through, and comes back.
_LOCK_SECONDS = 2
_PATIENCE_SECONDS = 600

_STATE = """
SELECT current_setting('server_encoding'), pg_is_in_recovery(),
       current_setting('transaction_read_only')::boolean,
       current_schema, current_setting('search_path'), current_user
"""


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc] # the library has no types
    """The library's backend, connected by a libpq string and locked by a transaction beside it.

    The library's own lock is a row, which a killed process would leave behind;
    an advisory lock ends with its connection.
    """

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._is_locked = False
        super().__init__(parse_uri("postgresql+psycopg:///"), default_migration_table)

    def copy(self) -> "_Backend":
        return _Backend(self._conninfo)

    def connect(self, dburi: Any) -> psycopg.Connection[Any]:
        return connect_blocking(self._conninfo, application_name=MIGRATING)

    def begin(self) -> None:
        super().begin()
        self.execute(PATIENT)
        self.execute(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")

    @contextmanager
    def lock(self, timeout: float = 0) -> Iterator[None]:
        if self._is_locked:  # The library locks again inside of our lock.
            yield
            return
        with alone_blocking(self._conninfo, _LOCK_ID, application_name=MIGRATING):
            self._is_locked = True
            try:
                yield
            finally:
                self._is_locked = False


def migrate(database_url: str) -> list[str]:
    """Applies what is pending and returns the names of the migrations applied.

    Raises StoreUnavailable when the database cannot be reached, is too old or cannot
    hold every text.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(ROLLED_BACK),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.1, max=5),
        reraise=True,
    )
    return retrying(_migrate, database_url)


def _migrate(database_url: str) -> list[str]:
    """The same, but for transactions that were rolled back; comes back for tables that are in use."""
    retrying = Retrying(
        retry=retry_if_exception_type(LockNotAvailable),
        stop=stop_after_delay(_PATIENCE_SECONDS),
        wait=wait_random(0.1, 1),
        reraise=True,
    )
    return retrying(_apply, database_url)


def _apply(database_url: str) -> list[str]:
    with _backend(database_url) as backend, backend.lock():
        todo = _to_apply(backend)
        backend.apply_migrations(todo)
        if is_distributed(backend.connection):
            distribute.distribute(backend.connection, distribute.SHARDS)
        ensure_views(backend.connection, create=False)
        return [migration.id for migration in todo]


def migrate_onto_cluster(
    database_url: str, shards: int, progress: distribute.Progress = lambda *_: None
) -> list[tuple[Placed, int]]:
    """Applies what is pending and distributes all tables over a Citus cluster; may be repeated.

    Returns where each table lies, with the number of its rows. Raises StoreUnavailable with
    what is in the way and what to do about it.
    """
    with connect_blocking(database_url, application_name=MIGRATING) as connection:
        distribute.refuse_if_hindered(connection, tables=False)
        migrate(database_url)
        with alone_blocking(database_url, _LOCK_ID, application_name=MIGRATING):
            distribute.refuse_if_hindered(connection)
            distribute.distribute(connection, shards, progress)
        return [
            (placed, distribute.count(connection, name)) for name, placed in placements(connection).items()
        ]


def planned_onto_cluster(database_url: str, shards: int) -> tuple[list[str], list[str]]:
    """The names of the migrations and the statements that `migrate_onto_cluster` would run."""
    with connect_blocking(database_url, application_name=MIGRATING) as connection:
        distribute.refuse_if_hindered(connection)
        return pending(database_url), distribute.statements(connection, shards)


def pending(database_url: str) -> list[str]:
    """Names of the migrations that `migrate` would apply."""
    with _backend(database_url) as backend, backend.lock():
        return [migration.id for migration in _to_apply(backend)]


def _to_apply(backend: _Backend) -> MigrationList:
    """What is pending; marks what was applied by a former name."""
    backend.init_database()
    applied = backend.get_applied_migration_hashes()
    for migration in backend.to_apply(_migrations()):
        former = _FORMER_NAMES.get(migration.id)
        if former is not None and get_migration_hash(former) in applied:
            backend.mark_one(migration)
    return backend.to_apply(_migrations())


def _backend(database_url: str) -> _Backend:
    try:
        backend = _Backend(database_url)
    except psycopg.OperationalError as error:
        raise StoreUnavailable(f"The database cannot be reached: {error}") from error
    if unfit := why_unfit(backend.connection):
        backend.connection.close()
        raise StoreUnavailable(unfit)
    return backend


def why_unfit(connection: psycopg.Connection[Any]) -> str | None:
    """Why the database cannot be used, and what to do; None if it can be."""
    connected = connection.info
    version = connected.server_version
    if version < MINIMUM_SERVER_VERSION:
        return f"PostgreSQL {version // 10000} is too old; Shopalytic needs version 15 or later."
    row = connection.execute(_STATE).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has a row
    encoding, is_replica, is_read_only, schema, path, user = row
    if encoding != ENCODING:
        return (
            f'The database "{connected.dbname}" has the encoding {encoding}, which cannot hold every text;'
            f" make one with CREATE DATABASE … ENCODING '{ENCODING}' TEMPLATE template0."
        )
    if is_replica:
        return "This is a replica; it cannot store. Name its primary in --database-url."
    if is_read_only:
        return (
            f'The database "{connected.dbname}" is read-only for "{user}"; and must be written to;'
            " see default_transaction_read_only of the server, the database and the role."
        )
    if refused := why_not_to_write(connection):
        return refused
    if schema is None:
        return (
            f'No schema of the search path ({path or "which is empty"}) is there for "{user}", so tables have'
            " no place: ALTER ROLE … SET search_path = public, or make the schema."
        )
    return None


def folder() -> str:
    """Where the numbered files are."""
    return str(resources.files("shopalytic_server.storage").joinpath("migrations"))


def _migrations() -> MigrationList:
    return read_migrations(folder())
