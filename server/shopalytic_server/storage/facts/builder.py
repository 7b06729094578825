"""Makes files of facts in the background, newest days first.

A day is closed by a token once it lies before yesterday, by the database's
clock, and its month has facts: years without any cost nothing. All that stores
rows of it without a token had to begin before the day was 6 hours past
(`changes`), and no transaction of ours lasts for 18 hours. A month becomes one
unit once it is over; until then days that follow each other do, and later what
changes of it. A unit is made in one snapshot, and becomes one only if the days
are of the same versions afterwards, while nobody removes what was erased.

Files of the newest days stay within the budget; those of the oldest give way.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

import duckdb
import psycopg

from shopalytic_server.background.cancelling import end, end_if_cancelled
from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.domain.projects import EVENT_TYPES
from shopalytic_server.storage.database.connections import ROLLED_BACK, Connection, Pool, translated
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import reading
from shopalytic_server.storage.database.writers import older_writers_end
from shopalytic_server.storage.facts.changes import mark_every_day
from shopalytic_server.storage.facts.engine import interrupt
from shopalytic_server.storage.facts.erased import remove_erased
from shopalytic_server.storage.facts.facts import FactStore
from shopalytic_server.storage.facts.files import FactFiles, Unit, days_between
from shopalytic_server.storage.facts.fresh import Span, kept_of, statement_of
from shopalytic_server.storage.facts.tables import TABLES, VISIT_PARTS, Table
from shopalytic_server.storage.facts.versions import Versions, read_versions
from shopalytic_server.storage.facts.views import parts_of_unit
from shopalytic_server.storage.schema.partitions import month_of

log = logging.getLogger(__name__)

_SQL = load("facts/changes")

# Between two looks at what there is to make, and after one that failed.
_PAUSE_SECONDS = 10.0
_FAILED_SECONDS = 60.0
# To make the unit of a large month takes minutes; hours are too long for a transaction.
_LONGEST_SECONDS = 3_600.0
# What was changed a moment ago is likely to be changed again: an import.
QUIET = timedelta(seconds=10)
# Days before that are always read from PostgreSQL.
_LONGEST = timedelta(days=20 * 366)
# A month in which more days changed is made anew, fewer become units of their own.
_MOST_CHANGED = 3


@dataclass(frozen=True, slots=True)
class Period:
    """Days of a dataset that are to become a unit."""

    dataset: int
    first: date
    last: date

    @property
    def days(self) -> list[date]:
        """All of them."""
        return days_between(self.first, self.last)


class Builder:
    """Makes files for a store of facts, and removes what is of no use any more."""

    def __init__(
        self, store: FactStore, primary: Pool, reports: Pool, *, disk_mb: int, quiet: timedelta = QUIET
    ) -> None:
        """Days are closed in the database of `primary`; their rows come out of that of `reports`."""
        assert store.files is not None  # noqa: S101 - or there is nothing to make
        self._store = store
        self._files: FactFiles = store.files
        self._primary = primary
        self._reports = reports
        self._disk = disk_mb * 1024 * 1024
        self._quiet = quiet
        self._task: asyncio.Task[None] | None = None
        self.days_missing = 0
        """Closed days without a valid file, when it last looked."""
        self._bytes_a_day = 0.0
        self.size = 0
        """Bytes of all files, then."""

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="shopalytic-facts")

    async def stop(self) -> None:
        """End; a unit that is being made is left, and made again later."""
        if self._task is not None:
            await end(self._task)

    async def build_all(self) -> int:
        """Makes all units that are missing; returns how many."""
        made = 0
        while found := await self.build():
            made += found
        return made

    async def build(self, most: int | None = None) -> int:
        """Looks once at what is missing, and makes it or the `most` newest of it; returns how many units."""
        async with self._primary.connection() as conn:
            currencies = dict(await (await conn.execute(_SQL.datasets)).fetchall())
            await self._close(conn, currencies)
        async with reading(self._reports) as snapshot:
            versions = await read_versions(snapshot, currencies)
        if await asyncio.to_thread(remove_erased, self._files, versions):
            await self._store.engine.renew()
        await asyncio.to_thread(self._files.remove_damaged)
        await asyncio.to_thread(self._measure)
        # The budget may have been a larger one.
        await asyncio.to_thread(self._make_room, date.max)
        units = await asyncio.to_thread(self._files.units)
        periods = [
            each for each in self._missing(units, versions, currencies) if self._is_quiet(each, versions)
        ]
        await asyncio.to_thread(self._remove_useless, units, versions, currencies)
        made = 0
        for period in periods[:most]:
            needed = len(period.days) * self._bytes_a_day
            if await asyncio.to_thread(self._make_room, period.first, needed):
                await self._compact(period)
                made += await self._make(period, currencies[period.dataset])
                await asyncio.to_thread(self._measure)
        return made

    async def _run(self) -> None:
        """Of several processes on one folder, one builds."""
        while True:
            with self._files.building() as is_ours:
                if is_ours:
                    await self._build()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _build(self) -> None:
        await asyncio.to_thread(self._files.remove_unfinished)
        told = False
        while True:
            try:
                with translated():
                    await self.build_all()
                told = False
                end_if_cancelled()
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            except (StoreUnavailable, *ROLLED_BACK):
                pass  # The probe tells.
            except (psycopg.Error, duckdb.Error, OSError) as error:
                # Reports read these days from PostgreSQL meanwhile.
                if not told:
                    log.warning(
                        "Files of facts could not be written: %s [facts_failed]", type(error).__name__
                    )
                told = True
            end_if_cancelled()
            await asyncio.sleep(_FAILED_SECONDS)

    async def _close(self, conn: Connection, currencies: dict[int, str]) -> None:
        """Closes days, unless a server of the version before facts may store rows of them unmarked."""
        older = await (await conn.execute(_SQL.older_servers)).fetchone()
        if older is not None and older[0]:
            await mark_every_day(conn)
            return
        await conn.execute(_SQL.forget_upheavals)
        names = await (await conn.execute(_SQL.partitions)).fetchall()
        earliest = datetime.now(UTC) - _LONGEST
        months = [month for (name,) in names if (month := month_of(name)) and month[1] > earliest]
        values = {
            "datasets": list(currencies),
            "types": list(EVENT_TYPES),
            "earliest": earliest,
            "firsts": [begin.date() for begin, _ in months],
            "begins": [begin for begin, _ in months],
            "ends": [end for _, end in months],
        }
        rows = await (await conn.execute(_SQL.months, values)).fetchall()
        closing = {"datasets": [dataset for dataset, _ in rows], "firsts": [first for _, first in rows]}
        await conn.execute(_SQL.close, closing)

    async def _compact(self, period: Period) -> None:
        """Fewer tokens are read by each question."""
        days = period.days
        values = {"datasets": [period.dataset] * len(days), "days": days}
        async with self._primary.connection() as conn:
            await conn.execute(_SQL.compact, values)

    def _missing(self, units: list[Unit], versions: Versions, currencies: dict[int, str]) -> list[Period]:
        """What is to be made, newest first."""
        found, missing = [], 0
        for dataset, currency in currencies.items():
            valid = {
                day for unit in units if unit.dataset == dataset for day in unit.valid(versions, currency)
            }
            for _, month in groupby(versions.days_of(dataset), key=lambda day: (day.year, day.month)):
                days = list(month)
                open_days = [day for day in days if day not in valid]
                missing += len(open_days)
                found += _periods(dataset, days, open_days, units)
        self.days_missing = missing
        return sorted(found, key=lambda period: period.last, reverse=True)

    def _is_quiet(self, period: Period, versions: Versions) -> bool:
        since = datetime.now(UTC) - self._quiet
        marked = (versions.marked.get((period.dataset, day)) for day in period.days)
        return all(at is None or at < since for at in marked)

    def _measure(self) -> None:
        self.size = self._files.size()
        days = sum(unit.days for unit in self._files.units())
        if days:
            self._bytes_a_day = self.size / days

    def _make_room(self, before: date, needed: float = 0.0) -> bool:
        """Removes units of days before one, oldest first, while there is no room; whether there is then."""
        older = sorted(
            (unit for unit in self._files.units() if unit.last < before), key=lambda unit: unit.last
        )
        while self.size + needed > self._disk and older:
            self._files.remove(older.pop(0), wait=False)
            self.size = self._files.size()
        return self.size + needed <= self._disk and self._disk > 0

    def _remove_useless(self, units: list[Unit], versions: Versions, currencies: dict[int, str]) -> None:
        """Removes units none of whose days a question would take from them."""
        taken: set[tuple[int, date]] = set()
        whole = [
            unit for unit in units if unit.days > 1 and len(_valid(unit, versions, currencies)) == unit.days
        ]
        for unit in units:
            days = {(unit.dataset, day) for day in _valid(unit, versions, currencies)}
            inside = any(
                each.dataset == unit.dataset and each.first <= unit.first and unit.last <= each.last
                for each in whole
                if each is not unit
            )
            if inside or not days - taken:
                self._files.remove(unit, wait=False)
            else:
                taken |= days

    async def _make(self, period: Period, currency: str) -> bool:
        """Makes a unit; False if its days changed meanwhile."""
        settled = await self._settled(period)
        path = await asyncio.to_thread(self._files.start)
        try:
            async with reading(self._reports, used_for=_LONGEST_SECONDS) as snapshot:
                versions = await read_versions(snapshot, [period.dataset])
                own = {day: versions.days.get((period.dataset, day)) for day in period.days}
                exported = await snapshot.exported()
                if exported is None or None in own.values() or settled not in (None, own):
                    return False
                unit = Unit(
                    dataset=period.dataset,
                    first=period.first,
                    last=period.last,
                    currency=currency,
                    every_day=versions.every_day.get(period.dataset, ""),
                    versions={day: version for day, version in own.items() if version is not None},
                    checksums={},
                    path=path,
                )
                await self._write(unit, *exported, citus=snapshot.is_citus)
            return await self._publish(unit)
        finally:
            await asyncio.to_thread(self._files.discard, path)

    async def _settled(self, period: Period) -> dict[date, str | None] | None:
        """On Citus the versions of a period whose writers have all ended; None elsewhere.

        Shards share no snapshot: a token is seen once its transaction has committed on the coordinator,
        and the rows on a worker a moment later. Who writes rows that are seen before their token makes
        another version, and the unit is not published.
        """
        async with self._primary.connection() as conn:
            if not conn.is_citus:
                return None
            async with reading(self._primary) as snapshot:
                versions = await read_versions(snapshot, [period.dataset])
            await older_writers_end(conn)
        return {day: versions.days.get((period.dataset, day)) for day in period.days}

    async def _write(self, unit: Unit, url: str, snapshot: str, *, citus: bool) -> None:
        connection = await self._store.engine.own()
        span = Span(_midnight(unit.first), _midnight(unit.last + timedelta(days=1)))

        def work() -> None:
            with connection, self._store.arrow.rows(url, snapshot) as rows:
                for table in TABLES.values():
                    if table.day is None:
                        continue
                    statement = statement_of(table, [unit.dataset], span, unit.currency, citus=citus)
                    copy = _copy(unit, table, kept_of(table, "arriving"))
                    rows.stream(statement.as_string(), connection, "arriving", copy)
                connection.execute(_copy(unit, VISIT_PARTS, parts_of_unit(unit)))

        working = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            await asyncio.shield(working)
        except asyncio.CancelledError:
            await interrupt(connection, working)
            raise

    async def _publish(self, unit: Unit) -> bool:
        def work() -> bool:
            with self._files.publishing():
                current = asyncio.run_coroutine_threadsafe(self._current(unit), loop).result()
                if current == set(unit.versions):
                    self._files.finish(unit)
                    return True
            return False

        loop = asyncio.get_running_loop()
        return await asyncio.to_thread(work)

    async def _current(self, unit: Unit) -> set[date]:
        async with reading(self._primary) as snapshot:
            return unit.valid(await read_versions(snapshot, [unit.dataset]), unit.currency)


def _periods(dataset: int, days: list[date], missing: list[date], units: Iterable[Unit]) -> list[Period]:
    """How the missing ones of a month's closed days are to be made."""
    if not missing:
        return []
    first, last = days[0], days[-1]
    is_closed = (last + timedelta(days=1)).month != last.month
    has_unit = any(
        unit.dataset == dataset and unit.days > 1 and unit.first <= first and last <= unit.last
        for unit in units
    )
    if is_closed and not (has_unit and len(missing) <= _MOST_CHANGED):
        return [Period(dataset, first, last)]
    found: list[Period] = []
    for day in missing:
        if found and found[-1].last + timedelta(days=1) == day:
            found[-1] = Period(dataset, found[-1].first, day)
        else:
            found.append(Period(dataset, day, day))
    return found


def _copy(unit: Unit, table: Table, rows: str) -> str:
    """Writes rows into a unit's file of a table."""
    file = str(unit.path / f"{table.name}.parquet").replace("'", "''")
    return f"COPY ({rows} ORDER BY {table.day}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)"


def _valid(unit: Unit, versions: Versions, currencies: dict[int, str]) -> set[date]:
    return unit.valid(versions, currencies.get(unit.dataset, ""))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
