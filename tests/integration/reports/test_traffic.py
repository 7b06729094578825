"""The traffic report."""

import itertools
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from oracles.seen import micros, read
from oracles.traffic import Traffic, Way, traffic
from shopalytic.v1 import dimensions_pb2, reports_pb2
from shopalytic.v1.reports_pb2 import INTERVAL_DAY, INTERVAL_MONTH, INTERVAL_UNSPECIFIED, INTERVAL_WEEK
from shopalytic_server.domain.reports.campaigns import campaign_of
from shops.busy_month import BEGIN, END, behind, busy_month, store
from shops.report_shop import START, Shop, event, identify, open_shop, order

SEED = 20260304
HOUR = 3600


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def seen_page(url: str = "https://shop.test/", referrer: str = "", **envelope: Any):
    return event("page_view", {"url": url, "referrer": referrer}, **envelope)


async def ask(
    shop: Shop,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    interval: "reports_pb2.Interval" = INTERVAL_UNSPECIFIED,
    limit: int = 0,
    listing: dict[str, Any] | None = None,
    **scope: Any,
) -> reports_pb2.GetTrafficReportResponse:
    request = reports_pb2.GetTrafficReportRequest(
        scope=reports_pb2.ReportScope(**scope), interval=interval, limit=limit, **listing or {}
    )
    for name, time in (("from", begin), ("to", end)):
        if time is not None:
            getattr(request.scope, name).FromDatetime(time)
    return await shop.reports.get_traffic_report(shop.project, request)


def figures(row: reports_pb2.TrafficRow) -> tuple[int, int, int]:
    return row.page_views, row.visitors, row.sessions


def sources(found: Any) -> list[tuple[str, int, int, str, str]]:
    return [
        (each.value, each.sessions, each.visitors, each.first_touch_revenue, each.last_touch_revenue)
        for each in found
    ]


async def test_a_session_ends_after_more_than_thirty_idle_minutes(shop):
    await shop.send(*(seen_page(tracking_id="t1", at=at) for at in (0, 1800, 3600, 5400 + 1e-6, 9000)))
    report = await ask(shop)
    assert figures(report.total) == (5, 1, 3)
    assert figures(report.rows[0]) == (5, 1, 3)


async def test_a_session_counts_where_it_begins_and_goes_on_over_midnight_and_the_ranges_begin(shop):
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    views = [seen_page(tracking_id="t1", at=midnight + timedelta(minutes=minute)) for minute in (-15, 10, 35)]
    await shop.send(*views)
    report = await ask(shop, interval=INTERVAL_DAY)
    assert [figures(row) for row in report.rows] == [(1, 1, 1), (2, 1, 0)]
    assert await behind(shop, report.rows[1].explain) == sorted(each.event_id for each in views[1:])
    later = await ask(shop, begin=midnight + timedelta(minutes=5))
    assert figures(later.total) == (2, 1, 0)
    assert not later.landing_pages
    assert figures((await ask(shop, begin=midnight + timedelta(minutes=15))).total) == (1, 1, 0)


async def test_sessions_go_over_devices_once_they_are_joined(shop):
    await shop.send(seen_page(tracking_id="phone", at=0), seen_page(tracking_id="desk", at=60))
    assert figures((await ask(shop)).total) == (2, 2, 2)
    await shop.send(identify("phone", "ann", at=90), identify("desk", "ann", at=99))
    assert figures((await ask(shop)).total) == (2, 1, 1)


async def test_of_page_views_of_one_moment_the_first_by_its_tie_breaker_begins_the_session(shop):
    """Two devices of one person, at the same microsecond; and a session on each side of it."""
    await shop.send(identify("t1", "ann", at=-9000), identify("t2", "ann", at=-9000))
    views = [
        seen_page("https://shop.test/late", tracking_id="t1", at=0, tie_breaker=2),
        seen_page("https://shop.test/first", tracking_id="t2", at=0, tie_breaker=1),
        seen_page("https://shop.test/before", tracking_id="t1", at=-4000),
        seen_page("https://shop.test/after", tracking_id="t2", at=4000),
    ]
    await shop.send(*views)
    for filters in ([], [dimensions_pb2.Filter(dimension="device", values=[""])]):
        report = await ask(shop, filters=filters)
        assert figures(report.total) == (4, 1, 3)
        pages = {each.value: each for each in report.landing_pages}
        assert sorted(pages) == [
            "https://shop.test/after",
            "https://shop.test/before",
            "https://shop.test/first",
        ]
        first = pages["https://shop.test/first"]
        assert first.sessions == 1
        assert await behind(shop, first.explain) == [views[1].event_id]


async def test_landing_page_referrer_and_campaign_are_the_first_pages(shop):
    await shop.send(
        seen_page(
            "https://shop.test/a?utm_campaign=spring%20sale#x", "https://www.Google.com/q", tracking_id="t1"
        ),
        seen_page("https://shop.test/b", "https://shop.test/a", tracking_id="t1", at=5),
        seen_page("https://www.shop.test/a", "https://shop.test:8443/b", tracking_id="t2", at=5),
        seen_page(
            "https://shop.test/a#/?utm_campaign=no",
            "https://google.com",
            tracking_id="t3",
            context={"utm_campaign": "spring sale"},
        ),
    )
    report = await ask(shop)
    nothing = ("0", "0")
    assert sources(report.landing_pages) == [
        ("https://shop.test/a", 2, 2, *nothing),
        ("https://www.shop.test/a", 1, 1, *nothing),
    ]
    assert sources(report.referrers) == [("google.com", 2, 2, *nothing), ("", 1, 1, *nothing)]
    assert sources(report.campaigns) == [("spring sale", 2, 2, *nothing), ("", 1, 1, *nothing)]


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("", ""),
        ("https://news.example/a", "news.example"),
        ("http://NEWS.example:8080?x", "news.example"),
        ("https://www.news.example#x", "news.example"),
        ("https://me:pass@news.example/@x", "news.example"),
        ("//news.example/x", "news.example"),
        ("http://[2001:db8::1]:80/x", "[2001:db8::1]"),
        ("android-app://com.example.app/x", "com.example.app"),
        ("news.example/x", ""),
        ("https:///x", ""),
        ("%%%", ""),
    ],
)
async def test_the_host_of_any_referrer_is_found_or_there_is_none(shop, referrer, host):
    await shop.send(seen_page(referrer=referrer, tracking_id="t1"))
    assert [each.value for each in (await ask(shop)).referrers] == [host]


async def test_revenue_goes_to_the_first_and_to_the_last_session_before_the_order(shop):
    await shop.send(
        seen_page(tracking_id="t1", at=0, context={"utm_campaign": "mail"}),
        seen_page(tracking_id="t1", at=HOUR, context={"utm_campaign": "search"}),
        seen_page(tracking_id="t1", at=HOUR + 60, context={"utm_campaign": "ignored"}),
        seen_page(tracking_id="t1", at=3 * HOUR, context={"utm_campaign": "late"}),
        order("o1", "10.00", tracking_id="t1", at=2 * HOUR),
        order("o2", "1.50", tracking_id="t1", at=3 * HOUR),
        order("o3", "7.00", tracking_id="t1", at=2 * HOUR, currency="USD"),
        order("o4", "100.00", identity="backend", at=2 * HOUR),
        seen_page(identity="too late", at=3 * HOUR, context={"utm_campaign": "late"}),
        order("o5", "50.00", identity="too late", at=2 * HOUR),
    )
    assert sources((await ask(shop)).campaigns) == [
        ("late", 2, 2, "0", "1.50"),
        ("mail", 1, 1, "11.50", "0"),
        ("search", 1, 1, "0", "10.00"),
    ]
    dollars = await ask(shop, currency="USD", begin=START + timedelta(hours=2))
    assert sources(dollars.campaigns) == [
        ("late", 2, 2, "0", "0"),
        ("mail", 0, 0, "7.00", "0"),
        ("search", 0, 0, "0", "7.00"),
    ]


async def test_the_longest_lists_are_cut_and_the_most_sessions_come_first(shop):
    await shop.send(
        *(
            seen_page(f"https://shop.test/{name}", tracking_id=f"{name}{number}")
            for name, count in (("a", 1), ("b", 3), ("c", 2), ("B", 2))
            for number in range(count)
        )
    )
    report = await ask(shop, limit=3)
    assert [(each.value[-1], each.sessions) for each in report.landing_pages] == [
        ("b", 3),
        ("B", 2),
        ("c", 2),
    ]


async def test_nothing_gives_no_rows_and_a_closed_range_empty_ones(shop):
    report = await ask(shop, interval=INTERVAL_DAY)
    assert (list(report.rows), figures(report.total), report.total.HasField("start")) == (
        [],
        (0, 0, 0),
        False,
    )
    report = await ask(shop, begin=BEGIN, end=END, interval=INTERVAL_DAY)
    assert [figures(row) for row in report.rows] == [(0, 0, 0)] * 31
    assert not [*report.landing_pages, *report.referrers, *report.campaigns]


async def test_as_of_tells_what_was_known_before_a_join(shop):
    early, late = START + timedelta(days=1), START + timedelta(days=2)
    await shop.send(seen_page(tracking_id="t1"), seen_page(tracking_id="t2", at=5), arrival=early)
    await shop.send(identify("t1", "ann", at=8), identify("t2", "ann", at=9), arrival=late)
    assert figures((await ask(shop)).total) == (2, 1, 1)
    assert figures((await ask(shop, as_of=early)).total) == (2, 2, 2)


@pytest.mark.parametrize(
    ("encoded", "campaign"),
    [("spring+sale", "spring sale"), ("%66%C3%BC", "fü"), ("50%", "50%"), ("%ff", "�"), ("a%00b", "a�b")],
)
async def test_any_campaign_in_an_address_is_shown(shop, encoded, campaign):
    await shop.send(seen_page(f"https://shop.test/?utm_campaign={encoded}", tracking_id="t1"))
    assert campaign_of(encoded) == campaign
    [found] = (await ask(shop)).campaigns
    assert found.value == campaign
    assert len(await behind(shop, found.explain)) == 1


def numbers(report: reports_pb2.GetTrafficReportResponse) -> tuple[Any, ...]:
    ways = {
        "landing_page": report.landing_pages,
        "referrer": report.referrers,
        "campaign": report.campaigns,
    }
    return (
        [micros(row.start.ToDatetime(UTC)) for row in report.rows],
        [figures(row) for row in report.rows],
        figures(report.total),
        {
            name: [(*line[:3], Decimal(line[3]), Decimal(line[4])) for line in sources(found)]
            for name, found in ways.items()
        },
    )


def of_oracle(report: Traffic) -> tuple[Any, ...]:
    def line(value: str, way: Way) -> tuple[Any, ...]:
        return value, len(way.sessions), len(way.visitors), way.first_touch, way.last_touch

    def rank(way: tuple[Any, ...]) -> tuple[Any, ...]:
        return -way[1], way[0]

    rows = [(len(row.page_views), len(row.visitors), row.sessions) for row in [*report.rows, report.total]]
    ways = {
        name: sorted((line(value, way) for value, way in found.items()), key=rank)
        for name, found in report.ways.items()
    }
    return report.starts, rows[:-1], rows[-1], ways


async def check_explained(shop: Shop, found: reports_pb2.GetTrafficReportResponse, expected: Traffic) -> None:
    for row, right in zip([*found.rows, found.total], [*expected.rows, expected.total], strict=True):
        assert await behind(shop, row.explain) == sorted(right.page_views)
    for each in found.landing_pages:
        assert await behind(shop, each.explain) == sorted(expected.ways["landing_page"][each.value].sessions)
    for each in found.referrers:
        assert await behind(shop, each.explain) == sorted(expected.ways["referrer"][each.value].sessions)
    for each in found.campaigns:
        assert await behind(shop, each.explain) == sorted(expected.ways["campaign"][each.value].sessions)


async def test_a_busy_month_gives_what_an_independent_computation_gives(shop):
    sent = busy_month(SEED)
    await store(shop, sent)
    seen = read(sent)
    units = {"day": INTERVAL_DAY, "week": INTERVAL_WEEK, "month": INTERVAL_MONTH}
    scopes = [
        {},
        {"source": "web"},
        {"currency": "USD"},
        {"include_bots": True, "include_sandbox": True},
    ]
    zones = ["Europe/Berlin", "America/New_York"]
    for (unit, interval), scope, zone in itertools.product(units.items(), scopes, zones):
        found = await ask(shop, begin=BEGIN, end=END, interval=interval, time_zone=zone, limit=1000, **scope)
        expected = traffic(
            seen, unit=unit, zone=ZoneInfo(zone), begin=micros(BEGIN), end=micros(END), **scope
        )
        assert numbers(found) == of_oracle(expected), (unit, scope, zone)
        assert sum(each.first_touch_revenue != "0" for each in found.campaigns) > 1
        if unit == "week" and zone == "Europe/Berlin":
            await check_explained(shop, found, expected)


async def test_neither_order_nor_repetition_of_the_events_changes_anything(shop):
    sent = busy_month(SEED + 1)
    shuffled = [*sent, *sent]
    random.Random(SEED).shuffle(shuffled)
    await store(shop, shuffled)
    found = await ask(shop, begin=BEGIN, end=END, interval=INTERVAL_DAY, limit=1000)
    expected = traffic(read(sent), unit="day", zone=ZoneInfo("UTC"), begin=micros(BEGIN), end=micros(END))
    assert numbers(found) == of_oracle(expected)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("SESSIONS", ["/b", "/a", "/c"]),
        ("VISITORS", ["/a", "/c", "/b"]),
        ("LAST_TOUCH_REVENUE", ["/c", "/a", "/b"]),
        ("VALUE", ["/c", "/b", "/a"]),
    ],
)
async def test_landing_pages_are_sorted_and_paged_over_all_of_them(shop, sort, expected):
    hour = 3_600
    visits = [
        ("/a", "t1", 0),
        ("/a", "t2", 0),
        ("/b", "t3", 0),
        ("/b", "t3", 1),
        ("/b", "t3", 2),
        ("/c", "t4", 0),
        ("/c", "t5", 0),
    ]
    await shop.send(
        *(
            seen_page(f"https://shop.test{path}", tracking_id=who, at=turn * hour)
            for path, who, turn in visits
        ),
        order("o1", "9.00", tracking_id="t4", at=60),
    )
    listing = {"order_by": f"TRAFFIC_ORDER_{sort}"}

    def paths(answer: reports_pb2.GetTrafficReportResponse) -> list[str]:
        return [each.value.removeprefix("https://shop.test") for each in answer.landing_pages]

    assert paths(await ask(shop, listing=listing)) == expected
    pages = [await ask(shop, limit=2, listing=listing | {"offset": at}) for at in (0, 2)]
    assert [paths(page) for page in pages] == [expected[:2], expected[2:]]
    assert {(page.total_landing_pages, page.total_referrers, page.total_campaigns) for page in pages} == {
        (3, 1, 1)
    }
    turned = paths(await ask(shop, listing=listing | {"ascending": True}))
    # Ties stand by value either way.
    assert sorted(turned) == sorted(expected)
    assert turned.index(expected[0]) > 0
