"""Cuts a range into the hours, days, weeks or months of a time zone, and finds where a shop's data lies."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MAX_BUCKETS = 10_000

# From where on data lies apart, from where on it does however much it is, and what
# share of the largest piece is a trifle.
_EMPTY_MONTHS, _FAR_MONTHS, _TRIFLE = 12, 60, 0.05


class Unit(StrEnum):
    """Length of a bucket."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class TooManyBuckets(ValueError):
    """The range has more buckets than a report may have rows."""


def time_zone(name: str) -> ZoneInfo:
    """The IANA time zone of this name; raises ValueError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(name) from error


def bucket_starts(begin: datetime, end: datetime, unit: Unit, zone: ZoneInfo) -> list[datetime]:
    """The instants, in UTC, at which the buckets that overlap [begin, end) begin.

    The first is at or before `begin`. A bucket lasts until the next one begins,
    so every instant is in exactly one. It begins when the zone's clocks first
    show its first day: where they skip midnight that is later than midnight,
    where midnight comes twice it is the first one. A day that a zone left out
    (Samoa, 30 December 2011) has no bucket. Hours are those that the zone's
    clocks show: one that comes twice has two buckets.
    """
    starts: list[datetime] = []
    if unit is Unit.HOUR:
        begins = _hours(begin, zone)
    else:
        begins = (day_start(day, zone) for day in _first_days(begin.astimezone(zone).date(), unit))
    for start in begins:
        if start >= end and starts:
            return starts
        if starts and (start <= begin or start == starts[-1]):
            starts.pop()
        starts.append(start)
        if len(starts) > MAX_BUCKETS:
            raise TooManyBuckets
    return starts


def _hours(begin: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The instants, in UTC, at which the hour that `begin` is in and those after it begin."""
    start = begin.astimezone(UTC) - _past_hour(begin, zone)
    while True:
        yield start
        following = start + timedelta(hours=1) - _past_hour(start, zone)
        # Where clocks go back by half an hour, they show the rest of the hour again.
        while (past := _past_hour(following, zone)) and _hour(following, zone) == _hour(start, zone):
            following += timedelta(hours=1) - past
        start = following


def _hour(moment: datetime, zone: ZoneInfo) -> int:
    return moment.astimezone(zone).hour


def _past_hour(moment: datetime, zone: ZoneInfo) -> timedelta:
    """How far a zone's clocks are past the full hour."""
    shown = moment.astimezone(zone)
    return timedelta(minutes=shown.minute, seconds=shown.second, microseconds=shown.microsecond)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, at which a zone's clocks show this day or a later one."""
    midnight = datetime.combine(day, time.min)
    start = midnight.replace(tzinfo=zone).astimezone(UTC)
    if start.astimezone(zone).replace(tzinfo=None) == midnight:
        return start
    # The clocks jump over midnight. Read with the offset after the jump
    # (fold=1), midnight lies before the jump, so the jump is in between.
    before = midnight.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while start - before > timedelta(seconds=1):
        middle = before + (start - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).date() < day:
            before = middle
        else:
            start = middle
    return start


def _first_days(day: date, unit: Unit) -> Iterator[date]:
    """The first days of the bucket that `day` is in, and of those after it."""
    if unit is Unit.MONTH:
        months = day.year * 12 + day.month - 1
        while months < 12 * date.max.year:
            yield date(months // 12, months % 12 + 1, 1)
            months += 1
        return
    step = 1 if unit is Unit.DAY else 7
    if unit is Unit.WEEK:
        day -= timedelta(days=day.weekday())
    while True:
        yield day
        day += timedelta(days=step)


class Body(NamedTuple):
    """Where a shop's data lies: from which month to which (as their first days), and what lies apart."""

    first: date
    last: date
    outside: Sequence["Apart"]


class Apart(NamedTuple):
    """Data that lies apart from the shop's: from which month to which, and how much."""

    first: date
    last: date
    weight: int


def body_of(counts: Mapping[date, int], today: date) -> Body:
    """What of some months' data is the shop's, and what lies apart, in order; some count is not 0.

    Data falls apart where a year or more is empty. The shop's is the latest piece
    that is no trifle beside the largest, with those around it that are none either
    and less than five years away. None begins in the future. So neither a wrong clock nor whoever sends such
    times on purpose moves where the shop's data begins and ends.
    """
    pieces = _pieces(counts)
    least = max(each.weight for each in pieces) * _TRIFLE
    begun = [number for number, each in enumerate(pieces) if each.first <= today] or range(len(pieces))
    place = max((number for number in begun if pieces[number].weight >= least), default=begun[-1])
    begin = end = place
    while begin > 0 and _belongs(pieces[begin - 1], pieces[begin], least):
        begin -= 1
    while end + 1 < len(pieces) and _belongs(pieces[end + 1], pieces[end], least):
        end += 1
    return Body(pieces[begin].first, pieces[end].last, [*pieces[:begin], *pieces[end + 1 :]])


def _pieces(counts: Mapping[date, int]) -> list[Apart]:
    pieces: list[Apart] = []
    for month in sorted(month for month, count in counts.items() if count):
        if pieces and _months(month) - _months(pieces[-1].last) <= _EMPTY_MONTHS:
            pieces[-1] = Apart(pieces[-1].first, month, pieces[-1].weight + counts[month])
        else:
            pieces.append(Apart(month, month, counts[month]))
    return pieces


def _belongs(piece: Apart, neighbour: Apart, least: float) -> bool:
    earlier, later = sorted((piece, neighbour))
    return piece.weight >= least and _months(later.first) - _months(earlier.last) <= _FAR_MONTHS


def _months(day: date) -> int:
    return day.year * 12 + day.month
