"""Replays stored events into empty typed tables: for a rebuild, and for what was known at a moment."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.events.prepared import Prepared, Sending, microseconds
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.ingest.decisions import DECIDED_TYPES, Decisions
from shopalytic_server.storage.ingest.transaction import (
    join_plain_forms,
    note_identities,
    project_plain,
)

_SQL = load("rebuild/typed_tables")

TABLES = (
    "identities",
    "tracking_links",
    "alias_links",
    "profile_changes",
    "cart_changes",
    "order_revisions",
    "order_statements",
    "order_items",
    "refunds",
    "refund_items",
    "shipment_changes",
    "products",
)

Progress = Callable[[int, int], None]


def silent(_done: int, _total: int) -> None:
    """Nobody watches."""


async def replay(conn: Connection, *, chunk: int, progress: Progress = silent) -> int:
    """Makes the typed rows of all events that `events` shows; returns how many were read.

    The statements of ingest name no schema: tables and the events are those
    that the connection's search path finds first. `progress` is called with
    (events done, events in all) after each `chunk` events.
    """
    row = await (await conn.execute(_SQL.count_events)).fetchone()
    total = row[0] if row is not None else 0
    done = 0
    async with conn.cursor("shopalytic_replay", row_factory=dict_row) as cursor:
        await cursor.execute(_SQL.read_events)
        while rows := await cursor.fetchmany(chunk):
            await _apply(conn, [_prepared(row) for row in rows])
            done += len(rows)
            progress(done, total)
    return done


async def _apply(conn: Connection, items: Sequence[Prepared]) -> None:
    await note_identities(conn, items)
    plain = [item for item in items if item.type not in DECIDED_TYPES]
    await join_plain_forms(conn, plain, noted=False)
    await project_plain(conn, plain)
    for dataset in sorted({item.dataset_id for item in items}):
        decided = [item for item in items if item.dataset_id == dataset and item.type in DECIDED_TYPES]
        if decided:
            await Decisions(conn, dataset, decided, trusted=True).decide()


def _prepared(row: dict[str, Any]) -> Prepared:
    event_id: UUID = row.pop("event_id")
    subject: UUID = row.pop("subject")
    return Prepared(
        event=Event(event_id=str(event_id)),
        sending=Sending(
            row.pop("currency"),
            row.pop("received_at"),
            time_zone=row.pop("time_zone"),
            order_number_groups=row.pop("order_number_groups"),
        ),
        event_key=event_id.bytes,
        subject_key=subject.bytes,
        occurred_us=microseconds(row.pop("occurred_at")),
        fingerprint=b"",
        plain_dates=row.pop("plain_dates") or (),
        **row,
    )
