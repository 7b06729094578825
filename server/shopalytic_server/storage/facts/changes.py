"""Which days' facts a transaction changes: it leaves a token for each in `fact_changes`.

Every transaction of ours that inserts, changes or removes what a fact of a day
before today is made of marks that day. A transaction can do so beside others: a
token is a new row, so nobody waits for anybody. Rows of today mark nothing.

A fact's day may be another than its event's, and one event may change facts of
others. These days are touched too:

- an order: the days on which its revisions were sent and those on which they
  count, before and after, and the days of its refunds, which are settled anew;
- a change of a cart: the day that its `modified_date` names;
- a copy with a smaller tie breaker: the days of the event and of what follows;
- an erasure: all of these of the person's events, and the days of their page
  views that retention has summed up;
- retention: the days from which it removes, and those that it has summed up;
- a rebuild: all days.

A file of a day is made a day after the last moment at which a row without a
token could be stored (see `builder`), so clocks may differ by hours.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load

_SQL = load("facts/changes")

# Nobody looks at a day as past right after midnight: clocks differ.
_GRACE = timedelta(hours=6)

EVERY_DAY = date(1, 1, 1)
"""Stands for all days of a dataset."""


def today() -> date:
    """The first day that marks nothing."""
    return (datetime.now(UTC) - _GRACE).date()


async def mark_times(
    conn: Connection, times: Iterable[tuple[int, datetime]], *, erased: bool = False
) -> None:
    """Marks the UTC days of some times, each with its dataset; those of today cost nothing."""
    young = datetime.combine(today(), datetime.min.time(), UTC)
    days = {(dataset, at.astimezone(UTC).date()) for dataset, at in times if at < young}
    if days:
        await conn.execute(_SQL.mark, {**_columns(sorted(days)), "erased": erased})


async def mark_days(conn: Connection, datasets: Iterable[int], first: date, last: date) -> None:
    """Marks the days from `first` to `last` of some datasets."""
    values = {"datasets": sorted(datasets), "first": first, "last": last}
    await conn.execute(_SQL.mark_span, values)


async def mark_every_day(conn: Connection, datasets: Iterable[int] | None = None) -> None:
    """Marks all days of some datasets, or of all."""
    values = {"datasets": None if datasets is None else sorted(datasets), "every_day": EVERY_DAY}
    await conn.execute(_SQL.mark_every_day, values)


async def note_upheaval(conn: Connection, datasets: Iterable[int] | None = None) -> None:
    """Says that links of some datasets, or of all, may be others now; see `customers`.

    For those who delete links, or change more than the links of some subjects.
    """
    await conn.execute(_SQL.note_upheaval, {"datasets": None if datasets is None else sorted(datasets)})


def _columns(days: list[tuple[int, date]]) -> dict[str, Any]:
    return {"datasets": [dataset for dataset, _ in days], "days": [day for _, day in days]}
