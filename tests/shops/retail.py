"""The real invoices as events, and what they come to, worked out from the file alone.

How invoices become events is written in ../shared/data/README.md. Nothing here
is shared with the server: reading, adding up and rounding use Python's own
csv and decimal.
"""

import csv
import gzip
import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f0c4b2e-6a0e-4f0e-9d55-1c6a4f0d2b11")
CURRENCY = "GBP"
Line = dict[str, str]


@dataclass(frozen=True)
class Invoice:
    """An order, or what was given back: the lines that count, of one customer at one time."""

    number: str
    time: str
    customer: str
    lines: list[Line]

    @property
    def is_refund(self) -> bool:
        return self.number.startswith("C")

    @property
    def total(self) -> Decimal:
        return sum(
            (abs(int(line["Quantity"])) * Decimal(line["UnitPrice"]) for line in self.lines), Decimal(0)
        )

    @property
    def units(self) -> int:
        return sum(int(line["Quantity"]) for line in self.lines)

    @property
    def who(self) -> str:
        return self.customer or f"invoice-{self.number}"

    @property
    def month(self) -> str:
        return self.time[:7]


@dataclass
class Retail:
    """All invoices that count, and how many lines do not."""

    invoices: list[Invoice] = field(default_factory=list)
    left_out: int = 0

    @property
    def orders(self) -> list[Invoice]:
        return [invoice for invoice in self.invoices if not invoice.is_refund]

    @property
    def refunds(self) -> list[Invoice]:
        return [invoice for invoice in self.invoices if invoice.is_refund]


def read(path: Path) -> Retail:
    retail = Retail()
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for number, group in itertools.groupby(csv.DictReader(file), key=lambda line: line["InvoiceNo"]):
            lines = list(group)
            counting = [line for line in lines if _counts(number, line)]
            retail.left_out += len(lines) - len(counting)
            if counting:
                last = lines[-1]
                customer = last["CustomerID"].removesuffix(".0")
                retail.invoices.append(Invoice(number, last["InvoiceDate"], customer, counting))
    return retail


def _counts(number: str, line: Line) -> bool:
    if number.startswith("C"):
        return Decimal(line["UnitPrice"]) > 0
    return number.isdigit() and int(line["Quantity"]) > 0 and Decimal(line["UnitPrice"]) > 0


def events(invoices: Iterable[Invoice]) -> Iterator[dict[str, Any]]:
    """Each invoice as a line for `shopalytic import`; the same invoice always has the same id."""
    for invoice in invoices:
        sender = {"identity": invoice.customer} if invoice.customer else {"tracking_id": invoice.who}
        yield {
            "type": "refund" if invoice.is_refund else "order",
            "event_id": str(uuid5(_NAMESPACE, invoice.number)),
            "occurred_at": invoice.time.replace(" ", "T") + "Z",
            "source": "invoices",
            **sender,
            "properties": _properties(invoice),
        }


def _properties(invoice: Invoice) -> dict[str, Any]:
    total = str(invoice.total)
    items = [
        {"sku": line["StockCode"], "price": line["UnitPrice"], "qty": abs(int(line["Quantity"]))}
        for line in invoice.lines
    ]
    shared = {"order_id": invoice.number, "line_items": items, "currency": CURRENCY}
    if invoice.is_refund:
        return {**shared, "refund_type": "partial", "total_refund": total, "subtotal_refund": total}
    return {**shared, "cart_id": f"cart-{invoice.number}", "total": total, "subtotal": total}


def write(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def sales(retail: Retail, months: Iterable[str]) -> list[dict[str, Any]]:
    """The figures of each month, and of all together under the month "total"."""
    groups: dict[str, list[Invoice]] = defaultdict(list)
    for invoice in retail.invoices:
        groups[invoice.month].append(invoice)
        groups["total"].append(invoice)
    return [_figures(month, groups[month]) for month in (*months, "total")]


def _figures(month: str, invoices: list[Invoice]) -> dict[str, Any]:
    orders = [invoice for invoice in invoices if not invoice.is_refund]
    gross = sum((order.total for order in orders), Decimal(0))
    refunds = sum((invoice.total for invoice in invoices if invoice.is_refund), Decimal(0))
    average = gross / len(orders) if orders else Decimal(0)
    return {
        "month": month,
        "orders": len(orders),
        "units": sum(order.units for order in orders),
        "gross": gross,
        "refunds": refunds,
        "net": gross - refunds,
        "customers": len({order.who for order in orders}),
        "average_order": average.quantize(Decimal("0.0001"), ROUND_HALF_UP),
    }


def products(retail: Retail) -> dict[str, dict[str, Any]]:
    """Orders, units, gross and refunds of each product, by its sku."""
    found: dict[str, dict[str, Any]] = {}
    for invoice in retail.invoices:
        if not invoice.is_refund:
            for sku in {line["StockCode"] for line in invoice.lines}:
                _product(found, sku)["orders"] += 1
        for line in invoice.lines:
            qty, product = abs(int(line["Quantity"])), _product(found, line["StockCode"])
            if not invoice.is_refund:
                product["units"] += qty
            product["refunds" if invoice.is_refund else "gross"] += qty * Decimal(line["UnitPrice"])
    return found


def _product(found: dict[str, dict[str, Any]], sku: str) -> dict[str, Any]:
    return found.setdefault(sku, {"orders": 0, "units": 0, "gross": Decimal(0), "refunds": Decimal(0)})


def cohorts(retail: Retail) -> dict[tuple[str, int], tuple[int, Decimal]]:
    """Customers who ordered, and their net, by the month of their first order and months since."""
    first: dict[str, str] = {}
    for order in sorted(retail.orders, key=lambda order: order.time):
        if order.customer:
            first.setdefault(order.customer, order.month)
    people: dict[tuple[str, int], set[str]] = {}
    net: dict[tuple[str, int], Decimal] = {}
    for invoice in retail.invoices:
        cohort = first.get(invoice.customer or "")
        if cohort is None or invoice.month < cohort:
            continue
        cell = cohort, _months(invoice.month) - _months(cohort)
        net[cell] = net.get(cell, Decimal(0)) + (-invoice.total if invoice.is_refund else invoice.total)
        if not invoice.is_refund:
            people.setdefault(cell, set()).add(invoice.customer)
    return {cell: (len(people.get(cell, ())), amount) for cell, amount in net.items()}


def _months(month: str) -> int:
    year, number = month.split("-")
    return 12 * int(year) + int(number)
