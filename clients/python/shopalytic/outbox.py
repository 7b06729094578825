"""The transactional outbox: events kept in the shop's own database until a drainer has delivered them.

    with psycopg.connect(...) as connection:          # the shop's own transaction
        connection.execute("INSERT INTO orders ...")
        outbox.record(connection, "order", {...}, identity="17850")

The event is there if, and only if, the order is. A `Drainer` sends what was
committed and deletes it after the server's verdict, so a crash at any moment
loses nothing and, since events keep their ids, stores nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shopalytic.drainer import Drained, Drainer
from shopalytic.events.building import EventBuilder, Properties, Time
from shopalytic.v1.events_pb2 import Context

__all__ = ["DDL", "Drained", "Drainer", "create_table", "record"]

DDL = (
    """CREATE TABLE IF NOT EXISTS shopalytic_outbox (
    position    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    text NOT NULL,
    event       bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    refused_at  timestamptz,
    status      text,
    reason      text
)""",
    """CREATE INDEX IF NOT EXISTS shopalytic_outbox_waiting
    ON shopalytic_outbox (position) WHERE refused_at IS NULL""",
)
"""The table, for the shop's own migrations. `event` is a serialized TrackRequest with one event."""

_RECORD = "INSERT INTO shopalytic_outbox (event_id, event) VALUES (%s, %s)"

_builder = EventBuilder(None, False)


def create_table(connection: Any) -> None:
    """Makes the table if it is not there, in the transaction of `connection`."""
    with _cursor(connection) as execute:
        for statement in DDL:
            execute(statement, ())


def record(
    connection: Any,
    type: str,  # noqa: A002 - the word of the catalogue and of every other surface
    properties: Properties,
    *,
    identity: str | None = None,
    tracking_id: str | None = None,
    event_id: str | None = None,
    occurred_at: Time | None = None,
    context: Mapping[str, Any] | Context | None = None,
    source: str | None = None,
    sandbox: bool | None = None,
    tie_breaker: int | None = None,
) -> str:
    """Puts an event into the outbox and returns its id; raises InvalidEvent when it breaks a rule.

    `connection` is what the shop writes with: a psycopg or other DB-API
    connection or cursor, Django's `connection`, an SQLAlchemy Connection or
    Session. Nothing is committed here: the event lives and dies with the
    transaction that is open there.
    """
    event_id, chunk = _builder.build(
        type,
        properties,
        identity,
        tracking_id,
        event_id,
        occurred_at,
        context,
        source,
        sandbox,
        tie_breaker,
    )
    with _cursor(connection) as execute:
        execute(_RECORD, (event_id, chunk))
    return event_id


@contextmanager
def _cursor(connection: Any) -> Iterator[Any]:
    """A function that runs SQL with parameters on whatever kind of connection this is."""
    # A Session of SQLAlchemy gives its connection by a call; others have an attribute of that name.
    if callable(getattr(connection, "connection", None)):
        connection = connection.connection()
    if hasattr(connection, "exec_driver_sql"):
        yield connection.exec_driver_sql
    elif hasattr(connection, "cursor"):
        cursor = connection.cursor()
        try:
            yield cursor.execute
        finally:
            cursor.close()
    elif hasattr(connection, "execute"):
        yield connection.execute
    else:
        kind = connection.__class__.__name__
        raise TypeError(
            f"{kind} is no connection: give a DB-API, Django or SQLAlchemy connection or session."
        )
