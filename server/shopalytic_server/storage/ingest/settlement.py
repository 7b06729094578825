"""Keeps what refunds and parcels count as, and whether they are a robot's, in step with their order."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from psycopg.rows import dict_row

from shopalytic_server.domain.commerce.refunds import Claim, OrderTotal, Settled, settle
from shopalytic_server.storage.database.arrays import TextArray
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load

_SQL = load("ingest/ingest")


async def date_orders(conn: Connection, dataset: int, order_ids: Iterable[str]) -> set[datetime]:
    """Lets orders without a date of their own count where they were first said.

    Returns from when and to when any moved.
    """
    orders = {"dataset": dataset, "order_ids": TextArray(list(order_ids))}
    rows = await (await conn.execute(_SQL.date_orders, orders)).fetchall()
    return {at for row in rows for at in row}


async def settle_orders(
    conn: Connection, dataset: int, currency: str, order_ids: Iterable[str]
) -> set[datetime]:
    """Settles the refunds and parcels of some orders anew; `currency` is the project's first.

    Returns the times of the refunds.
    """
    orders = {"dataset": dataset, "order_ids": TextArray(list(order_ids))}
    # Most orders have neither a parcel nor a refund when they arrive.
    [(parcels, refunds)] = await (await conn.execute(_SQL.what_orders_have, orders)).fetchall()
    if parcels:
        await _label(conn, orders, _SQL.mislabelled_parcels, _SQL.relabel_parcels, "shipment_ids")
    if not refunds:
        return set()
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL.refunds_of_orders, orders)
        rows = await cursor.fetchall()
    await _label(conn, orders, _SQL.mislabelled_refunds, _SQL.relabel_refunds, "order_ids")
    changed: list[tuple[str, Settled]] = []
    for order_id, group in groupby(rows, key=lambda row: row["order_id"]):
        own = list(group)
        for row, settled in zip(own, _settle(own, currency), strict=True):
            if (row["currency"], row["amount"], row["flag"]) != settled[1:]:
                changed.append((order_id, settled))
    times = {row["occurred_at"] for row in rows}
    if not changed:
        return times
    await conn.execute(
        _SQL.settle_refunds,
        {
            "dataset": dataset,
            "order_ids": [order_id for order_id, _ in changed],
            "event_ids": [settled.event_id for _, settled in changed],
            "currencies": [settled.currency for _, settled in changed],
            "amounts": [settled.amount for _, settled in changed],
            "flags": [settled.flag for _, settled in changed],
        },
    )
    return times


async def _label(conn: Connection, orders: dict[str, Any], find: str, change: str, named: str) -> None:
    """Two statements, as none on Citus may look at events and change what is on every node."""
    rows = await (await conn.execute(find, orders)).fetchall()
    if rows:
        names, event_ids, *times = zip(*rows, strict=True)
        values = {"dataset": orders["dataset"], named: list(names), "event_ids": list(event_ids)}
        await conn.execute(change, values | ({"times": list(times[0])} if times else {}))


def _settle(refunds: list[dict[str, Any]], currency: str) -> list[Settled]:
    first = refunds[0]
    order = None
    if first["order_total"] is not None:
        order = OrderTotal(first["order_currency"], first["order_total"], first["order_void"])
    claims = [
        Claim(
            row["event_id"],
            row["given_currency"],
            row["total_refund"] if row["refund_type"] == "partial" else None,
            row["default_currency"] or currency,
        )
        for row in refunds
    ]
    return settle(order, claims)
