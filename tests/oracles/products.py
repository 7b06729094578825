"""The product report, event by event."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations
from typing import Any

from oracles.commerce import Name, current_orders, lines_of, time_of, within
from oracles.seen import Customer, Seen, counted


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
    for each, money, sku, amount in _given_back(everything, orders, project_currency):
        if row := product(each, each.at, money, sku):
            row.refunds += amount
    return found, pairs


def _given_back(
    everything: list[Seen], orders: dict[Name, Seen], project_currency: str
) -> Iterable[tuple[Seen, str, str, Decimal]]:
    """Refund by refund, what is given back of each product."""
    gone: dict[tuple[Name, str], Decimal] = defaultdict(Decimal)
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
                yield each, money, sku, price * qty
        elif order:
            ordered: dict[str, Decimal] = defaultdict(Decimal)
            for sku, price, qty in lines_of(order):
                ordered[sku] += price * qty
            for sku, amount in ordered.items():
                remaining = amount - gone[name, sku]
                if remaining * amount > 0:
                    gone[name, sku] += remaining
                    yield each, orders_money, sku, remaining
