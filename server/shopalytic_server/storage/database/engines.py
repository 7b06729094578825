"""Which engine a database is of, and what a statement is called on it: the one place that chooses.

Most statements are one text for PostgreSQL and for Citus. Where that would cost something on
PostgreSQL, a block `-- on citus: name` follows the block `-- name: name` in the same file, with the
same parameters and the same rows. Sessions with a database that has the extension run that instead.
"""

from typing import Any

import psycopg
from psycopg import sql

IS_CITUS = "EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')"
"""Whether a database has the extension, as an expression of SQL."""

# Faults of a statement and not of the moment: what the engine does not have, syntax, an object's
# definition, an unknown conflict target, function or type of a parameter.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_PERMANENT = frozenset({"0A000", "42601", "42P17", "42P10", "42P18", "42804", "42883", "42725"})

_ON_CITUS: dict[str, str] = {}
_NAMES: dict[str, str] = {}


def name(statement: str, called: str) -> None:
    """Notes what a statement is called in logs."""
    _NAMES.setdefault(statement, called)


def on_citus(statement: str, instead: str) -> None:
    """Notes what is run on Citus instead of a statement."""
    _ON_CITUS[statement] = instead


def text_for(statement: str, *, citus: bool) -> str:
    """What a statement is called on an engine; for those who put statements together."""
    return _ON_CITUS.get(statement, statement) if citus else statement


def is_permanent(error: psycopg.Error) -> bool:
    """Whether the engine cannot run a statement, today or later."""
    return error.sqlstate in _PERMANENT


def statement_of(error: psycopg.Error) -> str:
    """The name of the statement that failed, as far as it is known."""
    return str(getattr(error, "statement", "one without a name"))


class EngineCursor(psycopg.AsyncCursor[Any]):
    """Runs the text for its engine, and has errors tell which statement failed."""

    async def execute(self, query: Any, *args: Any, **options: Any) -> "EngineCursor":
        """As the driver's."""
        given = _text_of(query)
        if given in _ON_CITUS and getattr(self.connection, "is_citus", False):
            query = _ON_CITUS[given]
        try:
            await super().execute(query, *args, **options)
        except psycopg.Error as error:
            vars(error)["statement"] = _NAMES.get(given, "one without a name")
            raise
        return self


def _text_of(query: Any) -> str:
    if isinstance(query, bytes):
        return query.decode()
    if isinstance(query, sql.Composed):
        parts = list(query)
        return parts[0].as_string() if len(parts) == 1 and isinstance(parts[0], sql.SQL) else ""
    return query if isinstance(query, str) else ""
