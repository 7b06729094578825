"""What was sent, as plain Python values: who, when, what. Nothing here is shared with the server.

Knows identify and alias of identities; a history must not alias tracking ids,
nor repeat an order's old content.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from google.protobuf import json_format

from shopalytic.v1.events_pb2 import Event

Customer = tuple[bool, str]
Key = tuple[int, int, int, float, str]

# The way of a purchase: of what happened in one second, this comes first.
_WAY = (
    "customer_register",
    "customer_update",
    "identify",
    "alias",
    "page_view",
    "product_view",
    "cart_add",
    "cart_modify",
    "order",
    "order_cancel",
    "partial",
    "full",
    "shipment",
    "shipment_delivered",
)
# What an order says beside its content.
_BESIDE = ("status", "email", "first_name", "last_name")


@dataclass(frozen=True)
class Seen:
    """An event. `at` is in microseconds; `key` orders events."""

    event_id: str
    at: int
    type: str
    customer: Customer
    named: bool
    source: str
    bot: bool
    sandbox: bool
    properties: dict[str, Any]
    context: dict[str, Any]
    key: Key
    said_at: int = 0
    """Of an order: when it was first said."""


@dataclass(frozen=True)
class Placed:
    """An order as it was last, or a refund with what it counts as (amounts of refunds are negative)."""

    seen: Seen
    at: int
    currency: str
    amount: Decimal
    customer: Customer
    named: bool


def micros(moment: datetime) -> int:
    whole = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (whole.days * 86_400 + whole.seconds) * 1_000_000 + whole.microseconds


def read(events: Iterable[Event]) -> list[Seen]:
    """Each event once, whoever sent it how often, with its customer as known in the end."""
    different = {event.event_id: event for event in events}.values()
    customer_of = _customers(different)
    return _without_void(
        sorted((_seen(event, *customer_of(event)) for event in different), key=lambda seen: seen.key)
    )


def _without_void(seen: list[Seen]) -> list[Seen]:
    """All but orders that were cancelled or failed in the end, and refunds of them."""
    status: dict[tuple[bool, str], str] = {}
    contents: set[str] = set()
    repeated: set[str] = set()
    for each in seen:
        if each.type == "order_cancel":
            status[each.sandbox, each.properties["order_id"]] = "cancelled"
        if each.type == "order":
            status[each.sandbox, each.properties["order_id"]] = each.properties.get(
                "status", status.get((each.sandbox, each.properties["order_id"]), "")
            )
            content = {name: value for name, value in each.properties.items() if name not in _BESIDE}
            text = f"{each.sandbox} {sorted(content.items(), key=str)}"
            if text in contents:
                repeated.add(each.event_id)
            contents.add(text)
    first: dict[tuple[bool, str], int] = {}
    for each in seen:
        if each.type == "order" and each.event_id not in repeated:
            first.setdefault((each.sandbox, each.properties["order_id"]), each.at)
    void = {name for name, last in status.items() if last in ("cancelled", "failed")}
    return [
        replace(each, said_at=first[each.sandbox, each.properties["order_id"]])
        if each.type == "order"
        else each
        for each in seen
        if each.event_id not in repeated
        and not (each.type in ("order", "refund") and (each.sandbox, each.properties["order_id"]) in void)
    ]


def counted(
    seen: Iterable[Seen],
    *,
    source: str | None = None,
    include_sandbox: bool = False,
    include_bots: bool = False,
) -> list[Seen]:
    """Those that a scope counts, whatever its range."""
    return [
        each
        for each in seen
        if (source is None or each.source == source)
        and (include_sandbox or not each.sandbox)
        and (include_bots or not each.bot)
    ]


def orders_and_refunds(seen: Iterable[Seen], project_currency: str) -> tuple[list[Placed], list[Placed]]:
    """All orders as they were last, and all refunds that count."""
    everything = list(seen)
    latest: dict[tuple[bool, str], Seen] = {}
    for each in everything:
        if each.type == "order":
            latest[each.sandbox, each.properties["order_id"]] = each
    orders = {name: _order(each, project_currency) for name, each in latest.items()}
    left = {name: order.amount for name, order in orders.items()}
    refunds = []
    for each in everything:
        if each.type != "refund":
            continue
        name = each.sandbox, each.properties["order_id"]
        order = orders.get(name)
        currency = each.properties.get("currency") or (order.currency if order else project_currency)
        if each.properties["refund_type"] == "partial":
            amount = Decimal(each.properties["total_refund"])
        elif order is None:
            continue
        else:
            amount, currency = max(left[name], Decimal(0)), order.currency
        if order is not None and currency == order.currency:
            left[name] -= amount
        owner = order.seen if order else each
        refunds.append(Placed(each, each.at, currency, -amount, owner.customer, owner.named))
    return list(orders.values()), refunds


def _order(seen: Seen, project_currency: str) -> Placed:
    properties = seen.properties
    at = seen.said_at
    if "order_date" in properties:
        at = micros(datetime.fromisoformat(properties["order_date"]))
    currency = properties.get("currency", project_currency)
    return Placed(seen, at, currency, Decimal(properties["total"]), seen.customer, seen.named)


def _customers(events: Iterable[Event]) -> Callable[[Event], tuple[Customer, bool]]:
    """Tells an event's customer, and whether they are named."""
    owner: dict[tuple[bool, str], str] = {}
    parent: dict[tuple[bool, str], tuple[bool, str]] = {}

    def root(name: tuple[bool, str]) -> tuple[bool, str]:
        while name in parent:
            name = parent[name]
        return name

    for event in sorted(events, key=order_of):
        kind = event.WhichOneof("payload")
        if kind == "identify":
            owner.setdefault((event.sandbox, event.tracking_id), event.identify.identity)
        if kind == "alias":
            first, second = (root((event.sandbox, name)) for name in (event.identity, event.alias.identity))
            if first != second:
                parent[second] = first

    def customer_of(event: Event) -> tuple[Customer, bool]:
        identity = event.identity or (
            event.identify.identity if event.WhichOneof("payload") == "identify" else ""
        )
        name = identity or owner.get((event.sandbox, event.tracking_id), "")
        if not name:
            return (event.sandbox, "visitor " + event.tracking_id), False
        return (event.sandbox, "customer " + root((event.sandbox, name))[1]), True

    return customer_of


def order_of(event: Event) -> Key:
    """By what events are in order, in a history whose clocks are right."""
    kind = event.WhichOneof("payload") or ""
    step = event.refund.refund_type if kind == "refund" else kind
    tie = float(event.tie_breaker) if event.HasField("tie_breaker") else float("inf")
    time = event.occurred_at
    return time.seconds, _WAY.index(step), time.nanos // 1000, tie, event.event_id


def _seen(event: Event, customer: Customer, named: bool) -> Seen:
    kind = event.WhichOneof("payload")
    context = _plain(event.context)
    return Seen(
        event_id=event.event_id,
        at=event.occurred_at.seconds * 1_000_000 + event.occurred_at.nanos // 1000,
        type=kind,
        customer=customer,
        named=named,
        source=event.source,
        bot="Googlebot" in context.get("user_agent", "") or context.get("automated", False),
        sandbox=event.sandbox,
        properties=_plain(getattr(event, kind)),
        context=context,
        key=order_of(event),
    )


def _plain(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(message, preserving_proto_field_name=True)
