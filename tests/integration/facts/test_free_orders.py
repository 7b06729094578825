"""Free orders left out of reports: every report is then that of a shop that never had them."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from google.protobuf import json_format

from oracles.seen import counted, orders_and_refunds, read
from shopalytic.v1 import reports_pb2
from shopalytic.v1.events_pb2 import Event
from shops.commerce_month import Month, store
from shops.report_shop import PROJECT, START, Shop, event, open_shop, order

OTHER = replace(PROJECT, project_id=2, name="without")
OF_ORDERS = ("order", "order_cancel", "refund", "shipment", "shipment_delivered")
# What differs of the same answer: tokens, and how many robots' events lie beside it.
BESIDE = {"explain", "robots", "explainAbandoned"}
FUNNEL = [reports_pb2.FunnelStep(event_type=each) for each in ("product_view", "cart_add", "order")]
BY = ("customer_type", "segment", "sku", "coupon", "channel", "carrier")
ASKED: dict[str, dict[str, Any]] = {
    "sales": {"interval": reports_pb2.INTERVAL_WEEK},
    "product": {"limit": 1000},
    "retention": {},
    "fulfilment": {},
    "traffic": {},
    "conversion": {},
    "coupon": {},
    "segment": {},
    "lifetime": {},
    "funnel": {"steps": FUNNEL},
}


def a_month() -> tuple[list[Event], set[str]]:
    """The events of a month, and which of its orders are free in the end."""
    chance = random.Random(3)
    events = Month(11).events
    # What is cancelled is no order anyway, and its cart is left behind.
    void = {each.order_cancel.order_id for each in events}
    void |= {each.order.order_id for each in events if each.order.status in ("cancelled", "failed")}
    orders = sorted({each.order.order_id for each in events if each.HasField("order")} - void)
    free = set(chance.sample(orders, k=len(orders) // 3))
    changed = {each.order.order_id for each in events if each.order.total.endswith(".1")}
    free_once = set(sorted(set(orders) & changed - free)[:3])
    for each in events:
        if each.order.order_id in free or (
            each.order.order_id in free_once and each.order.total.endswith(".0")
        ):
            each.order.total = "0"
    return events, free


def order_of(each: Event) -> str | None:
    kind = each.WhichOneof("payload")
    return getattr(each, kind).order_id if kind in OF_ORDERS else None


def cart_of(each: Event) -> str | None:
    kind = each.WhichOneof("payload")
    return getattr(each, kind).cart_id if kind in ("cart_add", "cart_modify") else None


def differences(left: Any, right: Any, where: str = "") -> list[str]:
    """Where two answers differ, for people."""
    if isinstance(left, dict) and isinstance(right, dict):
        names = sorted(left.keys() | right.keys())
        return [
            found
            for name in names
            for found in differences(left.get(name), right.get(name), f"{where}.{name}")
        ]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        return [found for place, pair in pairs for found in differences(*pair, f"{where}[{place}]")]
    return [] if left == right else [f"{where}: {left} != {right}"]


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        with psycopg.connect(database_url) as conn:
            conn.execute(
                "INSERT INTO projects"
                " (project_id, name, currency, time_zone, created_at, browser_event_types)"
                " VALUES (2, 'without', 'EUR', 'UTC', %s, '{}')",
                [START],
            )
        yield opened


async def answer(shop: Shop, name: str, *, by: tuple[str, ...] = (), **scope: Any) -> Any:
    message = "Segment" if name == "segment" else name.capitalize()
    asked = getattr(reports_pb2, f"Get{message}ReportRequest")(
        scope=reports_pb2.ReportScope(breakdowns=by, **scope), **ASKED.get(name, {})
    )
    found = await getattr(shop.reports, f"get_{name}_report")(shop.project, asked)
    return _stripped(json_format.MessageToDict(found))


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _stripped(each) for name, each in value.items() if name not in BESIDE}
    return [_stripped(each) for each in value] if isinstance(value, list) else value


async def test_each_report_is_that_of_a_shop_without_them(shop):
    events, free = a_month()
    without = replace(shop, project=OTHER)
    await store(shop, events)
    await store(without, [each for each in events if order_of(each) not in free])
    for name in ASKED:
        left, expected = await answer(shop, name, without_free_orders=True), await answer(without, name)
        assert left == expected, (name, differences(left, expected))
    for name, by in (("sales", "customer_type"), ("sales", "sku"), ("conversion", "segment")):
        left = await answer(shop, name, by=(by,), without_free_orders=True)
        assert left == await answer(without, name, by=(by,)), (name, by)


async def test_a_cart_that_became_a_free_order_is_in_no_count(shop):
    events, free = a_month()
    carts = {each.order.cart_id for each in events if order_of(each) in free and each.HasField("order")}
    without = replace(shop, project=OTHER)
    await store(shop, events)
    left = [each for each in events if order_of(each) not in free and cart_of(each) not in carts]
    await store(without, left)
    counts, expected = await answer(shop, "cart", without_free_orders=True), await answer(without, "cart")
    assert counts == expected, differences(counts, expected)
    assert await answer(shop, "cart") != await answer(without, "cart")


async def test_the_sales_are_those_of_the_oracle_s_orders_with_a_price(shop):
    events, _ = a_month()
    await store(shop, events)
    orders, _ = orders_and_refunds(counted(read(events)), PROJECT.currency)
    for scope in ({}, {"without_free_orders": True}):
        expected: dict[str, int] = {}
        for each in orders:
            if each.amount != 0 or not scope:
                expected[each.currency] = expected.get(each.currency, 0) + 1
        found = {each.currency: each.total for each in await shop.sales(**scope)}
        assert {currency: total.orders for currency, total in found.items() if total.orders} == expected
        for currency, total in found.items():
            sums = [each.amount for each in orders if each.currency == currency]
            assert Decimal(total.total_sales) == sum(sums, Decimal(0))


async def test_what_is_behind_a_number_leaves_them_out_too(shop):
    await shop.send(order("o1", "0", identity="ann", at=1), order("o2", "5.00", identity="ann", at=2))
    [report] = await shop.sales(without_free_orders=True)
    assert (report.total.orders, report.total.customers) == (1, 1)
    request = reports_pb2.ListEventsRequest(explain=report.total.explain)
    listed = (await shop.reports.list_events(shop.project, request)).events
    assert [each.properties["order_id"] for each in listed] == ["o2"]
    [everything] = await shop.sales()
    assert everything.total.orders == 2


async def test_an_order_that_becomes_free_leaves_a_funnel_and_comes_back_when_it_costs_again(shop):
    async def buyers() -> int:
        found = await answer(shop, "funnel", without_free_orders=True)
        return int(found["funnels"][0]["steps"][-1].get("customers", 0))

    view = {"sku": "s", "name": "Mug", "price": "1"}
    added = {"cart_id": "c", "sku": "s", "qty": 1, "price": "1"}
    await shop.send(event("product_view", view, identity="ann", at=1))
    await shop.send(event("cart_add", added, identity="ann", at=2), order("o1", "1.00", identity="ann", at=3))
    counts = [await buyers()]
    await shop.send(order("o1", "0", identity="ann", at=4))
    counts.append(await buyers())
    await shop.send(order("o1", "2.00", identity="ann", at=5))
    counts.append(await buyers())
    assert counts == [1, 0, 1]
