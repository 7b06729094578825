"""The product report, event by event."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from itertools import combinations
from typing import Any

from oracles.commerce import Name, current_orders, lines_of, time_of, within
from oracles.sales import returned
from oracles.seen import Customer, Seen, counted, orders_and_refunds


@dataclass
class Product:
    """What happened to one product in one currency."""

    views: int = 0
    viewers: set[Customer] = field(default_factory=set)
    buyers: set[Customer] = field(default_factory=set)
    carts: set[Name] = field(default_factory=set)
    orders: set[Name] = field(default_factory=set)
    units: int = 0
    quantity: Decimal = Decimal(0)
    gross: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)
    discounts: Decimal = Decimal(0)
    returns: Decimal = Decimal(0)
    quantity_returned: Decimal = Decimal(0)
    events: set[str] = field(default_factory=set)

    def add(self, quantity: Decimal) -> None:
        self.quantity += quantity
        self.units += int(quantity.quantize(Decimal(1), ROUND_HALF_UP))


Products = dict[str, dict[str, Product]]
Pairs = dict[str, Counter[tuple[str, str]]]


def products(
    seen: Iterable[Seen],
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    currency: str | None = None,
    project_currency: str = "EUR",
    **scope: Any,
) -> tuple[Products, Pairs]:
    """By currency: the products by sku, and in how many orders each pair of them is."""
    everything = list(seen)
    chosen = {each.event_id for each in counted(everything, **scope)}
    found: Products = defaultdict(lambda: defaultdict(Product))
    pairs: Pairs = defaultdict(Counter)

    def product(each: Seen, at: int, money: str, sku: str) -> Product | None:
        if each.event_id not in chosen or not within(at, begin, end) or currency not in (None, money):
            return None
        found[money][sku].events.add(each.event_id)
        return found[money][sku]

    for each in everything:
        money = each.properties.get("currency", project_currency)
        if each.type == "product_view" and (row := product(each, each.at, money, each.properties["sku"])):
            row.views += 1
            row.viewers.add(each.customer)
        if each.type == "cart_add":
            at = time_of(each, "modified_date")
            if row := product(each, at, money, each.properties["sku"]):
                row.carts.add((each.sandbox, each.properties["cart_id"]))
    orders = current_orders(everything)
    for name, each in orders.items():
        at, money = time_of(each, "order_date"), each.properties.get("currency", project_currency)
        skus = set()
        for sku, price, qty in lines_of(each):
            if row := product(each, at, money, sku):
                skus.add(sku)
                row.buyers.add(each.customer)
                row.orders.add(name)
                row.add(qty)
                row.gross += price * qty
        pairs[money].update(combinations(sorted(skus), 2))
    for each, at, money, sku, values in _shared_by_products(everything, orders, project_currency):
        _add(product(each, at, money, sku), values)
    return found, pairs


def _add(row: Product | None, values: dict[str, Decimal]) -> None:
    for name, value in values.items() if row else ():
        setattr(row, name, getattr(row, name) + value)


def _shared_by_products(
    everything: list[Seen], orders: dict[Name, Seen], project_currency: str
) -> Iterable[tuple[Seen, int, str, str, dict[str, Decimal]]]:
    """What each product has of discounts and refunds, which are stated for all of them."""
    for each in orders.values():
        given: dict[str, Decimal] = defaultdict(Decimal)
        for sku, price, qty in lines_of(each):
            given[sku] += price * qty
        discount = Decimal(each.properties.get("total_discount", "0"))
        money = each.properties.get("currency", project_currency)
        for (sku, _), part in shared(discount, money, sorted(given.items())).items():
            yield each, time_of(each, "order_date"), money, sku, {"discounts": part}
    stated = returned(everything, orders_and_refunds(everything, project_currency)[0])
    for each, money, lines in _given_back(everything, orders, project_currency):
        goods = sorted((sku, amount) for sku, amount, _ in lines)
        off = shared(sum((amount for _, amount in goods), Decimal(0)) - stated[each.event_id], money, goods)
        for sku, amount, quantity in lines:
            left = amount - off.pop((sku, amount), Decimal(0))
            back = {"refunds": amount, "returns": left, "quantity_returned": quantity}
            yield each, each.at, money, sku, back


COINS = {"JPY": 0, "KWD": 3}


def shared(
    whole: Decimal, currency: str, goods: list[tuple[str, Decimal]]
) -> dict[tuple[str, Decimal], Decimal]:
    """The parts of an amount, by what each of the goods costs; nothing where none costs anything.

    Goods that are equal have one part together.
    """
    weights = [max(amount, Decimal(0)) for _, amount in goods]
    unit = Decimal(1).scaleb(max(min(int(whole.as_tuple().exponent), -COINS.get(currency, 2)), -4))
    rounded = whole.quantize(Decimal("0.0001"), ROUND_HALF_UP)
    found: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
    before = Decimal(0)
    for place, each in enumerate(goods, 1):
        if sum(weights):
            until = (rounded * sum(weights[:place]) / sum(weights)).quantize(unit, ROUND_DOWN)
            if sum(weights[:place]) == sum(weights):
                until = whole
            found[each] += until - before
            before = until
    return found


def _given_back(
    everything: list[Seen], orders: dict[Name, Seen], project_currency: str
) -> Iterable[tuple[Seen, str, list[tuple[str, Decimal, Decimal]]]]:
    """Refund by refund, the products that come back, with what they cost and how many."""
    gone: dict[tuple[Name, str], Decimal] = defaultdict(Decimal)
    pieces: dict[tuple[Name, str], Decimal] = defaultdict(Decimal)
    for each in everything:
        if each.type != "refund":
            continue
        name = each.sandbox, each.properties["order_id"]
        order = orders.get(name)
        orders_money = order.properties.get("currency", project_currency) if order else project_currency
        if each.properties["refund_type"] == "partial":
            money = each.properties.get("currency", orders_money)
            for sku, price, qty in lines_of(each):
                if order and money == orders_money:
                    gone[name, sku] += price * qty
                    pieces[name, sku] += qty
            yield each, money, [(sku, price * qty, qty) for sku, price, qty in lines_of(each)]
        elif order:
            ordered: dict[str, tuple[Decimal, Decimal]] = {}
            for sku, price, qty in lines_of(order):
                amount, quantity = ordered.get(sku, (Decimal(0), Decimal(0)))
                ordered[sku] = amount + price * qty, quantity + qty
            back = []
            for sku, (amount, quantity) in ordered.items():
                remaining, left = amount - gone[name, sku], quantity - pieces[name, sku]
                if remaining * amount > 0:
                    gone[name, sku] += remaining
                    back.append((sku, remaining, left if left * quantity > 0 else Decimal(0)))
            yield each, orders_money, back
