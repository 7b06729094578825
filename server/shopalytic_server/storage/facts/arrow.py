"""Rows out of PostgreSQL as Arrow streams, which DuckDB takes as they are.

Such a connection is not psycopg's, so it looks at the snapshot that psycopg's
transaction has exported: both see the same moment.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import adbc_driver_postgresql
import duckdb
from adbc_driver_manager import AdbcConnection, AdbcStatement, Error

from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.storage.sessions import conninfo

# Classes of SQLSTATE that speak of our statement, not of the moment.
_OURS = frozenset({"22", "42"})

_BEGIN = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET TRANSACTION SNAPSHOT '{snapshot}'",
    "SET LOCAL client_encoding = 'UTF8'; SET LOCAL timezone = 'UTC'",
    "SET LOCAL work_mem = '128MB'; SET LOCAL jit = off",
)


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


@contextmanager
def arrow_rows(database_url: str, snapshot: str) -> Iterator[ArrowRows]:
    """Reads what a snapshot that a transaction has exported sees; raises StoreUnavailable."""
    with (
        translated(),
        adbc_driver_postgresql.connect(conninfo(database_url)) as database,
        AdbcConnection(database) as connection,
    ):
        rows = ArrowRows(connection)
        for statement in _BEGIN:
            rows.run(statement.format(snapshot=snapshot))
        yield rows


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
