"""Makes the typed tables anew from the stored events, and tells where they differ from what is there."""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from shopalytic_server.domain.events.plain_dates import DATES, begin_of_day
from shopalytic_server.storage.database.connections import Connection, schema_of_tables
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.sessions import connect
from shopalytic_server.storage.facts.changes import mark_every_day, note_upheaval
from shopalytic_server.storage.ingest.identities import all_forms_apart, join_forms
from shopalytic_server.storage.rebuild.replay import TABLES, Progress, replay, silent
from shopalytic_server.storage.schema.partitions import Partitions

_SQL = load("rebuild/typed_tables")

_SCHEMA = "shopalytic_rebuild"
_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """How many events were read, and how many rows of each table were not as they should be."""

    events: int
    differences: dict[str, int]

    @property
    def equal(self) -> bool:
        """Whether every table was as the events say."""
        return not any(self.differences.values())


async def rebuild(
    database_url: str, *, check: bool, midnights_are_days: bool = False, progress: Progress = silent
) -> RebuildResult:
    """Builds every typed table from `events` beside the live ones, and compares.

    With `check` nothing is changed and ingest goes on. Without it ingest waits,
    and tables that differ get the rebuilt rows; reports go on meanwhile. What events said that
    have expired since is taken over as it is. Days without a time of day are those of their
    project's time zone of now: `differences` tells of events that move under "events".
    With `midnights_are_days` so are times that are midnights in UTC and that nobody has
    marked as days: events came without a mark once.
    `progress` is called with (events done, events in all).
    """
    async with await connect(database_url) as conn:
        # One snapshot for the events and for the tables they are compared with.
        await conn.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        async with conn.transaction(force_rollback=check):
            await conn.execute(_SQL.hold_partitions)
            if not check:
                await conn.execute(_SQL.hold_ingest)
            if midnights_are_days:
                await conn.execute(_SQL.mark_days, {"names": list(DATES)})
            moved = await _move_days(conn, check=check)
            home = await schema_of_tables(conn)
            await _make_tables(conn, home)
            await _keep(conn, home)
            events = await replay(conn, chunk=_CHUNK, progress=progress)
            differences = {table: await _difference(conn, home, table) for table in TABLES}
            if moved:
                differences["events"] = moved
            if not check:
                for table in TABLES:
                    if differences[table]:
                        await _replace(conn, home, table)
                await note_upheaval(conn)
                await mark_every_day(conn)
                await conn.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(_SCHEMA)))
    return RebuildResult(events, differences)


async def _move_days(conn: Connection, *, check: bool) -> int:
    """Moves events whose time is a day to where it begins in their project's time zone of now."""
    rows = await (await conn.execute(_SQL.plain_days)).fetchall()
    moves = {
        (zone, midnight): begin_of_day(midnight, zone)
        for zone, midnight, occurred_at, _ in rows
        if begin_of_day(midnight, zone) != occurred_at
    }
    if moves and not check:
        await Partitions().ensure(conn, moves.values())
        parameters = {
            "time_zones": [zone for zone, _ in moves],
            "midnights": [midnight for _, midnight in moves],
            "begins": list(moves.values()),
        }
        await conn.execute(_SQL.move_days, parameters)
    return sum(count for zone, midnight, at, count in rows if begin_of_day(midnight, zone) != at)


async def _make_tables(conn: Connection, home: str) -> None:
    await conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(_SCHEMA)))
    for table in TABLES:
        await conn.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(
                sql.Identifier(_SCHEMA, table), sql.Identifier(home, table)
            )
        )
    # The statements of ingest name no schema: they now find the new tables
    # first, and `events` where it is.
    path = sql.SQL("SET LOCAL search_path = {}, {}")
    await conn.execute(path.format(sql.Identifier(_SCHEMA), sql.Identifier(home)))


async def _keep(conn: Connection, home: str) -> None:
    for statement, table in ((_SQL.keep_identities, "identities"), (_SQL.keep_products, "products")):
        await conn.execute(sql.SQL(statement).format(live=sql.Identifier(home, table)))
    await join_forms(conn, await all_forms_apart(conn), noted=False)


async def _difference(conn: Connection, home: str, table: str) -> int:
    text = _SQL.difference_of_order_revisions if table == "order_revisions" else _SQL.difference
    statement = sql.SQL(text).format(live=sql.Identifier(home, table), rebuilt=sql.Identifier(_SCHEMA, table))
    row = await (await conn.execute(statement)).fetchone()
    return int(row[0]) if row is not None else 0


async def _replace(conn: Connection, home: str, table: str) -> None:
    live, rebuilt = sql.Identifier(home, table), sql.Identifier(_SCHEMA, table)
    await conn.execute(sql.SQL("DELETE FROM {}").format(live))
    await conn.execute(sql.SQL("INSERT INTO {} SELECT * FROM {}").format(live, rebuilt))
