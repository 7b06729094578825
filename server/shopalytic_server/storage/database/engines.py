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

_ON_CITUS: dict[str, str] = {}


def on_citus(statement: str, instead: str) -> None:
    """Notes what is run on Citus instead of a statement."""
    _ON_CITUS[statement] = instead


def text_for(statement: str, *, citus: bool) -> str:
    """What a statement is called on an engine; for those who put statements together."""
    return _ON_CITUS.get(statement, statement) if citus else statement


class CitusCursor(psycopg.AsyncCursor[Any]):
    """Runs the texts for Citus."""

    async def execute(self, query: Any, *args: Any, **options: Any) -> "CitusCursor":
        """As the driver's."""
        if isinstance(query, bytes):
            query = text_for(query.decode(), citus=True)
        elif isinstance(query, str):
            query = text_for(query, citus=True)
        elif isinstance(query, sql.Composed):
            parts = list(query)
            if len(parts) == 1 and isinstance(parts[0], sql.SQL):
                query = text_for(parts[0].as_string(), citus=True)
        await super().execute(query, *args, **options)
        return self
