"""The cart report, cart by cart, change by change."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from oracles.commerce import Name, current_orders, quantity_of, time_of, within
from oracles.seen import Customer, Key, Seen, counted

HOUR = 3_600_000_000


@dataclass
class Cart:
    """A cart, and what became of it."""

    name: Name
    currency: str
    created_at: int
    changed_at: int
    state: str
    customer: Customer
    email: str
    holds: bool
    lines: list[tuple[str, str, Decimal]] = field(default_factory=list)
    events: set[str] = field(default_factory=set)

    @property
    def value(self) -> Decimal:
        return sum((Decimal(price) * qty for _, price, qty in self.lines), Decimal(0))


@dataclass
class _Line:
    qty: Decimal = Decimal(0)
    price: str | None = None
    currency: str = ""


def carts(
    seen: Iterable[Seen],
    *,
    now: int,
    hours: int = 24,
    begin: datetime | None = None,
    end: datetime | None = None,
    currency: str | None = None,
    project_currency: str = "EUR",
    **scope: Any,
) -> list[Cart]:
    """The carts that were created in the range."""
    everything = list(seen)
    changes: dict[Name, list[Seen]] = defaultdict(list)
    for each in everything:
        if each.type in ("cart_add", "cart_modify"):
            changes[each.sandbox, each.properties["cart_id"]].append(each)
    orders: dict[Name, list[int]] = defaultdict(list)
    robots: dict[Name, list[tuple[int, Key, bool]]] = defaultdict(list)
    for each in current_orders(everything).values():
        name = each.sandbox, each.properties["cart_id"]
        orders[name].append(time_of(each, "order_date"))
        robots[name].append((time_of(each, "order_date"), each.key, each.bot))
    emails = {each.customer: each.properties["email"] for each in everything if each.properties.get("email")}
    found = []
    for name, own in changes.items():
        first = min(own, key=lambda each: (time_of(each, "modified_date"), each.key))
        if robots[name]:
            first = replace(first, bot=min(robots[name])[2])
        cart = _cart(name, own, project_currency)
        cart.email = emails.get(cart.customer, "")
        deadline = cart.changed_at + hours * HOUR
        if any(at <= deadline for at in orders[name]):
            cart.state = "ordered"
        elif not cart.holds:
            cart.state = "emptied"
        elif deadline < now:
            cart.state = "abandoned"
        if (
            counted([first], **scope)
            and within(cart.created_at, begin, end)
            and currency in (None, cart.currency)
        ):
            found.append(cart)
    return found


def _cart(name: Name, changes: list[Seen], project_currency: str) -> Cart:
    lines: dict[str, _Line] = defaultdict(_Line)
    currency = project_currency
    for each in changes:
        given, line = each.properties, lines[each.properties["sku"]]
        if each.type == "cart_add":
            line.qty += quantity_of(given)
        elif "qty" in given or "quantity" in given:
            line.qty = quantity_of(given)
        elif "qty_removed" in given:
            line.qty -= given["qty_removed"]
        if "price" in given:
            line.price = given["price"]
            line.currency = currency = given.get("currency", project_currency)
    times = [time_of(each, "modified_date") for each in changes]
    return Cart(
        name=name,
        currency=currency,
        created_at=min(times),
        changed_at=max(times),
        state="open",
        customer=changes[-1].customer,
        email="",
        holds=any(line.qty > 0 for line in lines.values()),
        lines=[
            (sku, line.price, line.qty)
            for sku, line in sorted(lines.items())
            if line.qty > 0 and line.price is not None and line.currency == currency
        ],
        events={each.event_id for each in changes},
    )
