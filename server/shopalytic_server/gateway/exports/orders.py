"""Puts exported rows together into orders and customers, and makes events of them."""

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from shopalytic_server.gateway.exports.amounts import amount, listed_items, moment, written
from shopalytic_server.gateway.exports.columns import STATUSES, WHOLLY_REFUNDED, folded
from shopalytic_server.gateway.exports.rows import Row

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "shopalytic:import")
_NONE = Decimal(0)
_NOT_ITEMISED = "not itemised"
_SKU = ("sku", "product_sku", "product_id")
_MONEY = ("total", "subtotal", "total_tax", "total_shipping", "total_discount", "refunded")


class Made(NamedTuple):
    """One event, as JSON has it, and the row that it comes from."""

    row: Row
    event: dict[str, Any]


@dataclass(slots=True)
class Order:
    """One order, of one row or several."""

    first: Row
    values: dict[str, str]
    lines: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Found:
    """What the files hold."""

    orders: dict[str, Order] = field(default_factory=dict)
    customers: list[Row] = field(default_factory=list)
    unowned: list[Row] = field(default_factory=list)
    """Rows that belong to no order and no customer."""
    kinds: Counter[str] = field(default_factory=Counter)


def gathered(rows: Iterable[Row]) -> Found:
    """The orders and customers of all rows, also where lines stand in rows or in a file of their own."""
    found = Found()
    by_internal_id: dict[str, str] = {}
    waiting: list[Row] = []
    for row in rows:
        values = row.values
        number, internal = values.get("order_id"), values.get("line_order_id")
        if number is not None and internal is not None:
            by_internal_id[internal] = number
        if number is None and internal is not None:
            waiting.append(row)
        elif number is not None:
            _add(found, number, row)
        elif "email" in values or "customer_id" in values:
            found.customers.append(row)
            found.kinds["customers"] += 1
        else:
            found.unowned.append(row)
    for row in waiting:
        internal = row.values["line_order_id"]
        _add(found, by_internal_id.get(internal, internal), row)
    return found


def _add(found: Found, number: str, row: Row) -> None:
    values = row.values
    line = {name: value for name, value in values.items() if name.startswith("line_")}
    order = found.orders.get(number)
    if order is None:
        order = found.orders[number] = Order(row, {})
        found.kinds["orders"] += 1
    for name, value in values.items():
        if not name.startswith("line_"):
            order.values.setdefault(name, value)
    order.values["order_id"] = number
    for item in listed_items(values.get("line_items", "")):
        order.lines.append(_listed(item))
        found.kinds["lines"] += 1
    if {"line_sku", "line_name"} & line.keys():
        order.lines.append(line)
        found.kinds["lines"] += 1


def _listed(item: dict[str, str]) -> dict[str, str]:
    line = {
        "line_sku": next((item[name] for name in _SKU if name in item), ""),
        "line_name": item.get("name", ""),
        "line_quantity": item.get("quantity", item.get("qty", "1")),
        "line_price": item.get("price", ""),
        "line_total": item.get("total", item.get("subtotal", "")),
    }
    return {name: value for name, value in line.items() if value}


class Maker:
    """Makes events of what was gathered. The same files give the same events with the same ids."""

    def __init__(self, zone: ZoneInfo, currency: str | None, source: str) -> None:
        """`currency`: of amounts where a row names none; None: the project's."""
        self._zone = zone
        self._currency = currency
        self._source = source
        self.not_itemised = 0
        self.undated_refunds = 0

    def events(self, found: Found) -> Iterator[Made]:
        """Every event: customers first, so that orders find them."""
        named: set[str] = set()
        first_orders: dict[str | None, datetime] = {}
        for order in found.orders.values():
            who, at = _identity(order.values), self._date(order)
            if at is not None and at < first_orders.get(who, at + timedelta(1)):
                first_orders[who] = at
        for row in found.customers:
            joined = moment(row.values.get("join_date"), self._zone)
            seen = joined or first_orders.get(_identity(row.values))
            yield from self._customer(row, row.values, seen, named)
        for order in found.orders.values():
            when = self._date(order)
            yield from self._customer(order.first, order.values, when, named)
            yield Made(order.first, self._order(order, when))
            yield from self._refund(order, when)

    def _date(self, order: Order) -> datetime | None:
        stated = order.values.get("order_date_utc")
        if stated is not None:
            return moment(stated, ZoneInfo("UTC"))
        return moment(order.values.get("order_date"), self._zone)

    def _customer(
        self, row: Row, values: dict[str, str], when: datetime | None, named: set[str]
    ) -> Iterator[Made]:
        identity = _identity(values)
        if identity is None or identity in named:
            return
        named.add(identity)
        first, last = _names(values)
        profile = {"email": values.get("email"), "first_name": first, "last_name": last}
        known = {name: value for name, value in profile.items() if value}
        if known:
            yield Made(row, self._event("customer_update", known, identity, when, f"customer:{identity}"))

    def _order(self, order: Order, when: datetime | None) -> dict[str, Any]:
        values = order.values
        money = {name: amount(values.get(name)) for name in _MONEY}
        lines = [_line(line) for line in order.lines]
        subtotal = money["subtotal"]
        if subtotal is None:
            subtotal = _worth(lines)
        if subtotal is None and money["total"] is not None:
            taken = (money["total_tax"] or _NONE) + (money["total_shipping"] or _NONE)
            subtotal = max(money["total"] - taken + abs(money["total_discount"] or _NONE), _NONE)
        if not lines and subtotal is not None:
            self.not_itemised += 1
            lines = [{"name": _NOT_ITEMISED, "price": written(subtotal), "qty": 1}]
        first, last = _names(values)
        properties: dict[str, Any] = {
            "order_id": values["order_id"],
            "total": _money(money["total"], values.get("total")),
            "subtotal": _money(subtotal, values.get("subtotal")),
            "line_items": lines,
            "total_tax": _money(money["total_tax"]),
            "total_shipping": _money(money["total_shipping"]),
            "total_discount": _money(
                None if money["total_discount"] is None else abs(money["total_discount"])
            ),
            "payment_type": values.get("payment_type"),
            "email": values.get("email"),
            "first_name": first,
            "last_name": last,
            "currency": values.get("currency") or self._currency,
            "billing": _address(values, "billing"),
            "shipping": _address(values, "shipping"),
            "status": _status(values),
        }
        if (code := _code(values)) and properties["total_discount"]:
            properties["discounts"] = [{"code": code, "value": properties["total_discount"]}]
        kept = {name: value for name, value in properties.items() if value not in (None, "", {})}
        return self._event("order", kept, _identity(values), when, f"order:{values['order_id']}")

    def _refund(self, order: Order, when: datetime | None) -> Iterator[Made]:
        values = order.values
        back, total = amount(values.get("refunded")), amount(values.get("total"))
        wholly = folded(values.get("status", "")).removeprefix("wc_") in WHOLLY_REFUNDED
        if not back and not wholly:
            return
        at = moment(values.get("refunded_at") or values.get("cancelled_at"), self._zone)
        if at is None:
            self.undated_refunds += 1
            at = when + timedelta(seconds=1) if when is not None else None
        properties: dict[str, Any] = {"order_id": values["order_id"], "refund_type": "full"}
        if back and back != total:
            goods = amount(values.get("subtotal"))
            properties |= {
                "refund_type": "partial",
                "total_refund": written(abs(back)),
                "subtotal_refund": written(min(abs(back), goods) if goods is not None else abs(back)),
            }
        if currency := values.get("currency") or self._currency:
            properties["currency"] = currency
        name = f"refund:{values['order_id']}"
        yield Made(order.first, self._event("refund", properties, _identity(values), at, name))

    def _event(
        self, kind: str, properties: dict[str, Any], identity: str | None, when: datetime | None, name: str
    ) -> dict[str, Any]:
        # A changed order is a revision of it, and must not contradict what is stored.
        content = json.dumps([properties, identity, str(when)], sort_keys=True)
        digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
        event: dict[str, Any] = {
            "type": kind,
            "properties": properties,
            "event_id": str(uuid.uuid5(_NAMESPACE, f"{self._source}:{name}:{digest}")),
            "source": self._source,
        }
        if when is not None:
            event["occurred_at"] = when.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if identity is None:
            event["tracking_id"] = f"import-{name}"[:200]
        else:
            event["identity"] = identity
        return event


def _identity(values: dict[str, str]) -> str | None:
    """The customer by their e-mail address, else by the shop's number; guests of number 0 are nobody."""
    email = values.get("email", "").lower()
    if "@" in email:
        return email
    number = values.get("customer_id", "")
    return number if number.strip("0") else None


def _code(values: dict[str, str]) -> str:
    """The discount's code; WooCommerce lists codes as it lists items."""
    text = values.get("discount_code", "")
    if text.startswith("code:"):
        text = next((item["code"] for item in listed_items(text) if "code" in item), "")
    return text[:200]


def _names(values: dict[str, str]) -> tuple[str | None, str | None]:
    first, last = values.get("first_name"), values.get("last_name")
    if first is None and last is None and (full := values.get("full_name")):
        head, _, tail = full.rpartition(" ")
        first, last = (head, tail) if head else (tail, None)
    return first, last


def _line(line: dict[str, str]) -> dict[str, Any]:
    quantity, price = amount(line.get("line_quantity", "1")), amount(line.get("line_price"))
    if price is None and quantity and (total := amount(line.get("line_total"))) is not None:
        price = total / quantity
    made: dict[str, Any] = {
        "sku": line.get("line_sku"),
        "name": line.get("line_name", "")[:200] or None,
        "price": _money(price, line.get("line_price")),
        **_quantity(quantity, line.get("line_quantity")),
        "cost": _money(amount(line.get("line_cost"))),
    }
    return {name: value for name, value in made.items() if value not in (None, "")}


def _quantity(quantity: Decimal | None, text: str | None) -> dict[str, Any]:
    """Whole pieces, or what is not whole or negative as the contract's exact decimal."""
    if quantity is None:
        return {"qty": text}
    if quantity > 0 and quantity == int(quantity):
        return {"qty": int(quantity)}
    return {"quantity": written(quantity)}


def _worth(lines: list[dict[str, Any]]) -> Decimal | None:
    total = Decimal(0)
    for line in lines:
        price = amount(str(line.get("price", "")))
        pieces = line.get("qty", amount(str(line.get("quantity", ""))))
        if price is None or not isinstance(pieces, int | Decimal):
            return None
        total += price * pieces
    return total if lines else None


def _money(value: Decimal | None, text: str | None = None) -> str | None:
    return text if value is None else written(value.quantize(Decimal("0.0001")))


def _address(values: dict[str, str], kind: str) -> dict[str, str] | None:
    """An address, where the three parts that the contract needs are there."""
    parts = {
        name: values.get(f"{kind}_{name}", "").lstrip("'") for name in ("city", "zipcode", "country", "state")
    }
    if not (parts["city"] and parts["zipcode"] and len(parts["country"]) in (2, 3)):
        return None
    return {name: value for name, value in parts.items() if value}


def _status(values: dict[str, str]) -> str | None:
    if values.get("cancelled_at"):
        return "cancelled"
    return STATUSES.get(folded(values.get("status", "")).removeprefix("wc_"))
