"""When a digest is due, which days it is of, and which ranges an alert judges: by the project's clock."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

MONDAY = 1
MEDIAN_WEEKS = 8
"""Over how many weeks before the median of a window is taken."""


class Range(NamedTuple):
    """From `begin` up to `end`, which is not of it; both in UTC."""

    begin: datetime
    end: datetime


def next_due(zone: ZoneInfo, hour: int, *, weekly: bool, after: datetime) -> datetime:
    """The first moment later than `after` at which a digest is due.

    Where the clock leaves the hour out, it is due when the clock goes on.
    """
    day = after.astimezone(zone).date()
    while True:
        due = at(zone, day, hour)
        if due > after and (not weekly or day.isoweekday() == MONDAY):
            return due
        day += timedelta(days=1)


def covered(zone: ZoneInfo, due: datetime, *, weekly: bool) -> Range:
    """The whole days before a moment: the day before, or the seven days before."""
    end = due.astimezone(zone).date()
    return Range(at(zone, end - timedelta(days=7 if weekly else 1), 0), at(zone, end, 0))


def window(zone: ZoneInfo, now: datetime, *, hours: int, days: int) -> Range:
    """The latest hours up to now, or the latest whole days up to yesterday."""
    if hours:
        return Range(now - timedelta(hours=hours), now)
    today = now.astimezone(zone).date()
    return Range(at(zone, today - timedelta(days=days), 0), at(zone, today, 0))


def weeks_before(zone: ZoneInfo, judged: Range) -> list[Range]:
    """The same weekdays and hours of the clock in each of the weeks before, latest first.

    Windows of more than a week go back by as many whole weeks as they need to lie beside each other.
    """
    begin, end = (moment.astimezone(zone).replace(tzinfo=None) for moment in judged)
    step = max(1, -((begin - end) // timedelta(weeks=1)))
    return [
        Range(*(_back(zone, moment, weeks * step) for moment in judged))
        for weeks in range(1, MEDIAN_WEEKS + 1)
    ]


def lies_within(zone: ZoneInfo, judged: Range, weekdays: frozenset[int], begin: int, end: int) -> bool:
    """Whether all of a range lies within the shop's hours of one day."""
    first = judged.begin.astimezone(zone)
    if weekdays and first.isoweekday() not in weekdays:
        return False
    opens, closes = at(zone, first.date(), begin), at(zone, first.date(), end)
    return opens <= judged.begin and judged.end <= closes


def at(zone: ZoneInfo, day: date, hour: int) -> datetime:
    """An hour of a day, 24 for its end, in UTC.

    The first of two where the clock goes back; where it leaves the hour out, when it goes on.
    """
    if hour == 24:
        return at(zone, day + timedelta(days=1), 0)
    return datetime.combine(day, time(hour), zone).astimezone(UTC)


def _back(zone: ZoneInfo, moment: datetime, weeks: int) -> datetime:
    local = moment.astimezone(zone)
    return (local - timedelta(weeks=weeks)).astimezone(UTC)
