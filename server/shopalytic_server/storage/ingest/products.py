"""Keeps each product as it was last seen."""

from collections.abc import Sequence
from typing import Any

from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.storage.database.arrays import NumberArray, TextArray, TimeArray, UuidArray, array_text
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load

_SQL = load("ingest/ingest")


async def upsert_products(conn: Connection, views: Sequence[Prepared]) -> None:
    """Applies product views: the latest wins, and of the categories the latest that named any."""
    latest = _latest(views)
    if not latest:
        return
    await conn.execute(
        _SQL.upsert_products,
        {
            **_columns(latest),
            "names": TextArray([item.properties["name"] for item in latest]),
            "prices": TextArray([item.properties["price"] for item in latest]),
            "currencies": TextArray([item.properties.get("currency", item.currency) for item in latest]),
        },
    )
    named = _latest([item for item in views if item.properties.get("categories")])
    if named:
        categories = TextArray([array_text(item.properties["categories"]) for item in named])
        await conn.execute(_SQL.update_product_categories, {**_columns(named), "categories": categories})


def _latest(views: Sequence[Prepared]) -> list[Prepared]:
    """The last view of each product, sorted by product so that writers lock in the same order."""
    latest: dict[tuple[int, str], Prepared] = {}
    for item in views:
        key = (item.dataset_id, item.properties["sku"])
        known = latest.get(key)
        if known is None or item.place > known.place:
            latest[key] = item
    return [latest[key] for key in sorted(latest)]


def _columns(items: list[Prepared]) -> dict[str, Any]:
    return {
        "datasets": NumberArray([item.dataset_id for item in items]),
        "skus": TextArray([item.properties["sku"] for item in items]),
        "times": TimeArray([item.occurred_us for item in items]),
        "tie_breakers": NumberArray([item.tie_breaker for item in items]),
        "event_ids": UuidArray([item.event_key for item in items]),
    }
