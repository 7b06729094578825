"""The retention report."""

import itertools
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from oracles.retention import retention
from oracles.seen import micros, read
from running.length import some
from shopalytic.events.decoding import decode_event
from shopalytic.v1 import reports_pb2
from shopalytic.v1.reports_pb2 import INTERVAL_DAY, INTERVAL_MONTH, INTERVAL_UNSPECIFIED, INTERVAL_WEEK
from shopalytic_server.domain.errors import InvalidRequest
from shops import retail
from shops.busy_month import BEGIN, END, behind, busy_month, store
from shops.report_shop import Shop, alias, identify, open_shop, order, refund

SEED = 20260303


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def on(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


async def ask(
    shop: Shop,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    interval: "reports_pb2.Interval" = INTERVAL_UNSPECIFIED,
    include_visitors: bool = False,
    **scope: Any,
) -> list[reports_pb2.Cohort]:
    request = reports_pb2.GetRetentionReportRequest(
        scope=reports_pb2.ReportScope(**scope), interval=interval, include_visitors=include_visitors
    )
    for name, time in (("from", begin), ("to", end)):
        if time is not None:
            getattr(request.scope, name).FromDatetime(time)
    return list((await shop.reports.get_retention_report(shop.project, request)).cohorts)


def heat(cohorts: list[reports_pb2.Cohort]) -> list[tuple[str, int, list[int]]]:
    """Begin, size, and customers per period."""
    return [
        (
            f"{cohort.start.ToDatetime():%Y-%m-%d}",
            cohort.size,
            [period.customers for period in cohort.periods],
        )
        for cohort in cohorts
    ]


async def test_cohorts_are_by_first_order_and_periods_by_later_ones(shop):
    await shop.send(
        order("o1", "10.00", identity="ann", at=on("2026-01-31 23:59")),
        order("o2", "2.50", identity="ann", at=on("2026-03-01")),
        order("o3", identity="ann", at=on("2026-03-02")),
        order("o4", identity="bea", at=on("2026-01-15")),
        order("o5", currency="USD", identity="bea", at=on("2026-02-15")),
        order("o6", identity="cid", at=on("2026-03-15")),
        refund("o1", "4.00", identity="ann", at=on("2026-02-10")),
    )
    cohorts = await ask(shop)
    assert heat(cohorts) == [
        ("2026-01-01", 2, [2, 1, 1]),
        ("2026-02-01", 0, [0, 0]),
        ("2026-03-01", 1, [1]),
    ]
    assert [period.index for period in cohorts[0].periods] == [0, 1, 2]
    assert [period.share for period in cohorts[0].periods] == ["1.0000", "0.5000", "0.5000"]
    assert [period.share for period in cohorts[1].periods] == ["0.0000", "0.0000"]
    assert [dict(period.net) for period in cohorts[0].periods] == [
        {"EUR": "20.00"},
        {"EUR": "-4.00", "USD": "10.00"},
        {"EUR": "12.50"},
    ]
    assert [dict(period.net) for period in cohorts[1].periods] == [{}, {}]


async def test_who_ordered_before_the_range_is_in_no_cohort(shop):
    await shop.send(
        order("o1", tracking_id="t1", at=on("2025-06-01")),
        order("o2", identity="ann", at=on("2026-01-05")),
        order("o3", identity="bea", at=on("2026-01-05")),
        order("o4", identity="bea", at=on("2026-02-01")),
    )
    january = {"begin": on("2026-01-01"), "end": on("2026-02-01")}
    assert heat(await ask(shop, **january)) == [("2026-01-01", 2, [2])]
    await shop.send(identify("t1", "ann", at=on("2026-02-20")))
    assert heat(await ask(shop, **january)) == [("2026-01-01", 1, [1])]
    assert heat(await ask(shop, begin=on("2026-01-01"))) == [
        ("2026-01-01", 1, [1, 1]),
        ("2026-02-01", 0, [0]),
    ]
    assert heat(await ask(shop, end=on("2025-07-01"))) == [("2025-06-01", 1, [1])]


async def test_only_named_customers_count_unless_visitors_are_asked_for(shop):
    await shop.send(
        order("o1", tracking_id="t1", at=on("2026-01-05")), order("o2", identity="ann", at=on("2026-02-05"))
    )
    assert heat(await ask(shop)) == [("2026-02-01", 1, [1])]
    both = [("2026-01-01", 1, [1, 0]), ("2026-02-01", 1, [1])]
    assert heat(await ask(shop, include_visitors=True)) == both
    await shop.send(identify("t1", "ann", at=on("2026-03-05")))
    assert heat(await ask(shop)) == [("2026-01-01", 1, [1, 1]), ("2026-02-01", 0, [0])]


async def test_a_join_makes_one_customer_of_two_at_once_and_as_of_before_it_two(shop):
    early, late = on("2026-05-01"), on("2026-06-01")
    await shop.send(
        order("o1", identity="ann", at=on("2026-01-05")),
        order("o2", tracking_id="t1", at=on("2026-02-05")),
        identify("t1", "bea", at=on("2026-02-06")),
        arrival=early,
    )
    await shop.send(alias("bea", identity="ann", at=on("2026-01-01")), arrival=late)
    assert heat(await ask(shop)) == [("2026-01-01", 1, [1, 1]), ("2026-02-01", 0, [0])]
    assert heat(await ask(shop, as_of=early)) == [("2026-01-01", 1, [1, 0]), ("2026-02-01", 1, [1])]


async def test_other_currencies_sources_robots_and_trials_are_as_if_they_had_not_ordered(shop):
    robot = {"user_agent": "Googlebot/2.1"}
    await shop.send(
        order("o1", identity="ann", currency="USD", source="ios", at=on("2026-01-05")),
        order("o2", identity="ann", at=on("2026-02-05"), source="web"),
        order("o3", identity="bot", at=on("2026-02-05"), context=robot),
        order("o4", identity="ann", at=on("2025-12-05"), sandbox=True),
    )
    assert heat(await ask(shop)) == [("2026-01-01", 1, [1, 1]), ("2026-02-01", 0, [0])]
    assert heat(await ask(shop, currency="EUR")) == [("2026-02-01", 1, [1])]
    assert heat(await ask(shop, source="web")) == [("2026-02-01", 1, [1])]
    assert heat(await ask(shop, include_bots=True)) == [("2026-01-01", 1, [1, 1]), ("2026-02-01", 1, [1])]
    everything = heat(await ask(shop, include_sandbox=True))
    assert [size for _, size, _ in everything] == [1, 1, 0]


async def test_a_currency_that_is_asked_for_is_in_every_period(shop):
    await shop.send(
        order("o1", identity="ann", currency="USD", at=on("2026-01-05")),
        order("o2", identity="bea", currency="USD", at=on("2026-02-05")),
    )
    cohorts = await ask(shop, currency="USD")
    assert [dict(period.net) for period in cohorts[0].periods] == [{"USD": "10.00"}, {"USD": "0"}]


async def test_a_refund_is_its_orders_customers_and_before_the_cohort_it_counts_nowhere(shop):
    await shop.send(
        order("o1", "10.00", identity="ann", at=on("2026-02-05")),
        refund("o1", "1.00", identity="bea", at=on("2026-03-05")),
        refund("unknown", "2.00", identity="ann", at=on("2026-03-05")),
        refund("o1", "4.00", identity="ann", at=on("2026-01-05")),
        order("o2", "10.00", identity="bea", at=on("2026-01-05")),
    )
    first, second, _ = await ask(shop)
    assert [dict(period.net) for period in first.periods] == [{"EUR": "10.00"}, {}, {}]
    assert [dict(period.net) for period in second.periods] == [{"EUR": "10.00"}, {"EUR": "-3.00"}]


async def test_weeks_begin_on_monday_in_the_time_zone_also_when_clocks_change(shop):
    zone = ZoneInfo("Europe/Berlin")
    monday = datetime(2026, 3, 30, tzinfo=zone)
    await shop.send(
        order("o1", identity="ann", at=monday - timedelta(microseconds=1)),
        order("o2", identity="bea", at=monday.astimezone(UTC)),
    )
    cohorts = await ask(shop, interval=INTERVAL_WEEK, time_zone="Europe/Berlin")
    assert [cohort.size for cohort in cohorts] == [1, 1]
    assert cohorts[0].start.ToDatetime(UTC) == datetime(2026, 3, 23, tzinfo=zone)
    assert cohorts[1].start.ToDatetime(UTC) == monday


async def test_nothing_gives_no_cohorts_and_a_closed_range_empty_ones(shop):
    assert await ask(shop) == []
    assert await ask(shop, begin=BEGIN) == []
    assert heat(await ask(shop, begin=BEGIN, end=END)) == [("2026-03-01", 0, [0])]


async def test_days_and_too_many_intervals_are_refused(shop):
    for fields in ({"interval": INTERVAL_DAY}, {"begin": on("2010-01-01"), "end": on("2026-01-01")}):
        with pytest.raises(InvalidRequest) as caught:
            await ask(shop, **fields)
        assert [violation.field for violation in caught.value.violations] == ["interval"]


def numbers(cohorts: list[reports_pb2.Cohort]) -> list[Any]:
    return [
        (
            micros(cohort.start.ToDatetime(UTC)),
            cohort.size,
            [
                (
                    period.customers,
                    period.share,
                    {code: Decimal(net) for code, net in period.net.items()},
                )
                for period in cohort.periods
            ],
        )
        for cohort in cohorts
    ]


def without_ids(expected: list[Any]) -> list[Any]:
    return [(start, size, [period[:3] for period in periods]) for start, size, periods in expected]


async def test_a_busy_month_gives_what_an_independent_computation_gives(shop):
    sent = busy_month(SEED)
    await store(shop, sent)
    seen = read(sent)
    units = {"week": INTERVAL_WEEK, "month": INTERVAL_MONTH}
    scopes = [
        {},
        {"source": "web"},
        {"currency": "USD"},
        {"include_bots": True, "include_sandbox": True, "include_visitors": True},
    ]
    ranges = [(BEGIN + timedelta(days=2), END), (None, None), (BEGIN, None), (None, END)]
    zones = ["UTC", "Europe/Berlin", "America/New_York"]
    for (unit, interval), scope, (begin, end), zone in some(
        itertools.product(units.items(), scopes, ranges, zones), 24
    ):
        found = await ask(shop, begin=begin, end=end, interval=interval, time_zone=zone, **scope)
        expected = retention(
            seen,
            unit=unit,
            zone=ZoneInfo(zone),
            begin=None if begin is None else micros(begin),
            end=None if end is None else micros(end),
            **scope,
        )
        assert numbers(found) == without_ids(expected), (unit, scope, begin, end, zone)
        assert sum(cohort.size for cohort in found) > 2
        if zone == "Europe/Berlin" and unit == "week" and begin is not None:
            for cohort, (_, _, periods) in zip(found, expected, strict=True):
                ids = [await behind(shop, period.explain) for period in cohort.periods]
                assert ids == [period[3] for period in periods]


async def test_neither_order_nor_repetition_of_the_events_changes_anything(shop):
    sent = busy_month(SEED + 1)
    shuffled = [*sent, *sent]
    random.Random(SEED).shuffle(shuffled)
    await store(shop, shuffled)
    found = await ask(shop, interval=INTERVAL_WEEK)
    assert numbers(found) == without_ids(retention(read(sent), unit="week", zone=ZoneInfo("UTC")))


def month_number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7]) - 1


@pytest.mark.slow
async def test_the_real_invoices_give_what_their_file_gives(shop, real_data):
    data = retail.read(real_data)
    await store(shop, [decode_event(each) for each in retail.events(data.invoices)])
    for include_visitors in (False, True):
        kept = [each for each in data.invoices if include_visitors or each.customer]
        buyers, net = from_invoices(kept)
        cohorts = await ask(shop, include_visitors=include_visitors)
        months = range(month_number("2010-12"), month_number("2011-12") + 1)
        assert [each.start.ToJsonString() for each in cohorts] == [
            f"{month // 12}-{month % 12 + 1:02}-01T00:00:00Z" for month in months
        ]
        for month, cohort in zip(months, cohorts, strict=True):
            assert cohort.size == len(buyers[month, 0])
            assert [period.customers for period in cohort.periods] == [
                len(buyers[month, index]) for index in range(months.stop - month)
            ]
            for index, period in enumerate(cohort.periods):
                expected = {"GBP": net[month, index]} if (month, index) in net else {}
                assert {code: Decimal(amount) for code, amount in period.net.items()} == expected


def from_invoices(kept: list[retail.Invoice]) -> tuple[dict[Any, set[str]], dict[Any, Decimal]]:
    """Buyers and net by (month of the first order, months since)."""
    first: dict[str, int] = {}
    for invoice in kept:
        if not invoice.is_refund:
            month = month_number(invoice.month)
            first[invoice.who] = min(month, first.get(invoice.who, month))
    buyers: dict[tuple[int, int], set[str]] = defaultdict(set)
    net: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for invoice in kept:
        if invoice.who in first:
            cell = first[invoice.who], month_number(invoice.month) - first[invoice.who]
            net[cell] += -invoice.total if invoice.is_refund else invoice.total
            if not invoice.is_refund:
                buyers[cell].add(invoice.who)
    return buyers, net
