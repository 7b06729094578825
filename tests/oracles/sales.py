"""The sales report, worked out order by order."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from oracles.calendar import begin_of
from oracles.commerce import within
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
    orders, refunds = orders_and_refunds(seen, project_currency)
    ever = _counted(orders, {**scope, "source": None})
    first: dict[Any, int] = {}
    for order in sorted(ever, key=lambda each: each.at, reverse=True):
        first[order.customer] = order.at
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
            for start, group in rows.items()
        }
        for code, rows in groups.items()
    }


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
    lines = [line for each in orders for line in each.seen.properties["line_items"] if "cost" in line]
    customers = {each.customer for each in orders}

    def total(name: str) -> Decimal:
        return sum((Decimal(each.seen.properties.get(name, "0")) for each in orders), Decimal(0))

    return {
        "orders": len(orders),
        "units": sum(line["qty"] for each in orders for line in each.seen.properties["line_items"]),
        "gross": gross,
        "refunds": refunded,
        "net": gross - refunded,
        "customers": len(customers),
        "average_order": divided(gross, len(orders), 4),
        "discounts": total("total_discount"),
        "tax": total("total_tax"),
        "shipping": total("total_shipping"),
        "cost": sum((Decimal(line["cost"]) * line["qty"] for line in lines), Decimal(0)),
        "margin": sum(
            ((Decimal(line["price"]) - Decimal(line["cost"])) * line["qty"] for line in lines), Decimal(0)
        ),
        "new_customers": len(customers & new),
        "returning_customers": len(customers - new),
    }
