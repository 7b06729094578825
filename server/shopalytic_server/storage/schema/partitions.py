"""Monthly partitions of `events`, made when the first event of a month arrives."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

Month = tuple[int, int]
_NAME = re.compile(r"events_(\d{4})_(\d{2})")
Connection = psycopg.AsyncConnection[Any]


def months_of(times: Iterable[datetime]) -> set[Month]:
    """The calendar months in UTC, as (year, month), that some times lie in."""
    return {(time.year, time.month) for time in times}


class Partitions:
    """Remembers which months have a partition, and makes those that are missing."""

    def __init__(self) -> None:
        self._known: set[Month] = set()

    async def ensure(self, conn: Connection, times: Iterable[datetime]) -> None:
        """Makes the partitions for these times, in a transaction of their own."""
        missing = months_of(times) - self._known
        for month in sorted(missing):
            async with conn.transaction():
                await _create(conn, month)
        self._known |= missing


def month_of(name: str) -> tuple[datetime, datetime] | None:
    """The month that the partition of this name holds: its begin, and its end, which it excludes."""
    found = _NAME.fullmatch(name)
    return _bounds((int(found[1]), int(found[2]))) if found else None


def _bounds(month: Month) -> tuple[datetime, datetime]:
    year, number = month
    start = datetime(year, number, 1, tzinfo=UTC)
    return start, datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


async def _create(conn: Connection, month: Month) -> None:
    year, number = month
    start, end = _bounds(month)
    name = f"events_{year:04}_{number:02}"
    # Servers that meet a new month at once wait here for the first of them.
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('shopalytic.partitions'))")
    row = await (await conn.execute("SELECT to_regclass(%s) IS NOT NULL", [name])).fetchone()
    if row is not None and row[0]:
        return
    # Attaching a finished table takes a weaker lock on `events` than creating
    # it as a partition, so that readers and writers go on.
    await conn.execute(sql.SQL("CREATE TABLE {} (LIKE events INCLUDING ALL)").format(sql.Identifier(name)))
    await conn.execute(
        sql.SQL("ALTER TABLE events ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
            sql.Identifier(name), sql.Literal(start), sql.Literal(end)
        )
    )
