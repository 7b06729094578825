"""Makes the views of the schema `analytics`, and keeps them up to date."""

import hashlib
from typing import Any

import psycopg
from psycopg import sql

from shopalytic_server.domain.reports.touches import SESSION_GAP
from shopalytic_server.storage.database.queries import load_beside

SCHEMA = "analytics"
# In the order in which they are made: a view may stand on those before it.
VIEWS = (
    "events",
    "page_views",
    "sessions",
    "product_views",
    "searches",
    "orders",
    "order_lines",
    "refunds",
    "customers",
    "devices",
    "carts",
    "shipments",
)
_SQL = load_beside(__name__)
_LOCK = "shopalytic.analytics"


def _statements() -> list[tuple[str, sql.Composed]]:
    # The barrier keeps a function that a role made for itself from seeing rows before the scope has
    # taken the others' away: https://www.postgresql.org/docs/current/rules-privileges.html
    head = sql.SQL("CREATE OR REPLACE VIEW {} WITH (security_barrier) AS {}")
    found = []
    for name in VIEWS:
        gap = sql.Literal(SESSION_GAP)
        body = sql.SQL(getattr(_SQL, name)).format(session_gap=gap)
        found.append((name, head.format(sql.Identifier(SCHEMA, name), body)))
    return found


def ensure_views(connection: psycopg.Connection[Any], *, create: bool) -> None:
    """Makes the schema and its views as this version has them; without `create`, only where the schema is.

    To make the schema needs the right CREATE on the database.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [_LOCK])
        statements = _statements()
        texts = "".join(statement.as_string(connection) for _, statement in statements)
        version = hashlib.sha256(texts.encode()).hexdigest()
        row = connection.execute(
            "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", [SCHEMA]
        ).fetchone()
        if row == (version,) or (row is None and not create):
            return
        if row is None:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        for _, statement in statements:
            connection.execute(statement)
        connection.execute(
            sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(SCHEMA), sql.Literal(version))
        )
