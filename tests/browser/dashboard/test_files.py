"""The file that each page saves has the numbers of its report, to the last digit."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from browser.dashboard.operator import Dashboard, call
from browser.dashboard.shop import DAY
from running.running_service import Service

Rows = Callable[[dict[str, Any]], list[dict[str, Any]]]


class File(NamedTuple):
    """A table of a page, and the question whose answer it is."""

    page: str
    title: str
    report: str
    rows: Rows
    columns: dict[str, str]
    question: dict[str, Any] = {}  # noqa: RUF012 - never changed
    state: dict[str, str] = {}  # noqa: RUF012 - never changed


def in_dollars(name: str = "rows") -> Rows:
    return lambda answer: next(each for each in answer["reports"] if each["currency"] == "USD").get(name, [])


def plain(name: str = "rows") -> Rows:
    return lambda answer: list(answer.get(name, []))


DAILY = {"interval": "INTERVAL_DAY"}
CONVERSION = {
    "Sessions": "sessions",
    "Visitors": "visitors",
    "Carts": "carts",
    "Orders": "orders",
    "Cart rate": "cartRate",
    "Conversion rate": "conversionRate",
    "Total sales": "totalSales",
    "Value per visit": "valuePerVisit",
}
SALES = {
    "Orders": "orders",
    "Units": "units",
    "Quantity": "quantity",
    "Gross sales": "grossSales",
    "Discounts": "discounts",
    "Returns": "returns",
    "Net sales": "netSales",
    "Shipping": "shipping",
    "Tax": "tax",
    "Total sales": "totalSales",
    "Refunds": "refunds",
    "Net of refunds": "netOfRefunds",
    "Average order": "averageOrder",
    "Cost": "cost",
    "Margin": "margin",
    "Net margin": "netMargin",
    "Cost known": "costKnown",
    "Customers": "customers",
    "New": "newCustomers",
    "Bought more than once": "repeatCustomers",
    "Guest orders": "guestOrders",
}
COUPONS = {"Number of orders": "orders", "Discounts": "discounts", "Average order": "averageOrder"}
PRODUCTS = {
    "SKU": "sku",
    "Views": "views",
    "Units": "units",
    "Quantity": "quantity",
    "Gross sales": "grossSales",
    "Discounts": "discounts",
    "Returns": "returns",
    "Net sales": "netSales",
    "Return rate": "returnRate",
    "View to order": "viewToOrderRate",
}
CARTS = {"Cart": "cartId", "Value": "value", "Changed last": "changedAt", "Created": "createdAt"}
PARCELS = {
    "Carrier": "carrier",
    "Parcels": "parcels",
    "Late": "late",
    "Late rate": "lateRate",
    "To shipped, median": "orderToShippedMedian",
    "To delivered, 90 % within": "shippedToDeliveredP90",
}
VISITS = {"Visitors": "visitors", "Sessions": "sessions", "Page views": "pageViews"}
SOURCES = {
    "Referrer": "value",
    "Sessions": "sessions",
    "First-touch revenue": "firstTouchRevenue",
    "Last-touch revenue": "lastTouchRevenue",
}
SEARCHES = {
    "Query": "query",
    "Searches": "searches",
    "People": "visitors",
    "Found nothing": "withoutResults",
    "Total sales after it, USD": "totalSales",
}
SEGMENTS = {
    "Segment": "segment",
    "Customers": "customers",
    "Share": "share",
    "Net of refunds": "netOfRefunds",
    "Value per head": "valuePerHead",
}
LIFETIME = {
    "First order": "start",
    "Customers": "customers",
    "Net of refunds": "netOfRefunds",
    "Value per head": "valuePerHead",
    "Orders per head": "ordersPerHead",
}
FILES = [
    File("sales", "Sales in USD", "Sales", in_dollars(), {"Date": "start"} | SALES, DAILY),
    File(
        "sales",
        "Sales in USD by Sender",
        "Sales",
        in_dollars(),
        SALES,
        {"breakdowns": ["sent_by"]},
        {"by": "sent_by"},
    ),
    File("products", "Products in USD", "Product", in_dollars(), PRODUCTS),
    File("coupons", "Codes in USD", "Coupon", in_dollars(), {"Code": "coupon"} | COUPONS),
    File("carts", "Abandoned carts", "Cart", in_dollars("carts"), CARTS),
    File("fulfilment", "Carriers", "Fulfilment", plain("carriers"), PARCELS),
    File("traffic", "Over time", "Traffic", plain(), {"Date": "start"} | VISITS, DAILY),
    File("traffic", "Where sessions come from", "Traffic", plain("referrers"), SOURCES),
    File("conversion", "Over time, in USD", "Conversion", plain(), {"Date": "start"} | CONVERSION, DAILY),
    File(
        "conversion",
        "Conversion by Channel",
        "Conversion",
        plain(),
        CONVERSION,
        {"breakdowns": ["channel"]},
        {"by": "channel"},
    ),
    File("searches", "What was looked for", "Search", plain(), SEARCHES),
    File("segments", "Groups of customers, in USD", "Segment", plain(), SEGMENTS),
    File(
        "lifetime",
        "Customers by month of the first order, in USD",
        "Lifetime",
        plain(),
        LIFETIME,
        {"interval": "INTERVAL_MONTH"},
    ),
]


@pytest.mark.parametrize("file", FILES, ids=[f"{file.page}: {file.title}" for file in FILES])
def test_a_file_has_the_numbers_of_the_report(
    dashboard: Dashboard, full_service: Service, tmp_path: Path, file: File
):
    dashboard.open(file.page, range="28d", currency="USD", tz="UTC", compare="none", **file.state)
    saved = dashboard.save(file.title, tmp_path)
    rows = [
        row
        for row in csv.DictReader(saved.read_text("utf-8-sig").splitlines())
        if next(iter(row.values())) != "Total"
    ]
    question = dict(file.question)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    scope = {"from": (today - 27 * DAY).isoformat(), "to": (today + DAY).isoformat(), "currency": "USD"}
    if "breakdowns" in question:
        scope |= {"breakdowns": question.pop("breakdowns")}
    answer = call(full_service, f"ReportService/Get{file.report}Report", {"scope": scope, **question})
    wanted = file.rows(answer)
    assert wanted
    assert [[_text(row[column]) for column in file.columns] for row in rows] == [
        [_text(each.get(field, "")) for field in file.columns.values()] for each in wanted
    ]


def _text(value: object) -> str:
    """A value of a file or of an answer, where what is nothing is left out."""
    text = str(value).replace(".000Z", "Z")
    return "" if text == "0" else text
