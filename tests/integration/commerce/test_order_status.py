"""What becomes of orders: a cancelled or failed one is none, until it is said to be paid again."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shopalytic.v1 import reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest.preparation import prepare
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import ACCEPTED, DUPLICATE, NOW, PROJECT, Shop, event, open_shop, order, refund


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def said(order_id: str, status: str | None = None, **envelope: Any) -> Event:
    """The order, with what became of it."""
    buyer = {name: envelope.pop(name) for name in ("email", "first_name", "last_name") if name in envelope}
    placed = order(order_id, **envelope)
    if status is not None:
        placed.order.status = status
    for name, value in buyer.items():
        setattr(placed.order, name, value)
    return placed


def cancel(order_id: str, **envelope: Any) -> Event:
    reason = {"order_id": order_id, "reason": "out of stock"}
    return event("order_cancel", reason, **{"tracking_id": "backend"} | envelope)


async def arrive(shop: Shop, each: Event) -> None:
    """Stores one event. One with a known content is a DUPLICATE, also where it is the earlier one."""
    item = prepare(each, project=PROJECT, key_class=KeyClass.SERVER, received_at=NOW, sent_at=NOW)
    [result] = await shop.writer.submit([item])
    assert result.status in (ACCEPTED, DUPLICATE)


async def total(shop: Shop) -> tuple[str, int, str]:
    """Total sales, orders and refunds."""
    found = await shop.sales()
    if not found:
        return "0", 0, "0"
    [report] = found
    return report.total.total_sales, report.total.orders, report.total.refunds


STORIES = {
    "cancelled": ([said("o", at=1), cancel("o", at=2)], 0),
    "cancelled before it was known": ([cancel("o", at=5), said("o", at=1)], 0),
    "paid, cancelled and paid again": (
        [said("o", "paid", at=1), cancel("o", at=2), said("o", "paid", at=3)],
        1,
    ),
    "failed, then paid": ([said("o", "failed", at=1), said("o", "paid", at=2)], 1),
    "paid, then failed": ([said("o", "paid", at=1), said("o", "failed", at=2)], 0),
    "pending": ([said("o", "pending", at=1)], 1),
    "cancelled and revised": ([said("o", at=1), cancel("o", at=2), said("o", total="20.00", at=3)], 0),
    "revised and paid": (
        [said("o", at=1), cancel("o", at=2), said("o", "paid", total="10.00", at=3)],
        1,
    ),
    "cancelled in the second that it was placed in": ([cancel("o", at=1), said("o", at=1.9)], 0),
}


@pytest.mark.parametrize("name", STORIES)
async def test_what_was_said_last_counts_in_whatever_order_it_arrives(name: str, database_url: str):
    events, orders = STORIES[name]
    async with open_shop(database_url) as shop:
        seen = set()
        for number, arrival in enumerate(itertools.permutations(events)):
            for each in arrival:
                copy = Event()
                copy.CopyFrom(each)
                # The same story of another order.
                getattr(copy, copy.WhichOneof("payload")).order_id = f"o{number}"
                copy.event_id = copy.event_id[:-4] + f"{number:04x}"
                copy.tracking_id = f"visitor-{number}"
                await arrive(shop, copy)
            customer = await shop.customer(f"visitor-{number}")
            seen.add((sum(value.orders for value in customer.values), len(customer.orders)))
        assert seen == {(orders, 1)}
        assert (await total(shop))[1] == orders * (number + 1)
    assert (await rebuild(database_url, check=True)).equal


async def test_a_cancelled_order_is_no_order_no_customer_and_no_step_and_its_cart_is_left(shop: Shop):
    cart = event("cart_add", {"cart_id": "c", "sku": "a", "price": "10", "qty": 1}, tracking_id="v")
    other = order("p", "7.00", tracking_id="w", at=5)
    other.order.cart_id = ""
    await shop.send(cart, order("o", "10.00", tracking_id="v", at=5), other)
    assert await total(shop) == ("17.00", 2, "0")
    await shop.send(cancel("o", at=10))
    assert await total(shop) == ("7.00", 1, "0")
    [products] = (
        await shop.reports.get_product_report(PROJECT, reports_pb2.GetProductReportRequest())
    ).reports
    assert [row.units for row in products.rows] == [1]
    request = reports_pb2.GetFunnelReportRequest(steps=[reports_pb2.FunnelStep(event_type="order")])
    [funnel] = (await shop.reports.get_funnel_report(PROJECT, request)).funnels
    assert funnel.steps[0].customers == 1
    [carts] = (await shop.reports.get_cart_report(PROJECT, reports_pb2.GetCartReportRequest())).reports
    assert carts.ordered == 0
    visitor = await shop.customer("v")
    assert (len(visitor.values), [found.status for found in visitor.orders]) == (0, ["cancelled"])


async def test_history_shows_a_cancelled_order_and_who_bought(shop: Shop):
    await shop.send(
        said("o", "paid", identity="ann", email="old@a.test", first_name="Ann"),
        said("o", identity="ann", at=2, email="new@a.test"),
        cancel("o", at=10),
    )
    customer = await shop.customer("ann")
    [found] = customer.orders
    assert (found.order_id, found.status) == ("o", "cancelled")
    assert (found.email, found.first_name, found.last_name) == ("new@a.test", "Ann", "")
    assert not customer.values
    listed = await shop.reports.list_orders(PROJECT, reports_pb2.ListOrdersRequest())
    assert [(each.order_id, each.status) for each in listed.orders] == [("o", "cancelled")]
    assert (await shop.customer("o")).customer_id == customer.customer_id
    await shop.send(said("o", "paid", identity="ann", at=20))
    [found] = (await shop.customer("ann")).orders
    assert found.status == "paid"


async def test_a_refund_of_a_cancelled_order_counts_nothing_and_is_flagged(shop: Shop):
    line = {"sku": "a", "price": "4", "qty": 1}
    back = {"refund_type": "partial", "total_refund": "4", "subtotal_refund": "4", "line_items": [line]}
    await shop.send(
        order("o", "10.00", identity="ann"),
        event("refund", {"order_id": "o", **back}, identity="ann", at=5),
        refund("o", identity="ann", at=6),
    )
    assert await total(shop) == ("10.00", 1, "10.00")
    await shop.send(cancel("o", at=7))
    assert await total(shop) == ("0", 0, "0")
    [found] = (await shop.customer("ann")).orders
    assert [(each.amount, each.flag) for each in found.refunds] == [("0", "order_void")] * 2
    await shop.send(said("o", "paid", identity="ann", at=8))
    assert await total(shop) == ("10.00", 1, "10.00")


async def test_an_order_is_a_duplicate_only_where_it_states_nothing(shop: Shop):
    twice = order("o", identity="ann"), order("o", identity="ann", at=5)
    await shop.send(*twice, expected=[ACCEPTED, DUPLICATE])
    await shop.send(said("o", identity="ann", at=6, email="a@a.test"))
    await shop.send(order("o", identity="ann", at=7), expected=[DUPLICATE])


async def test_a_cancel_of_another_day_changes_the_reports_of_that_day(shop: Shop):
    day = 86_400
    await shop.send(order("o", "10.00", identity="ann"), order("p", "5.00", identity="ann", at=9 * day))
    assert (await total(shop))[:2] == ("15.00", 2)
    async with shop.pool.connection() as conn:
        await conn.execute("DELETE FROM fact_changes")
    await shop.send(cancel("o", at=20 * day))
    async with shop.pool.connection() as conn:
        rows = await (await conn.execute("SELECT DISTINCT day::text FROM fact_changes ORDER BY 1")).fetchall()
    assert [row[0] for row in rows] == ["2026-03-01", "2026-03-21"]
