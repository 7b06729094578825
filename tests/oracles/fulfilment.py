"""The fulfilment report, parcel by parcel."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Any

from oracles.commerce import Name, current_orders, moment, time_of, within
from oracles.digits import divided
from oracles.seen import Seen, counted

HOUR = 3_600_000_000


@dataclass
class Parcel:
    """A parcel as its events leave it."""

    order: Name
    carrier: str = ""
    shipped: int | None = None
    delivered: int | None = None
    ordered: int | None = None
    events: list[Seen] = field(default_factory=list)


def fulfilment(
    seen: Iterable[Seen],
    *,
    promised_days: int = 5,
    begin: datetime | None = None,
    end: datetime | None = None,
    **scope: Any,
) -> dict[str | None, dict[str, Any]]:
    """The figures by carrier, and those of all together under None."""
    everything = list(seen)
    orders = {name: time_of(each, "order_date") for name, each in current_orders(everything).items()}
    refunds: dict[Name, list[int]] = defaultdict(list)
    parcels: dict[Name, Parcel] = {}
    for each in everything:
        if each.type == "refund":
            refunds[each.sandbox, each.properties["order_id"]].append(each.at)
        if each.type in ("shipment", "shipment_delivered"):
            order = each.sandbox, each.properties["order_id"]
            parcel = parcels.setdefault((each.sandbox, each.properties["shipment_id"]), Parcel(order))
            parcel.ordered = orders.get(order)
            parcel.carrier = each.properties.get("carrier", parcel.carrier)
            parcel.shipped = moment(each, "date_shipped") or parcel.shipped
            parcel.delivered = moment(each, "date_delivered") or parcel.delivered
            parcel.events.append(each)
    groups: dict[str | None, list[Parcel]] = defaultdict(list, {None: []})
    for parcel in parcels.values():
        at = parcel.shipped or parcel.ordered or parcel.events[0].at
        if counted(parcel.events[:1], **scope) and within(at, begin, end):
            groups[parcel.carrier].append(parcel)
            groups[None].append(parcel)
    return {carrier: _figures(group, refunds, promised_days * 24 * HOUR) for carrier, group in groups.items()}


def _figures(parcels: list[Parcel], refunds: dict[Name, list[int]], promised: int) -> dict[str, Any]:
    to_shipped = [p.shipped - p.ordered for p in parcels if p.shipped and p.ordered]
    to_delivered = [p.delivered - p.shipped for p in parcels if p.delivered and p.shipped]
    timely = [(p, p.delivered - p.ordered) for p in parcels if p.delivered and p.ordered]
    late = [parcel for parcel, taken in timely if taken > promised]
    regretted = [p for p in late if p.delivered and any(at > p.delivered for at in refunds[p.order])]
    return {
        "parcels": len(parcels),
        "on_the_way": sum(1 for p in parcels if p.shipped and not p.delivered),
        "delivered": sum(1 for p in parcels if p.delivered),
        "order_to_shipped_median": _median(to_shipped),
        "order_to_shipped_p90": _p90(to_shipped),
        "shipped_to_delivered_median": _median(to_delivered),
        "shipped_to_delivered_p90": _p90(to_delivered),
        "late": len(late),
        "late_rate": divided(len(late), len(timely), 4),
        "refund_rate_after_late": divided(len(regretted), len(late), 4),
        "events": {each.event_id for p in parcels for each in p.events},
    }


def _median(times: Sequence[int]) -> str:
    ordered = sorted(times)
    middle = len(ordered) // 2
    if not ordered:
        return ""
    if len(ordered) % 2:
        return divided(ordered[middle], HOUR, 2)
    return divided(ordered[middle - 1] + ordered[middle], 2 * HOUR, 2)


def _p90(times: Sequence[int]) -> str:
    ordered = sorted(times)
    return divided(ordered[ceil(len(ordered) * 9 / 10) - 1], HOUR, 2) if ordered else ""
