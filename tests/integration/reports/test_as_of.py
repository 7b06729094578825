"""Reports as the store knew it at a moment, by when events arrived."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from google.protobuf import json_format

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.storage.rebuild.as_of import Past, reading_past
from shopalytic_server.storage.rebuild.replay import TABLES
from shops.report_shop import PROJECT, Shop, alias, event, identify, open_shop, order, page, refund

MORNING = datetime(2026, 3, 5, 8, tzinfo=UTC)
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
EVENING = datetime(2026, 3, 5, 20, tzinfo=UTC)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


async def test_a_merge_shows_at_once_and_not_in_what_was_known_before_it(shop):
    await shop.send(
        order("o1", "10.00", tracking_id="t1", at=1),
        order("o2", "5.00", identity="ann", at=2),
        refund("o1", "1.00", tracking_id="t1", at=3),
        arrival=MORNING,
    )
    [before] = await shop.sales()
    assert (before.total.customers, before.total.gross) == (2, "15.00")
    await shop.send(identify("t1", "ann", at=0), arrival=EVENING)
    [now] = await shop.sales()
    assert now.total.customers == 1
    [then] = await shop.sales(as_of=NOON)
    assert stripped(then) == stripped(before)
    [later] = await shop.sales(as_of=EVENING)
    assert stripped(later) == stripped(now)


def stripped(report: reports_pb2.SalesReport) -> reports_pb2.SalesReport:
    """Without its tokens, which say as of when the report is."""
    copy = reports_pb2.SalesReport.FromString(report.SerializeToString())
    for row in (*copy.rows, copy.total):
        row.ClearField("explain")
    return copy


async def test_what_arrived_later_is_as_if_it_had_not_happened(shop):
    await shop.send(
        order("o1", "10.00", identity="ann", at=1), refund("o1", identity="ann", at=9), arrival=MORNING
    )
    await shop.send(
        order("o1", "8.00", identity="ann", at=2),
        order("o9", "7.00", identity="bea", at=3),
        refund("o1", "3.00", identity="ann", at=4),
        alias("bea", identity="ann", at=0),
        arrival=EVENING,
    )
    [then] = await shop.sales(as_of=NOON)
    assert (then.total.gross, then.total.refunds, then.total.orders) == ("10.00", "10.00", 1)
    [now] = await shop.sales()
    assert (now.total.gross, now.total.refunds, now.total.customers) == ("15.00", "8.00", 1)
    assert await shop.sales(as_of=MORNING - timedelta(microseconds=1)) == []


async def test_every_typed_table_of_now_is_that_of_then_when_nothing_came_since(shop, database_url):
    await shop.send(
        page("t1"), identify("t1", "ann"), order("o1", identity="ann"), refund("o1", identity="ann", at=5),
        arrival=MORNING,
    )  # fmt: skip
    past = Past([Dataset.of(PROJECT)], EVENING)
    async with reading_past(database_url, past) as snapshot:
        for table in (*TABLES, "orders", "order_lines", "profiles", "shipments", "subject_customers"):
            [row] = await snapshot.fetch(
                f"""
                SELECT (SELECT count(*) FROM (TABLE {table} EXCEPT TABLE public.{table}) AS x)
                     + (SELECT count(*) FROM (TABLE public.{table} EXCEPT TABLE {table}) AS x) AS n,
                       '{table}'::regclass = 'public.{table}'::regclass AS same_table
                """
            )
            assert row == {"n": 0, "same_table": False}, table


async def test_a_look_at_the_past_leaves_nothing_behind(shop, database_url):
    await shop.send(order("o1", identity="ann"), arrival=MORNING)
    await shop.sales(as_of=NOON)
    await shop.sales()
    with psycopg.connect(database_url) as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace::regnamespace::text LIKE 'pg_temp%'"
        ).fetchall()
    assert left == []


async def test_the_future_is_not_known(shop):
    with pytest.raises(InvalidRequest) as caught:
        await shop.sales(as_of=datetime.now(UTC) + timedelta(minutes=1))
    assert [violation.field for violation in caught.value.violations] == ["scope.as_of"]


REPORTS: dict[str, Any] = {
    "sales": reports_pb2.GetSalesReportRequest(interval=reports_pb2.INTERVAL_DAY),
    "funnel": reports_pb2.GetFunnelReportRequest(
        steps=[reports_pb2.FunnelStep(event_type="page_view"), reports_pb2.FunnelStep(event_type="order")]
    ),
    "product": reports_pb2.GetProductReportRequest(),
    "retention": reports_pb2.GetRetentionReportRequest(interval=reports_pb2.INTERVAL_WEEK),
    "cart": reports_pb2.GetCartReportRequest(),
    "fulfilment": reports_pb2.GetFulfilmentReportRequest(),
    "traffic": reports_pb2.GetTrafficReportRequest(interval=reports_pb2.INTERVAL_DAY),
}
# Whose parcels they are is no matter of the fulfilment report.
TOLD_BY_CUSTOMER = [name for name in REPORTS if name != "fulfilment"]


async def answers(shop: Shop, as_of: datetime | None = None) -> dict[str, Any]:
    """Every report without its tokens, which say as of when the report is."""
    found = {}
    for name, asked in REPORTS.items():
        request = type(asked).FromString(asked.SerializeToString())
        if as_of is not None:
            request.scope.as_of.FromDatetime(as_of)
        answer = await getattr(shop.reports, f"get_{name}_report")(shop.project, request)
        found[name] = without_tokens(json_format.MessageToDict(answer))
    return found


def without_tokens(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_tokens(each) for name, each in value.items() if name != "explain"}
    return [without_tokens(each) for each in value] if isinstance(value, list) else value


async def test_a_merge_changes_every_report_at_once_and_none_of_before_it(shop):
    await shop.send(
        page("phone", at=0),
        event("product_view", {"sku": "a", "name": "A", "price": "10"}, tracking_id="phone", at=10),
        event("product_view", {"sku": "a", "name": "A", "price": "10"}, identity="ann", at=15),
        event("cart_add", {"cart_id": "c1", "sku": "a", "price": "10", "qty": 1}, tracking_id="phone", at=20),
        page("laptop", at=30, identity="ann"),
        order("o1", "10.00", identity="ann", at=60),
        order("o2", "5.00", tracking_id="phone", at=8 * 86_400),
        event("shipment", {"order_id": "o1", "shipment_id": "p", "carrier": "ups"}, identity="clerk", at=90),
        arrival=MORNING + timedelta(days=30),
    )
    before = await answers(shop)
    await shop.send(identify("phone", "ann", at=0), arrival=EVENING + timedelta(days=30))
    now = await answers(shop)
    assert [name for name in REPORTS if now[name] != before[name]] == TOLD_BY_CUSTOMER
    assert await answers(shop, NOON + timedelta(days=30)) == before
    assert await answers(shop, EVENING + timedelta(days=30)) == now
