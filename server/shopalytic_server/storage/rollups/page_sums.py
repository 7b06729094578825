"""Sums of page views, which stay when retention removes the page views.

Before page views of a day go, the day is summed up: in quarters of an hour, by
subject, source and site. Facts of such a day are made of its sums. `expirations`
tells from which days page views may have been removed; once it does, whoever
stores a late page view of such a day adds it to the sums, in the same
transaction. Whoever did not see that yet has ended before the sums are made
(`older_writers_end`), and the day's row of `rollup_days` is held by whoever adds
and by whoever makes the sums. So each page view is counted by one of the two.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from shopalytic_server.domain.events.prepared import Prepared, microseconds
from shopalytic_server.domain.reports.touches import SESSION_GAP
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.writers import older_writers_end
from shopalytic_server.storage.rollups.traffic_source import traffic_source

_SQL = load("rollups/page_sums")
_SUM_UP = _SQL.sum_up_day.format(
    quarters=traffic_source(_SQL.quarters.replace("{events}", _SQL.views_of_day), "q")
)
_ADD_LATE = _SQL.add_late.format(
    quarters=traffic_source(_SQL.quarters.replace("{events}", _SQL.views_given), "q")
)

# What the SQL sums page views up by. All views of one quarter are in one session, so that sessions are found
# from sums as from events.
QUARTER = timedelta(minutes=15)
assert QUARTER <= SESSION_GAP  # noqa: S101 - else visits would be counted otherwise after an expiry
# One makes sums at a time.
LOCK = "rollups"
DAYS_AT_ONCE = 120
# Nothing younger expires. Clocks of servers may be apart by less.
YOUNGEST = timedelta(hours=6)

_Day = tuple[int, date]
_EPOCH = date(1970, 1, 1)
_DAY_US = 24 * 3_600_000_000


async def forget_days(conn: Connection, dataset: int, first: date, before: date) -> None:
    """Forgets sums of days from which nothing was removed: they are made anew."""
    await conn.execute(_SQL.forget_days, {"dataset": dataset, "first": first, "before": before})


async def sum_up_before(conn: Connection, project: int, before: date) -> None:
    """Makes the sums of all days of a project before one; the caller is `alone` with LOCK.

    `expirations` has told so already.
    """
    wanted = {"limit": DAYS_AT_ONCE, "project": project, "before": before}
    while days := await (await conn.execute(_SQL.missing, wanted)).fetchall():
        await conn.execute(_SQL.announce, _columns(days))
        await older_writers_end(conn)
        for dataset, day in days:
            await _sum_up_day(conn, {"dataset": dataset, "day": day})


async def _sum_up_day(conn: Connection, day: dict[str, Any]) -> None:
    async with conn.transaction():
        await conn.execute("SET LOCAL statement_timeout = 0")
        # The default isolation level: what is summed up is read after this lock is held.
        held = await conn.execute(_SQL.hold_day, day)
        if not held.rowcount:
            return
        await conn.execute(_SQL.clear_day, day)
        await conn.execute(_SUM_UP, day)
        await conn.execute(_SQL.seal_day, day)
        await conn.execute(_SQL.mark_expired, day)


async def add_late(conn: Connection, events: Iterable[Prepared]) -> None:
    """Adds page views that this transaction stored to the sums of their days, where there are any."""
    before_us = microseconds(datetime.now(UTC) - YOUNGEST)
    late = [event for event in events if event.type == "page_view" and event.occurred_us < before_us]
    if not late:
        return
    days = _columns(sorted({_day_of(view) for view in late}))
    held = await (await conn.execute(_SQL.hold_days, days)).fetchall()
    summed_up = {(dataset, day) for dataset, day, sealed in held if sealed}
    added = [view for view in late if _day_of(view) in summed_up]
    if added:
        await conn.execute(
            _ADD_LATE,
            {
                "datasets": [view.dataset_id for view in added],
                "subjects": [view.subject for view in added],
                "times": [view.occurred_at for view in added],
                "event_ids": [view.event_id for view in added],
            },
        )


async def forget_subjects(conn: Connection, dataset: int, subjects: Sequence[UUID]) -> None:
    """Takes away what is summed up of subjects whose page views this transaction deletes."""
    await conn.execute(_SQL.forget_quarters, {"dataset": dataset, "subjects": list(subjects)})


def _day_of(view: Prepared) -> _Day:
    return view.dataset_id, _EPOCH + timedelta(days=view.occurred_us // _DAY_US)


def _columns(days: Sequence[_Day]) -> dict[str, Any]:
    return {"datasets": [dataset for dataset, _ in days], "days": [day for _, day in days]}
