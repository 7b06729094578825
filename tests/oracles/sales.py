"""The sales report, worked out order by order."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from oracles.calendar import begin_of
from oracles.commerce import pieces_of, product_of, quantity_of, within
from oracles.digits import divided
from oracles.seen import Placed, Seen, counted, orders_and_refunds

Row = dict[str, Any]


def sales(
    seen: Iterable[Seen],
    project_currency: str,
    begin: datetime | None = None,
    end: datetime | None = None,
    *,
    unit: str,
    zone: ZoneInfo,
    currency: str | None = None,
    **scope: Any,
) -> dict[str, dict[int | None, Row]]:
    """By currency and the begin of each interval with sales; None is the whole range."""
    everything = list(seen)
    orders, refunds = orders_and_refunds(everything, project_currency)
    back = returned(everything, orders)
    reversed_ = _reversed(everything, orders)
    parts = {name: _given_back_of(name, everything, orders) for name in ("tax", "shipping")}
    ever = _counted(orders, {**scope, "source": None})
    first: dict[Any, int] = {}
    times: dict[Any, list[int]] = defaultdict(list)
    for order in sorted(ever, key=lambda each: each.at, reverse=True):
        first[order.customer] = order.at
        times[order.customer].insert(0, order.at)
    groups: dict[str, dict[int | None, tuple[list[Placed], list[Placed]]]] = defaultdict(
        lambda: defaultdict(lambda: ([], []))
    )
    for which, placed in enumerate((orders, refunds)):
        for each in _counted(placed, scope):
            if within(each.at, begin, end) and currency in (None, each.currency):
                groups[each.currency][begin_of(each.at, unit, zone)][which].append(each)
                groups[each.currency][None][which].append(each)
    return {
        code: {
            start: _row(
                *group, {who for who, at in first.items() if _in_row(at, start, begin, end, unit, zone)}
            )
            | {
                "returns": sum((back[each.seen.event_id] for each in group[1]), Decimal(0)),
                "net_sales": _net_sales(group, back),
                **{
                    f"{name}_refunds": sum((parts[name][each.seen.event_id] for each in group[1]), Decimal(0))
                    for name in parts
                },
                "net_margin": _net_margin(group, reversed_),
                "repeat_customers": len(
                    {each.customer for each in group[0] if each.named}
                    & {who for who, at in times.items() if _again(at, start, end, unit, zone)}
                ),
            }
            for start, group in rows.items()
        }
        for code, rows in groups.items()
    }


def _net_sales(group: tuple[list[Placed], list[Placed]], back: dict[str, Decimal]) -> Decimal:
    given = [each.seen.properties for each in group[0]]
    ordered = sum(
        (Decimal(each["subtotal"]) - Decimal(each.get("total_discount", "0")) for each in given), Decimal(0)
    )
    return ordered - sum((back[each.seen.event_id] for each in group[1]), Decimal(0))


def _net_margin(group: tuple[list[Placed], list[Placed]], back: dict[str, Decimal]) -> Decimal:
    """What orders and refunds leave of what goods were sold for, less what these cost."""
    ordered = sum((_kept(each) - _costs(each) for each in group[0]), Decimal(0))
    return ordered - sum((back[each.seen.event_id] for each in group[1]), Decimal(0))


def _kept(order: Placed) -> Decimal:
    given = order.seen.properties
    return order.amount - sum(
        (Decimal(given.get(f"total_{name}", "0")) for name in ("tax", "shipping")), Decimal(0)
    )


def _costs(order: Placed) -> Decimal:
    lines = [line for line in order.seen.properties["line_items"] if "cost" in line]
    return sum((Decimal(line["cost"]) * quantity_of(line) for line in lines), Decimal(0))


def _reversed(everything: list[Seen], orders: list[Placed]) -> dict[str, Decimal]:
    """By refund, what it takes off the margin: what it gives back less the cost of what came back."""
    placed = {(each.seen.sandbox, each.seen.properties["order_id"]): each for each in orders}
    revenue: dict[Any, Decimal] = defaultdict(Decimal)
    cost: dict[Any, Decimal] = defaultdict(Decimal)
    closed = set()
    found: dict[str, Decimal] = defaultdict(Decimal)
    for each in everything:
        if each.type != "refund":
            continue
        name, given = (each.sandbox, each.properties["order_id"]), each.properties
        order = placed.get(name)
        if given["refund_type"] == "partial":
            own = Decimal(given["total_refund"])
            own -= Decimal(given.get("tax_refund", "0")) + Decimal(given.get("shipping_refund", "0"))
            goods = _cost_back(order, given.get("line_items", [])) if order else Decimal(0)
            found[each.event_id] = own - goods
            if order and given.get("currency", order.currency) == order.currency:
                revenue[name] += own
                cost[name] += goods
        elif order and name not in closed:
            closed.add(name)
            left = max(_kept(order) - revenue[name], Decimal(0))
            found[each.event_id] = left - max(_costs(order) - cost[name], Decimal(0))
    return found


def _cost_back(order: Placed, lines: list[dict[str, Any]]) -> Decimal:
    least: dict[str, Decimal] = {}
    for line in order.seen.properties["line_items"]:
        if "cost" in line:
            least[product_of(line)] = min(
                Decimal(line["cost"]), least.get(product_of(line), Decimal(line["cost"]))
            )
    return sum((least.get(product_of(line), Decimal(0)) * quantity_of(line) for line in lines), Decimal(0))


def _again(at: list[int], start: int | None, end: datetime | None, unit: str, zone: ZoneInfo) -> bool:
    """Whether there is a second order by the end of the row."""
    if len(at) < 2 or not within(at[1], None, end):
        return False
    return start is None or begin_of(at[1], unit, zone) <= start


def returned(everything: list[Seen], orders: list[Placed]) -> dict[str, Decimal]:
    """What each refund gives back for products, by its event's id."""
    placed = {(each.seen.sandbox, each.seen.properties["order_id"]): each for each in orders}
    gone: dict[Any, Decimal] = defaultdict(Decimal)
    closed = set()
    found: dict[str, Decimal] = defaultdict(Decimal)
    for each in everything:
        if each.type != "refund":
            continue
        name, given = (each.sandbox, each.properties["order_id"]), each.properties
        order = placed.get(name)
        if given["refund_type"] == "partial":
            amount = Decimal(given["subtotal_refund"]) - Decimal(given.get("discount_refund", "0"))
            found[each.event_id] += amount
            if order and given.get("currency", order.currency) == order.currency:
                gone[name] += amount
        elif order and name not in closed:
            closed.add(name)
            whole = order.seen.properties
            left = Decimal(whole["subtotal"]) - Decimal(whole.get("total_discount", "0")) - gone[name]
            found[each.event_id] += max(left, Decimal(0))
    return found


def _given_back_of(name: str, everything: list[Seen], orders: list[Placed]) -> dict[str, Decimal]:
    """What each refund gives back of tax or shipping, by its event's id."""
    left: dict[Any, Decimal] = {}
    currencies: dict[Any, str] = {}
    for each in orders:
        order = each.seen.sandbox, each.seen.properties["order_id"]
        left[order] = Decimal(each.seen.properties.get(f"total_{name}", "0"))
        currencies[order] = each.currency
    found: dict[str, Decimal] = defaultdict(Decimal)
    closed = set()
    for refund in everything:
        if refund.type != "refund":
            continue
        order, given = (refund.sandbox, refund.properties["order_id"]), refund.properties
        if given["refund_type"] == "partial":
            found[refund.event_id] = Decimal(given.get(f"{name}_refund", "0"))
            if order in left and given.get("currency", currencies[order]) == currencies[order]:
                left[order] -= found[refund.event_id]
        elif order in left and order not in closed:
            closed.add(order)
            found[refund.event_id] = max(left[order], Decimal(0))
    return found


def _in_row(
    at: int, start: int | None, begin: datetime | None, end: datetime | None, unit: str, zone: ZoneInfo
) -> bool:
    return within(at, begin, end) and (start is None or begin_of(at, unit, zone) == start)


def _counted(placed: list[Placed], scope: dict[str, Any]) -> list[Placed]:
    kept = {each.event_id for each in counted((one.seen for one in placed), **scope)}
    return [each for each in placed if each.seen.event_id in kept]


def _row(orders: list[Placed], refunds: list[Placed], new: set[Any]) -> Row:
    gross = sum((each.amount for each in orders), Decimal(0))
    refunded = -sum((each.amount for each in refunds), Decimal(0))
    everything = [line for each in orders for line in each.seen.properties["line_items"]]
    lines = [line for line in everything if "cost" in line]
    customers = {each.customer for each in orders}

    def total(name: str) -> Decimal:
        return sum((Decimal(each.seen.properties.get(name, "0")) for each in orders), Decimal(0))

    return {
        "orders": len(orders),
        "units": sum(pieces_of(line) for line in everything),
        "quantity": sum(map(quantity_of, everything), Decimal(0)),
        "cost_known": divided(Decimal(len(lines)), len(everything), 4),
        "gross": gross,
        "refunds": refunded,
        "net": gross - refunded,
        "customers": len(customers),
        "average_order": divided(gross, len(orders), 4),
        "discounts": total("total_discount"),
        "tax": total("total_tax"),
        "shipping": total("total_shipping"),
        "cost": sum((Decimal(line["cost"]) * quantity_of(line) for line in lines), Decimal(0)),
        "margin": sum(
            ((Decimal(line["price"]) - Decimal(line["cost"])) * quantity_of(line) for line in lines),
            Decimal(0),
        ),
        "gross_sales": total("subtotal"),
        "total_sales": gross,
        "net_of_refunds": gross - refunded,
        "known_customers": len({each.customer for each in orders if each.named}),
        "guest_orders": sum(not each.named for each in orders),
        "new_customers": len(customers & new),
        "returning_customers": len(customers - new),
    }
