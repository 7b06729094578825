"""Removes events that have expired, by the projects' settings; what they said for good stays.

Event ids stay in `event_keys`, so an event that was removed is a duplicate when
it is sent again. Identities and products stay as they are. Before page views
go, their days are summed up (`page_sums`): first `expirations` tells everybody to
add late page views of these days to the sums, then all that may not have seen it
yet ends, then the sums are made. So a day loses page views only when it has sums.

A partition of which nothing is to stay is emptied at once. It is not dropped:
that would need a lock on all of `events`, and the next late event would have to
make it again. Everything else is deleted in small batches with pauses, each a
transaction of its own, so that nobody waits.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from time import monotonic

import psycopg
from psycopg import sql

from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.privacy.data_retention import cut_off, days_kept
from shopalytic_server.domain.projects import EVENT_TYPES
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.sessions import alone, connect
from shopalytic_server.storage.database.writers import older_writers_end
from shopalytic_server.storage.facts.changes import mark_days, mark_every_day
from shopalytic_server.storage.rollups.page_sums import LOCK, forget_days, sum_up_before
from shopalytic_server.storage.schema.partitions import month_of

log = logging.getLogger(__name__)

_SQL = load("privacy/data_retention")

_BATCH = 1_000
_PAUSE_SECONDS = 0.02
# Who reads events waits behind the lock on a partition that waits for readers.
_LOCK_TIMEOUT = "500ms"
_ALWAYS = "-infinity"


@dataclass(slots=True)
class Expired:
    """A type of a project whose events expire, and how many did."""

    project_id: int
    project: str
    event_type: str
    days: int
    before: datetime
    """What happened before this has expired."""
    events: int = 0

    @property
    def datasets(self) -> tuple[Dataset, Dataset]:
        """The project's real dataset and its sandbox, which expire alike."""
        return Dataset.both(self.project_id)


@dataclass(slots=True)
class Expiry:
    """What one pass removed, or would have."""

    expired: list[Expired] = field(default_factory=list)
    partitions: int = 0

    def by_type(self) -> Counter[str]:
        """How many events of each type."""
        counts: Counter[str] = Counter()
        for each in self.expired:
            counts[each.event_type] += each.events
        return counts


async def remove_expired(
    database_url: str, *, dry_run: bool = False, now: datetime | None = None
) -> Expiry | None:
    """One pass over all projects; None while another is under way. With `dry_run` it only counts.

    `now`, of a time zone, is the moment from which the days are counted back; the present, if left out.
    """
    async with await connect(database_url) as conn:
        expiry = Expiry(await _settings(conn, now or datetime.now(UTC)))
        if dry_run:
            for each in expiry.expired:
                each.events = await _count(conn, each)
            return expiry
        async with alone(database_url, "expiry", wait=False) as held:
            if not held:
                return None
            if expiry.expired:
                async with alone(database_url, LOCK, wait=True):
                    await _sum_up(conn, expiry.expired)
                await _empty_partitions(conn, expiry)
                for each in expiry.expired:
                    await _remove(conn, each)
        return expiry


async def _settings(conn: Connection, now: datetime) -> list[Expired]:
    rows = await (await conn.execute(_SQL.projects)).fetchall()
    return [
        Expired(project_id, name, event_type, days, cut_off(now, days))
        for project_id, name, retention in rows
        for event_type, days in days_kept(retention.items()).items()
    ]


async def _count(conn: Connection, expired: Expired) -> int:
    found = 0
    for dataset in expired.datasets:
        values = {"dataset": dataset, "type": expired.event_type, "before": expired.before}
        row = await (await conn.execute(_SQL.count, values)).fetchone()
        found += row[0] if row is not None else 0
    return found


async def _sum_up(conn: Connection, expired: Sequence[Expired]) -> None:
    """Makes sure that all page views that are to go are in sums which stay."""
    each_dataset = [(dataset, each) for each in expired for dataset in each.datasets]
    async with conn.transaction():
        await _mark_summed_up(conn, each_dataset)
        await conn.execute(
            _SQL.announce,
            {
                "datasets": [dataset for dataset, _ in each_dataset],
                "types": [each.event_type for _, each in each_dataset],
                "befores": [each.before for _, each in each_dataset],
            },
        )
    await older_writers_end(conn)
    for each in expired:
        if each.event_type == "page_view":
            await sum_up_before(conn, each.project_id, each.before.date())


async def _mark_summed_up(conn: Connection, expired: Sequence[tuple[int, Expired]]) -> None:
    """Marks the days whose page views are read from their sums from now on."""
    before = {dataset: each.before for dataset, each in expired if each.event_type == "page_view"}
    rows = await (await conn.execute(_SQL.announced, {"datasets": list(before)})).fetchall()
    known = dict(rows)
    for dataset, until in before.items():
        first = known[dataset].date() if dataset in known else date.min
        await forget_days(conn, dataset, first, until.date())
        if dataset not in known:
            await mark_every_day(conn, [dataset])
        elif known[dataset] < until:
            await mark_days(conn, [dataset], first, until.date())


async def _empty_partitions(conn: Connection, expiry: Expiry) -> None:
    if conn.is_citus:
        return  # A lock of a partition has no limit of time on its shards: events are deleted in batches.
    latest = max(each.before for each in expiry.expired)
    names = await (await conn.execute(_SQL.partitions)).fetchall()
    for (name,) in names:
        month = month_of(name)
        if month is None or month[1] > latest:
            continue
        try:
            await _empty_if_expired(conn, expiry, name, *month)
        except psycopg.errors.LockNotAvailable:
            continue  # Its events are deleted in batches instead.


async def _empty_if_expired(
    conn: Connection, expiry: Expiry, name: str, begin: datetime, end: datetime
) -> None:
    table = sql.Identifier(name)
    before = {(dataset, each.event_type): each.before for each in expiry.expired for dataset in each.datasets}

    async def holds_others() -> bool:
        # Projects may be new.
        datasets = [row[0] for row in await (await conn.execute(_SQL.datasets)).fetchall()]
        kinds = [(dataset, event_type) for dataset in datasets for event_type in EVENT_TYPES]
        values = {
            "datasets": [dataset for dataset, _ in kinds],
            "types": [event_type for _, event_type in kinds],
            "befores": [str(before.get(kind, _ALWAYS)) for kind in kinds],
            "begin": begin.date(),
            "end": end.date(),
        }
        statement = sql.SQL(_SQL.holds_others).format(partition=table)
        row = await (await conn.execute(statement, values)).fetchone()
        return row is None or bool(row[0])

    if await holds_others():
        return
    tally = await (await conn.execute(sql.SQL(_SQL.tally).format(partition=table))).fetchall()
    async with conn.transaction():
        await conn.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_TIMEOUT))
        await conn.execute(sql.SQL(_SQL.hold).format(partition=table))
        if await holds_others():
            return
        await conn.execute(sql.SQL(_SQL.empty).format(partition=table))
        datasets = {dataset for dataset, _, _ in tally}
        await mark_days(conn, datasets, begin.date(), end.date())
    counts = {(dataset, event_type): count for dataset, event_type, count in tally}
    for each in expiry.expired:
        each.events += sum(counts.get((dataset, each.event_type), 0) for dataset in each.datasets)
    expiry.partitions += bool(tally)


async def _remove(conn: Connection, expired: Expired) -> None:
    for dataset in expired.datasets:
        from_at: datetime | str = _ALWAYS
        found = _BATCH
        while found == _BATCH:
            begun = monotonic()
            values = {
                "dataset": dataset,
                "type": expired.event_type,
                "from_at": from_at,
                "before": expired.before,
                "limit": _BATCH,
            }
            async with conn.transaction():
                row = await (await conn.execute(_SQL.remove, values)).fetchone()
                assert row is not None  # noqa: S101 - an aggregate has a row
                found, first, reached = row
                if found:
                    await mark_days(conn, [dataset], first.date(), reached.date())
            expired.events += found
            from_at = reached or from_at
            # At most half of the time is spent at work.
            await asyncio.sleep(max(_PAUSE_SECONDS, monotonic() - begun))
