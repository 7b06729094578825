"""Traffic, customer by customer, session by session."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from oracles.calendar import begins
from oracles.pages import campaign, host, landing_page
from oracles.seen import Customer, Seen, counted, orders_and_refunds

IDLE = 30 * 60 * 1_000_000


@dataclass
class Row:
    """Page views with their ids, visitors and sessions."""

    page_views: list[str] = field(default_factory=list)
    visitors: set[Customer] = field(default_factory=set)
    sessions: int = 0


@dataclass
class Way:
    """Sessions by the ids of their first page views, visitors, and revenue."""

    sessions: list[str] = field(default_factory=list)
    visitors: set[Customer] = field(default_factory=set)
    first_touch: Decimal = Decimal(0)
    last_touch: Decimal = Decimal(0)


@dataclass
class Traffic:
    """The whole report."""

    starts: list[int]
    rows: list[Row]
    total: Row
    ways: dict[str, dict[str, Way]]


def traffic(
    seen: Iterable[Seen],
    *,
    unit: str,
    zone: ZoneInfo,
    begin: int,
    end: int,
    currency: str = "EUR",
    project_currency: str = "EUR",
    **scope: Any,
) -> Traffic:
    """The report on a range whose both ends are given."""
    everything = list(seen)
    views = [each for each in counted(everything, **scope) if each.type == "page_view"]
    own = {host(each.properties["url"]) for each in views if begin <= each.at < end}

    def referrer(each: Seen) -> str:
        traffic_source = host(each.properties.get("referrer", ""))
        return "" if traffic_source in own else traffic_source

    readings: dict[str, Callable[[Seen], str]] = {
        "landing_page": landing_page,
        "referrer": referrer,
        "campaign": campaign,
    }
    begun = sessions(views)
    starts = begins(begin, end, unit, zone)
    report = Traffic(starts, [Row() for _ in starts], Row(), {name: defaultdict(Way) for name in readings})
    firsts = {each.event_id for of_one in begun.values() for each in of_one}
    for each in views:
        if begin <= each.at < end:
            for row in (report.total, report.rows[bisect_right(starts, each.at) - 1]):
                row.page_views.append(each.event_id)
                row.visitors.add(each.customer)
                row.sessions += each.event_id in firsts
            for name, reading in readings.items() if each.event_id in firsts else ():
                way = report.ways[name][reading(each)]
                way.sessions.append(each.event_id)
                way.visitors.add(each.customer)
    orders, _ = orders_and_refunds(everything, project_currency)
    right = {each.event_id for each in counted(everything, **scope)}
    for order in orders:
        if order.seen.event_id in right and order.currency == currency and begin <= order.at < end:
            before = [each for each in begun[order.customer] if each.at <= order.at]
            for name, reading in readings.items() if before else ():
                report.ways[name][reading(before[0])].first_touch += order.amount
                report.ways[name][reading(before[-1])].last_touch += order.amount
    return report


def sessions(views: list[Seen]) -> dict[Customer, list[Seen]]:
    """The first page view of each of everybody's sessions, in order."""
    last: dict[Customer, int] = {}
    firsts: dict[Customer, list[Seen]] = defaultdict(list)
    for each in views:
        if each.customer not in last or each.at - last[each.customer] > IDLE:
            firsts[each.customer].append(each)
        last[each.customer] = each.at
    return firsts
