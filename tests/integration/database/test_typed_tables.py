"""The tables that analysts read with SQL: what they show after events of every kind, in any order."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from shops.report_shop import START, Shop, event, open_shop

LINE = {"sku": "MUG", "price": "9.99", "qty": 2}


@pytest.fixture
async def shop(database_url: str):
    async with open_shop(database_url) as shop:
        yield shop


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as conn:
        return conn.execute(query).fetchall()


async def test_customers_show_all_identities_and_the_latest_of_each_field(
    shop: Shop, database_url: str
) -> None:
    register = {"email": "ada@shop.example", "first_name": "Ada", "last_name": "King"}
    await shop.send(
        event("customer_update", {"last_name": "Lovelace"}, at=90, tracking_id="phone"),
        event("identify", {"identity": "ada"}, at=20, tracking_id="phone"),
        event("customer_register", register, at=10, identity="ada"),
        event("alias", {"identity": "ada-2"}, at=30, identity="ada"),
    )
    [found] = rows(database_url, "SELECT identities, email, first_name, last_name, join_date FROM customers")
    assert found == (["ada", "ada-2"], "ada@shop.example", "Ada", "Lovelace", START + timedelta(seconds=10))


async def test_a_cart_line_holds_what_was_last_set_and_what_was_added_since(
    shop: Shop, database_url: str
) -> None:
    def add(qty: int, at: float, price: str = "9.99") -> Any:
        return event(
            "cart_add",
            {"cart_id": "c", "sku": "MUG", "price": price, "qty": qty},
            at=at,
            tracking_id="phone",
        )

    change = {"cart_id": "c", "sku": "MUG", "qty": 5}
    await shop.send(
        add(2, 40, "8.99"), event("cart_modify", change, at=30, tracking_id="phone"), add(9, 10, "7")
    )
    assert rows(database_url, "SELECT sku, qty, price, currency FROM cart_lines") == [
        ("MUG", 7, Decimal("8.99"), "EUR")
    ]
    removed = {"cart_id": "c", "sku": "MUG", "qty": 0}
    await shop.send(event("cart_modify", removed, at=50, tracking_id="phone"))
    assert rows(database_url, "SELECT qty, price FROM cart_lines") == [(0, Decimal("8.99"))]


async def test_a_parcel_shows_the_latest_of_each_field(shop: Shop, database_url: str) -> None:
    parcel = {"order_id": "1", "shipment_id": "p"}
    delivered = {**parcel, "date_delivered": "2026-03-05T00:00:00Z"}
    await shop.send(
        event("shipment_delivered", delivered, at=50, identity="ada"),
        event("shipment", {**parcel, "carrier": "ups", "tracking_number": "N1"}, at=20, identity="ada"),
        event("shipment", {**parcel, "carrier": "dhl"}, at=10, identity="ada"),
    )
    [found] = rows(
        database_url, "SELECT order_id, carrier, tracking_number, date_delivered::date::text FROM shipments"
    )
    assert found == ("1", "ups", "N1", "2026-03-05")


async def test_an_order_shows_its_latest_revision_and_how_many_there_were(
    shop: Shop, database_url: str
) -> None:
    order = {"order_id": "1", "cart_id": "c", "total": "19.98", "subtotal": "19.98", "line_items": [LINE]}
    changed = {**order, "total": "24.98", "total_shipping": "5"}
    await shop.send(
        event("order", changed, at=50, identity="ada"), event("order", order, at=10, identity="ada")
    )
    assert rows(database_url, "SELECT total, total_shipping, units, revisions FROM orders") == [
        (Decimal("24.98"), Decimal(5), 2, 1)
    ]
    assert rows(database_url, "SELECT line, sku, price, qty FROM order_lines") == [
        (1, "MUG", Decimal("9.99"), 2)
    ]
