"""Who is counted as a robot: by which key and library it sends, and what goes with its order."""

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from running.running_service import Service, folder
from shopalytic.v1 import reports_pb2
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import event, open_shop, order, refund
from standins.gateway import Answer, fetch

GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
LIBRARIES = ("okhttp/4.12.0", "python-requests/2.31.0", "axios/1.6.2", "Go-http-client/1.1", "curl/8.5.0")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as path, Service(path) as running:
        # Before the browser key is used first, so that no server remembers it without the settings.
        running.json("project", "update", "--own-user-agents", "OurMonitor, PriceCrawler/")
        yield running


async def collect(service: Service, key: str, user_agent: str, **envelope: Any) -> Answer:
    visitor = str(uuid4())
    view = {"type": "page_view", "properties": {"url": "https://shop.example/", "referrer": ""}}
    body = {"token": service.ready["keys"][key], "events": [{"tracking_id": visitor, **view, **envelope}]}
    port = int(service.ready["http_address"].rpartition(":")[2])
    headers = {"content-type": "application/json", "user-agent": user_agent}
    return await fetch(port, "POST", "/collect", json.dumps(body).encode(), headers)


def is_robot(answer: Answer) -> bool:
    [result] = answer.json["results"]
    assert result["status"] == "ACCEPTED"
    return bool(result.get("robot", False))


@pytest.mark.parametrize("library", [*LIBRARIES, GOOGLE])
async def test_with_a_server_key_the_connections_user_agent_is_nobodys(service: Service, library: str):
    assert not is_robot(await collect(service, "server", library))


async def test_with_a_server_key_a_user_agent_in_the_event_is_judged(service: Service):
    for agent, robot in ((GOOGLE, True), (CHROME, False)):
        answer = await collect(service, "server", "Go-http-client/1.1", context={"user_agent": agent})
        assert is_robot(answer) is robot


@pytest.mark.parametrize("library", LIBRARIES)
async def test_an_apps_own_library_is_a_visitors(service: Service, library: str):
    assert not is_robot(await collect(service, "browser", library))
    of_tag = {"library_name": "shopalytic-js"}
    assert is_robot(await collect(service, "browser", library, context=of_tag))


async def test_a_robots_events_say_so_in_verdict_and_timeline(service: Service):
    visitor = str(uuid4())
    assert is_robot(await collect(service, "browser", GOOGLE, tracking_id=visitor))
    [stored] = service.json("customer", "events", visitor)["events"]
    assert stored["robot"] is True


@pytest.mark.parametrize("agent", ["ourmonitor Googlebot/2.1", f"{GOOGLE} PriceCrawler/3"])
async def test_what_a_project_calls_its_own_is_no_robot(service: Service, agent: str):
    assert not is_robot(await collect(service, "browser", agent))
    assert is_robot(await collect(service, "browser", agent, context={"automated": True}))


async def test_refunds_and_parcels_go_with_their_order_in_any_order_of_arrival(database_url: str):
    events = []
    agents = [(GOOGLE, None), (None, GOOGLE), (GOOGLE, GOOGLE), (None, None)]
    for number, (of_order, of_rest) in enumerate(agents):
        name = f"o{number}"
        contexts = [{"user_agent": agent} if agent else {} for agent in (of_order, of_rest)]
        placed, back = order(name, "10.00", identity=name, at=1), refund(name, "10.00", identity=name, at=2)
        placed.context.CopyFrom(event("identify", {"identity": name}, context=contexts[0]).context)
        back.context.CopyFrom(event("identify", {"identity": name}, context=contexts[1]).context)
        parcel = {"order_id": name, "shipment_id": f"s{number}", "carrier": "dhl"}
        events += [placed, back, event("shipment", parcel, identity=name, at=3, context=contexts[1])]
    async with open_shop(database_url) as shop:
        for each in random.Random(5).sample(events, len(events)):
            await shop.send(each)
        [people] = await shop.sales()
        [everyone] = await shop.sales(include_bots=True)
        assert [(of.total.orders, Decimal(of.total.net)) for of in (people, everyone)] == [(2, 0), (4, 0)]
        assert [Decimal(of.total.refunds) for of in (people, everyone)] == [20, 40]
        async with shop.pool.connection() as conn:
            cursor = await conn.execute("SELECT order_id, bot FROM shipment_changes ORDER BY order_id")
            labels = await cursor.fetchall()
        assert labels == [("o0", True), ("o1", False), ("o2", True), ("o3", False)]
    assert (await rebuild(database_url, check=True)).equal


async def test_a_revision_of_another_label_takes_its_refunds_along(database_url: str):
    async with open_shop(database_url) as shop:
        first = order("o", "10.00", identity="ann", at=1)
        first.context.user_agent = GOOGLE
        await shop.send(first, refund("o", "4.00", identity="ann", at=2))
        assert [each.total.refunds for each in await shop.sales()] == []
        await shop.send(order("o", "12.00", identity="ann", at=3))
        [people] = await shop.sales()
        assert (Decimal(people.total.gross), Decimal(people.total.refunds)) == (12, 4)
    assert (await rebuild(database_url, check=True)).equal


async def test_a_cart_goes_with_its_order_and_each_report_says_what_it_left_out(database_url: str):
    line = {"sku": "a", "price": "5", "qty": 1}
    robot = {"user_agent": GOOGLE}
    async with open_shop(database_url) as shop:
        for name, cart_by, order_by in (("c", None, robot), ("d", robot, None), ("e", robot, robot)):
            placed = order(f"o-{name}", identity="ann", at=60, context=order_by)
            placed.order.cart_id = name
            await shop.send(
                event("cart_add", {"cart_id": name, **line}, identity="ann", context=cart_by), placed
            )
        for include_bots, created, left_out in ((False, 1, 2 + 2), (True, 3, 0)):
            scope = reports_pb2.ReportScope(include_bots=include_bots)
            answer = await shop.reports.get_cart_report(
                shop.project, reports_pb2.GetCartReportRequest(scope=scope)
            )
            assert [(each.created, each.ordered) for each in answer.reports] == [(created, created)]
            assert answer.robots == left_out
        sales = await shop.reports.get_sales_report(shop.project, reports_pb2.GetSalesReportRequest())
        assert (sales.reports[0].total.orders, sales.robots) == (1, 2)
