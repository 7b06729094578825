"""Answers that are kept: nothing is added up again while nothing has changed, and any change shows."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic_server.storage.facts.facts import Facts
from shopalytic_server.storage.privacy.erasure import Erasures
from shops.report_shop import PROJECT, Asked, Shop, event, identify, open_shop, order, page

ASKS: dict[str, Callable[[Asked], Any]] = {
    "sales": lambda reports: reports.get_sales_report(PROJECT, reports_pb2.GetSalesReportRequest()),
    "traffic": lambda reports: reports.get_traffic_report(PROJECT, reports_pb2.GetTrafficReportRequest()),
    "funnel": lambda reports: reports.get_funnel_report(PROJECT, reports_pb2.GetFunnelReportRequest()),
    "products": lambda reports: reports.get_product_report(PROJECT, reports_pb2.GetProductReportRequest()),
    "retention": lambda reports: reports.get_retention_report(
        PROJECT, reports_pb2.GetRetentionReportRequest()
    ),
    "fulfilment": lambda reports: reports.get_fulfilment_report(
        PROJECT, reports_pb2.GetFulfilmentReportRequest()
    ),
}


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        await opened.send(
            page("t1", at=0),
            looked("a", at=1),
            identify("t1", "ann", at=3),
            order("o1", tracking_id="t1", at=4),
            order("o2", identity="bea", at=90_000),
            event("shipment", {"order_id": "o1", "shipment_id": "p", "carrier": "ups"}, identity="ann", at=6),
        )
        yield opened


def looked(name: str, at: float) -> Any:
    return event("product_view", {"sku": "a", "name": name, "price": "10.5"}, tracking_id="t1", at=at)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What DuckDB was asked."""
    asked: list[str] = []
    ask = Facts.ask

    async def counted(facts: Facts, statement: str, **parameters: Any) -> Any:
        asked.append(statement)
        return await ask(facts, statement, **parameters)

    monkeypatch.setattr(Facts, "ask", counted)
    return asked


@pytest.mark.parametrize("name", ASKS)
async def test_the_same_question_of_the_same_facts_is_not_added_up_again(
    shop: Shop, statements: list[str], name: str
):
    first = await ASKS[name](shop.reports)
    assert statements
    statements.clear()
    assert await ASKS[name](shop.reports) == first
    assert statements == []


async def test_whatever_changes_shows_at_once(shop: Shop):
    async def all_answers() -> dict[str, Any]:
        return {name: await ask(shop.reports) for name, ask in ASKS.items()}

    before = await all_answers()
    assert await all_answers() == before
    # A name that facts do not hold.
    await shop.send(looked("b", at=100))
    [[row]] = [report.rows for report in (await ASKS["products"](shop.reports)).reports]
    assert row.name == "b"
    # Two customers become one.
    await shop.send(identify("t2", "bea", at=-5), order("o3", tracking_id="t2", at=100_000))
    [sales] = (await ASKS["sales"](shop.reports)).reports
    assert (sales.total.orders, sales.total.customers) == (3, 2)
    await shop.send(event("alias", {"identity": "bea"}, identity="ann", at=-10))
    [sales] = (await ASKS["sales"](shop.reports)).reports
    assert (sales.total.orders, sales.total.customers) == (3, 1)
    request = admin_pb2.EraseCustomerRequest(customer=reports_pb2.CustomerSelector(any="ann"))
    await Erasures(shop.pool).erase_customer(PROJECT, request)
    assert (await ASKS["sales"](shop.reports)).reports == []
