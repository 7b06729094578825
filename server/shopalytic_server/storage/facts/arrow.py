"""Rows out of PostgreSQL as Arrow streams, which DuckDB takes as they are.

Such a connection is not psycopg's, so it looks at the snapshot that psycopg's
transaction has exported: both see the same moment.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

import adbc_driver_postgresql
import duckdb
from adbc_driver_manager import AdbcConnection, AdbcDatabase, AdbcStatement, Error
from psycopg.conninfo import conninfo_to_dict

from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.storage.database.sessions import conninfo, for_a_transaction

# Classes of SQLSTATE that speak of our statement, not of the moment.
_OURS = frozenset({"22", "42"})

_BEGIN = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET TRANSACTION SNAPSHOT '{snapshot}'",
    *for_a_transaction(),
    "SET LOCAL work_mem = '128MB'; SET LOCAL jit = off",
)


# The driver asks for the names of types as soon as it is connected, and knows none in quotes.
_PLAIN_NAMES = "-c quote_all_identifiers=off"

_MOST_IDLE = 2


class ArrowRows:
    """A connection that reads what one snapshot sees. Its calls block."""

    def __init__(self, connection: AdbcConnection) -> None:
        self._connection = connection

    def stream(self, statement: str, into: duckdb.DuckDBPyConnection, name: str, insert: str) -> None:
        """Lets DuckDB run `insert`, which reads the statement's rows under a name."""
        with translated(), AdbcStatement(self._connection) as running:
            running.set_sql_query(statement)
            rows, _ = running.execute_query()
            into.register(name, rows)
            try:
                into.execute(insert)
            except duckdb.InvalidInputException as error:
                # DuckDB's word for a stream that broke off.
                raise StoreUnavailable from error
            finally:
                into.unregister(name)

    def run(self, statement: str) -> None:
        """Runs a statement that has no rows."""
        with AdbcStatement(self._connection) as running:
            running.set_sql_query(statement)
            running.execute_update()


class ArrowConnections:
    """Connections that are kept for the next question: to connect takes longer than many a statement."""

    def __init__(self) -> None:
        self._idle: list[tuple[str, _Connected]] = []
        self._lock = Lock()

    @contextmanager
    def rows(self, database_url: str, snapshot: str) -> Iterator[ArrowRows]:
        """Reads what a snapshot that a transaction has exported sees; raises StoreUnavailable."""
        with translated():
            connected = self._begun(database_url, snapshot)
            try:
                yield ArrowRows(connected.connection)
                ArrowRows(connected.connection).run("ROLLBACK")
            except BaseException:
                connected.close()
                raise
        with self._lock:
            if len(self._idle) < _MOST_IDLE:
                self._idle.append((database_url, connected))
                return
        connected.close()

    def close(self) -> None:
        """Ends those that nobody uses."""
        with self._lock:
            while self._idle:
                self._idle.pop()[1].close()

    def _begun(self, database_url: str, snapshot: str) -> "_Connected":
        while True:
            with self._lock:
                kept = next((pair for pair in self._idle if pair[0] == database_url), None)
                if kept is not None:
                    self._idle.remove(kept)
            connected = _Connected(database_url) if kept is None else kept[1]
            try:
                for statement in _BEGIN:
                    ArrowRows(connected.connection).run(statement.format(snapshot=snapshot))
            except BaseException as error:
                connected.close()
                # One that was kept may have been lost meanwhile.
                if kept is None or not isinstance(error, Error):
                    raise
                continue
            return connected


class _Connected:
    """A connection with what it belongs to."""

    def __init__(self, database_url: str) -> None:
        self._database = _database(database_url)
        try:
            self.connection = AdbcConnection(self._database)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Ends it."""
        with suppress(Error):
            self.connection.close()
        with suppress(Error):
            self._database.close()


def _database(database_url: str) -> AdbcDatabase:
    given = conninfo_to_dict(database_url).get("options") or ""
    plain = conninfo(database_url, options=f"{given} {_PLAIN_NAMES}".strip())
    try:
        found: AdbcDatabase = adbc_driver_postgresql.connect(plain)
    except Error as error:
        # Said by a pooler that takes no options.
        if "startup parameter" not in str(error):
            raise
        found = adbc_driver_postgresql.connect(conninfo(database_url))
    return found


@contextmanager
def translated() -> Iterator[None]:
    """Turns the loss of the database into StoreUnavailable; the cause is kept."""
    try:
        yield
    except Error as error:
        if _sqlstate(error)[:2] in _OURS:
            raise
        raise StoreUnavailable from error


def _sqlstate(error: Any) -> str:
    return str(getattr(error, "sqlstate", None) or "")
