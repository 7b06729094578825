"""Rows of the typed tables, collected from events and written with one statement a table."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from psycopg import sql
from psycopg.types.json import Jsonb

from shopalytic_server.domain.commerce.orders import pieces_of, quantity_of
from shopalytic_server.domain.customers.emails import Claim, claim_of
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.storage.database.connections import Connection, is_together

_TABLES = {
    "profile_changes": "dataset_id:int4 tie_breaker:int8 "
    "subject:uuid occurred_at:timestamptz event_id:uuid email:text "
    "first_name:text last_name:text join_date:timestamptz email_claim:int2 unproved_email:text",
    "cart_changes": "dataset_id:int4 tie_breaker:int8 "
    "cart_id:text sku:text occurred_at:timestamptz event_id:uuid "
    "subject:uuid added:bool qty:int4 price:numeric currency:text modified_at:timestamptz source:text "
    "bot:bool quantity:numeric removed:numeric",
    "order_revisions": "dataset_id:int4 tie_breaker:int8 "
    "order_id:text content:uuid event_id:uuid occurred_at:timestamptz "
    "subject:uuid current:bool ordered_at:timestamptz source:text bot:bool cart_id:text currency:text "
    "total:numeric subtotal:numeric total_tax:numeric total_shipping:numeric total_discount:numeric "
    "units:int8 quantity:numeric payment_type:text billing_country:text shipping_country:text region:text "
    "city:text discounts:jsonb dated:bool",
    "order_statements": "dataset_id:int4 tie_breaker:int8 "
    "order_id:text event_id:uuid occurred_at:timestamptz "
    "subject:uuid type:text status:text email:text first_name:text last_name:text",
    "order_items": "dataset_id:int4 order_id:text content:uuid line:int4 sku:text price:numeric qty:int4 "
    "quantity:numeric cost:numeric",
    "refunds": "dataset_id:int4 tie_breaker:int8 "
    "order_id:text event_id:uuid occurred_at:timestamptz subject:uuid source:text "
    "bot:bool refund_type:text given_currency:text default_currency:text "
    "total_refund:numeric subtotal_refund:numeric tax_refund:numeric shipping_refund:numeric "
    "discount_refund:numeric currency:text amount:numeric",
    "refund_items": "dataset_id:int4 order_id:text event_id:uuid line:int4 sku:text price:numeric qty:int4 "
    "quantity:numeric",
    "shipment_changes": "dataset_id:int4 tie_breaker:int8 "
    "shipment_id:text occurred_at:timestamptz event_id:uuid "
    "order_id:text subject:uuid source:text bot:bool carrier:text tracking_number:text "
    "date_shipped:timestamptz date_delivered:timestamptz",
}


# A COPY goes to and fro three times, where PostgreSQL takes a statement with few rows at once.
_FEW_ROWS = 100

CART_TYPES = frozenset({"cart_add", "cart_modify"})


class Rows:
    """Rows waiting to be written, by table."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)

    def add(self, table: str, *values: Any) -> None:
        """Adds a row; its values stand in the order of the table's columns."""
        self._rows[table].append(values)

    async def write(self, conn: Connection) -> None:
        """Writes all rows that wait, a table at a time."""
        for table, rows in self._rows.items():
            columns = [column.split(":") for column in _TABLES[table].split()]
            if len(rows) <= _FEW_ROWS or is_together(conn):
                names = [name for name, _ in columns]
                await insert(
                    conn, table, _TABLES[table], [dict(zip(names, row, strict=True)) for row in rows]
                )
            else:
                await _copy(conn, table, columns, rows)
        self._rows.clear()


async def insert(conn: Connection, table: str, columns: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts a few rows by one statement; `columns` as above.

    As JSON they are one parameter, so that the statement is the same for any
    number of rows. Amounts are text there, which PostgreSQL reads exactly.
    """
    await conn.execute(_insert(table, columns), {"rows": orjson.dumps(rows, default=_as_json).decode()})


@cache
def _insert(table: str, columns: str) -> str:
    pairs = [column.split(":") for column in columns.split()]
    names = ", ".join(f'"{name}"' for name, _ in pairs)
    typed = ", ".join(f'"{name}" {type_}' for name, type_ in pairs)
    return (
        f'INSERT INTO "{table}" ({names}) SELECT {names}'  # noqa: S608 - our own words
        f" FROM jsonb_to_recordset(%(rows)s::jsonb) AS given ({typed})"
    )


def _as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Jsonb):
        return value.obj
    raise TypeError


async def _copy(
    conn: Connection, table: str, columns: list[list[str]], rows: Sequence[tuple[Any, ...]]
) -> None:
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), names)
    async with conn.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([type_ for _, type_ in columns])
        for row in rows:
            await copy.write_row(row)


def add_profile(rows: Rows, item: Prepared) -> None:
    """A customer_register or customer_update."""
    given, claim = item.properties, claim_of(item)
    joined = item.date("join_date")
    if item.type == "customer_register" and joined is None:
        joined = item.occurred_at
    rows.add(
        "profile_changes",
        item.dataset_id,
        item.tie_breaker,
        item.subject,
        item.occurred_at,
        item.event_id,
        None if claim is Claim.UNPROVED else given.get("email"),
        given.get("first_name"),
        given.get("last_name"),
        joined,
        int(claim) if claim is Claim.SIGNED and "email" in given else None,
        given.get("email") if claim is Claim.UNPROVED else None,
    )


def add_cart_change(rows: Rows, item: Prepared) -> None:
    """A cart_add or cart_modify."""
    given = item.properties
    rows.add(
        "cart_changes",
        item.dataset_id,
        item.tie_breaker,
        given["cart_id"],
        given["sku"],
        item.occurred_at,
        item.event_id,
        item.subject,
        item.type == "cart_add",
        pieces_of(given) if "quantity" in given else given.get("qty"),
        _number(given.get("price")),
        given.get("currency", item.currency),
        cart_time(item),
        item.source,
        item.bot,
        _number(given.get("quantity")),
        None if "qty" in given or "quantity" in given else _number(given.get("qty_removed")),
    )


def cart_time(item: Prepared) -> datetime:
    """When the change of a cart counts: its modified_date, else when it happened."""
    return item.date("modified_date") or item.occurred_at


def order_time(item: Prepared) -> datetime:
    """When an order counts by itself: its order_date, else when it happened."""
    return item.date("order_date") or item.occurred_at


def add_order(rows: Rows, item: Prepared, content: UUID, *, current: bool) -> None:
    """One revision of an order, with its lines."""
    given = item.properties
    lines = given["line_items"]
    rows.add(
        "order_revisions",
        item.dataset_id,
        item.tie_breaker,
        item.order_key,
        content,
        item.event_id,
        item.occurred_at,
        item.subject,
        current,
        order_time(item),
        item.source,
        item.bot,
        given.get("cart_id", ""),
        given.get("currency", item.currency),
        Decimal(given["total"]),
        Decimal(given["subtotal"]),
        *(_number(given.get(name)) for name in ("total_tax", "total_shipping", "total_discount")),
        sum(map(pieces_of, lines)),
        _exact(lines),
        given.get("payment_type"),
        *(given.get(name, {}).get("country") for name in ("billing", "shipping")),
        *(_place(given, name) for name in ("state", "city")),
        Jsonb([{"code": each["code"], "value": each["value"]} for each in given.get("discounts", ())]),
        "order_date" in given,
    )
    for number, line in enumerate(lines, 1):
        rows.add(
            "order_items",
            item.dataset_id,
            item.order_key,
            content,
            number,
            _product(line),
            Decimal(line["price"]),
            pieces_of(line),
            _number(line.get("quantity")),
            _number(line.get("cost")),
        )


def add_order_statement(rows: Rows, item: Prepared) -> None:
    """What an order or order_cancel says of the order beside its content."""
    given = item.properties
    rows.add(
        "order_statements",
        item.dataset_id,
        item.tie_breaker,
        item.order_key,
        item.event_id,
        item.occurred_at,
        item.subject,
        item.type,
        "cancelled" if item.type == "order_cancel" else given.get("status"),
        *(given.get(name) for name in ("email", "first_name", "last_name")),
    )


def _exact(lines: Sequence[Mapping[str, Any]]) -> Decimal | None:
    """How much is ordered, where it is not the number of pieces."""
    return sum(map(quantity_of, lines), Decimal(0)) if any("quantity" in line for line in lines) else None


def _place(given: dict[str, Any], name: str) -> str | None:
    """A part of the address that the order goes to, or else of the one that pays."""
    for address in ("shipping", "billing"):
        found = given.get(address, {}).get(name)
        if found:
            return str(found)
    return None


def _product(line: dict[str, Any]) -> str:
    """What a line's product is known by: its sku, or its name where it has none."""
    return str(line.get("sku") or line["name"])


def add_refund(rows: Rows, item: Prepared) -> None:
    """A refund as it counts while its order is not known; settling corrects that."""
    given = item.properties
    partial = given["refund_type"] == "partial"
    total = _number(given["total_refund"]) if partial else None
    rows.add(
        "refunds",
        item.dataset_id,
        item.tie_breaker,
        item.order_key,
        item.event_id,
        item.occurred_at,
        item.subject,
        item.source,
        item.bot,
        given["refund_type"],
        given.get("currency"),
        given.get("default_currency"),
        total,
        *(_number(given.get(f"{name}_refund")) for name in ("subtotal", "tax", "shipping", "discount")),
        given.get("currency") or given.get("default_currency", item.currency),
        total,
    )
    for number, line in enumerate(given.get("line_items", ()), 1):
        rows.add(
            "refund_items",
            item.dataset_id,
            item.order_key,
            item.event_id,
            number,
            _product(line),
            Decimal(line["price"]),
            pieces_of(line),
            _number(line.get("quantity")),
        )


def add_shipment(rows: Rows, item: Prepared) -> None:
    """A shipment or shipment_delivered."""
    given = item.properties
    rows.add(
        "shipment_changes",
        item.dataset_id,
        item.tie_breaker,
        item.parcel_key,
        item.occurred_at,
        item.event_id,
        item.order_key,
        item.subject,
        item.source,
        item.bot,
        given.get("carrier"),
        given.get("tracking_number"),
        item.date("date_shipped"),
        item.date("date_delivered"),
    )


def _number(text: str | int | None) -> Decimal | None:
    return None if text is None else Decimal(text)
