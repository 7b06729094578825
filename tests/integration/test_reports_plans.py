"""What every report reads of a year with a million events: by an index, and of a month only that month."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

import large_shop
from conftest import database_on, drop_database
from read_plans import Explaining
from report_shop import PROJECT, Shop, open_shop
from shopalytic.v1 import reports_pb2
from shopalytic_server.storage import (
    customer_list,
    customers,
    funnel,
    timeline,
    traffic,
)
from shopalytic_server.storage.fifths import Fifths

pytestmark = pytest.mark.slow

EVENTS = 1_000_000
MARCH, APRIL = (datetime(2025, month, 1, tzinfo=UTC) for month in (3, 4))
REPORTS: dict[str, tuple[Any, Any]] = {
    "funnel": (funnel.get_funnel_report, reports_pb2.GetFunnelReportRequest),
    "traffic": (traffic.get_traffic_report, reports_pb2.GetTrafficReportRequest),
}
# Who bought twice, on two devices, and was joined.
BUYER = "person-2"


@pytest.fixture(scope="module")
def large_database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    name = f"{template_database}_large"
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template_database)))
    url = database_on(postgres_url, name)
    try:
        asyncio.run(_fill(url))
        yield url
    finally:
        drop_database(postgres_url, name)


async def _fill(url: str) -> None:
    async with open_shop(url) as shop, shop.pool.connection() as conn:
        await large_shop.fill(conn, EVENTS)


@pytest.fixture
async def shop(large_database_url: str):
    async with open_shop(large_database_url) as opened:
        yield opened


async def explained(shop: Shop, ask: Any) -> Explaining:
    """What a question really read."""
    async with shop.pool.connection() as conn, conn.transaction():
        snapshot = Explaining(conn)
        await ask(snapshot)
        return snapshot


async def of_march(shop: Shop, name: str) -> Explaining:
    report, request_type = REPORTS[name]
    request = request_type()
    getattr(request.scope, "from").FromDatetime(MARCH)
    request.scope.to.FromDatetime(APRIL)
    return await explained(shop, lambda snapshot: report(snapshot, PROJECT, request))


@pytest.mark.parametrize("name", REPORTS)
async def test_a_months_report_does_not_read_the_years_events(shop, name):
    snapshot = await of_march(shop, name)
    read = snapshot.rows_read_of("events_")
    # A month has a twelfth of the events; sessions and funnels look a little over its edges.
    assert read < EVENTS / 12 * 2.5
    months = {
        step["Relation Name"] for step in snapshot.whole_scans() if step["Relation Name"][:7] == "events_"
    }
    assert months <= {f"events_2025_{month:02}" for month in (2, 3, 4)}


@pytest.mark.parametrize("name", ["retention", "carts", "fulfilment"])
async def test_reports_on_orders_carts_and_parcels_read_no_events_at_all(shop, name):
    snapshot = await of_march(shop, name)
    assert snapshot.rows_read_of("events_") == 0
    assert 0 < snapshot.rows_read() < EVENTS / 8


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("products", "order_revisions_time"),
        ("retention", "order_revisions_time"),
        ("carts", "cart_changes_time"),
        ("fulfilment", "shipment_changes_shipped"),
    ],
)
async def test_a_month_of_orders_carts_and_parcels_is_found_by_the_index_on_time(shop, name, index):
    snapshot = await of_march(shop, name)
    assert index in {step.get("Index Name") for step in snapshot.steps()}


async def test_a_customers_page_touches_a_few_hundred_rows_by_index(shop):
    request = reports_pb2.GetCustomerRequest(customer=reports_pb2.CustomerSelector(any=BUYER))
    fifths = Fifths()

    async def ask(snapshot: Explaining) -> None:
        answer = await customers.get_customer(snapshot, PROJECT, fifths, request)
        assert (len(answer.customer.devices), len(answer.customer.orders)) == (2, 2)

    await explained(shop, ask)
    snapshot = await explained(shop, ask)
    assert snapshot.rows_read() < 300
    assert not snapshot.whole_scans()


async def test_a_timeline_touches_its_own_events(shop):
    request = reports_pb2.ListCustomerEventsRequest(customer=reports_pb2.CustomerSelector(any=BUYER))
    snapshot = await explained(shop, lambda snapshot: timeline.list_customer_events(snapshot, 2, request))
    assert 10 < snapshot.rows_read() < 100
    assert not snapshot.whole_scans()


@pytest.mark.parametrize("search", ["person-77", "ada", "person-772@mail"])
async def test_a_search_reads_those_it_finds(shop, search):
    request = reports_pb2.ListCustomersRequest(search=search)

    async def ask(snapshot: Explaining) -> None:
        assert (await customer_list.list_customers(snapshot, PROJECT, request)).customers

    snapshot = await explained(shop, ask)
    # Of each of a page's hundred customers the first and the last event of each device.
    assert snapshot.rows_read_of("events_") < 2_000
    indexes = {step.get("Index Name") for step in snapshot.steps()}
    assert indexes & {"identities_search", "profile_changes_search"}
