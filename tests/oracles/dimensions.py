"""What dimensions orders, visits and what customers did have, worked out one by one."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

from oracles.commerce import lines_of, time_of
from oracles.seen import Customer, Placed, Seen, counted, micros, orders_and_refunds

IDLE = 30 * 60 * 1_000_000
CAME_FROM = (
    *("channel", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"),
    *("referrer_host", "landing_page"),
)
_NOWHERE: dict[str, str] = defaultdict(str)

Values = tuple[str, ...]


@dataclass
class Visit:
    """A visit: who, when, the events of its page views, and what its first one says."""

    customer: Customer
    named: bool
    at: int
    last_at: int
    events: list[Seen]
    truth: Mapping[str, str]


class World:
    """A shop as it is known in the end; robots and trial data are left out."""

    def __init__(
        self, seen: Iterable[Seen], truths: Mapping[str, Mapping[str, str]], attribution: str, end: int
    ) -> None:
        self.everything = counted(list(seen))
        self.attribution = attribution
        self.end = end
        self.visits: dict[Customer, list[Visit]] = defaultdict(list)
        for each in self.everything:
            if each.type == "page_view" and each.at < end:
                self._view(each, truths[each.event_id])
        self.orders, self.refunds = orders_and_refunds(self.everything, "EUR")
        self.by_id = {(each.seen.properties["order_id"]): each for each in self.orders}
        self.first: dict[Customer, Placed] = {}
        for order in sorted(self.orders, key=lambda each: (each.at, each.seen.key)):
            self.first.setdefault(order.customer, order)
        self.carriers: dict[str, set[str]] = defaultdict(set)
        self.categories: dict[str, set[str]] = defaultdict(set)
        for each in self.everything:
            if each.type == "shipment":
                self.carriers[each.properties["order_id"]].add(each.properties["carrier"])
            if each.type == "product_view" and "categories" in each.properties:
                self.categories[each.properties["sku"]] = set(each.properties["categories"])
        self.segments = self._segments()

    def _view(self, each: Seen, truth: Mapping[str, str]) -> None:
        own = self.visits[each.customer]
        if not own or each.at - own[-1].last_at > IDLE:
            own.append(Visit(each.customer, each.named, each.at, each.at, [], truth))
        own[-1].events.append(each)
        own[-1].last_at = each.at

    def visit_at(self, customer: Customer, at: int) -> Visit | None:
        """The last visit that began no later."""
        own = self.visits.get(customer, [])
        place = bisect_right([visit.at for visit in own], at)
        return own[place - 1] if place else None

    def credited(self, customer: Customer, at: int) -> list[Mapping[str, str]]:
        """What the visits say that get the credit for what happened then."""
        own = [visit.truth for visit in self.visits.get(customer, []) if visit.at <= at]
        if not own:
            return [_NOWHERE]
        if self.attribution == "linear":
            return list(own)
        if self.attribution == "first":
            return own[:1]
        not_direct = [truth for truth in own if truth["channel"] != "direct"]
        return not_direct[-1:] if not_direct and self.attribution == "last_non_direct" else own[-1:]

    def visit_values(self, visit: Visit, name: str) -> set[str]:
        """The value of a visit."""
        return {
            self._of_customer(visit.customer, visit.at, name, named=visit.named) or visit.truth.get(name, "")
        }

    def values_at(self, each: Seen, at: int, name: str) -> set[str]:
        """The values of something that a customer did; credit that is shared goes to the last visit."""
        if name == "sent_by":
            return {each.source}
        if name in ("customer_type", "segment"):
            return {self._of_customer(each.customer, at, name, named=each.named)}
        if name in CAME_FROM:
            return {self.credited(each.customer, at)[-1][name]}
        visit = self.visit_at(each.customer, at)
        return {visit.truth[name] if visit else ""}

    def order_values(self, order: Placed, name: str) -> set[str]:
        """The values of an order; of a dimension that visits share that of the last one."""
        given = order.seen.properties
        if name == "coupon":
            return {each["code"] for each in given.get("discounts", [])} or {""}
        if name == "carrier":
            return self.carriers.get(given["order_id"], set()) or {""}
        if name == "payment_type":
            return {given.get("payment_type", "")}
        if name in ("country", "region", "city"):
            addresses = [given[kind] for kind in ("shipping", "billing") if kind in given]
            if addresses:
                field = {"region": "state"}.get(name, name)
                return {next((each[field] for each in addresses if each.get(field)), "")}
        if name == "customer_type":
            if not order.named:
                return {"guest"}
            return {"new" if self.first[order.customer] is order else "returning"}
        if name == "segment":
            return {self.segments.get(order.customer, "")}
        return self.values_at(order.seen, order.at, name)

    def line_values(self, sku: str, order: Placed | None, name: str) -> set[str]:
        """The values of a line of an order."""
        if name == "sku":
            return {sku}
        if name == "category":
            return self.categories[sku] or {""}
        return self.order_values(order, name) if order else {""}

    def shares(self, order: Placed, name: str, amount: Decimal) -> list[tuple[str, Decimal, bool]]:
        """Values with the part of an amount each gets, and whether it is the one that counts the order."""
        if name not in CAME_FROM or self.attribution != "linear":
            return [(value, amount, True) for value in self.order_values(order, name)]
        visits = self.credited(order.customer, order.at)
        unit = Decimal(1).scaleb(min(int(amount.as_tuple().exponent), -2))
        part = amount if len(visits) == 1 else (amount / len(visits)).quantize(unit, ROUND_DOWN)
        last = amount - part * (len(visits) - 1)
        parts = [part] * (len(visits) - 1) + [last]
        return [
            (visit[name], each, place == len(visits))
            for place, (visit, each) in enumerate(zip(visits, parts, strict=True), 1)
        ]

    def _of_customer(self, customer: Customer, at: int, name: str, *, named: bool) -> str:
        if name == "segment":
            return self.segments.get(customer, "")
        if name != "customer_type":
            return ""
        if not named:
            return "guest"
        first = self.first.get(customer)
        return "returning" if first and first.at < at else "new"

    def _segments(self) -> dict[Customer, str]:
        last: dict[Customer, int] = {}
        count: dict[Customer, int] = defaultdict(int)
        net: dict[Customer, Decimal] = defaultdict(Decimal)
        for order in self.orders:
            if order.at < self.end:
                last[order.customer] = max(last.get(order.customer, 0), order.at)
                count[order.customer] += 1
                net[order.customer] += order.amount
        for refund in self.refunds:
            if refund.at < self.end:
                net[refund.customer] += refund.amount
        found = {}
        for who in last:
            recency, frequency, money = (_fifth(measure, who, last) for measure in (last, count, net))
            found[who] = _segment(recency, frequency, money, count[who])
        return found


def _fifth(measure: Mapping[Customer, Any], who: Customer, all_of: Iterable[Customer]) -> int:
    values = sorted(measure[each] for each in all_of)
    cuts = [values[-(-k * len(values) // 5) - 1] for k in range(1, 5)]
    return 1 + sum(cut < measure[who] for cut in cuts)


def _segment(recency: int, frequency: int, money: int, orders: int) -> str:
    if recency >= 4 and frequency >= 4 and money >= 4:
        return "best"
    if recency >= 3 and frequency >= 4:
        return "loyal"
    if recency >= 4:
        return "new" if orders == 1 else "promising"
    if recency == 3:
        return "needs attention"
    return "at risk" if frequency >= 3 else "lost"


def in_range(at: int, begin: Any, end: Any) -> bool:
    return micros(begin) <= at < micros(end)


__all__ = ["CAME_FROM", "Values", "World", "in_range", "lines_of", "time_of"]
