"""Makes the typed tables anew from the stored events, and tells where they differ from what is there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest import Prepared
from shopalytic_server.storage.database import Connection
from shopalytic_server.storage.decisions import DECIDED_TYPES, Decisions
from shopalytic_server.storage.ingest import KnownIdentities, project_plain
from shopalytic_server.storage.queries import load

_SQL = load("rebuild")

TABLES = (
    "identities",
    "tracking_links",
    "alias_links",
    "profile_changes",
    "cart_changes",
    "order_revisions",
    "order_items",
    "refunds",
    "refund_items",
    "shipment_changes",
    "products",
)
_SCHEMA = "shopalytic_rebuild"
_CHUNK = 2_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """How many events were read, and how many rows of each table were not as they should be."""

    events: int
    differences: dict[str, int]

    @property
    def equal(self) -> bool:
        """Whether every table was as the events say."""
        return not any(self.differences.values())


async def rebuild(database_url: str, *, check: bool, progress: Progress | None = None) -> RebuildResult:
    """Builds every typed table from `events` beside the live ones, and compares.

    With `check` nothing is changed and ingest goes on. Without it ingest waits,
    and tables that differ get the rebuilt rows; reports go on meanwhile.
    `progress` is called with (events done, events in all).
    """
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
        # One snapshot for the events and for the tables they are compared with.
        await conn.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        async with conn.transaction(force_rollback=check):
            if not check:
                await conn.execute(_SQL.hold_ingest)
            await _make_tables(conn)
            events = await _replay(conn, progress or _silent)
            differences = {table: await _difference(conn, table) for table in TABLES}
            if not check:
                for table in TABLES:
                    if differences[table]:
                        await _replace(conn, table)
                await conn.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(_SCHEMA)))
    return RebuildResult(events, differences)


def _silent(_done: int, _total: int) -> None:
    pass


async def _make_tables(conn: Connection) -> None:
    await conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(_SCHEMA)))
    for table in TABLES:
        await conn.execute(
            sql.SQL("CREATE TABLE {} (LIKE public.{} INCLUDING ALL)").format(
                sql.Identifier(_SCHEMA, table), sql.Identifier(table)
            )
        )
    # The statements of ingest name no schema: they now find the new tables
    # first, and `events` where it is.
    await conn.execute(sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(_SCHEMA)))


async def _replay(conn: Connection, progress: Progress) -> int:
    row = await (await conn.execute(_SQL.count_events)).fetchone()
    total = row[0] if row is not None else 0
    done = 0
    known = KnownIdentities()
    async with conn.cursor("shopalytic_rebuild", row_factory=dict_row) as cursor:
        await cursor.execute(_SQL.read_events)
        while rows := await cursor.fetchmany(_CHUNK):
            await _apply(conn, [_prepared(row) for row in rows], known)
            done += len(rows)
            progress(done, total)
    return done


async def _apply(conn: Connection, items: Sequence[Prepared], known: KnownIdentities) -> None:
    await known.note(conn, items)
    known.add(items)
    await project_plain(conn, [item for item in items if item.type not in DECIDED_TYPES])
    for dataset in sorted({item.dataset_id for item in items}):
        decided = [item for item in items if item.dataset_id == dataset and item.type in DECIDED_TYPES]
        if decided:
            await Decisions(conn, dataset, decided, trusted=True).decide()


def _prepared(row: dict[str, Any]) -> Prepared:
    event_id: UUID = row.pop("event_id")
    event = Event(event_id=str(event_id))
    return Prepared(event=event, event_key=event_id.bytes, fingerprint=b"", sent_at=None, **row)


async def _difference(conn: Connection, table: str) -> int:
    statement = sql.SQL(_SQL.difference).format(
        live=sql.Identifier("public", table), rebuilt=sql.Identifier(_SCHEMA, table)
    )
    row = await (await conn.execute(statement)).fetchone()
    return int(row[0]) if row is not None else 0


async def _replace(conn: Connection, table: str) -> None:
    live, rebuilt = sql.Identifier("public", table), sql.Identifier(_SCHEMA, table)
    await conn.execute(sql.SQL("DELETE FROM {}").format(live))
    await conn.execute(sql.SQL("INSERT INTO {} SELECT * FROM {}").format(live, rebuilt))
