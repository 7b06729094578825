"""The same word is the same number in every report, over the same range, and so are the sums of a breakdown.

The shop has all that a report may stumble over: devices whose clocks are years off, orders that exchange
goods, addresses with countries of two letters, refunds, discounts, guests, and customers with two names.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format

from oracles.sales import sales as worked_out
from oracles.seen import read
from shopalytic.events.decoding import decode_event
from shopalytic.filters import report_filters
from shopalytic.v1 import collector_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest.preparation import prepare
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.domain.reports.dimensions import DIMENSIONS, FITS, LINES, SEVERAL
from shops.dimension_shop import BEGIN, END, DimensionShop
from shops.report_shop import NOW, Shop, event, open_shop

SEED = 14
AMOUNTS = (
    *("gross_sales", "discounts", "returns", "net_sales", "shipping", "tax"),
    *("total_sales", "refunds", "net_of_refunds", "tax_refunds", "shipping_refunds"),
)
COUNTS = ("orders", "units")
CLOCKS = [timedelta(), timedelta(days=-1097), timedelta(minutes=31), timedelta(days=900)]
SHORT = {"DEU": "DE", "AUT": "at"}
RANGES: dict[str, dict[str, datetime]] = {
    "all": {},
    "a month": {"from": BEGIN, "to": END},
    "ten days": {"from": BEGIN + timedelta(days=7), "to": BEGIN + timedelta(days=17)},
}


def exchange() -> Event:
    """Two come, one goes back, and the rest is paid."""
    lines = [
        {"sku": "a", "price": "9.99", "quantity": "2"},
        {"sku": "b", "price": "5", "quantity": "-1"},
        {"sku": "c", "price": "4", "quantity": "0.5"},
    ]
    placed = {"order_id": "exchange", "subtotal": "16.98", "total": "20.98", "total_shipping": "4"}
    given = placed | {"total_tax": "1.25", "line_items": lines}
    return event("order", given, at=BEGIN + timedelta(days=9), tracking_id="d1-0", event_id="e" * 8 + ID)


ID = "-0000-4000-8000-000000000000"


def as_exported(made: Event) -> Event:
    """The order as a shop's export has it: with countries of two letters."""
    data = json_format.MessageToDict(made, preserving_proto_field_name=True)
    order = data.pop("order")
    for kind in ("billing", "shipping"):
        if kind in order:
            order[kind]["country"] = SHORT[order[kind]["country"]]
    return decode_event({**data, "type": "order", "properties": order})


async def store(shop: Shop, events: Iterable[Event]) -> None:
    """Each device's clock is off by its own difference, by which the events' time is corrected."""
    items = []
    for made in events:
        sent = as_exported(made) if made.WhichOneof("payload") == "order" else made
        off = CLOCKS[sum(made.tracking_id.encode()) % len(CLOCKS)]
        occurred: datetime = sent.occurred_at.ToDatetime(UTC)
        sent.occurred_at.FromDatetime(occurred + off)
        items.append(
            prepare(sent, project=shop.project, key_class=KeyClass.SERVER, received_at=NOW, sent_at=NOW + off)
        )
    verdicts = {result.status for result in await shop.writer.submit(items)}
    assert verdicts == {collector_pb2.EVENT_STATUS_ACCEPTED}


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        await store(opened, [*DimensionShop(SEED).events, exchange()])
        yield opened


Ask = Callable[..., Any]


@pytest.fixture
def ask(shop: Shop) -> Ask:
    """Asks a report over a range, in the currency of all amounts here."""

    async def answer(name: str, span: dict[str, datetime], *filters: str, **fields: Any) -> Any:
        scope = reports_pb2.ReportScope(
            currency="EUR", filters=report_filters(filters), breakdowns=fields.pop("by", ())
        )
        for end, moment in span.items():
            getattr(scope, end).FromDatetime(moment)
        request = getattr(reports_pb2, f"Get{name}ReportRequest")(scope=scope, **fields)
        found = await getattr(shop.reports, f"get_{name.lower()}_report")(shop.project, request)
        return found.reports[0] if hasattr(found, "reports") else found

    return answer


def added(rows: Iterable[Any], name: str) -> Decimal:
    return sum((Decimal(getattr(row, name)) for row in rows), Decimal(0))


def words(row: Any, *names: str) -> dict[str, Decimal]:
    return {name: Decimal(getattr(row, name)) for name in names}


async def test_sales_are_those_worked_out_from_what_happened(ask):
    total = (await ask("Sales", {})).total
    seen = read([*DimensionShop(SEED).events, exchange()])
    expected = worked_out(seen, "EUR", unit="day", zone=ZoneInfo("UTC"))["EUR"][None]
    for name in ("orders", "units", "customers"):
        assert getattr(total, name) == expected[name], name
    for name in ("gross", "refunds", "returns", "net_sales", "net_margin"):
        assert Decimal(getattr(total, name)) == expected[name], name


@pytest.mark.parametrize("span", RANGES.values(), ids=RANGES)
async def test_reports_of_orders_and_of_visits_say_the_same(ask, span):
    sales = (await ask("Sales", span)).total
    conversion = (await ask("Conversion", span)).total
    assert words(conversion, "orders", "total_sales") == words(sales, "orders", "total_sales")
    coupons = await ask("Coupon", span)
    for name in ("orders", "total_sales", "discounts"):
        assert added([coupons.with_coupon, coupons.without_coupon], name) == Decimal(getattr(sales, name))
    assert coupons.without_coupon.orders < sales.orders
    products = await ask("Product", span, limit=10_000)
    for name in ("units", "quantity"):
        assert added(products.rows, name) == Decimal(getattr(sales, name)), name
    for name in ("gross_sales", "discounts", "returns", "net_sales"):
        unassigned = Decimal(getattr(products.unassigned, name) or 0)
        assert added(products.rows, name) + unassigned == Decimal(getattr(sales, name)), name
    if not span:
        assert min(Decimal(sales.discounts), Decimal(sales.returns)) > 0
        assert len(products.rows) > 2
    traffic = (await ask("Traffic", span)).total
    assert words(traffic, "sessions", "visitors") == words(conversion, "sessions", "visitors")
    net = Decimal(sales.gross_sales) - Decimal(sales.discounts) - Decimal(sales.returns)
    assert net == Decimal(sales.net_sales)
    assert Decimal(sales.total_sales) - Decimal(sales.refunds) == Decimal(sales.net_of_refunds)


async def test_reports_of_customers_say_what_sales_say_of_all_time(ask, shop):
    sales = (await ask("Sales", {})).total
    segments = await ask("Segment", {})
    lifetime = (await ask("Lifetime", {}, include_visitors=True)).total
    for report in (segments.total, lifetime):
        names = ("customers", "orders", "net_of_refunds")
        assert words(report, *names) == words(sales, *names)
    for name in ("customers", "orders", "net_of_refunds"):
        assert added(segments.rows, name) == Decimal(getattr(sales, name))
    cohorts = (await ask("Retention", {}, include_visitors=True)).cohorts
    assert sum(cohort.size for cohort in cohorts) == sales.customers
    kept = [Decimal(period.net["EUR"]) for cohort in cohorts for period in cohort.periods]
    assert sum(kept) == Decimal(sales.net_of_refunds)
    named = (await ask("Lifetime", {})).total
    assert named.customers == sales.known_customers
    assert named.repeat_customers == sales.repeat_customers
    listed = await shop.customers(page_size=1_000)
    values = [value for each in listed.customers for value in each.values]
    guests = (await ask("Sales", {}, "customer_type=guest")).total
    assert sum(value.orders for value in values) == sales.orders - guests.orders
    assert guests.orders == sales.guest_orders
    assert sum(Decimal(value.gross) for value in values) + Decimal(guests.total_sales) == Decimal(
        sales.total_sales
    )
    assert sum(Decimal(value.refunds) for value in values) + Decimal(guests.refunds) == Decimal(sales.refunds)


@pytest.mark.parametrize("name", [name for name in DIMENSIONS if name not in SEVERAL])
async def test_the_rows_of_a_breakdown_add_up_to_the_whole(ask, name):
    span = RANGES["a month"]
    of_lines = ("gross_sales", "discounts", "returns", "net_sales", "units", "quantity")
    whole = (await ask("Sales", span)).total
    by = (await ask("Sales", span, by=[name])).rows
    assert len(by) > 1
    for word in of_lines if name in LINES else (*AMOUNTS, *COUNTS):
        assert added(by, word) == Decimal(getattr(whole, word)), word
    for report, counted in (
        ("Conversion", ("sessions", "carts", "checkouts", "orders", "total_sales")),
        ("Traffic", ("sessions", "page_views")),
        ("Lifetime", ("customers", "orders", "net_of_refunds")),
    ):
        if name in FITS[report.lower()] and name not in LINES:
            total = (await ask(report, span)).total
            rows = (await ask(report, span, by=[name])).rows
            for word in counted:
                assert added(rows, word) == Decimal(getattr(total, word)), (report, word)
    if name in FITS["products"]:
        plain = await ask("Product", span, limit=10_000)
        rows = (await ask("Product", span, by=[name], limit=10_000)).rows
        for word in (*of_lines, "quantity_returned", "views"):
            assert added(rows, word) == added(plain.rows, word), word
        if name in LINES:
            sold = {row.dimensions[name]: words(row, *of_lines[:4]) for row in by}
            ours = {row.dimensions[name]: words(row, *of_lines[:4]) for row in rows}
            assert sold == {value: each for value, each in ours.items() if value in sold}


async def test_countries_of_two_letters_are_those_of_three(ask):
    rows = (await ask("Sales", {}, by=["country"])).rows
    assert {row.dimensions["country"] for row in rows} - {""} == {"DEU", "AUT"}
