"""The cart report."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from oracles.carts import Cart, carts
from oracles.digits import divided
from oracles.seen import Customer, micros, read
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.errors import InvalidRequest
from shops.commerce_month import BEGIN, BETWEEN, EARLY, LATE, Month, cut_in_two, shuffled_and_doubled, store
from shops.generated_year import history
from shops.report_shop import START, Shop, event, identify, open_shop, order

SCOPES: dict[str, dict[str, Any]] = {
    "everything": {},
    "ten days": {"begin": BEGIN + timedelta(days=7), "end": BEGIN + timedelta(days=17)},
    "until": {"end": BEGIN + timedelta(days=10)},
    "a short patience": {"hours": 2},
    "a year's patience": {"hours": 8760},
    "one currency": {"currency": "USD"},
    "one source": {"source": "web", "hours": 1},
    "robots": {"include_bots": True},
    "trial": {"include_sandbox": True, "currency": "EUR"},
    "all of it": {"include_sandbox": True, "include_bots": True, "begin": BEGIN + timedelta(days=3)},
}


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


async def ask(
    shop: Shop,
    begin: datetime | None = None,
    end: datetime | None = None,
    *,
    hours: int = 0,
    as_of: datetime | None = None,
    listing: dict[str, Any] | None = None,
    limit: int = 0,
    **scope: Any,
) -> list[reports_pb2.CartReport]:
    request = reports_pb2.GetCartReportRequest(
        scope=reports_pb2.ReportScope(**scope), abandoned_after_hours=hours, limit=limit, **listing or {}
    )
    for name, time in (("from", begin), ("to", end), ("as_of", as_of)):
        if time is not None:
            getattr(request.scope, name).FromDatetime(time)
    return list((await shop.reports.get_cart_report(shop.project, request)).reports)


async def behind(shop: Shop, explain: str) -> list[str]:
    request = reports_pb2.ListEventsRequest(explain=explain, page_size=1000)
    answer = await shop.reports.list_events(shop.project, request)
    assert not answer.next_page_token
    return [each.event_id for each in answer.events]


def add(cart_id: str, sku: str, price: str, qty: int = 1, **envelope: Any):
    extra: dict[str, Any] = {
        name: envelope.pop(name) for name in ("currency", "modified_date") if name in envelope
    }
    return event(
        "cart_add", {"cart_id": cart_id, "sku": sku, "price": price, "qty": qty, **extra}, **envelope
    )


def modify(
    cart_id: str, sku: str, *, identity: str | None = None, tracking_id: str | None = None, at: float, **given
):
    return event(
        "cart_modify",
        {"cart_id": cart_id, "sku": sku, **given},
        identity=identity,
        tracking_id=tracking_id,
        at=at,
    )


def placed(order_id: str, cart_id: str, **envelope: Any):
    made = order(order_id, **envelope)
    made.order.cart_id = cart_id
    return made


def counts(report: reports_pb2.CartReport) -> tuple[int, int, int, int]:
    return report.created, report.ordered, report.abandoned, report.open


def contents(cart: reports_pb2.AbandonedCart) -> list[tuple[str, str, int]]:
    return [(line.sku, line.price, line.qty) for line in cart.lines]


def as_expected(cart: Cart, names: dict[tuple[bool, str], str]) -> dict[str, Any]:
    return {
        "cart_id": cart.name[1],
        "created_at": cart.created_at,
        "changed_at": cart.changed_at,
        "value": cart.value,
        "email": cart.email,
        "lines": [(sku, names.get((cart.name[0], sku), ""), price, qty) for sku, price, qty in cart.lines],
    }


def as_found(cart: reports_pb2.AbandonedCart) -> dict[str, Any]:
    return {
        "cart_id": cart.cart_id,
        "created_at": cart.created_at.ToMicroseconds(),
        "changed_at": cart.changed_at.ToMicroseconds(),
        "value": Decimal(cart.value),
        "email": cart.email,
        "lines": [(line.sku, line.name, line.price, Decimal(line.quantity)) for line in cart.lines],
    }


@pytest.mark.parametrize("arrival", ["in order", "shuffled and doubled"])
@pytest.mark.parametrize("seed", [1, "year"])
async def test_every_number_equals_one_worked_out_cart_by_cart(shop, seed, arrival):
    events = history(seed)
    seen = read(events)
    names = {
        (each.sandbox, each.properties["sku"]): each.properties["name"]
        for each in seen
        if each.type == "product_view"
    }
    await store(shop, events if arrival == "in order" else shuffled_and_doubled(events, seed))
    customer_ids: dict[Customer, set[str]] = {}
    for label, scope in SCOPES.items():
        expected = carts(seen, now=micros(datetime.now(UTC)), **scope)
        found = await ask(shop, limit=1000, **scope)
        assert [each.currency for each in found] == sorted({cart.currency for cart in expected}), label
        for report in found:
            own = [cart for cart in expected if cart.currency == report.currency]
            left = [cart for cart in own if cart.state == "abandoned"]
            left.sort(key=lambda cart: (-cart.changed_at, cart.name[1]))
            states = [cart.state for cart in own]
            assert counts(report) == (
                len(own),
                states.count("ordered"),
                states.count("abandoned"),
                states.count("open"),
            ), label
            assert (report.emptied, report.total_carts) == (states.count("emptied"), len(left)), label
            assert report.abandonment_rate == divided(len(left), len(own), 4), label
            assert Decimal(report.abandoned_value) == sum(cart.value for cart in left), label
            assert [as_found(cart) for cart in report.carts] == [as_expected(cart, names) for cart in left], (
                label
            )
            for cart, row in zip(left, report.carts, strict=True):
                customer_ids.setdefault(cart.customer, set()).add(row.customer_id)
            assert sorted(await behind(shop, report.explain)) == sorted(
                event_id for cart in left for event_id in cart.events
            ), label
    assert all(len(ids) == 1 for ids in customer_ids.values())
    for sandbox in (False, True):
        own = [ids.copy().pop() for (trial, _), ids in customer_ids.items() if trial == sandbox]
        assert len(set(own)) == len(own)


async def test_as_of_a_moment_the_numbers_are_those_of_what_had_arrived(shop):
    early, late = cut_in_two(Month(3).events, 3)
    await store(shop, early, arrival=EARLY)
    await store(shop, late, arrival=LATE)
    then = read(early)
    for report in await ask(shop, as_of=BETWEEN, hours=48):
        own = carts(then, now=micros(BETWEEN), hours=48, currency=report.currency)
        left = [cart for cart in own if cart.state == "abandoned"]
        assert (report.created, report.abandoned) == (len(own), len(left))
        assert Decimal(report.abandoned_value) == sum(cart.value for cart in left)
        assert [cart.email for cart in report.carts] == [
            cart.email for cart in sorted(left, key=lambda cart: (-cart.changed_at, cart.name[1]))
        ]
    assert len(await behind(shop, report.explain)) == sum(len(cart.events) for cart in left)


async def test_an_order_in_time_saves_a_cart_and_a_late_one_does_not(shop):
    hour = 3600
    await shop.send(
        add("in time", "a", "1.00", identity="ann"),
        placed("o1", "in time", identity="ann", at=24 * hour),
        add("late", "a", "2.00", identity="ann"),
        placed("o2", "late", identity="ann", at=24 * hour + 1),
        add("cleared", "a", "4.00", identity="ann"),
        placed("o3", "cleared", identity="ann", at=5),
        modify("cleared", "a", qty=0, identity="ann", at=10),
    )
    [report] = await ask(shop)
    assert counts(report) == (3, 2, 1, 0)
    assert [cart.cart_id for cart in report.carts] == ["late"]
    assert (report.abandonment_rate, report.abandoned_value) == ("0.3333", "2.00")
    [report] = await ask(shop, hours=25)
    assert counts(report) == (3, 3, 0, 0)


async def test_a_cart_is_open_until_its_hours_have_passed(shop):
    changed = datetime.now(UTC) - timedelta(hours=30)
    await shop.send(add("c1", "a", "1.00", identity="ann", at=changed), arrival=changed)
    [report] = await ask(shop, hours=29)
    assert counts(report) == (1, 0, 1, 0)
    [report] = await ask(shop, hours=31)
    assert counts(report) == (1, 0, 0, 1)


async def test_what_is_in_a_cart_is_what_was_last_set_and_what_was_added_since(shop):
    await shop.send(
        add("c1", "a", "1.00", 2, identity="ann", at=1),
        modify("c1", "a", qty=5, identity="ann", at=2),
        add("c1", "a", "1.50", 1, identity="ann", at=3),
        modify("c1", "a", price="2.00", identity="ann", at=4),
        add("c1", "b", "9.00", 1, identity="ann", at=1),
        modify("c1", "b", qty=0, identity="ann", at=5),
        add("c1", "dollars", "3.00", 1, identity="ann", at=0, currency="USD"),
        modify("c1", "never added", qty=3, identity="ann", at=5),
    )
    [report] = await ask(shop)
    [cart] = report.carts
    assert (report.currency, cart.value, contents(cart)) == ("EUR", "12.00", [("a", "2.00", 6)])
    assert cart.changed_at.ToDatetime(UTC) == START + timedelta(seconds=5)


async def test_a_cart_counts_when_it_was_created_whatever_came_later(shop):
    await shop.send(
        add("c1", "a", "1.00", identity="ann", at=100, modified_date=START.isoformat(), source="web"),
        add("c1", "b", "2.00", identity="ann", at=50, source="ios"),
    )
    [report] = await ask(shop, START, START + timedelta(seconds=1))
    assert (counts(report), report.abandoned_value) == ((1, 0, 1, 0), "3.00")
    assert report.carts[0].changed_at.ToDatetime(UTC) == START + timedelta(seconds=50)
    assert await ask(shop, START + timedelta(seconds=1)) == []
    assert await ask(shop, source="ios") == []
    [of_web] = await ask(shop, source="web")
    assert list(of_web.carts) == list(report.carts)


async def test_a_cart_is_the_customers_who_the_visitor_turned_out_to_be(shop):
    await shop.send(
        event(
            "customer_register",
            {"email": "Ann@Shop.test", "first_name": "Ann", "last_name": "L"},
            identity="ann",
        ),
        add("c1", "a", "1.00", tracking_id="t1", at=1),
    )
    [report] = await ask(shop)
    assert (report.carts[0].email, report.carts[0].identity) == ("", "")
    await shop.send(identify("t1", "ann", at=500))
    [report] = await ask(shop)
    assert (report.carts[0].email, report.carts[0].identity) == ("Ann@Shop.test", "ann")
    assert report.carts[0].customer_id == (await shop.customer("ann")).customer_id


async def test_the_list_may_be_shorter_than_the_numbers(shop):
    await shop.send(*(add(f"c{n}", "a", "1.00", identity="ann", at=n) for n in range(5)))
    [report] = await ask(shop, limit=2)
    assert (report.abandoned, report.abandoned_value) == (5, "5.00")
    assert [cart.cart_id for cart in report.carts] == ["c4", "c3"]
    assert len(await behind(shop, report.explain)) == 5


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize(
    ("order", "expected"),
    [("CHANGED", ["c2", "c1", "c3"]), ("CREATED", ["c3", "c2", "c1"]), ("VALUE", ["c1", "c3", "c2"])],
)
async def test_carts_are_sorted_and_paged_over_all_of_them(shop, order, expected, ascending):
    await shop.send(
        add("c1", "a", "10.00", identity="ann", at=1),
        add("c2", "a", "9.00", identity="ann", at=2),
        add("c3", "a", "9.50", identity="ann", at=3),
        modify("c1", "a", price="10.00", identity="ann", at=5),
        modify("c2", "a", price="9.00", identity="ann", at=9),
    )
    listing = {"order_by": f"CART_ORDER_{order}", "ascending": ascending}
    [whole] = await ask(shop, listing=listing)
    assert [cart.cart_id for cart in whole.carts] == (expected[::-1] if ascending else expected)
    pages = [(await ask(shop, limit=2, listing=listing | {"offset": at}))[0] for at in (0, 2)]
    assert [list(page.carts) for page in pages] == [list(whole.carts[:2]), list(whole.carts[2:])]
    assert {page.total_carts for page in pages} == {3}
    [dear] = await ask(shop, listing=listing | {"min_value": "9.50"})
    assert {cart.cart_id for cart in dear.carts} == {"c1", "c3"}
    assert (dear.total_carts, dear.abandoned) == (2, 3)


async def test_a_cart_that_holds_nothing_is_emptied_and_not_abandoned(shop):
    await shop.send(
        add("c1", "a", "1.00", 2, identity="ann", at=1),
        modify("c1", "a", qty=0, identity="ann", at=2),
        event("cart_modify", {"cart_id": "c2", "sku": "a", "qty": 1}, identity="ann", at=3),
        modify("c3", "a", qty=0, identity="ann", at=4),
        event("order", bought("o3", "c3"), identity="ann", at=5),
    )
    [report] = await ask(shop)
    assert (report.created, report.ordered, report.abandoned, report.open, report.emptied) == (3, 1, 1, 0, 1)
    assert ([cart.cart_id for cart in report.carts], report.abandonment_rate) == (["c2"], "0.3333")
    assert len(await behind(shop, report.explain)) == 1


def bought(order_id: str, cart_id: str) -> dict[str, Any]:
    line = {"sku": "a", "price": "1", "qty": 1}
    return {"order_id": order_id, "cart_id": cart_id, "total": "1", "subtotal": "1", "line_items": [line]}


async def test_where_no_cart_was_created_there_is_no_block_unless_a_currency_is_named(shop):
    assert await ask(shop) == []
    [report] = await ask(shop, currency="JPY")
    assert (report.currency, counts(report), report.abandonment_rate) == ("JPY", (0, 0, 0, 0), "0.0000")
    assert (report.abandoned_value, await behind(shop, report.explain)) == ("0", [])


async def test_a_range_that_ends_before_it_begins_is_refused(shop):
    with pytest.raises(InvalidRequest) as caught:
        await ask(shop, BEGIN, BEGIN - timedelta(days=1))
    assert [violation.field for violation in caught.value.violations] == ["scope.to"]
