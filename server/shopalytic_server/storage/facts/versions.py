"""The versions of days: what a snapshot sees of `fact_changes`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection, sql

from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.facts.changes import EVERY_DAY

_SQL = load("facts/changes")

Day = tuple[int, date]
"""A dataset and a day of it."""


@dataclass(frozen=True, slots=True)
class Versions:
    """Which closed days there are, with their versions. A day that is not here has no file."""

    every_day: dict[int, str]
    """By dataset, the version of what was marked for all days."""
    days: dict[Day, str]
    erased: frozenset[Day]
    """Days that lost rows of people who were erased."""
    marked: dict[Day, datetime]
    """When days were last marked."""

    def days_of(self, dataset: int) -> list[date]:
        """A dataset's closed days, oldest first."""
        return sorted(day for of, day in self.days if of == dataset)


async def read_versions(snapshot: Snapshot, datasets: Iterable[int]) -> Versions:
    """The versions that a snapshot sees."""
    return _versions(await snapshot.fetch_plain(_statement(datasets)))


def read_versions_blocking(connection: Connection[Any], datasets: Iterable[int]) -> Versions:
    """The same for those who may block."""
    return _versions(connection.execute(_statement(datasets)).fetchall())


def _statement(datasets: Iterable[int]) -> sql.Composed:
    return sql.SQL(_SQL.versions).format(datasets=sql.Literal(list(datasets)))


def _versions(rows: Iterable[tuple[Any, ...]]) -> Versions:
    rows = list(rows)
    return Versions(
        every_day={dataset: version for dataset, day, version, _, _ in rows if day == EVERY_DAY},
        days={(dataset, day): version for dataset, day, version, _, _ in rows if day != EVERY_DAY},
        erased=frozenset((dataset, day) for dataset, day, _, erased, _ in rows if erased),
        marked={(dataset, day): at for dataset, day, _, _, at in rows if at is not None},
    )
