"""Sums up the page views of past days, and forgets a day when its page views change.

A day is sealed when its rows are there, and whoever adds or takes away events of
a day deletes its row of `rollup_days` in the same transaction (`forget_days`),
after having written something. So a snapshot that sees a sealed day sees exactly
the page views that it sums up: a transaction that forgot the day before the row
was announced had a transaction id by then, and sealing waits until all of these
have ended; one that forgets it later waits for the sealing, or takes away the
row before it.

Days from which page views may have been removed (`expirations`) are never
forgotten, for nothing could sum them up again: who adds a page view to one adds
it to its sums, in the same transaction, and gives the day another version. It
holds the day's row meanwhile, as sealing does, so an event is counted by one of
the two.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.domain.prepared import Prepared, microseconds
from shopalytic_server.storage.came_from import came_from
from shopalytic_server.storage.database import Connection, Pool, translated
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.sessions import alone

log = logging.getLogger(__name__)

_SQL = load("sealing")
_SUM_UP = _SQL.sum_up_day.format(
    quarters=came_from(_SQL.quarters.replace("{events}", _SQL.views_of_day), "q")
)
_ADD_LATE = _SQL.add_late.format(quarters=came_from(_SQL.quarters.replace("{events}", _SQL.views_given), "q"))

# One seals at a time.
LOCK = "rollups"
INTERVAL_SECONDS = 60.0
_NEXT_SECONDS = 1.0
DAYS_AT_ONCE = 120
# Nothing younger is sealed: a day is left alone for twelve hours after its end.
# The difference is how far the clocks of servers may be apart.
YOUNGEST = timedelta(hours=6)

_WAIT_SECONDS = 0.05
# What reports count; the first of these events is on the first day that is sealed.
_TYPES = ("page_view", "product_view", "cart_add", "cart_modify", "order", "refund")

_Day = tuple[int, date]
_EPOCH = date(1970, 1, 1)
_DAY_US = 24 * 3_600_000_000


class Sealer:
    """Seals days again and again; of several services on one store, one at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in a minute."""
        self._task = asyncio.create_task(self._run(), name="shopalytic-sealer")

    async def stop(self) -> None:
        """End; a day that is being summed up stays unsealed."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        pause = INTERVAL_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = INTERVAL_SECONDS
            try:
                with translated():
                    # A history that was imported is not left waiting.
                    if await seal(self._pool) == DAYS_AT_ONCE:
                        pause = _NEXT_SECONDS
            except StoreUnavailable:
                continue  # The probe tells.
            except psycopg.Error as error:
                log.warning("Past days could not be summed up: %s [rollup_failed]", error.sqlstate)


async def seal(pool: Pool, *, limit: int = DAYS_AT_ONCE) -> int:
    """Seals up to `limit` days; returns how many. Does nothing while another service does."""
    async with pool.connection() as conn, alone(str(pool.conninfo), LOCK, wait=False) as held:
        return await _seal(conn, limit) if held else 0


async def seal_before(conn: Connection, project: int, before: date) -> None:
    """Seals all days of a project before one; the caller is `alone` with LOCK."""
    while await _seal(conn, DAYS_AT_ONCE, project, before):
        pass


async def _seal(conn: Connection, limit: int, project: int | None = None, before: date | None = None) -> int:
    await conn.execute(_SQL.forget_changes)
    wanted = {"limit": limit, "types": list(_TYPES), "project": project, "before": before}
    days = await (await conn.execute(_SQL.missing, wanted)).fetchall()
    if not days:
        return 0
    await conn.execute(_SQL.announce, _columns(days))
    await older_writers_end(conn)
    sealed = 0
    for dataset, day in days:
        sealed += await _seal_day(conn, {"dataset": dataset, "day": day})
    return sealed


async def older_writers_end(conn: Connection) -> None:
    """Waits for all transactions that have an id by now."""
    until = await _number(conn, _SQL.next_transaction)
    while await _number(conn, _SQL.oldest_transaction) < until:  # noqa: ASYNC110 - only PostgreSQL knows
        await asyncio.sleep(_WAIT_SECONDS)


async def _number(conn: Connection, statement: str) -> int:
    row = await (await conn.execute(statement)).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has a row
    return int(row[0])


async def _seal_day(conn: Connection, day: dict[str, Any]) -> bool:
    async with conn.transaction():
        await conn.execute("SET LOCAL statement_timeout = 0")
        # The default isolation level: what is summed up is read after this lock is held.
        held = await conn.execute(_SQL.hold_day, day)
        if not held.rowcount:
            return False
        await conn.execute(_SQL.clear_day, day)
        await conn.execute(_SUM_UP, day)
        await conn.execute(_SQL.seal_day, day)
        await conn.execute(_SQL.mark_expired, day)
    return True


async def count_in_days(conn: Connection, events: Iterable[Prepared]) -> None:
    """Unseals the days of events that this transaction stored; adds to the sums of those that stay sealed."""
    before_us = microseconds(datetime.now(UTC) - YOUNGEST)
    old = [event for event in events if event.occurred_us < before_us]
    stay = await _unseal(conn, {_day_of(event) for event in old})
    late = [event for event in old if event.type == "page_view" and _day_of(event) in stay]
    if late:
        await conn.execute(
            _ADD_LATE,
            {
                "datasets": [view.dataset_id for view in late],
                "subjects": [view.subject for view in late],
                "times": [view.occurred_at for view in late],
                "event_ids": [view.event_id for view in late],
            },
        )


async def forget_days(conn: Connection, events: Iterable[tuple[int, datetime]]) -> None:
    """Unseals the days of events, by dataset and time, that this transaction has added or takes away.

    The transaction must have written something before; days too young to be
    sealed cost nothing. For page views that are added see `count_in_days`.
    """
    before = datetime.now(UTC) - YOUNGEST
    await _unseal(conn, {(dataset, at.astimezone(UTC).date()) for dataset, at in events if at < before})


async def _unseal(conn: Connection, days: Iterable[_Day]) -> set[_Day]:
    """Unseals days, but for those from which page views may have been removed.

    Of these it returns the sealed ones. They get another version, so that what
    was found in them before is not taken for what is there now.
    """
    chosen = sorted(days)
    if not chosen:
        return set()
    expired = set(await (await conn.execute(_SQL.expired, _columns(chosen))).fetchall())
    others = [day for day in chosen if day not in expired]
    if others:
        await conn.execute(_SQL.forget_days, _columns(others))
    if not expired:
        return set()
    held = await (await conn.execute(_SQL.hold_days, _columns(sorted(expired)))).fetchall()
    stay = [(dataset, day) for dataset, day, sealed in held if sealed]
    await conn.execute(_SQL.renew_days, _columns(stay))
    return set(stay)


def _day_of(view: Prepared) -> _Day:
    return view.dataset_id, _EPOCH + timedelta(days=view.occurred_us // _DAY_US)


def _columns(days: Sequence[_Day]) -> dict[str, Any]:
    return {"datasets": [dataset for dataset, _ in days], "days": [day for _, day in days]}


async def forget_subjects(
    conn: Connection, dataset: int, subjects: Sequence[UUID], times: Iterable[datetime]
) -> None:
    """Takes away what is summed up of subjects, whose events at these times this transaction deletes.

    So the sums of a day that stays sealed are still those of all others.
    """
    await forget_days(conn, ((dataset, at) for at in times))
    await conn.execute(_SQL.forget_quarters, {"dataset": dataset, "subjects": list(subjects)})


async def forget_customers(conn: Connection, datasets: Sequence[int] | None = None) -> None:
    """Says that what was known of customers, orders and refunds of these datasets may be otherwise now.

    For those who change more than events of one time or customers of some
    subjects. None is all datasets.
    """
    await conn.execute(_SQL.forget_customers, {"datasets": None if datasets is None else list(datasets)})


async def renew_days(conn: Connection, datasets: Iterable[int], first: date, last: date) -> None:
    """Says that this transaction has removed events of these days, whose sums of page views stay."""
    span = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    days = _columns([(dataset, day) for dataset in datasets for day in span])
    await conn.execute(_SQL.hold_days, days)
    await conn.execute(_SQL.renew_days, days)


async def forget_all_days(conn: Connection) -> None:
    """Unseals all that can be summed up again: reports read the events, until the days are sealed anew."""
    await conn.execute(_SQL.forget_all_days)
