"""Sources that number their orders apart: each of their orders counts, with what its source says of it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from shopalytic.v1 import admin_pb2, collector_pb2, reports_pb2
from shopalytic_server.domain.formats.order_numbers import number_of, order_key, order_keys
from shopalytic_server.domain.ingest.preparation import prepare
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.privacy.erasure import Erasures
from shopalytic_server.storage.projects import Projects
from shopalytic_server.storage.rebuild.day_mover import move_days
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import NOW, PROJECT, Shop, event, open_shop, order, refund

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/orders/order_number_groups.json").read_text())
GROUPS = (("pos", "till-2"), ("shop-fr",))
APART = replace(PROJECT, order_number_groups=GROUPS)
ACCEPTED, REJECTED = collector_pb2.EVENT_STATUS_ACCEPTED, collector_pb2.EVENT_STATUS_REJECTED


@dataclass
class Opened:
    shop: Shop
    url: str

    async def numbers(self) -> tuple[int, str, str]:
        [report] = await self.shop.sales()
        return report.total.orders, report.total.total_sales, report.total.refunds

    async def listed(self, **asked: Any) -> list[tuple[str, str, str]]:
        request = reports_pb2.ListOrdersRequest(**asked)
        found = (await self.shop.reports.list_orders(APART, request)).orders
        return [(each.order_id, each.source, each.total) for each in found]


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Opened]:
    async with open_shop(database_url) as shop:
        with psycopg.connect(database_url) as conn:
            conn.execute("UPDATE projects SET order_number_groups = %s", [Jsonb(GROUPS)])
        yield Opened(replace(shop, project=APART), database_url)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_sources_mean_the_orders_that_the_vector_says(vector: dict[str, Any]):
    orders: dict[str, list[str | None]] = {}
    for source in vector["sources"]:
        orders.setdefault(order_key("1001", source, vector["groups"]), []).append(source)
    assert list(orders.values()) == vector["orders"]


@pytest.mark.parametrize("source", [None, "web", "pos", "till-2", "shop-fr", 'a"b'])
def test_the_database_and_the_service_agree_on_the_order_that_is_meant(database_url: str, source: str | None):
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "INSERT INTO projects (project_id, name, currency, time_zone, created_at, browser_event_types,"
            " order_number_groups) VALUES (7, 'x', 'EUR', 'UTC', now(), '{}', %s)",
            [Jsonb(GROUPS)],
        )
        asked = "SELECT order_key('1001', %s, order_number_groups), order_keys(14, '1001') FROM projects"
        row = conn.execute(asked, [source]).fetchone()
    assert row == (order_key("1001", source, GROUPS), order_keys("1001", GROUPS))
    assert number_of(row[0]) == "1001"


async def test_both_orders_count_and_what_a_source_says_is_of_its_own(opened):
    await opened.shop.send(
        order("1001", "10.00", identity="ann", source="web", at=1),
        order("1001", "20.00", identity="bob", source="pos", at=2),
        # The till's back office speaks of the same order.
        order("1001", "21.00", identity="bob", source="till-2", at=3),
        order("1001", "40.00", identity="cid", source="shop-fr", at=4),
        refund("1001", "1.00", identity="bob", source="till-2", at=5),
        event("order_cancel", {"order_id": "1001"}, identity="cid", source="shop-fr", at=6),
    )
    assert await opened.numbers() == (2, "31.00", "1.00")
    everything = [("1001", "web", "10.00"), ("1001", "till-2", "21.00"), ("1001", "shop-fr", "40.00")]
    assert sorted(await opened.listed()) == sorted(everything)
    assert sorted(await opened.listed(order_ids=["1001"])) == sorted(everything)
    assert await opened.listed(disputed=True) == []
    for who, net in (("ann", "10.00"), ("bob", "20.00")):
        customer = await opened.shop.customer(who)
        assert [(value.orders, value.net) for value in customer.values] == [(1, net)]
    assert (await opened.shop.customer(order_id="1001")).identities == ["ann"]
    parcel = {"order_id": "1001", "shipment_id": "p-1", "carrier": "dhl", "tracking_number": "1Z"}
    await opened.shop.send(
        event("shipment", parcel, identity="ann", source="web", at=7),
        event("shipment", {**parcel, "tracking_number": "2Z"}, identity="bob", source="pos", at=8),
    )
    for number, who in (("2Z", "bob"), ("p-1", "ann")):
        assert (await opened.shop.customer(parcel=number)).identities == [who]
    asked = reports_pb2.GetCustomerRequest(customer=reports_pb2.CustomerSelector(identity="bob"))
    [shown] = (await opened.shop.reports.get_customer(APART, asked)).customer.orders
    assert [(each.shipment_id, each.tracking_number) for each in shown.parcels] == [("p-1", "2Z")]
    assert (await rebuild(opened.url, check=True)).equal


async def test_a_tag_and_a_backend_of_one_group_or_of_none_speak_of_one_order(opened):
    await opened.shop.send(
        order("7", "10.00", tracking_id="t1", source="web", at=1),
        order("7", "11.00", identity="ann", source="backend", at=2),
        order("8", "5.00", tracking_id="t2", source="pos", at=1),
        order("8", "5.50", identity="bob", source="till-2", at=2),
    )
    assert await opened.numbers() == (2, "16.50", "0")


async def test_a_new_group_parts_the_orders_of_the_past_and_ending_it_joins_them(opened):
    projects = Projects(opened.shop.pool)
    await projects.update_project(1, order_number_groups=[])
    assert await move_days(opened.url) == 1
    joined = replace(opened, shop=replace(opened.shop, project=PROJECT))
    await joined.shop.send(
        order("1001", "10.00", identity="ann", source="web", at=1),
        order("1001", "20.00", identity="bob", source="pos", at=2),
        refund("1001", identity="ann", source="web", at=3),
    )
    assert await joined.numbers() == (1, "20.00", "20.00")
    changed = await projects.update_project(1, order_number_groups=[["pos"]])
    assert changed.order_number_groups == (("pos",),)
    assert await move_days(opened.url) == 1
    assert await joined.numbers() == (2, "30.00", "10.00")
    assert await move_days(opened.url) == 0
    await projects.update_project(1, order_number_groups=[])
    assert await move_days(opened.url) == 1
    assert await joined.numbers() == (1, "20.00", "20.00")


async def test_an_erasure_takes_the_person_s_order_and_leaves_the_other_of_its_number(opened):
    await opened.shop.send(
        order("1001", "10.00", identity="ann", source="web", at=1),
        order("1001", "20.00", identity="bob", source="pos", at=2),
    )
    who = reports_pb2.CustomerSelector(identity="bob")
    request = admin_pb2.EraseCustomerRequest(customer=who, keep_order_totals=True)
    await Erasures(opened.shop.pool).erase_customer(APART, request)
    assert await opened.numbers() == (2, "30.00", "0")
    later = [
        prepare(each, project=APART, key_class=KeyClass.SERVER, received_at=NOW, sent_at=NOW)
        for each in (
            event("order_cancel", {"order_id": "1001"}, tracking_id="x", source="till-2", at=5),
            event("order_cancel", {"order_id": "1001"}, tracking_id="x", source="web", at=6),
            refund("1001", "2.00", tracking_id="x", source="pos", at=7),
        )
    ]
    verdicts = [result.status for result in await opened.shop.writer.submit(later)]
    assert verdicts == [REJECTED, ACCEPTED, ACCEPTED]
    assert await opened.numbers() == (1, "20.00", "2.00")
    assert (await rebuild(opened.url, check=True)).equal
