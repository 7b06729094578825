"""Which days a report may read summed up, as quarters of an hour, instead of by every page view.

A row of `page_quarters` stands for the page views of a subject in a quarter of
an hour that are alike in what a report filters by. A report on it gives the same
numbers as one on the page views:

- Rows of a report begin at full quarters (every time zone's midnight is one) and
  so do the range and the half hour before it; where they are not, their day is
  read from the events. So all views of a quarter are inside or outside together.
- Between two views of a quarter are at most 15 minutes. So a session, which
  ends after 30 idle ones, can only begin at a quarter's first view, and does if
  no quarter of the customer that began before it ended less than 31 minutes
  ago: were there such a view amid a quarter, that quarter's views would have
  another within 15 minutes. Landing page, referrer and campaign are those of
  that first view.
- Days from which page views may have been removed are always read summed up. Where
  such a day is cut amid a quarter, the quarter counts where its first view does.
- Customers are joined when the report is read, by subject, as they are for events.

`sealing` makes the rows, and keeps what a snapshot sees of them true.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.scope import Scope

_SQL = load("rollups")

_IDLE = timedelta(minutes=30)
_QUARTER = 15 * 60


@dataclass(frozen=True, slots=True)
class Reading:
    """How a report reads page views: these days summed up, and what lies around them from the events."""

    days: Sequence[date]
    gaps: Sequence[tuple[datetime | str, datetime | str]]

    def parameters(self) -> dict[str, Any]:
        """What the statements on both take."""
        return {
            "days": list(self.days),
            "gap_begins": [str(begin) for begin, _ in self.gaps],
            "gap_ends": [str(end) for _, end in self.gaps],
        }


async def read_from(snapshot: Snapshot, scope: Scope, starts: Sequence[datetime]) -> Reading | None:
    """How a report whose rows begin at `starts` is to read; None for from the events alone.

    Days before the range are there too: who came first is asked of all time.
    """
    rows = await snapshot.fetch(_SQL.sealed, **scope.parameters())
    exact = all(_at_a_quarter(start) for start in starts[1:])
    begin = None if scope.from_at is None else scope.from_at - _IDLE
    cut = {
        moment.date()
        for moment in (begin, scope.from_at, scope.to_at)
        if moment is not None and not _at_a_quarter(moment)
    }
    days = [row["day"] for row in rows if row["expired"] or (exact and row["day"] not in cut)]
    if not days:
        return None
    return Reading(days, _gaps(days, scope.to_at))


def _gaps(days: Sequence[date], end: datetime | None) -> list[tuple[datetime | str, datetime | str]]:
    """What lies outside of these days, which are in order, before an end."""
    gaps: list[tuple[datetime | str, datetime | str]] = []
    reached: datetime | None = None
    for day in days:
        midnight = datetime.combine(day, time(), UTC)
        if reached is None or reached < midnight:
            gaps.append((reached or "-infinity", midnight))
        reached = midnight + timedelta(days=1)
    if reached is None or end is None or reached < end:
        gaps.append((reached or "-infinity", end or "infinity"))
    return gaps


def _at_a_quarter(moment: datetime) -> bool:
    return not moment.microsecond and not int(moment.timestamp()) % _QUARTER
