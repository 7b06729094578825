"""The sales report."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic.v1 import reports_pb2
from shopalytic.v1.reports_pb2 import INTERVAL_DAY, INTERVAL_MONTH, INTERVAL_WEEK
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.reports.ranges import Unit, bucket_starts
from shops.report_shop import START, Shop, alias, event, identify, open_shop, order, page, refund

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def on(day: str, zone: ZoneInfo | None = None) -> datetime:
    """A moment such as "2026-03-29" or "2026-03-29 01:30" in a zone (UTC)."""
    return datetime.fromisoformat(day).replace(tzinfo=zone or UTC).astimezone(UTC)


def table(report: reports_pb2.SalesReport, zone: ZoneInfo | None = None) -> list[tuple[Any, ...]]:
    """The rows, with the local begin of each."""
    return [
        (
            f"{row.start.ToDatetime(UTC).astimezone(zone or UTC):%Y-%m-%d %H:%M}",
            row.orders,
            row.gross,
            row.refunds,
            row.customers,
        )
        for row in report.rows
    ]


async def test_orders_and_refunds_count_in_the_interval_they_happened_in(shop):
    await shop.send(
        order("o1", "10.00", qty=2, identity="ann", at=on("2026-01-31 23:59")),
        order("o2", "20.50", qty=3, identity="bea", at=on("2026-02-01")),
        order("o3", "5.25", identity="ann", at=on("2026-03-31 23:59")),
        refund("o1", "4.00", identity="ann", at=on("2026-02-10")),
        refund("o3", identity="ann", at=on("2026-04-01")),
    )
    [report] = await shop.sales(on("2026-01-01"), on("2026-05-01"), INTERVAL_MONTH)
    assert report.currency == "EUR"
    assert table(report) == [
        ("2026-01-01 00:00", 1, "10.00", "0", 1),
        ("2026-02-01 00:00", 1, "20.50", "4.00", 1),
        ("2026-03-01 00:00", 1, "5.25", "0", 1),
        ("2026-04-01 00:00", 0, "0", "5.25", 0),
    ]
    assert [row.net for row in report.rows] == ["10.00", "16.50", "5.25", "-5.25"]
    assert [row.units for row in report.rows] == [2, 3, 1, 0]
    assert [row.average_order for row in report.rows] == ["10.0000", "20.5000", "5.2500", "0.0000"]
    total = report.total
    assert (total.orders, total.units, total.gross, total.refunds, total.net) == (
        3,
        6,
        "35.75",
        "9.25",
        "26.50",
    )
    assert (total.customers, total.average_order) == (2, "11.9167")
    assert total.start == report.rows[0].start


async def test_an_order_counts_at_its_order_date(shop):
    await shop.send(order("o1", identity="ann", at=on("2026-03-01"), order_date="2025-12-24T10:00:00Z"))
    [report] = await shop.sales(interval=INTERVAL_MONTH)
    assert table(report) == [("2025-12-01 00:00", 1, "10.00", "0", 1)]


async def test_the_range_includes_its_begin_and_excludes_its_end(shop):
    await shop.send(
        order("o1", "1", identity="ann", at=on("2026-03-01")),
        order("o2", "2", identity="ann", at=on("2026-03-02")),
        refund("o1", "0.1", identity="ann", at=on("2026-03-01")),
        refund("o1", "0.2", identity="ann", at=on("2026-03-02")),
    )
    [report] = await shop.sales(on("2026-03-01"), on("2026-03-02"), INTERVAL_DAY)
    assert table(report) == [("2026-03-01 00:00", 1, "1", "0.1", 1)]


async def test_a_range_may_begin_in_the_middle_of_a_week(shop):
    await shop.send(
        order("early", identity="ann", at=on("2026-03-03")),
        order("o1", identity="ann", at=on("2026-03-04 12:00")),
    )
    [report] = await shop.sales(on("2026-03-04"), on("2026-03-10"), INTERVAL_WEEK)
    assert table(report) == [("2026-03-02 00:00", 1, "10.00", "0", 1), ("2026-03-09 00:00", 0, "0", "0", 0)]


async def test_without_an_interval_the_whole_range_is_one_row(shop):
    await shop.send(
        order("o1", identity="ann", at=on("2026-03-03")), order("o2", identity="bea", at=on("2026-07-03"))
    )
    [report] = await shop.sales(on("2026-03-01 05:00"), on("2026-09-01"))
    assert table(report) == [("2026-03-01 05:00", 2, "20.00", "0", 2)]
    assert report.rows[0] == report.total
    [report] = await shop.sales()
    assert table(report) == [("2026-03-03 00:00", 2, "20.00", "0", 2)]


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-29", 23), ("2026-10-25", 25), ("2026-07-01", 24)],
    ids=["spring", "autumn", "summer"],
)
async def test_a_day_with_a_clock_change_has_all_its_hours_and_no_others(shop, day, hours):
    midnight = on(day, BERLIN)
    sent = [
        order(f"o{n}", "1", identity="ann", at=midnight + timedelta(hours=n, minutes=-1))
        for n in range(-24, 50)
    ]
    await shop.send(*sent)
    begin = midnight - timedelta(hours=12)
    [report] = await shop.sales(begin, midnight + timedelta(days=2), INTERVAL_DAY, time_zone="Europe/Berlin")
    rows = {row.start.ToDatetime(UTC): row.orders for row in report.rows}
    assert rows[midnight] == hours
    assert table(report, BERLIN)[1][0] == f"{day} 00:00"
    following = midnight + timedelta(hours=hours)
    assert following in rows


async def test_days_are_those_of_the_projects_time_zone_unless_another_is_named(shop):
    await shop.send(order("o1", identity="ann", at=on("2026-03-01 20:00")))
    tokyo = shop.in_zone("Asia/Tokyo")
    [report] = await tokyo.sales(interval=INTERVAL_DAY)
    assert table(report, ZoneInfo("Asia/Tokyo"))[0][0] == "2026-03-02 00:00"
    [report] = await tokyo.sales(interval=INTERVAL_DAY, time_zone="America/New_York")
    assert table(report, ZoneInfo("America/New_York"))[0][0] == "2026-03-01 00:00"


@given(
    st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Tokyo"]
    ),
    st.sampled_from(list(Unit)),
    st.integers(900_000_000, 1_900_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.integers(1, 400 * 24 * 3600),
)
def test_buckets_are_those_that_postgresql_would_make(postgres_url, zone, unit, begin, seconds):
    end = begin + timedelta(seconds=seconds)
    starts = bucket_starts(begin, end, unit, ZoneInfo(zone))
    moments = [begin + (end - begin) * n / 50 for n in range(50)]
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute(
            """
            SELECT date_trunc(%(unit)s, at, %(zone)s),
                   (%(starts)s::timestamptz[])[width_bucket(at, %(starts)s)]
              FROM unnest(%(moments)s::timestamptz[]) AS at
            """,
            {"unit": unit, "zone": zone, "starts": starts, "moments": moments},
        ).fetchall()
    assert [expected for expected, _ in rows] == [found for _, found in rows]


async def test_empty_intervals_are_there_up_to_the_ends_of_the_range(shop):
    await shop.send(
        order("o1", identity="ann", at=on("2026-03-03")), order("o2", identity="ann", at=on("2026-03-06"))
    )
    [report] = await shop.sales(on("2026-03-01"), on("2026-03-09"), INTERVAL_DAY)
    assert [row.orders for row in report.rows] == [0, 0, 1, 0, 0, 1, 0, 0]
    [report] = await shop.sales(interval=INTERVAL_DAY)
    assert [row.orders for row in report.rows] == [1, 0, 0, 1]
    [report] = await shop.sales(begin=on("2026-03-02"), interval=INTERVAL_DAY)
    assert [row.orders for row in report.rows] == [0, 1, 0, 0, 1]
    [report] = await shop.sales(end=on("2026-03-08"), interval=INTERVAL_DAY)
    assert [row.orders for row in report.rows] == [1, 0, 0, 1, 0]


async def test_currencies_are_never_added(shop):
    await shop.send(
        order("o1", "10.00", identity="ann", at=on("2026-03-01")),
        order("o2", "7.00", currency="USD", identity="ann", at=on("2026-03-05")),
        refund("o9", "3.00", currency="GBP", identity="ann", at=on("2026-03-03")),
    )
    reports = await shop.sales(interval=INTERVAL_DAY)
    assert [(each.currency, each.total.gross, each.total.net) for each in reports] == [
        ("EUR", "10.00", "10.00"),
        ("GBP", "0", "-3.00"),
        ("USD", "7.00", "7.00"),
    ]


@pytest.mark.parametrize("begin", [None, on("2026-02-27")])
@pytest.mark.parametrize("end", [None, on("2026-03-09")])
async def test_asking_for_one_currency_gives_its_block_of_all(shop, begin, end):
    await shop.send(
        order("o1", "10.00", identity="ann", at=on("2026-03-01")),
        order("o2", "7.00", currency="USD", identity="ann", at=on("2026-03-03")),
        order("o3", "7.00", currency="USD", identity="ann", at=on("2026-03-05")),
    )
    reports = await shop.sales(begin, end, INTERVAL_DAY)
    assert len(reports) == 2
    for each in reports:
        assert await shop.sales(begin, end, INTERVAL_DAY, currency=each.currency) == [each]


async def test_where_nothing_was_sold_there_is_no_block_unless_a_currency_is_named(shop):
    assert await shop.sales(on("2026-03-01"), on("2026-03-03"), INTERVAL_DAY) == []
    assert await shop.sales() == []
    [report] = await shop.sales(on("2026-03-01"), on("2026-03-03"), INTERVAL_DAY, currency="JPY")
    assert table(report) == [("2026-03-01 00:00", 0, "0", "0", 0), ("2026-03-02 00:00", 0, "0", "0", 0)]
    [report] = await shop.sales(interval=INTERVAL_DAY, currency="JPY")
    assert (report.currency, len(report.rows)) == ("JPY", 0)
    assert (report.total.gross, report.total.net, report.total.average_order) == ("0", "0", "0.0000")
    assert not report.total.HasField("start")


async def test_a_refund_counts_without_its_order_but_a_full_one_waits(shop):
    await shop.send(
        refund("o1", "4.00", identity="ann", at=on("2026-03-02")),
        refund("o2", identity="ann", at=on("2026-03-03")),
    )
    [report] = await shop.sales(interval=INTERVAL_DAY)
    assert table(report) == [("2026-03-02 00:00", 0, "0", "4.00", 0)]
    assert await shop.sales(on("2026-03-03"), on("2026-03-04"), INTERVAL_DAY) == []
    await shop.send(order("o2", "9.00", identity="ann", at=on("2026-03-01")))
    [report] = await shop.sales(interval=INTERVAL_DAY)
    assert [(row.gross, row.refunds) for row in report.rows] == [("9.00", "0"), ("0", "4.00"), ("0", "9.00")]


async def test_a_changed_order_counts_once_on_its_first_day_with_what_it_was_last(shop):
    await shop.send(
        order("o1", "10.00", identity="ann", at=on("2026-03-01")),
        order("o1", "8.00", identity="ann", at=on("2026-03-02")),
    )
    [report] = await shop.sales(interval=INTERVAL_DAY)
    assert table(report) == [("2026-03-01 00:00", 1, "8.00", "0", 1)]


async def test_a_customer_of_many_intervals_and_devices_is_one_in_the_total(shop):
    await shop.send(
        order("o1", identity="ann", at=on("2026-03-01")),
        order("o2", tracking_id="t1", at=on("2026-03-01 01:00")),
        order("o3", tracking_id="t2", at=on("2026-03-02")),
        order("o4", tracking_id="visitor", at=on("2026-03-02")),
    )
    [report] = await shop.sales(interval=INTERVAL_DAY)
    assert ([row.customers for row in report.rows], report.total.customers) == ([2, 2], 4)
    await shop.send(identify("t1", "ann", at=on("2026-04-01")), identify("t2", "bea", at=on("2026-04-01")))
    [report] = await shop.sales(interval=INTERVAL_DAY)
    assert ([row.customers for row in report.rows], report.total.customers) == ([1, 2], 3)
    await shop.send(alias("bea", identity="ann", at=START))
    [report] = await shop.sales(interval=INTERVAL_DAY)
    assert ([row.customers for row in report.rows], report.total.customers) == ([1, 2], 2)


async def test_on_a_shared_computer_unnamed_orders_are_the_first_owners(shop):
    await shop.send(
        identify("t1", "ann", at=1), identify("t1", "bea", at=2), order("o1", tracking_id="t1", at=3)
    )
    await shop.send(order("o2", identity="ann", at=4))
    [report] = await shop.sales()
    assert report.total.customers == 1
    await shop.send(order("o3", tracking_id="t1", identity="bea", at=5))
    [report] = await shop.sales()
    assert report.total.customers == 2


async def test_only_a_sources_orders_and_refunds_can_be_asked_for(shop):
    await shop.send(
        order("o1", "1", identity="ann", source="web"),
        order("o2", "2", identity="ann", source="ios"),
        order("o3", "4", identity="ann"),
        refund("o1", "0.5", identity="ann", source="web", at=5),
        refund("o2", "0.7", identity="ann", source="backoffice", at=5),
    )
    [report] = await shop.sales(source="web")
    assert (report.total.gross, report.total.refunds) == ("1", "0.5")
    assert await shop.sales(source="android") == []


async def test_sandbox_sales_are_counted_only_when_asked_for(shop):
    await shop.send(order("o1", "1", identity="ann"), order("o1", "2", identity="bea", sandbox=True))
    [real] = await shop.sales()
    [everything] = await shop.sales(include_sandbox=True)
    assert (real.total.gross, everything.total.gross, everything.total.orders) == ("1", "3", 2)
    assert everything.total.customers == 2


async def test_sums_keep_every_digit(shop):
    amounts = ["99999999999999.9999", "0.0001", "12345678901234.5678", "0.1"]
    await shop.send(*(order(f"o{n}", amount, identity="ann", at=n) for n, amount in enumerate(amounts)))
    [report] = await shop.sales()
    assert Decimal(report.total.gross) == sum(map(Decimal, amounts))
    assert report.total.average_order == "28086419725308.6670"


async def test_events_that_are_no_sales_change_nothing(shop):
    await shop.send(page("t1"), identify("t1", "ann", at=1))
    assert await shop.sales(interval=INTERVAL_DAY) == []


@pytest.mark.parametrize(
    ("field", "ask"),
    [
        ("scope.to", {"begin": on("2026-03-01"), "end": on("2026-03-01")}),
        ("scope.to", {"begin": on("2026-03-02"), "end": on("2026-03-01")}),
        ("scope.time_zone", {"time_zone": "Europe/Atlantis"}),
        ("scope.time_zone", {"time_zone": "../../etc/passwd"}),
        ("interval", {"begin": on("1990-01-01"), "end": on("2026-01-01"), "interval": INTERVAL_DAY}),
    ],
)
async def test_what_cannot_be_reported_on_is_refused_with_the_field(shop, field, ask):
    with pytest.raises(InvalidRequest) as caught:
        await shop.sales(**ask)
    assert [violation.field for violation in caught.value.violations] == [field]


async def test_a_stray_order_of_long_ago_is_named_when_it_makes_too_many_rows(shop):
    await shop.send(
        order("o1", identity="ann"), order("old", identity="ann", at=1, order_date="1990-01-01T00:00:00Z")
    )
    begin = datetime(1990, 1, 1, tzinfo=UTC)
    with pytest.raises(InvalidRequest, match="from 1990-01-01 to 2026-03-01; choose a longer interval"):
        await shop.sales(interval=INTERVAL_DAY, begin=begin)
    [report] = await shop.sales(interval=INTERVAL_MONTH, begin=begin)
    assert len(report.rows) == 36 * 12 + 3
    [report] = await shop.sales(interval=INTERVAL_DAY)
    assert len(report.rows) == 1


@pytest.mark.parametrize("costs", [("0.42", "1"), ("1", "0.42")])
async def test_the_cost_of_what_came_back_keeps_its_digits(shop, costs):
    items = [{"sku": "a", "price": "5", "qty": 1, "cost": cost} for cost in costs]
    whole = {"order_id": "o1", "total": "10", "subtotal": "10", "line_items": items}
    part = {"order_id": "o1", "refund_type": "partial", "total_refund": "5", "subtotal_refund": "5"}
    back = {"sku": "a", "price": "5", "quantity": "0.5"}
    await shop.send(
        event("order", whole, identity="ann", at=1),
        event("refund", {**part, "line_items": [back]}, identity="ann", at=2),
    )
    assert await _net_margins(shop) == (Decimal("3.79"), Decimal("6.29"))
    await shop.send(refund("o1", identity="ann", at=3))
    assert await _net_margins(shop) == (0, 0)


async def _net_margins(shop: Shop) -> tuple[Decimal, Decimal]:
    """Of all orders, and of the only product, whose refunds are what their lines say."""
    [whole] = await shop.sales()
    [by_product] = await shop.sales(breakdowns=["sku"])
    [row] = by_product.rows
    return Decimal(whole.total.net_margin), Decimal(row.net_margin)
