"""With which other range a report is compared."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from shopalytic_server.domain.reports.ranges import day_start

Range = tuple[datetime, datetime]

# A whole number of weeks, so that weekdays meet their like.
_YEAR = timedelta(weeks=52)


def previous(begin: datetime, end: datetime, zone: ZoneInfo) -> Range:
    """The range as long as this one that ends where it begins: as many days where it is of whole days."""
    first, last = begin.astimezone(zone), end.astimezone(zone)
    if _is_day_start(begin, zone) and _is_day_start(end, zone):
        return day_start(first.date() - (last.date() - first.date()), zone), begin
    return begin - (end - begin), begin


def last_year(begin: datetime, end: datetime, zone: ZoneInfo) -> Range:
    """The range 52 weeks earlier, by the zone's clocks."""
    return _earlier(begin, zone), _earlier(end, zone)


def whole(begin: datetime, end: datetime | None, now: datetime, zone: ZoneInfo) -> datetime:
    """Where a range ends that may be open: after today."""
    return end or max(day_start(now.astimezone(zone).date() + timedelta(days=1), zone), begin)


def until_same_time(begin: datetime, now: datetime, other: Range, zone: ZoneInfo) -> Range:
    """As much of another range as has passed of the one that began at `begin`, by the zone's clocks."""
    passed = _clock(now, zone) - _clock(begin, zone)
    reached = (_clock(other[0], zone) + passed).replace(tzinfo=zone).astimezone(UTC)
    return other[0], min(max(reached, other[0] + timedelta(microseconds=1)), other[1])


def _clock(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _earlier(moment: datetime, zone: ZoneInfo) -> datetime:
    if _is_day_start(moment, zone):
        return day_start(moment.astimezone(zone).date() - _YEAR, zone)
    local = moment.astimezone(zone).replace(tzinfo=None) - _YEAR
    return local.replace(tzinfo=zone).astimezone(UTC)


def _is_day_start(moment: datetime, zone: ZoneInfo) -> bool:
    return day_start(moment.astimezone(zone).date(), zone) == moment
