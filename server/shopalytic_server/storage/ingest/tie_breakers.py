"""Gives stored events the smallest tie breaker of their copies.

The tie breaker is no part of what makes two events the same, so that a copy may
come with another one; the smaller counts, whichever came first. What is decided by
the order of events follows.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from shopalytic_server.domain.commerce.orders import states_something
from shopalytic_server.domain.events.prepared import Prepared, Sending, microseconds
from shopalytic_server.storage.database.arrays import UuidArray
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.facts.changes import mark_times
from shopalytic_server.storage.ingest.rows import CART_TYPES, cart_time
from shopalytic_server.storage.ingest.settlement import settle_orders

_SQL = load("ingest/tie_breakers")
_INGEST = load("ingest/ingest")

_TYPED = (
    (("customer_register", "customer_update"), _SQL.profile_changes, None),
    (("cart_add", "cart_modify"), _SQL.cart_changes, "cart_id"),
    (("shipment", "shipment_delivered"), _SQL.shipment_changes, "shipment_id"),
    (("order",), _SQL.order_revisions, "order_id"),
    (("order", "order_cancel"), _SQL.order_statements, "order_id"),
    (("refund",), _SQL.refunds, "order_id"),
)


class Lowered(NamedTuple):
    """Copies that may be the first, now, to say what they say."""

    calls: list[Prepared]
    """Those of identify and alias: their facts are to be stated again. And orders that state something
    beside their content: one may be the first to say its content now."""
    orders: list[Prepared]
    """Orders that are not stored, because another event with their content was earlier."""


async def lower_tie_breakers(conn: Connection, dataset: int, copies: Iterable[Prepared]) -> Lowered:
    """Notes the tie breakers of events of one dataset that are stored with larger ones, or with none.

    Whoever calls it has locked the dataset.
    """
    smallest: dict[UUID, Prepared] = {}
    for item in copies:
        known = smallest.setdefault(item.event_id, item)
        if item.place < known.place:
            smallest[item.event_id] = item
    lowered = await _lowered(conn, dataset, smallest)
    if lowered:
        await conn.execute(_SQL.events, _columns(dataset, lowered))
        await _lower_typed(conn, dataset, lowered)
        await mark_times(conn, [(dataset, item.occurred_at) for item in lowered])
        carts = [item for item in lowered if item.type in CART_TYPES]
        await mark_times(conn, [(dataset, cart_time(item)) for item in carts])
    calls = [item for item in lowered if item.type in ("identify", "alias") or _states(item)]
    return Lowered(calls, [item for item in smallest.values() if item.type == "order"])


def _states(item: Prepared) -> bool:
    return item.type == "order" and states_something(item.properties)


async def _lowered(conn: Connection, dataset: int, copies: dict[UUID, Prepared]) -> list[Prepared]:
    """The events that are stored with a larger tie breaker, as they are stored.

    What is stored is taken out of the copies.
    """
    cursor = await conn.execute(_SQL.stored, _columns(dataset, list(copies.values())))
    rows = await cursor.fetchall()
    found = {row[0] for row in rows}
    others = [item for event_id, item in copies.items() if event_id not in found]
    if others:
        cursor = await conn.execute(_SQL.stored_at_other_times, _columns(dataset, others))
        rows += await cursor.fetchall()
    lowered = []
    for event_id, occurred_at, received_at, tie_breaker in rows:
        item = copies.pop(event_id)
        item.occurred_us = microseconds(occurred_at)
        item.sending = Sending(
            item.sending.first_currency,
            received_at,
            time_zone=item.sending.time_zone,
            order_number_groups=item.sending.order_number_groups,
        )
        if tie_breaker is None or (item.tie_breaker is not None and item.tie_breaker < tie_breaker):
            lowered.append(item)
    return lowered


async def _lower_typed(conn: Connection, dataset: int, items: Sequence[Prepared]) -> None:
    for types, statement, name in _TYPED:
        own = [item for item in items if item.type in types]
        if own:
            names = {} if name is None else {f"{name}s": [_named(item, name) for item in own]}
            await conn.execute(statement, {**_columns(dataset, own), **names})
    if views := [item for item in items if item.type == "product_view"]:
        await _show_last_views(conn, dataset, views)
    orders = {"dataset": dataset, "order_ids": _order_ids(items, "order", "order_cancel")}
    if orders["order_ids"]:
        await conn.execute(_INGEST.mark_current, orders)
        rows = await (await conn.execute(_SQL.order_times, orders)).fetchall()
        await mark_times(conn, [(dataset, at) for row in rows for at in row])
    settled = _order_ids(items, "order", "order_cancel", "refund")
    if settled:
        times = await settle_orders(conn, dataset, items[0].currency, settled)
        await mark_times(conn, [(dataset, at) for at in times])


async def _show_last_views(conn: Connection, dataset: int, views: Sequence[Prepared]) -> None:
    """Looks for the last views first, as no statement on Citus may do so and change products."""
    asked = {**_columns(dataset, views), "skus": [_named(item, "sku") for item in views]}
    for find, change, names in (
        (_SQL.last_views, _SQL.products, ("names", "prices", "currencies")),
        (_SQL.last_categories, _SQL.product_categories, ("categories",)),
    ):
        rows = await (await conn.execute(find, asked)).fetchall()
        if rows:
            columns = map(list, zip(*rows, strict=True))
            given = dict(zip(("skus", *names, "tie_breakers", "event_ids"), columns, strict=True))
            await conn.execute(change, {"dataset": dataset, **given})


def _order_ids(items: Iterable[Prepared], *types: str) -> list[str]:
    return sorted({item.order_key for item in items if item.type in types})


def _named(item: Prepared, name: str) -> str:
    apart = {"order_id": lambda: item.order_key, "shipment_id": lambda: item.parcel_key}
    return apart[name]() if name in apart else str(item.properties[name])


def _columns(dataset: int, items: Sequence[Prepared]) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "currency": items[0].currency,
        "subjects": [item.subject for item in items],
        "times": [item.occurred_at for item in items],
        "event_ids": UuidArray([item.event_key for item in items]),
        "tie_breakers": [item.tie_breaker for item in items],
    }
