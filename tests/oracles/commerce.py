"""Orders, prices and times as plain Python reads them from what was sent."""

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from oracles.seen import Seen, micros

Name = tuple[bool, str]


def time_of(seen: Seen, field: str) -> int:
    """The date in a field of the event, or else when the event happened, an order when it was first said."""
    return moment(seen, field) or seen.said_at or seen.at


def moment(seen: Seen, field: str) -> int | None:
    """The date in a field of the event."""
    text = seen.properties.get(field)
    return micros(datetime.fromisoformat(text)) if text else None


def within(at: int, begin: datetime | None, end: datetime | None) -> bool:
    return (begin is None or at >= micros(begin)) and (end is None or at < micros(end))


def lines_of(seen: Seen) -> list[tuple[str, Decimal, Decimal]]:
    """Product, price and quantity of each line."""
    lines: list[dict[str, Any]] = seen.properties.get("line_items", [])
    return [(product_of(line), Decimal(line["price"]), quantity_of(line)) for line in lines]


def current_orders(seen: Iterable[Seen]) -> dict[Name, Seen]:
    """Each order as it was last; the events stand in the order in which they happened."""
    return {(each.sandbox, each.properties["order_id"]): each for each in seen if each.type == "order"}


def product_of(line: dict[str, Any]) -> str:
    return str(line.get("sku") or line["name"])


def quantity_of(line: dict[str, Any]) -> Decimal:
    """How many: the quantity wins over the pieces."""
    return Decimal(line["quantity"]) if "quantity" in line else Decimal(line["qty"])


def pieces_of(line: dict[str, Any]) -> int:
    return int(quantity_of(line).quantize(Decimal(1), ROUND_HALF_UP))
