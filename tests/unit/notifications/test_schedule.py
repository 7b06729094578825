"""When digests are due, and which ranges are judged."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.notifications.schedule import (
    Range,
    covered,
    lies_within,
    next_due,
    weeks_before,
    window,
)

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
).map(ZoneInfo)
MOMENTS = st.datetimes(datetime(2011, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(ZONES, MOMENTS, st.integers(0, 23), st.booleans())
def test_each_day_or_week_has_one_digest(zone: ZoneInfo, moment: datetime, hour: int, weekly: bool) -> None:
    due = next_due(zone, hour, weekly=weekly, after=moment)
    following = next_due(zone, hour, weekly=weekly, after=due)

    assert moment < due < following
    days = (following.astimezone(zone).date() - due.astimezone(zone).date()).days
    # Apia left a day out when it changed sides of the date line.
    assert days in ({7} if weekly else {1, 2} if zone.key == "Pacific/Apia" else {1})
    assert not weekly or due.astimezone(zone).isoweekday() == 1


@given(ZONES, MOMENTS, st.booleans())
def test_digests_cover_all_days_once(zone: ZoneInfo, moment: datetime, weekly: bool) -> None:
    due = next_due(zone, 7, weekly=weekly, after=moment)
    following = next_due(zone, 7, weekly=weekly, after=due)

    assert covered(zone, due, weekly=weekly).end == covered(zone, following, weekly=weekly).begin


def test_an_hour_that_the_clock_leaves_out_is_sent_when_the_clock_goes_on() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)

    assert next_due(BERLIN, 2, weekly=False, after=before) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_the_weeks_before_have_the_same_hours_of_the_clock() -> None:
    # A week before, Berlin was in winter time.
    judged = Range(datetime(2026, 4, 1, 7, tzinfo=UTC), datetime(2026, 4, 1, 10, tzinfo=UTC))

    first, second, *_ = weeks_before(BERLIN, judged)

    assert first == Range(datetime(2026, 3, 25, 8, tzinfo=UTC), datetime(2026, 3, 25, 11, tzinfo=UTC))
    assert second.begin == datetime(2026, 3, 18, 8, tzinfo=UTC)


@given(ZONES, MOMENTS, st.integers(1, 90))
def test_windows_of_days_do_not_overlap_those_before(zone: ZoneInfo, moment: datetime, days: int) -> None:
    judged = window(zone, moment, hours=0, days=days)

    ranges = [judged, *weeks_before(zone, judged)]
    for later, earlier in pairwise(ranges):
        assert earlier.end <= later.begin
        apart = later.begin.astimezone(zone).date() - earlier.begin.astimezone(zone).date()
        assert apart.days == 7 * -(-days // 7)


@pytest.mark.parametrize(
    ("begin", "end", "within"),
    [
        (datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 11, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 7, 59, tzinfo=UTC), datetime(2026, 3, 2, 11, tzinfo=UTC), False),
        (datetime(2026, 3, 2, 17, tzinfo=UTC), datetime(2026, 3, 2, 19, 1, tzinfo=UTC), False),
        (datetime(2026, 3, 1, 9, tzinfo=UTC), datetime(2026, 3, 1, 11, tzinfo=UTC), False),
    ],
)
def test_hours_of_the_shop_are_those_of_its_clock(begin: datetime, end: datetime, within: bool) -> None:
    monday_to_saturday = frozenset({1, 2, 3, 4, 5, 6})

    assert lies_within(BERLIN, Range(begin, end), monday_to_saturday, 9, 20) is within
