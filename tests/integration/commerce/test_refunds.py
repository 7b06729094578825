"""Refunds in the store: what they count as while orders, revisions and earlier refunds come and go."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from laws.ingest_answers import stored
from shops.report_shop import Shop, open_shop, order, refund


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def refunds(url: str) -> list[tuple[str, Decimal | None, str | None]]:
    return stored(url, "SELECT currency, amount, flag FROM refunds ORDER BY occurred_at")


async def test_a_full_refund_waits_for_its_order(shop, database_url):
    await shop.send(refund("o", identity="ann", at=9))
    assert refunds(database_url) == [("EUR", None, None)]
    assert await shop.sales() == []
    await shop.send(order("o", "10.00", identity="ann", currency="USD"))
    assert refunds(database_url) == [("USD", Decimal("10.00"), None)]
    assert [(report.currency, report.total.net) for report in await shop.sales()] == [("USD", "0.00")]


async def test_a_partial_refund_counts_at_once_and_takes_its_orders_currency_later(shop, database_url):
    await shop.send(refund("o", "4.00", identity="ann", at=9))
    assert refunds(database_url) == [("EUR", Decimal("4.00"), None)]
    await shop.send(order("o", "10.00", identity="ann", currency="USD"))
    assert refunds(database_url) == [("USD", Decimal("4.00"), None)]


async def test_a_full_refund_is_what_remains_after_earlier_ones_in_whatever_order_they_come(
    shop, database_url
):
    await shop.send(order("o", "10.00", identity="ann"), refund("o", identity="ann", at=9))
    await shop.send(refund("o", "4.00", identity="ann", at=5))
    assert refunds(database_url) == [("EUR", Decimal("4.00"), None), ("EUR", Decimal("6.00"), None)]


async def test_a_revision_settles_the_refunds_anew(shop, database_url):
    await shop.send(order("o", "10.00", identity="ann"), refund("o", identity="ann", at=9))
    await shop.send(order("o", "7.00", identity="ann", at=1))
    assert refunds(database_url) == [("EUR", Decimal("7.00"), None)]


async def test_what_goes_beyond_the_order_is_kept_and_flagged(shop, database_url):
    await shop.send(
        order("o", "10.00", identity="ann"),
        refund("o", "8.00", identity="ann", at=5),
        refund("o", "8.00", identity="ann", at=6),
    )
    expected = [("EUR", Decimal("8.00"), None), ("EUR", Decimal("8.00"), "exceeds_order_total")]
    assert refunds(database_url) == expected
    [report] = await shop.sales()
    assert report.total.net == "-6.00"


async def test_a_refund_in_another_currency_is_kept_and_flagged(shop, database_url):
    await shop.send(
        order("o", "10.00", identity="ann"), refund("o", "8.00", currency="USD", identity="ann", at=5)
    )
    assert refunds(database_url) == [("USD", Decimal("8.00"), "other_currency_than_order")]


async def test_amounts_without_a_currency_are_the_projects(shop, database_url):
    await shop.send(order("o", "10.00", identity="ann"), refund("never", "1.00", identity="ann"))
    assert stored(database_url, "SELECT currency FROM orders") == [("EUR",)]
    assert refunds(database_url) == [("EUR", Decimal("1.00"), None)]
