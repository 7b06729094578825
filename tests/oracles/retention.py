"""Retention, customer by customer."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from oracles.calendar import begins
from oracles.digits import divided
from oracles.seen import Customer, Placed, Seen, counted, orders_and_refunds

Period = tuple[int, str, dict[str, Decimal], list[str]]


def retention(
    seen: Iterable[Seen],
    *,
    unit: str,
    zone: ZoneInfo,
    begin: int | None = None,
    end: int | None = None,
    currency: str | None = None,
    project_currency: str = "EUR",
    include_visitors: bool = False,
    **scope: Any,
) -> list[tuple[int, int, list[Period]]]:
    """Per cohort: begin, size, and per period customers, share, net and the ids of what is behind it."""
    every_order, every_refund = orders_and_refunds(seen, project_currency)

    def kept(all_of_them: list[Placed]) -> list[Placed]:
        right = {each.event_id for each in counted((each.seen for each in all_of_them), **scope)}
        return [
            each
            for each in all_of_them
            if each.seen.event_id in right
            and currency in (None, each.currency)
            and (include_visitors or each.named)
        ]

    orders, refunds = kept(every_order), kept(every_refund)

    def in_range(each: Placed) -> bool:
        return (begin is None or each.at >= begin) and (end is None or each.at < end)

    inside = [each.at for each in orders if in_range(each)]
    if not inside and (begin is None or end is None):
        return []
    last = max([*inside, *(each.at for each in refunds if in_range(each))], default=0)
    starts = begins(min(inside) if begin is None else begin, last + 1 if end is None else end, unit, zone)
    first: dict[Customer, int] = {}
    for each in orders:
        first[each.customer] = min(first.get(each.customer, each.at), each.at)
    cells: dict[tuple[int, int], list[Placed]] = defaultdict(list)
    for each in filter(in_range, [*orders, *refunds]):
        came = first.get(each.customer)
        if came is not None and (begin is None or came >= begin):
            cells[bisect_right(starts, came), bisect_right(starts, each.at)].append(each)
    return [
        (starts[cohort - 1], size, [_period(cells[cohort, period], size, currency) for period in periods])
        for cohort in range(1, len(starts) + 1)
        for periods in [range(cohort, len(starts) + 1)]
        for size in [_customers(cells[cohort, cohort])]
    ]


def _customers(cell: list[Placed]) -> int:
    return len({each.customer for each in cell if each.seen.type == "order"})


def _period(cell: list[Placed], size: int, currency: str | None) -> Period:
    net: dict[str, Decimal] = {} if currency is None else {currency: Decimal(0)}
    for each in cell:
        net[each.currency] = net.get(each.currency, Decimal(0)) + each.amount
    customers = _customers(cell)
    return customers, divided(customers, size, 4), net, sorted(each.seen.event_id for each in cell)
