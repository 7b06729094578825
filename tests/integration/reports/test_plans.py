"""What a customer's page, timeline and search read of a year with many events: few rows, by index."""

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from conftest import database_on, drop_database
from laws.read_plans import Explaining
from running.length import either
from shopalytic.v1 import reports_pb2
from shopalytic_server.storage.customers import listing, profile, timeline
from shopalytic_server.storage.customers.rfm import RfmQuintiles
from shops import large_shop
from shops.report_shop import PROJECT, Shop, open_shop

pytestmark = pytest.mark.slow

EVENTS = either(250_000, 1_000_000)
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


async def test_a_customers_page_touches_a_few_hundred_rows_by_index(shop):
    request = reports_pb2.GetCustomerRequest(customer=reports_pb2.CustomerSelector(any=BUYER))
    quintiles = RfmQuintiles()

    async def ask(snapshot: Explaining) -> None:
        answer = await profile.get_customer(snapshot, PROJECT, quintiles, request)
        assert (len(answer.customer.devices), len(answer.customer.orders)) == (2, 2)

    await explained(shop, ask)
    snapshot = await explained(shop, ask)
    assert snapshot.rows_read() < 300
    assert not snapshot.whole_scans()


async def test_a_timeline_touches_its_own_events(shop):
    request = reports_pb2.ListCustomerEventsRequest(customer=reports_pb2.CustomerSelector(any=BUYER))
    snapshot = await explained(
        shop, lambda snapshot: timeline.list_customer_events(snapshot, PROJECT, request)
    )
    assert 10 < snapshot.rows_read() < 100
    assert not snapshot.whole_scans()


@pytest.mark.parametrize("search", ["person-77", "ada", "person-772@mail"])
async def test_a_search_reads_those_it_finds(shop, search):
    request = reports_pb2.ListCustomersRequest(search=search)

    async def ask(snapshot: Explaining) -> None:
        assert (await listing.list_customers(snapshot, PROJECT, request)).customers

    snapshot = await explained(shop, ask)
    # Of each of a page's hundred customers the first and the last event of each device.
    assert snapshot.rows_read_of("events_") < 2_000
    indexes = {step.get("Index Name") for step in snapshot.steps()}
    assert indexes & {"identities_search", "profile_changes_search"}
