"""A project's currency: the first money decides, it can be changed, and past amounts keep theirs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from running.running_service import Service, folder, run
from shopalytic.v1 import admin_pb2, collector_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.projects import KeyClass, first_money
from shopalytic_server.storage.projects import Projects
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import Shop, event, order, refund
from shops.served_shop import serve_shop
from standins.rpc import Running

VIEW = {"url": "https://shop.test/", "referrer": ""}


@dataclass
class Opened:
    server: Running
    shop: Shop
    url: str

    async def track(self, *events: Event) -> None:
        request = collector_pb2.TrackRequest(events=events)
        answer = await self.server.collector.Track(request, metadata=self.server.key(KeyClass.SERVER))
        assert {each.status for each in answer.results} == {collector_pb2.EVENT_STATUS_ACCEPTED}

    async def project(self) -> admin_pb2.Project:
        request = admin_pb2.GetProjectRequest()
        return (await self.server.admin.GetProject(request, metadata=self.server.key(KeyClass.ADMIN))).project

    async def change(self, currency: str) -> None:
        """Changes the currency, and goes on with the project as servers know it after some seconds."""
        request = admin_pb2.UpdateProjectRequest(currency=currency)
        await self.server.admin.UpdateProject(request, metadata=self.server.key(KeyClass.ADMIN))
        self.shop.project = await Projects(self.shop.pool).get_project(self.shop.project.project_id)

    async def totals(self) -> dict[str, tuple[str, str]]:
        return {each.currency: (each.total.gross, each.total.refunds) for each in await self.shop.sales()}

    async def differences(self) -> dict[str, int]:
        return {name: n for name, n in (await rebuild(self.url, check=True)).differences.items() if n}


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Opened]:
    async with serve_shop(database_url) as (server, shop):
        yield Opened(server, shop, database_url)


async def open_currency(opened: Opened) -> None:
    async with opened.shop.pool.connection() as connection:
        await connection.execute("UPDATE projects SET currency = 'USD', currency_open = true")


async def test_the_first_money_that_names_a_currency_gives_the_project_its_own(opened):
    await open_currency(opened)
    sandbox = order("s-1", "1.00", currency="JPY", tracking_id="t")
    sandbox.sandbox = True
    await opened.track(event("page_view", VIEW, tracking_id="t"), sandbox)
    assert ((await opened.project()).currency, (await opened.project()).currency_open) == ("USD", True)
    unnamed = order("o-2", "5.00", tracking_id="t", at=9)
    await opened.track(order("o-1", "2.00", currency="GBP", tracking_id="t", at=8), unnamed)
    assert ((await opened.project()).currency, (await opened.project()).currency_open) == ("GBP", False)
    assert await opened.totals() == {"GBP": ("7.00", "0")}
    assert await opened.differences() == {}


@pytest.mark.parametrize("currency", [None, "no code"])
async def test_the_first_money_that_names_none_takes_the_default_for_good(opened, currency):
    await open_currency(opened)
    first = order("o-1", "2.00", tracking_id="t")
    if currency is not None:
        first.order.currency = currency
        request = collector_pb2.TrackRequest(events=[first])
        await opened.server.collector.Track(request, metadata=opened.server.key(KeyClass.SERVER))
    else:
        await opened.track(first)
    await opened.track(order("o-2", "5.00", currency="GBP", tracking_id="t", at=9))
    assert ((await opened.project()).currency, (await opened.project()).currency_open) == ("USD", False)


async def test_a_change_counts_from_then_on_and_a_rebuild_says_the_same(opened):
    before = opened.shop.project.currency
    old = [
        order("o-1", "10.00", tracking_id="t"),
        refund("unknown-1", "1.00", tracking_id="t", at=5),
        event("cart_add", {"cart_id": "c-1", "sku": "a", "price": "2.00", "qty": 1}, tracking_id="t", at=6),
    ]
    await opened.shop.send(*old)
    await opened.change("CHF")
    await opened.shop.send(
        order("o-2", "20.00", tracking_id="t", at=7),
        order("o-3", "7.00", currency=before, tracking_id="t", at=8),
        # A refund without a currency goes with its order, whichever that has.
        refund("o-1", "3.00", tracking_id="t", at=9),
        refund("unknown-2", "2.00", tracking_id="t", at=10),
        event("cart_add", {"cart_id": "c-2", "sku": "a", "price": "2.00", "qty": 1}, tracking_id="t", at=11),
        event("product_view", {"sku": "a", "name": "A", "price": "4.00"}, tracking_id="t", at=12),
    )
    expected = {before: ("17.00", "4.00"), "CHF": ("20.00", "2.00")}
    assert await opened.totals() == expected
    assert await opened.differences() == {}
    await opened.change(before)
    await opened.shop.send(order("o-4", "100.00", tracking_id="t", at=13))
    assert await opened.totals() == expected | {before: ("117.00", "4.00")}
    # What is sent again is the same event still, and a late order gives its refund its currency.
    duplicates = [collector_pb2.EVENT_STATUS_DUPLICATE] * len(old)
    await opened.shop.send(*old, expected=duplicates)
    await opened.shop.send(order("unknown-2", "50.00", currency="SEK", tracking_id="t", at=14))
    assert (await opened.totals())["SEK"] == ("50.00", "2.00")
    assert await opened.differences() == {}


def test_only_types_with_amounts_are_money():
    view = event("page_view", VIEW, tracking_id="t")
    placed = order("o", "1.00", tracking_id="t")
    assert first_money([view]) is None
    assert first_money([view, placed]) is placed


def test_serve_refuses_a_currency_that_is_not_the_projects():
    with folder() as path:
        with Service(path, "--currency", "EUR") as service:
            assert service.json("project", "show")["currency"] == "EUR"
            service.json("project", "update", "--currency", "GBP")
        done = run("serve", "--data-dir", service.data_dir, "--currency", "EUR", "--grpc-port", "0")
        assert done.returncode != 0
        assert "is GBP, not EUR" in done.stderr
        assert "project update --currency EUR" in done.stderr
