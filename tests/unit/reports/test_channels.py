"""Channels, devices and ranges to compare with: rules without a store."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from shopalytic_server.domain.reports.channels import CHANNELS, channel_of
from shopalytic_server.domain.reports.comparisons import last_year, previous
from shopalytic_server.domain.reports.user_agents import MOST_LETTERS, NOTHING, agent_of

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("source", "medium", "campaign", "host", "channel"),
    [
        ("", "", "", "", "direct"),
        ("(direct)", "(none)", "", "", "direct"),
        ("", "", "", "google.de", "organic search"),
        ("", "", "", "google.co.uk", "organic search"),
        ("", "", "", "search.yahoo.com", "organic search"),
        ("", "", "", "mail.google.com", "referral"),
        ("", "", "", "google.evil.example", "referral"),
        ("", "", "", "notgoogle.com", "referral"),
        ("", "", "", "t.co", "organic social"),
        ("", "", "", "l.instagram.com", "organic social"),
        ("", "", "", "blog.example", "referral"),
        ("google", "cpc", "x", "google.com", "paid search"),
        ("Google", "CPC", "x", "", "paid search"),
        ("facebook", "paid_social", "x", "", "paid social"),
        ("facebook", "social", "x", "", "organic social"),
        ("partner", "affiliate", "x", "", "affiliates"),
        ("news", "email", "x", "", "e-mail"),
        ("email", "", "x", "", "e-mail"),
        ("ads", "banner", "x", "", "display"),
        ("google", "cpc", "summer shopping", "", "other"),
        ("google", "cpc", "cross-network", "", "other"),
        ("partner", "cpc", "x", "", "other"),
        ("partner", "link", "x", "", "referral"),
        ("", "", "named", "", "other"),
    ],
)
def test_a_channel_is_what_the_published_rules_say(source, medium, campaign, host, channel):
    assert channel_of(source, medium, campaign, host) == channel
    assert channel in CHANNELS


def test_a_user_agent_of_any_length_is_read_in_bounded_time():
    assert agent_of("") == NOTHING
    long = "Mozilla/5.0 (" + "iPad; " * 1_000
    assert agent_of(long) == agent_of(long[:MOST_LETTERS])
    assert agent_of("curl/8.0").device in ("", "desktop")


def test_days_are_compared_with_as_many_days_and_the_same_weekdays():
    # The clocks change on 29 March: that day has 23 hours, and is still a day.
    first, last = (datetime(2026, *day, tzinfo=BERLIN).astimezone(UTC) for day in ((3, 30), (4, 6)))
    assert previous(first, last, BERLIN) == (
        datetime(2026, 3, 22, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
    )
    begin, end = last_year(first, last, BERLIN)
    assert (begin, end) == (datetime(2025, 3, 30, 22, tzinfo=UTC), datetime(2025, 4, 6, 22, tzinfo=UTC))
    assert begin.astimezone(BERLIN).weekday() == first.astimezone(BERLIN).weekday()


def test_hours_are_compared_with_the_hours_right_before():
    begin, end = datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 3, 1, 13, 30, tzinfo=UTC)
    assert previous(begin, end, BERLIN) == (datetime(2026, 3, 1, 6, 30, tzinfo=UTC), begin)
