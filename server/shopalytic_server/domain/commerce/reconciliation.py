"""Holds the shop's own list of orders against the stored ones.

An order is *missing* when the list has it and the store has not, *extra* the
other way round, and *different* when both have it with another total, another
currency or another time. Amounts are compared exactly: 10 and 10.00 are equal,
10 and 10.001 are not. Orders of customers who were erased are in the list, and
in the store by another id or not at all: they are left out on both sides.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """What both sides say of an order. A currency that the list does not tell is None, and not compared."""

    order_id: str
    total: Decimal
    at: datetime
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """An order that both sides have, and the names of what they disagree on."""

    listed: Order
    stored: Order
    fields: tuple[str, ...]


@dataclass(slots=True)
class Comparison:
    """What came of it. Missing and different orders stand as listed, extra ones by when they count."""

    equal: int = 0
    erased: int = 0
    missing: list[Order] = field(default_factory=list)
    extra: list[Order] = field(default_factory=list)
    different: list[Difference] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether there is nothing to mend."""
        return not (self.missing or self.extra or self.different)


_KEPT_AS_NOBODYS = re.compile("erased-[0-9a-f]{24}")


def compare(
    listed: Mapping[str, Order],
    stored: Iterable[Order],
    *,
    erased: Collection[str] = (),
    time_tolerance: timedelta = timedelta(0),
) -> Comparison:
    """Compares orders by their id; times that are no further apart than the tolerance are equal.

    `erased` are ids of listed orders whose customers were erased.
    """
    found = {order.order_id: order for order in stored}
    result = Comparison()
    for order_id, order in listed.items():
        other = found.get(order_id)
        if other is None and order_id in erased:
            result.erased += 1
        elif other is None:
            result.missing.append(order)
        elif fields := _differing(order, other, time_tolerance):
            result.different.append(Difference(order, other, fields))
        else:
            result.equal += 1
    extra = [
        order
        for order_id, order in found.items()
        if order_id not in listed and not _KEPT_AS_NOBODYS.fullmatch(order_id)
    ]
    result.extra = sorted(extra, key=lambda order: (order.at, order.order_id))
    return result


def _differing(listed: Order, stored: Order, tolerance: timedelta) -> tuple[str, ...]:
    names = []
    if listed.total != stored.total:
        names.append("total")
    if listed.currency is not None and listed.currency != stored.currency:
        names.append("currency")
    if abs(listed.at - stored.at) > tolerance:
        names.append("time")
    return tuple(names)
