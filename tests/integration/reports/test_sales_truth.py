"""The sales report against one worked out order by order, and the events behind its numbers."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from oracles.sales import sales
from oracles.seen import micros, orders_and_refunds, read
from shopalytic.v1 import reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.storage.facts.scope import resolve_scope
from shopalytic_server.storage.reports.explain import explain_token, read_explain
from shops.commerce_month import BEGIN, PROJECT_CURRENCY, shuffled_and_doubled, store
from shops.generated_year import history
from shops.report_shop import Shop, event, open_shop, order

BERLIN = ZoneInfo("Europe/Berlin")
SCOPES: dict[str, dict[str, Any]] = {
    "everything": {},
    # With the end of March the clocks change.
    "late": {"begin": BEGIN + timedelta(days=17, hours=5)},
    "ten days": {"begin": BEGIN + timedelta(days=7), "end": BEGIN + timedelta(days=17)},
    "one currency": {"currency": "USD"},
    "one source": {"source": "web"},
    "robots": {"include_bots": True},
    "trial": {"include_sandbox": True},
    "all of it": {"include_sandbox": True, "include_bots": True, "begin": BEGIN + timedelta(days=3)},
}
MONEY = (
    "gross",
    "refunds",
    "net",
    "discounts",
    "tax",
    "shipping",
    "cost",
    "margin",
    "gross_sales",
    "returns",
    "tax_refunds",
    "shipping_refunds",
    "net_sales",
    "total_sales",
    "net_of_refunds",
    "net_margin",
    "quantity",
)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def priced(seed: int | str) -> list[Event]:
    """A month whose orders say what was taxed, sent, taken off and paid for the goods; some of them."""
    events, chance = history(seed), random.Random(seed)
    for each in events:
        if each.WhichOneof("payload") != "order":
            continue
        for name in ("total_tax", "total_shipping", "total_discount"):
            if chance.random() < 0.6:
                setattr(each.order, name, f"{chance.randint(0, 99)}.{chance.randint(0, 9999):04}")
        for line in each.order.line_items:
            if chance.random() < 0.5:
                line.cost = f"{chance.randint(0, 60)}.{chance.randint(0, 99):02}"
    return events


def as_found(row: reports_pb2.SalesRow) -> dict[str, Any]:
    no_numbers = {"start", "explain", "dimensions", "previous", "compared"}
    names = [field.name for field in row.DESCRIPTOR.fields if field.name not in no_numbers]
    found = {name: getattr(row, name) for name in names}
    return found | {name: Decimal(found[name]) for name in MONEY}


async def behind(shop: Shop, explain: str, page_size: int = 1000) -> list[reports_pb2.StoredEvent]:
    found: list[reports_pb2.StoredEvent] = []
    token = ""
    while True:
        request = reports_pb2.ListEventsRequest(explain=explain, page_size=page_size, page_token=token)
        answer = await shop.reports.list_events(shop.project, request)
        found += answer.events
        token = answer.next_page_token
        if not token:
            return found


@pytest.mark.parametrize("arrival", ["in order", "shuffled and doubled"])
@pytest.mark.parametrize(("unit", "seed"), [("day", 1), ("week", 2), ("month", "year")])
async def test_every_number_equals_one_worked_out_order_by_order(shop, unit, seed, arrival):
    events = priced(seed)
    seen = read(events)
    await store(shop, events if arrival == "in order" else shuffled_and_doubled(events, seed))
    interval = reports_pb2.Interval.Value(f"INTERVAL_{unit.upper()}")
    for label, scope in SCOPES.items():
        expected = sales(seen, PROJECT_CURRENCY, unit=unit, zone=BERLIN, **scope)
        found = await shop.sales(interval=interval, time_zone="Europe/Berlin", **scope)
        assert [each.currency for each in found] == sorted(expected), label
        for report in found:
            rows = expected[report.currency]
            assert as_found(report.total) == rows.pop(None), label
            for row in report.rows:
                at = micros(row.start.ToDatetime(UTC))
                if at in rows:
                    assert as_found(row) == rows.pop(at), label
                else:
                    assert (row.orders, row.refunds) == (0, "0"), label
            assert rows == {}, label


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
async def test_the_events_behind_each_number_are_those_that_make_it(shop, scope):
    events = priced(4)
    await store(shop, events)
    orders, refunds = orders_and_refunds(read(events), PROJECT_CURRENCY)
    amounts = {each.seen.event_id: each.amount for each in (*orders, *refunds)}
    rows = 0
    for report in await shop.sales(interval=reports_pb2.INTERVAL_WEEK, **scope):
        for row in (*report.rows, report.total):
            found = await behind(shop, row.explain)
            assert sum((amounts[each.event_id] for each in found), Decimal(0)) == Decimal(row.net)
            assert sum(each.type == "order" for each in found) == row.orders
            moments = [(each.counted_at.ToDatetime(UTC), each.event_id) for each in found]
            assert moments == sorted(moments, reverse=True)
            assert len({each.event_id for each in found}) == len(found)
            rows += bool(found)
    assert rows > 3


async def test_the_events_behind_a_number_come_in_pages(shop):
    await shop.send(*(order(f"o{number}", identity="ann", at=number // 3) for number in range(11)))
    [report] = await shop.sales()
    whole = await behind(shop, report.total.explain)
    assert len(whole) == 11
    assert await behind(shop, report.total.explain, page_size=4) == whole


async def test_a_token_of_a_past_moment_shows_what_was_known_then(shop):
    early, late = BEGIN + timedelta(days=9), BEGIN + timedelta(days=11)
    await shop.send(order("o1", identity="ann"), arrival=early)
    await shop.send(order("o2", identity="ann", at=1), arrival=late)
    [report] = await shop.sales(as_of=BEGIN + timedelta(days=10))
    assert len(await behind(shop, report.total.explain)) == 1


async def test_a_token_that_is_damaged_or_another_projects_is_refused(shop):
    scope = resolve_scope(shop.project, reports_pb2.ReportScope())
    token = explain_token(scope, "sales_row", currency="EUR")
    assert read_explain(shop.project, token).parameters["currency"] == "EUR"
    other = replace(shop.project, project_id=2, token_secret=b"of another project")
    unknown = explain_token(scope, "no such kind")
    for project, bad in [
        (other, token),
        (shop.project, token[:-2]),
        (shop.project, "A" + token[1:]),
        (shop.project, "ü"),
        (shop.project, unknown),
    ]:
        with pytest.raises(InvalidRequest, match="explain: is not a token of this project's reports"):
            read_explain(project, bad)


async def test_robots_are_kept_and_counted_only_when_asked_for(shop):
    chrome = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36"
    google = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    agents: dict[str, dict[str, Any]] = {
        "google": {"user_agent": google},
        "driven": {"user_agent": chrome, "automated": True},
        "person": {"user_agent": chrome},
    }
    for name, context in agents.items():
        placed = order(name, "1", identity=name, at=1)
        await shop.send(event("order", _properties(placed), identity=name, at=1, context=context))
    await shop.send(order("backend", "1", identity="backend", at=1))
    [people] = await shop.sales()
    [everyone] = await shop.sales(include_bots=True)
    assert (people.total.orders, everyone.total.orders) == (2, 4)
    assert len((await shop.events("google")).events) == 1


def _properties(placed: Event) -> dict[str, Any]:
    [line] = placed.order.line_items
    item = {"sku": line.sku, "price": line.price, "qty": line.qty}
    names = ("order_id", "cart_id", "total", "subtotal")
    return {name: getattr(placed.order, name) for name in names} | {"line_items": [item]}
