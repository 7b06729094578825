"""The product report."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from oracles.digits import divided
from oracles.products import Product, products
from oracles.seen import read
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.storage.reports.products import MAX_PAIRS
from shops.commerce_month import BEGIN, BETWEEN, EARLY, LATE, Month, cut_in_two, shuffled_and_doubled, store
from shops.generated_year import history
from shops.report_shop import Shop, alias, event, identify, open_shop

AMOUNTS = (
    *("gross", "refunds", "net", "quantity"),
    *("discounts", "returns", "net_sales", "quantity_returned"),
)
SCOPES: dict[str, dict[str, Any]] = {
    "everything": {},
    "ten days": {"begin": BEGIN + timedelta(days=7), "end": BEGIN + timedelta(days=17)},
    "until": {"end": BEGIN + timedelta(days=10)},
    "one currency": {"currency": "USD"},
    "one source": {"source": "web"},
    "robots": {"include_bots": True},
    "trial": {"include_sandbox": True, "currency": "GBP"},
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
    limit: int = 0,
    offset: int = 0,
    order_by: str = "PRODUCT_ORDER_UNSPECIFIED",
    ascending: bool = False,
    search: str = "",
    as_of: datetime | None = None,
    **scope: Any,
) -> list[reports_pb2.ProductReport]:
    request = reports_pb2.GetProductReportRequest(
        scope=reports_pb2.ReportScope(**scope),
        limit=limit,
        offset=offset,
        order_by=order_by,
        ascending=ascending,
        search=search,
    )
    for name, time in (("from", begin), ("to", end), ("as_of", as_of)):
        if time is not None:
            getattr(request.scope, name).FromDatetime(time)
    return list((await shop.reports.get_product_report(shop.project, request)).reports)


async def behind(shop: Shop, explain: str) -> list[str]:
    request = reports_pb2.ListEventsRequest(explain=explain, page_size=1000)
    answer = await shop.reports.list_events(shop.project, request)
    assert not answer.next_page_token
    assert answer.total_events == len(answer.events)
    return [each.event_id for each in answer.events]


def view(sku: str, name: str = "A thing", *, currency: str | None = None, **envelope: Any):
    properties = {"sku": sku, "name": name, "price": "1"} | ({"currency": currency} if currency else {})
    return event("product_view", properties, **envelope)


def bought(
    order_id: str,
    *lines: tuple[str, str, int],
    currency: str | None = None,
    discount: str | None = None,
    **envelope: Any,
):
    items = [{"sku": sku, "price": price, "qty": qty} for sku, price, qty in lines]
    goods = str(sum(Decimal(price) * qty for _, price, qty in lines))
    properties = {
        "order_id": order_id,
        "cart_id": "c",
        "total": goods,
        "subtotal": goods,
        "line_items": items,
    }
    beside = {"currency": currency, "total_discount": discount}
    return event("order", properties | {name: value for name, value in beside.items() if value}, **envelope)


def returned(order_id: str, *lines: tuple[str, str, int], currency: str | None = None, **envelope: Any):
    """A partial refund of these lines; a full one without any."""
    properties: dict[str, Any] = {"order_id": order_id, "refund_type": "full"}
    if lines:
        items = [{"sku": sku, "price": price, "qty": qty} for sku, price, qty in lines]
        goods = str(sum(Decimal(price) * qty for _, price, qty in lines))
        properties |= {"refund_type": "partial", "total_refund": goods, "subtotal_refund": goods}
        properties |= {"line_items": items}
    return event("refund", properties | ({"currency": currency} if currency else {}), **envelope)


def money(report: reports_pb2.ProductReport) -> dict[str, tuple[str, str, str]]:
    return {row.sku: (row.gross, row.refunds, row.net) for row in report.rows}


def as_expected(sku: str, name: str, row: Product) -> dict[str, Any]:
    return {
        "sku": sku,
        "name": name,
        "views": row.views,
        "viewers": len(row.viewers),
        "carts": len(row.carts),
        "orders": len(row.orders),
        "units": row.units,
        "quantity": row.quantity,
        "gross": row.gross,
        "refunds": row.refunds,
        "net": row.gross - row.refunds,
        "discounts": row.discounts,
        "returns": row.returns,
        "net_sales": row.gross - row.discounts - row.returns,
        "quantity_returned": row.quantity_returned,
        "return_rate": divided(max(row.quantity_returned, 0), row.quantity, 4)
        if row.quantity > 0
        else "0.0000",
        "view_to_order_rate": divided(len(row.viewers & row.buyers), len(row.viewers), 4),
    }


def as_found(row: reports_pb2.ProductRow) -> dict[str, Any]:
    no_numbers = {"explain", "dimensions", "previous", "compared"}
    names = [field.name for field in row.DESCRIPTOR.fields if field.name not in no_numbers]
    found = {name: getattr(row, name) for name in names}
    assert found.pop("gross_sales") == found["gross"]
    return found | {name: Decimal(found[name]) for name in AMOUNTS}


@pytest.mark.parametrize("arrival", ["in order", "shuffled and doubled"])
@pytest.mark.parametrize("seed", [1, "year"])
async def test_every_number_equals_one_worked_out_event_by_event(shop, seed, arrival):
    events = history(seed)
    seen = read(events)
    await store(shop, events if arrival == "in order" else shuffled_and_doubled(events, seed))
    for label, scope in SCOPES.items():
        expected, pairs = products(seen, **scope)
        names = {
            each.properties["sku"]: each.properties["name"]
            for each in seen
            if each.type == "product_view" and (scope.get("include_sandbox") or not each.sandbox)
        }
        found = await ask(shop, **scope)
        assert [each.currency for each in found] == sorted(expected), label
        for report in found:
            rows = expected[report.currency]
            ranked = sorted(
                rows, key=lambda sku: (rows[sku].returns + rows[sku].discounts - rows[sku].gross, sku)
            )
            assert [as_found(row) for row in report.rows] == [
                as_expected(sku, names.get(sku, ""), rows[sku]) for sku in ranked
            ], label
            best = sorted(pairs[report.currency].items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_PAIRS]
            assert [((p.sku, p.other_sku), p.orders) for p in report.bought_together] == best, label
            assert [pair.lift for pair in report.bought_together] == [
                divided(
                    together * len(set().union(*(row.orders for row in rows.values()))),
                    len(rows[sku].orders) * len(rows[other].orders),
                    4,
                )
                for (sku, other), together in best
            ], label
            for row in report.rows[:3]:
                assert sorted(await behind(shop, row.explain)) == sorted(rows[row.sku].events), label


async def test_as_of_a_moment_the_numbers_are_those_of_what_had_arrived(shop):
    early, late = cut_in_two(Month(3).events, 3)
    await store(shop, early, arrival=EARLY)
    await store(shop, late, arrival=LATE)
    then = read(early)
    expected, _ = products(then)
    found = await ask(shop, as_of=BETWEEN)
    assert [each.currency for each in found] == sorted(expected)
    for report in found:
        rows = expected[report.currency]
        names = {row.sku: row.name for row in report.rows}
        assert {row.sku: as_found(row) for row in report.rows} == {
            sku: as_expected(sku, names[sku], row) for sku, row in rows.items()
        }
        for row in report.rows[:2]:
            assert sorted(await behind(shop, row.explain)) == sorted(rows[row.sku].events)


async def test_a_full_refund_gives_back_what_earlier_refunds_left(shop):
    await shop.send(
        bought("o1", ("a", "10.00", 2), ("b", "5.00", 1), ("a", "1.00", 1), identity="ann", at=1),
        returned("o1", ("a", "10.00", 1), ("z", "3.00", 1), identity="ann", at=2),
        returned("o1", ("b", "7.00", 1), identity="ann", at=3),
        returned("o1", identity="ann", at=4),
        returned("o1", identity="ann", at=5),
        returned("o1", ("b", "0.50", 1), identity="ann", at=6),
    )
    [report] = await ask(shop)
    assert money(report) == {
        "a": ("21.00", "21.00", "0.00"),
        "b": ("5.00", "7.50", "-2.50"),
        "z": ("0", "3.00", "-3.00"),
    }
    moment = datetime(2026, 3, 1, 12, 0, 4, tzinfo=UTC)
    [report] = await ask(shop, moment, moment + timedelta(seconds=1))
    assert money(report) == {"a": ("0", "11.00", "-11.00")}


async def test_a_full_refund_waits_for_its_order_and_takes_its_currency(shop):
    await shop.send(returned("o1", currency="USD", identity="ann", at=2))
    assert await ask(shop) == []
    await shop.send(bought("o1", ("a", "4.00", 1), currency="GBP", identity="ann", at=1))
    [report] = await ask(shop)
    assert (report.currency, money(report)) == ("GBP", {"a": ("4.00", "4.00", "0.00")})


async def test_a_refund_in_another_currency_leaves_the_full_one_whole(shop):
    await shop.send(
        bought("o1", ("a", "4.00", 1), identity="ann", at=1),
        returned("o1", ("a", "3.00", 1), currency="USD", identity="ann", at=2),
        returned("o1", identity="ann", at=3),
    )
    euros, dollars = await ask(shop)
    assert (money(euros), money(dollars)) == (
        {"a": ("4.00", "4.00", "0.00")},
        {"a": ("0", "3.00", "-3.00")},
    )


async def test_what_is_taken_off_all_goods_is_shared_to_the_last_cent(shop):
    lines = [("a", "10.00", 1), ("b", "10.00", 1), ("c", "10.00", 1)]
    await shop.send(
        bought("o1", *lines, discount="1.00", identity="ann", at=1),
        bought("o2", *lines, discount="1.00", identity="ann", at=2),
        returned("o2", identity="ann", at=3),
    )
    [report] = await ask(shop, order_by="PRODUCT_ORDER_SKU", ascending=True)
    names = ("discounts", "returns", "net_sales")
    assert {row.sku: tuple(getattr(row, name) for name in names) for row in report.rows} == {
        "a": ("0.66", "9.67", "9.67"),
        "b": ("0.66", "9.67", "9.67"),
        "c": ("0.68", "9.66", "9.66"),
    }
    assert not report.HasField("unassigned")


async def test_what_is_of_no_product_is_told_beside_the_products(shop):
    order = {"order_id": "o1", "cart_id": "c", "total": "12", "subtotal": "12", "line_items": [
        {"sku": "a", "price": "10", "qty": 1}
    ]}  # fmt: skip
    good_will = {"order_id": "o1", "refund_type": "partial", "total_refund": "3", "subtotal_refund": "3"}
    await shop.send(
        event("order", order, identity="ann", at=1),
        event("refund", good_will, identity="ann", at=2),
    )
    [report] = await ask(shop)
    assert money(report) == {"a": ("10", "0", "10")}
    expected = {"gross_sales": "2", "discounts": "0", "returns": "3", "net_sales": "-1"}
    assert {name: getattr(report.unassigned, name) for name in expected} == expected
    [sales] = await shop.sales()
    assert (sales.total.gross_sales, sales.total.returns, sales.total.net_sales) == ("12", "3", "9")


async def test_a_merge_makes_one_viewer_who_bought_of_two_at_once(shop):
    await shop.send(
        view("a", tracking_id="phone", at=1),
        view("a", tracking_id="laptop", at=2),
        view("a", tracking_id="visitor", at=2),
        bought("o1", ("a", "1.00", 1), identity="ann@work", at=3),
        identify("laptop", "ann@work", at=4),
    )
    [report] = await ask(shop)
    assert (report.rows[0].viewers, report.rows[0].view_to_order_rate) == (3, "0.3333")
    await shop.send(identify("phone", "ann", at=5), alias("ann@work", identity="ann", at=0))
    [report] = await ask(shop)
    assert (report.rows[0].viewers, report.rows[0].view_to_order_rate) == (2, "0.5000")


async def test_products_stand_by_net_then_by_code_point_up_to_the_limit(shop):
    skus = ["a", "B", "É", "z", "Z"]
    lines = [(sku, "2.00", 1) for sku in skus]
    await shop.send(bought("o1", *lines, ("top", "9.00", 1), identity="ann"))
    [report] = await ask(shop)
    assert [row.sku for row in report.rows] == ["top", *sorted(skus)]
    [report] = await ask(shop, limit=2)
    assert [row.sku for row in report.rows] == ["top", "B"]
    assert len(report.bought_together) == 15


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("NET", ["a", "b", "c"]),
        ("VIEWS", ["b", "a", "c"]),
        ("CARTS", ["c", "a", "b"]),
        ("ORDERS", ["c", "a", "b"]),
        ("UNITS", ["b", "c", "a"]),
        ("GROSS", ["b", "a", "c"]),
        ("REFUNDS", ["b", "c", "a"]),
        ("RETURNS", ["b", "c", "a"]),
        ("QUANTITY_RETURNED", ["b", "c", "a"]),
        ("RETURN_RATE", ["b", "c", "a"]),
        ("DISCOUNTS", ["a", "c", "b"]),
        ("VIEWERS", ["b", "a", "c"]),
        ("VIEW_TO_ORDER_RATE", ["b", "a", "c"]),
        ("SKU", ["c", "b", "a"]),
    ],
)
async def test_products_are_sorted_and_paged_over_all_of_them(shop, order, expected):
    view = {"sku": "b", "name": "B", "price": "1.00"}
    cart = {"cart_id": "k", "sku": "c", "price": "1.00", "qty": 1}
    back = returned("o1", ("b", "9.00", 10), tracking_id="t", at=9)
    more = returned("o2", ("c", "1.00", 1), tracking_id="t", at=10)
    await shop.send(
        bought("o1", ("b", "10.00", 10), tracking_id="t", at=1),
        bought("o2", ("c", "5.00", 1), tracking_id="t", at=2),
        bought("o3", ("c", "5.00", 1), ("a", "50.00", 1), discount="10.00", tracking_id="t", at=3),
        event("product_view", view, tracking_id="t", at=4),
        event("cart_add", cart, tracking_id="t", at=5),
        back,
        more,
    )
    [whole] = await ask(shop, order_by=f"PRODUCT_ORDER_{order}")
    assert [row.sku for row in whole.rows] == expected
    assert whole.total_products == 3
    pages = [(await ask(shop, order_by=f"PRODUCT_ORDER_{order}", limit=2, offset=at))[0] for at in (0, 2)]
    assert [list(page.rows) for page in pages] == [list(whole.rows[:2]), list(whole.rows[2:])]
    [turned] = await ask(shop, order_by=f"PRODUCT_ORDER_{order}", ascending=True)
    number = {"VIEWERS": "viewers", "VIEW_TO_ORDER_RATE": "view_to_order_rate", "SKU": "sku"}.get(
        order, order.lower()
    )
    keys = [Decimal(getattr(row, number)) if order != "SKU" else row.sku for row in turned.rows]
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("search", "found"), [("MUG", ["m1", "mug-2"]), ("m1", ["m1"]), ("ÜBER", ["m3"]), ("%", []), ("p_t", [])]
)
async def test_a_search_looks_through_skus_and_names_of_all_products(shop, search, found):
    names = {"m1": "Blue mug", "mug-2": "Red cup", "m3": "Über pot"}
    await shop.send(*(view(sku, name, tracking_id="t") for sku, name in names.items()))
    reports = await ask(shop, search=search, order_by="PRODUCT_ORDER_SKU", ascending=True, limit=1)
    assert [row.sku for report in reports for row in report.rows] == found[:1]
    assert sum(report.total_products for report in reports) == len(found)


async def test_the_best_pairs_are_right_where_not_all_pairs_are_counted(shop):
    sold = []
    pairs: Counter[tuple[str, str]] = Counter()
    for number in range(120):
        # Common products stand in many orders, and rare ones only in large orders.
        skus = {f"s{number * step % 400:03}" for step in (1, 7, 13, 29)}
        skus |= {f"s{other:03}" for other in range(number % 9, 24, 3)}
        if number % 40 == 0:
            skus |= {f"rare{other:03}" for other in range(300)}
        sold.append(bought(f"o{number}", *((sku, "1", 1) for sku in skus), identity="ann", at=number))
        pairs.update(combinations(sorted(skus), 2))
    await shop.send(*sold)
    [report] = await ask(shop)
    best = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_PAIRS]
    assert [((pair.sku, pair.other_sku), pair.orders) for pair in report.bought_together] == best


async def test_where_nothing_happened_there_is_no_block_unless_a_currency_is_named(shop):
    assert await ask(shop) == []
    [report] = await ask(shop, currency="JPY")
    assert report == reports_pb2.ProductReport(currency="JPY")


async def test_a_range_that_ends_before_it_begins_is_refused(shop):
    with pytest.raises(InvalidRequest) as caught:
        await ask(shop, BEGIN, BEGIN - timedelta(days=1))
    assert [violation.field for violation in caught.value.violations] == ["scope.to"]
