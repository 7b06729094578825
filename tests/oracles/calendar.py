"""Begins of days, weeks and months in a time zone, by the wall clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from oracles.seen import micros


def begin_of(at: int, unit: str, zone: ZoneInfo) -> int:
    """When the day, week or month began that a moment lies in. No zone here skips midnight."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(zone)
    day = local.date()
    if unit == "week":
        day -= timedelta(days=day.weekday())
    if unit == "month":
        day = day.replace(day=1)
    return micros(datetime(day.year, day.month, day.day, tzinfo=zone))


def begins(begin: int, end: int, unit: str, zone: ZoneInfo) -> list[int]:
    """Those of all intervals that a range touches."""
    found = []
    hour = 3_600_000_000
    at = begin_of(begin, unit, zone)
    while at < end:
        found.append(at)
        following = at
        # A unit at least has 23 hours; the next one is found hour by hour.
        while begin_of(following, unit, zone) == at:
            following += hour
        at = begin_of(following, unit, zone)
    return found
