"""Searches, coupons and a segment's customers: sorted and paged by the server over all rows."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from shopalytic.v1 import reports_pb2
from shops.dimension_shop import BEGIN, END, DimensionShop
from shops.report_shop import Shop, event, open_shop

QUERIES = {"pot": (5, 3, 1), "mug": (4, 4, 0), "cup": (3, 1, 3), "tea": (3, 2, 2), "jar": (1, 1, 1)}


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


async def in_pages(shop: Shop, method: str, request: Any, listed: Any, total: Any) -> list[Any]:
    """All rows of a list, two at a time; each page tells how many there are."""
    rows: list[Any] = []
    request.limit = 2
    while True:
        request.offset = len(rows)
        answer = await getattr(shop.reports, method)(shop.project, request)
        page = list(listed(answer))
        rows += page
        if not page:
            return rows
        assert total(answer) >= len(rows)
        if len(rows) == total(answer):
            return rows


SEARCH_ORDERS = {
    "SEARCHES": lambda row: row.searches,
    "VISITORS": lambda row: row.visitors,
    "WITHOUT_RESULTS": lambda row: row.without_results,
    "ORDERS": lambda row: row.orders,
    "TOTAL_SALES": lambda row: Decimal(row.total_sales),
    "QUERY": lambda row: row.query,
}


@pytest.fixture
async def searched(shop: Shop) -> Shop:
    events = []
    for query, (searches, people, unfound) in QUERIES.items():
        for number in range(searches):
            given = {"query": query, "results": 0 if number < unfound else 7}
            events.append(event("search", given, tracking_id=f"{query}{number % people}", at=number))
        line = {"sku": query, "price": f"{len(events)}.5", "qty": 1}
        total = {"total": line["price"], "subtotal": line["price"], "line_items": [line]}
        events += [
            event(
                "order", {"order_id": f"{query}-{number}", **total}, tracking_id=f"{query}0", at=60 + number
            )
            for number in range(unfound)
        ]
    await shop.send(*events)
    return shop


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("order", SEARCH_ORDERS)
async def test_searches_are_sorted_and_paged_over_all_of_them(searched, order, ascending):
    request = reports_pb2.GetSearchReportRequest(order_by=f"SEARCH_ORDER_{order}", ascending=ascending)
    rows = await in_pages(
        searched, "get_search_report", request, lambda answer: answer.rows, lambda answer: answer.total_rows
    )
    assert {row.query: (row.searches, row.visitors, row.without_results) for row in rows} == QUERIES
    by_query = sorted(rows, key=lambda row: row.query)
    assert rows == sorted(by_query, key=SEARCH_ORDERS[order], reverse=not ascending)


COUPON_ORDERS = {
    "ORDERS": lambda row: row.orders,
    "CUSTOMERS": lambda row: row.customers,
    "NEW_CUSTOMERS": lambda row: row.new_customers,
    "DISCOUNTS": lambda row: Decimal(row.discounts),
    "TOTAL_SALES": lambda row: Decimal(row.total_sales),
    "AVERAGE_ORDER": lambda row: Decimal(row.total_sales) / row.orders,
    "COUPON": lambda row: row.coupon,
}


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("order", COUPON_ORDERS)
async def test_coupons_are_sorted_and_paged_over_all_of_them(shop, order, ascending):
    sold = []
    for number in range(30):
        given = {"code": "ABCDEFG"[number % 7], "value": f"{number % 5}.10"}
        line = {"sku": "a", "price": f"{10 + number * 7 % 11}.25", "qty": 1}
        goods = {
            "total": line["price"],
            "subtotal": line["price"],
            "line_items": [line],
            "discounts": [given],
            "total_discount": given["value"],
        }
        sold.append(event("order", {"order_id": f"o{number}", **goods}, identity=f"c{number % 4}", at=number))
    await shop.send(*sold)
    request = reports_pb2.GetCouponReportRequest(order_by=f"COUPON_ORDER_{order}", ascending=ascending)
    rows = await in_pages(
        shop,
        "get_coupon_report",
        request,
        lambda answer: [row for block in answer.reports for row in block.rows],
        lambda answer: sum(block.total_rows for block in answer.reports),
    )
    assert sorted(row.coupon for row in rows) == list("ABCDEFG")
    by_code = sorted(rows, key=lambda row: row.coupon)
    assert rows == sorted(by_code, key=COUPON_ORDERS[order], reverse=not ascending)


PEOPLE_ORDERS = {
    "NET_OF_REFUNDS": lambda row: Decimal(row.net_of_refunds),
    "ORDERS": lambda row: row.orders,
    "LAST_ORDER": lambda row: row.last_order_at.ToMicroseconds(),
}


@pytest.mark.parametrize("ascending", [False, True])
async def test_the_customers_of_a_segment_are_sorted_and_paged_over_all_of_them(shop, ascending):
    await shop.send(*DimensionShop(3).events)
    scope = reports_pb2.ReportScope(currency="EUR")
    getattr(scope, "from").FromDatetime(BEGIN)
    scope.to.FromDatetime(END)
    counted = await shop.reports.get_segment_report(
        shop.project, reports_pb2.GetSegmentReportRequest(scope=scope)
    )
    largest = max(counted.rows, key=lambda row: row.customers)
    assert largest.customers > 2
    everybody = []
    for order, key in PEOPLE_ORDERS.items():
        request = reports_pb2.GetSegmentReportRequest(
            scope=scope,
            list=largest.segment,
            order_by=f"SEGMENT_CUSTOMER_ORDER_{order}",
            ascending=ascending,
        )
        rows = await in_pages(
            shop,
            "get_segment_report",
            request,
            lambda answer: answer.customers,
            lambda answer: answer.total_customers,
        )
        assert len(rows) == largest.customers
        keys = [key(row) for row in rows]
        assert keys == sorted(keys, reverse=not ascending)
        everybody.append(sorted(row.customer_id for row in rows))
    assert everybody[0] == everybody[1] == everybody[2]
    assert len(set(everybody[0])) == largest.customers
