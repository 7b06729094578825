"""Reads a shop's own list of orders from CSV."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from shopalytic_server.cli.errors import Failure
from shopalytic_server.domain.reconciliation import Order

# What shops call their columns; compared in lower case, with "_" for spaces and dashes.
KNOWN_COLUMNS: Mapping[str, Sequence[str]] = {
    "id": ("order_id", "id", "order", "order_number", "order_no", "name"),
    "total": ("total", "order_total", "amount", "grand_total"),
    "time": ("time", "ordered_at", "order_date", "created_at", "date", "created"),
    "currency": ("currency", "currency_code"),
    "customer": ("identity", "customer", "customer_id", "email", "customer_email"),
}
_OPTIONAL = ("currency", "customer")
_MONEY = re.compile(r"[0-9]{1,14}([.][0-9]{1,4})?", re.ASCII)


@dataclass(slots=True)
class Book:
    """The shop's orders by id, and whose they are where the list says so."""

    orders: dict[str, Order] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)


def read_book(path: Path, columns: Mapping[str, str | None], zone: ZoneInfo) -> Book:
    """Reads a list with a header line, separated by commas, semicolons or tabs.

    `columns` names the columns that are not called as in KNOWN_COLUMNS. Times
    without an offset are of `zone`. Raises Failure with the line that is wrong.
    """
    book = Book()
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            head = file.readline()
            separator = max(",;\t", key=head.count)
            names = next(csv.reader([head], delimiter=separator), [])
            places = _places(names, columns)
            for number, row in enumerate(csv.reader(file, delimiter=separator), 2):
                if any(cell.strip() for cell in row):
                    _add(book, number, row, places, zone)
        except UnicodeDecodeError:
            raise Failure(f"{path} is not UTF-8 text; save it as CSV in UTF-8.") from None
        except csv.Error as error:
            raise Failure(f"{path} is not CSV: {error}.") from None
    return book


def _places(names: Sequence[str], columns: Mapping[str, str | None]) -> dict[str, int]:
    """Which column has what."""
    known = {re.sub(r"[\s-]+", "_", name.strip().lower()): place for place, name in enumerate(names)}
    exact = {name.strip(): place for place, name in enumerate(names)}
    places = {}
    for what, candidates in KNOWN_COLUMNS.items():
        given = columns.get(what)
        if given is not None:
            if given not in exact:
                raise Failure(
                    f"There is no column {given!r}; the first line has {', '.join(exact) or 'none'}."
                )
            places[what] = exact[given]
            continue
        found = [known[name] for name in candidates if name in known]
        if found:
            places[what] = found[0]
        elif what not in _OPTIONAL:
            raise Failure(
                f"No column for the {what}: none is called {', '.join(candidates)}. "
                f"Say which it is with --{what}-column."
            )
    return places


def _add(book: Book, number: int, row: Sequence[str], places: Mapping[str, int], zone: ZoneInfo) -> None:
    cells = {what: row[place].strip() if place < len(row) else "" for what, place in places.items()}
    order_id = cells["id"]
    if not 1 <= len(order_id) <= 200:
        raise Failure(f"Line {number}: the order id must have 1 to 200 characters.")
    if not _MONEY.fullmatch(cells["total"]):
        raise Failure(f"Line {number}: the total {cells['total']!r} is not an amount such as 1234.50.")
    currency = cells.get("currency") or None
    if currency is not None and not re.fullmatch("[A-Z]{3}", currency):
        raise Failure(f"Line {number}: the currency {currency!r} is not a code such as EUR.")
    order = Order(order_id, Decimal(cells["total"]), _time(number, cells["time"], zone), currency)
    if book.orders.setdefault(order_id, order) != order:
        raise Failure(f"Line {number}: the order {order_id!r} stands in the list twice, and differently.")
    if cells.get("customer"):
        book.customers[order_id] = cells["customer"]


def _time(number: int, text: str, zone: ZoneInfo) -> datetime:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise Failure(
            f"Line {number}: the time {text!r} is not one such as 2026-01-31T12:00:00Z or 2026-01-31 12:00."
        ) from None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=zone)
    return parsed.astimezone(UTC)
