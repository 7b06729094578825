"""A report on an open range begins and ends where the shop's data does, whatever one sender does."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.reports.ranges import body_of
from shops.report_shop import NOW, START, Shop, event, open_shop, order, page

DAY = timedelta(days=1)
LONG_AGO = datetime(1990, 1, 2, tzinfo=UTC)
REPORTS = ("sales", "funnel", "retention", "traffic", "product", "cart", "fulfilment")


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened
        for name in REPORTS:
            await ask(opened, name)


async def ask(shop: Shop, name: str, interval: "reports_pb2.Interval" = reports_pb2.INTERVAL_DAY) -> Any:
    request = getattr(reports_pb2, f"Get{name.capitalize()}ReportRequest")()
    if hasattr(request, "interval"):
        request.interval = reports_pb2.INTERVAL_WEEK if name == "retention" else interval
    return await getattr(shop.reports, f"get_{name}_report")(shop.project, request)


def days(rows: Sequence[Any]) -> list[date]:
    return [row.start.ToDatetime(UTC).date() for row in rows]


def left_out(answer: Any) -> list[tuple[date, date, int]]:
    return [
        (getattr(each, "from").ToDatetime().date(), each.to.ToDatetime().date(), each.events)
        for each in answer.outside
    ]


async def fill(shop: Shop) -> None:
    await shop.send(*(page("t1", at=START + n * DAY) for n in range(3)))
    await shop.send(order("o1", tracking_id="t1", at=START + DAY))


async def test_one_page_view_of_1990_moves_no_beginning(shop):
    await fill(shop)
    await shop.send(page("t2", at=LONG_AGO))
    answer = await ask(shop, "traffic")
    assert days(answer.rows) == [START.date(), (START + DAY).date(), (START + 2 * DAY).date()]
    assert answer.total.page_views == 3
    assert left_out(answer) == [(date(1990, 1, 1), date(1990, 2, 1), 1)]
    assert [left_out(await ask(shop, name)) for name in REPORTS] == [left_out(answer)] * len(REPORTS)


@pytest.mark.parametrize("when", [LONG_AGO, datetime(2099, 12, 31, tzinfo=UTC)])
async def test_an_order_with_a_wrong_date_moves_no_end(shop, database_url, when):
    await fill(shop)
    await shop.send(order("o2", tracking_id="t2", at=START, order_date=START.isoformat()))
    # Such a date could be sent once.
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE order_revisions SET ordered_at = %s WHERE order_id = 'o2'", [when])
    answer = await ask(shop, "sales")
    assert days(answer.reports[0].rows)[0] in (START.date(), (START + DAY).date())
    assert len(answer.reports[0].rows) <= 3
    assert answer.reports[0].total.orders == 1
    assert [each[2] for each in left_out(answer)] == [1]


async def test_a_range_that_is_named_has_all(shop):
    await fill(shop)
    await shop.send(order("o2", tracking_id="t2", at=LONG_AGO))
    [report] = await shop.sales(begin=LONG_AGO, end=NOW)
    assert report.total.orders == 2
    [report] = await shop.sales(begin=LONG_AGO)
    assert report.total.orders == 2


async def test_a_sender_who_fills_decades_stops_no_report(shop):
    await fill(shop)
    await shop.send(
        *(
            page("t2", at=datetime(year, month, 1, tzinfo=UTC))
            for year in range(1990, 2026)
            for month in (1, 7)
        )
    )
    answer = await ask(shop, "traffic")
    assert len(answer.rows) <= 10_000
    assert days(answer.rows)[-1] == (START + 2 * DAY).date()
    assert left_out(answer)


async def test_a_shop_of_some_years_has_all_of_them(shop):
    await shop.send(*(page("t1", at=datetime(year, 3, 1, tzinfo=UTC)) for year in range(2020, 2027)))
    answer = await ask(shop, "traffic", reports_pb2.INTERVAL_MONTH)
    assert (answer.total.page_views, left_out(answer)) == (7, [])
    assert days(answer.rows)[0] == date(2020, 3, 1)


async def test_a_parcel_that_is_to_be_sent_next_year_is_no_end(shop):
    await fill(shop)
    parcel = {"order_id": "o1", "shipment_id": "p1", "carrier": "dhl"}
    await shop.send(event("shipment", parcel, identity="backend", at=START + DAY))
    assert left_out(await ask(shop, "fulfilment")) == []


def months(*found: tuple[int, int, int]) -> dict[date, int]:
    return {date(year, month, 1): count for year, month, count in found}


@pytest.mark.parametrize(
    ("counts", "first", "last", "apart"),
    [
        ([(2026, 1, 1)], (2026, 1), (2026, 1), 0),
        # Of two equal ones the later is the shop's.
        ([(1990, 1, 1), (2026, 1, 1)], (2026, 1), (2026, 1), 1),
        # A year's pause is none, if there is much on both sides.
        ([(2020, 1, 90), (2022, 6, 100)], (2020, 1), (2022, 6), 0),
        ([(2020, 1, 1), (2022, 6, 100)], (2022, 6), (2022, 6), 1),
        # An old history, and a first try of today.
        ([(2010, 1, 200), (2010, 9, 200), (2026, 1, 1)], (2010, 1), (2010, 9), 1),
        ([(2026, 1, 1), (2099, 12, 1)], (2026, 1), (2026, 1), 1),
        ([(1990, 1, 200), (2025, 1, 100), (2026, 1, 100)], (2025, 1), (2026, 1), 1),
    ],
)
def test_a_shops_data_is_the_latest_large_piece(counts, first, last, apart):
    body = body_of(months(*counts), date(2026, 3, 1))
    assert (body.first, body.last) == (date(*first, 1), date(*last, 1))
    assert len(body.outside) == apart
