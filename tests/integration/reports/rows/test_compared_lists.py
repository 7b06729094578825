"""A list that is compared: each row has its own number of the other range, on whichever page it stands."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shopalytic.v1 import dimensions_pb2, reports_pb2
from shops.report_shop import Shop, event, open_shop

MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
NOW = {"a": 5, "b": 4, "c": 3, "d": 2, "new": 1}
BEFORE = {"a": 1, "b": 2, "c": 3, "d": 4, "old": 5}


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    """In the week before, what is first now was last."""
    events = []
    for begin, sold in ((MONDAY, NOW), (MONDAY - timedelta(days=7), BEFORE)):
        for sku, pieces in sold.items():
            line = {"sku": sku, "price": "10", "qty": pieces}
            total = {"total": f"{pieces}0", "subtotal": f"{pieces}0", "line_items": [line]}
            code = {"discounts": [{"code": sku, "value": "0"}], "total_discount": "0"}
            given = {"order_id": f"{begin:%d}{sku}", **total, **code}
            at = begin + timedelta(hours=20)
            events.append(event("order", given, identity=sku, at=at))
            events += [
                event("search", {"query": sku, "results": 1}, identity=sku, at=at - timedelta(minutes=n))
                for n in range(pieces)
            ]
            page = {"url": f"https://shop.test/{sku}", "referrer": ""}
            events += [
                event("page_view", page, identity=sku, at=at - timedelta(hours=2 * n)) for n in range(pieces)
            ]
    async with open_shop(database_url) as opened:
        await opened.send(*events)
        yield opened


def scope(**fields: Any) -> reports_pb2.ReportScope:
    compare = dimensions_pb2.Comparison(period=dimensions_pb2.COMPARED_PERIOD_PREVIOUS)
    found = reports_pb2.ReportScope(currency="EUR", compare=compare, **fields)
    getattr(found, "from").FromDatetime(MONDAY)
    found.to.FromDatetime(MONDAY + timedelta(days=7))
    return found


LISTS = {
    "products": ("product", lambda found: found.reports[0].rows, lambda row: (row.sku, row.units)),
    "coupons": ("coupon", lambda found: found.reports[0].rows, lambda row: (row.coupon, row.orders)),
    "searches": ("search", lambda found: found.rows, lambda row: (row.query, row.searches)),
    "landing pages": (
        "traffic",
        lambda found: found.landing_pages,
        lambda row: (row.value.rpartition("/")[2], row.sessions),
    ),
}


@pytest.mark.parametrize("limit", [1, 2, 4, 100])
@pytest.mark.parametrize("name", LISTS)
async def test_rows_of_every_page_stand_beside_their_own_numbers(shop, name, limit):
    call, listed, read = LISTS[name]
    rows: list[Any] = []
    while True:
        request = getattr(reports_pb2, f"Get{call.capitalize()}ReportRequest")(
            scope=scope(), limit=limit, offset=len(rows)
        )
        page = listed(await getattr(shop.reports, f"get_{call}_report")(shop.project, request))
        rows += page
        if len(page) < limit:
            break
    now, before = NOW, BEFORE
    if name == "coupons":
        now, before = dict.fromkeys(NOW, 1), dict.fromkeys(BEFORE, 1)
    found = {read(row)[0]: (read(row)[1], read(row.previous)[1]) for row in rows}
    assert len(found) == len(rows)
    assert found == {each: (now.get(each, 0), before.get(each, 0)) for each in {*now, *before}}


async def test_a_list_tells_how_long_it_is_with_the_rows_that_only_the_other_range_has(shop):
    request = reports_pb2.GetProductReportRequest(scope=scope(), limit=2)
    [block] = (await shop.reports.get_product_report(shop.project, request)).reports
    assert (len(block.rows), block.total_products) == (2, 6)


async def test_the_largest_rows_of_a_breakdown_stand_beside_their_own_numbers(shop):
    request = reports_pb2.GetSalesReportRequest(scope=scope(breakdowns=["sku"], breakdown_limit=2))
    [block] = (await shop.reports.get_sales_report(shop.project, request)).reports
    found = {row.dimensions["sku"]: (row.units, row.previous.units) for row in block.rows}
    assert found == {"a": (5, 1), "b": (4, 2)}
    assert block.more_rows == 3
