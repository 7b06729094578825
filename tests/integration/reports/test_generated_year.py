"""A year with everything in it: the same words are the same numbers, whichever page says them."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from typing import Any

import pytest

from oracles.seen import orders_and_refunds, read
from shopalytic.v1 import reports_pb2
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.commerce_month import PROJECT_CURRENCY, shuffled_and_doubled, store
from shops.generated_year import history
from shops.report_shop import Shop, open_shop

# What every page counts here: robots too, as a customer's own page does.
ALL = reports_pb2.ReportScope(include_bots=True)
AMOUNTS = ("gross_sales", "discounts", "returns", "net_sales", "shipping", "tax", "total_sales", "refunds")
COUNTS = ("orders", "units", "guest_orders")


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        await store(opened, shuffled_and_doubled(history("year"), 5))
        yield opened


async def pages(call: Any, shop: Shop, request: Any) -> list[Any]:
    found = []
    while True:
        found.append(await call(shop.project, request))
        request.page_token = found[-1].next_page_token
        if not request.page_token:
            return found


def worth(customers: Iterable[reports_pb2.Customer]) -> dict[str, tuple[int, Decimal, Decimal, Decimal]]:
    """Orders, totals, refunds and what is left, by currency."""
    found: dict[str, tuple[int, Decimal, Decimal, Decimal]] = defaultdict(
        lambda: (0, Decimal(0), Decimal(0), Decimal(0))
    )
    for value in (value for each in customers for value in each.values):
        orders, gross, refunds, net = found[value.currency]
        found[value.currency] = (
            orders + value.orders,
            gross + Decimal(value.gross),
            refunds + Decimal(value.refunds),
            net + Decimal(value.net),
        )
    return {currency: value for currency, value in found.items() if any(value)}


async def test_the_same_words_are_the_same_numbers_on_every_page(shop, database_url):
    monthly = reports_pb2.GetSalesReportRequest(scope=ALL, interval=reports_pb2.INTERVAL_MONTH)
    sales = {
        each.currency: each for each in (await shop.reports.get_sales_report(shop.project, monthly)).reports
    }
    for report in sales.values():
        for name in AMOUNTS:
            assert sum(Decimal(getattr(row, name)) for row in report.rows) == Decimal(
                getattr(report.total, name)
            )
        for name in COUNTS:
            assert sum(getattr(row, name) for row in report.rows) == getattr(report.total, name)

    listed = reports_pb2.ListCustomersRequest(page_size=7)
    answers = await pages(shop.reports.list_customers, shop, listed)
    named = [customer for answer in answers for customer in answer.customers]
    assert answers[0].total_customers == len(named)
    guests = {
        each.customer[1].removeprefix("visitor ")
        for each in read(history("year"))
        if not each.named and not each.sandbox
    }
    visitors = []
    for guest in sorted(guests):
        request = reports_pb2.GetCustomerRequest()
        request.customer.tracking_id = guest
        answer = await shop.reports.get_customer(shop.project, request)
        if not answer.customer.identities:
            visitors.append(answer.customer)
    assert worth([*named, *visitors]) == {
        currency: (
            report.total.orders,
            *(Decimal(getattr(report.total, name)) for name in ("total_sales", "refunds", "net_of_refunds")),
        )
        for currency, report in sales.items()
    }

    orders = await pages(shop.reports.list_orders, shop, reports_pb2.ListOrdersRequest(page_size=50))
    standing = [each for page in orders for each in page.orders if each.status not in ("cancelled", "failed")]
    assert len(standing) == sum(each.total.orders for each in sales.values())

    request = reports_pb2.GetCartReportRequest(scope=ALL, limit=1000)
    for report in (await shop.reports.get_cart_report(shop.project, request)).reports:
        parts = (report.ordered, report.abandoned, report.emptied, report.open)
        assert (sum(parts), len(report.carts)) == (report.created, report.abandoned)
        assert sum(Decimal(cart.value) for cart in report.carts) == Decimal(report.abandoned_value)
    assert (await rebuild(database_url, check=True)).equal


async def test_a_country_of_two_letters_is_that_of_three(shop):
    placed: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    orders, _ = orders_and_refunds(read(history("year")), PROJECT_CURRENCY)
    for each in orders:
        if not each.seen.sandbox:
            placed[each.currency][each.seen.properties.get("shipping", {}).get("country", "")] += 1
    scope = reports_pb2.ReportScope(include_bots=True, breakdowns=["country"])
    request = reports_pb2.GetSalesReportRequest(scope=scope)
    reports = (await shop.reports.get_sales_report(shop.project, request)).reports
    assert {
        report.currency: {row.dimensions["country"]: row.orders for row in report.rows if row.orders}
        for report in reports
    } == placed
    assert {country for rows in placed.values() for country in rows} == {"", "DEU", "AUT", "GBR", "USA"}
