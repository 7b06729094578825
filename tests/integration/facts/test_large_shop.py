"""The large shop is what its events say, and reports say the same when all else is made anew from them."""

from datetime import UTC, datetime
from typing import Any

import psycopg
from google.protobuf import json_format
from psycopg import sql

from shopalytic.v1 import reports_pb2
from shopalytic_server.storage.rebuild.replay import TABLES
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops import large_shop
from shops.report_shop import PROJECT, Shop, open_shop

EVENTS = 5_000
SCOPED = {
    "get_sales_report": reports_pb2.GetSalesReportRequest,
    "get_funnel_report": reports_pb2.GetFunnelReportRequest,
    "get_product_report": reports_pb2.GetProductReportRequest,
    "get_retention_report": reports_pb2.GetRetentionReportRequest,
    "get_cart_report": reports_pb2.GetCartReportRequest,
    "get_fulfilment_report": reports_pb2.GetFulfilmentReportRequest,
    "get_traffic_report": reports_pb2.GetTrafficReportRequest,
}


async def everything(shop: Shop) -> dict[str, Any]:
    """Every report of the year, and each customer whole."""
    said: dict[str, Any] = {}
    for name, make in SCOPED.items():
        request = make()
        getattr(request.scope, "from").FromDatetime(large_shop.BEGIN)
        request.scope.to.FromDatetime(datetime(2026, 3, 1, tzinfo=UTC))
        answer = await getattr(shop.reports, name)(PROJECT, request)
        said[name] = without_tokens(json_format.MessageToDict(answer))
    listed = await shop.customers(page_size=1_000)
    said["customers"] = listed
    for customer in listed.customers:
        said[customer.customer_id] = await shop.customer(customer_id=customer.customer_id)
    return said


async def test_the_typed_tables_are_what_the_events_amount_to(database_url: str) -> None:
    async with open_shop(database_url) as shop, shop.pool.connection() as conn:
        await conn.set_autocommit(True)
        await large_shop.fill(conn, EVENTS)
        await conn.set_autocommit(False)
    found = await rebuild(database_url, check=True)
    assert found.differences == dict.fromkeys(TABLES, 0)
    assert found.events > EVENTS / 2


async def test_every_report_is_the_same_after_all_but_the_events_was_lost_and_rebuilt(
    database_url: str,
) -> None:
    async with open_shop(database_url) as shop:
        async with shop.pool.connection() as conn:
            await conn.set_autocommit(True)
            await large_shop.fill(conn, EVENTS)
            await conn.set_autocommit(False)
        before = await everything(shop)
    with psycopg.connect(database_url, autocommit=True) as connection:
        names = sql.SQL(", ").join(map(sql.Identifier, TABLES))
        connection.execute(sql.SQL("TRUNCATE {}").format(names))
    await rebuild(database_url, check=False)
    async with open_shop(database_url) as shop:
        after = await everything(shop)
    assert len(before) > 25
    assert [name for name in before if before[name] != after.get(name)] == []
    assert len(before["get_traffic_report"]["landingPages"]) == 50


def without_tokens(value: Any) -> Any:
    """Tokens hold the moment of the question, which decides what an abandoned cart is."""
    if isinstance(value, dict):
        return {name: without_tokens(each) for name, each in value.items() if name != "explain"}
    return [without_tokens(each) for each in value] if isinstance(value, list) else value
