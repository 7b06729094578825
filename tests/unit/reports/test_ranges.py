"""The buckets of a report, against the calendar."""

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.reports.ranges import (
    MAX_BUCKETS,
    TooManyBuckets,
    Unit,
    bucket_starts,
    day_start,
    time_zone,
)

ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
BERLIN = time_zone("Europe/Berlin")

moments = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def first_day(day: date, unit: Unit) -> date:
    if unit is Unit.DAY:
        return day
    return day - timedelta(days=day.weekday()) if unit is Unit.WEEK else day.replace(day=1)


@given(moments, st.integers(1, 80 * 24 * 3600), st.sampled_from(list(Unit)), st.sampled_from(ZONES))
def test_every_instant_is_in_the_bucket_of_its_local_date(begin, seconds, unit, name):
    zone = time_zone(name)
    end = begin + timedelta(seconds=seconds)
    starts = bucket_starts(begin, end, unit, zone)
    assert starts == sorted(set(starts))
    assert starts[0] <= begin
    assert all(begin < start < end for start in starts[1:])
    for start, following in zip(starts, [*starts[1:], end], strict=True):
        bucket = first_day(start.astimezone(zone).date(), unit)
        for instant in (
            max(start, begin),
            start + (following - start) / 2,
            following - timedelta(microseconds=1),
        ):
            if instant >= start and not _clock_went_back_over_midnight(instant, zone):
                assert first_day(instant.astimezone(zone).date(), unit) == bucket


def _clock_went_back_over_midnight(instant: datetime, zone: zoneinfo.ZoneInfo) -> bool:
    """Whether the zone's date was already later before this instant (St. John's turned back at 00:01)."""
    day = instant.astimezone(zone).date()
    return any((instant - timedelta(minutes=m)).astimezone(zone).date() > day for m in range(1, 181))


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("UTC", date(2026, 3, 1), "2026-03-01T00:00:00+00:00"),
        ("Europe/Berlin", date(2026, 7, 1), "2026-06-30T22:00:00+00:00"),
        # The clocks jumped from midnight to one.
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00:00+00:00"),
        # They jumped from half past eleven to half past midnight.
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T04:30:00+00:00"),
        # They were set back from one to midnight: midnight came twice.
        ("America/Havana", date(2025, 11, 2), "2025-11-02T04:00:00+00:00"),
    ],
)
def test_a_day_begins_when_its_clocks_first_show_it(zone, day, expected):
    assert day_start(day, time_zone(zone)).isoformat() == expected


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)]
)
def test_days_of_a_clock_change_are_shorter_or_longer(day, hours):
    begin = day_start(day, BERLIN)
    today, tomorrow = bucket_starts(begin, begin + timedelta(hours=26), Unit.DAY, BERLIN)
    assert tomorrow - today == timedelta(hours=hours)


@given(moments, st.integers(1, 200_000), st.sampled_from([*ZONES, "Australia/Lord_Howe", "Europe/Berlin"]))
def test_hours_are_those_that_the_clocks_show(begin, seconds, name):
    zone = time_zone(name)
    end = begin + timedelta(seconds=seconds)
    starts = bucket_starts(begin, end, Unit.HOUR, zone)
    assert starts[0] <= begin
    assert starts[-1] < end
    assert starts == sorted(set(starts))
    for start, following in pairwise([*starts, end]):
        first, last = start.astimezone(zone), (following - timedelta(microseconds=1)).astimezone(zone)
        if start != starts[0]:
            assert (first.hour, first.date()) == (last.hour, last.date()) or following - start < timedelta(
                hours=1
            )


def test_a_day_of_a_clock_change_has_23_or_25_hours():
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)):
        begin, end = day_start(day, BERLIN), day_start(day + timedelta(days=1), BERLIN)
        starts = bucket_starts(begin, end, Unit.HOUR, BERLIN)
        assert (starts[0], len(starts)) == (begin, hours)


def test_a_day_that_a_zone_left_out_has_no_bucket():
    zone = time_zone("Pacific/Apia")
    starts = bucket_starts(
        datetime(2011, 12, 29, 12, tzinfo=UTC), datetime(2011, 12, 31, 12, tzinfo=UTC), Unit.DAY, zone
    )
    days = [start.astimezone(zone).date() for start in starts]
    assert days == [date(2011, 12, 29), date(2011, 12, 31), date(2012, 1, 1)]


def test_an_hour_of_the_day_before_that_comes_again_belongs_to_the_day_that_has_begun():
    zone = time_zone("America/St_Johns")  # where one past midnight became 23:01
    begin = datetime(2005, 10, 30, 2, 45, tzinfo=UTC)
    assert begin.astimezone(zone).date() == date(2005, 10, 29)
    [start] = bucket_starts(begin, begin + timedelta(hours=1), Unit.DAY, zone)
    assert start == datetime(2005, 10, 30, 2, 30, tzinfo=UTC)


def test_a_range_that_ends_where_a_bucket_begins_does_not_reach_into_it():
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    assert bucket_starts(begin, end, Unit.MONTH, time_zone("UTC")) == [
        begin,
        datetime(2026, 2, 1, tzinfo=UTC),
    ]


def test_weeks_begin_on_monday():
    [start] = bucket_starts(
        datetime(2026, 1, 4, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC), Unit.WEEK, time_zone("UTC")
    )
    assert start == datetime(2025, 12, 29, tzinfo=UTC)


def test_there_is_a_limit_to_the_number_of_buckets():
    begin, zone = datetime(2000, 1, 1, tzinfo=UTC), time_zone("UTC")
    end = begin + timedelta(days=MAX_BUCKETS)
    assert len(bucket_starts(begin, end, Unit.DAY, zone)) == MAX_BUCKETS
    with pytest.raises(TooManyBuckets):
        bucket_starts(begin, end + timedelta(seconds=1), Unit.DAY, zone)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../etc/passwd", "", "Europe", "/etc/localtime"])
def test_what_is_no_time_zone_is_refused(name):
    with pytest.raises(ValueError):
        time_zone(name)
