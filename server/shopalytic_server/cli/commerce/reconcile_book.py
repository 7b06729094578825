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
from shopalytic_server.domain.commerce.currencies import MINOR_DIGITS
from shopalytic_server.domain.commerce.reconciliation import Order

# What shops call their columns; compared in lower case, with "_" for all that is no letter or digit.
# The names of the order lists that Shopify, WooCommerce, Magento and PrestaShop export are among them.
KNOWN_COLUMNS: Mapping[str, Sequence[str]] = {
    "id": ("order_id", "id", "order", "order_number", "order_no", "name", "reference", "increment_id"),
    "total": ("total", "order_total", "amount", "grand_total", "grand_total_purchased", "total_paid"),
    "time": (
        "time",
        "ordered_at",
        "order_date",
        "created_at",
        "date",
        "created",
        "purchase_date",
        "date_created",
    ),
    "currency": ("currency", "currency_code"),
    "customer": ("identity", "customer", "customer_id", "email", "customer_email", "billing_email"),
}
_OPTIONAL = ("currency", "customer")
# Shopify's list has an order's own cells on its first line item only, and a number of its own in "Id".
_SHOPIFY = {"name", "lineitem_name"}
_MONEY = re.compile(r"[0-9]{1,14}([.][0-9]{1,4})?", re.ASCII)
_OFFSET = re.compile(r"\s+(?:UTC|GMT|([+-][0-9]{2}):?([0-9]{2}))$", re.ASCII)
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)
_SIGNS = {"€": "EUR", "£": "GBP"}
_SHARED_SIGNS = re.compile("[$¥₩]|kr\\b", re.IGNORECASE)


@dataclass(slots=True)
class Book:
    """The shop's orders by id, and whose they are where the list says so."""

    columns: dict[str, str]
    """Which column of the list says what, by the keys of KNOWN_COLUMNS."""
    currency: str | None = None
    """The currency of all totals, where the list has no column for it."""
    orders: dict[str, Order] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)


def read_book(
    path: Path, columns: Mapping[str, str | None], zone: ZoneInfo, currency: str | None = None
) -> Book:
    """Reads a list with a header line, separated by commas, semicolons or tabs.

    `columns` names the columns that are not called as in KNOWN_COLUMNS,
    `currency` the one of a list without a column for it. Times without an
    offset are of `zone`. Raises Failure with the line that is wrong.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            head = file.readline()
            separator = max(",;\t", key=head.count)
            names = [name.strip() for name in next(csv.reader([head], delimiter=separator), [])]
            places = _places(names, columns)
            book = Book({what: names[place] for what, place in places.items()})
            if "currency" not in places:
                book.currency = currency or _currency_in(book.columns["total"])
            for number, row in enumerate(csv.reader(file, delimiter=separator), 2):
                if any(cell.strip() for cell in row):
                    _add(book, number, row, places, zone)
        except UnicodeDecodeError:
            raise Failure(f"{path} is not UTF-8 text; save it as CSV in UTF-8.") from None
        except csv.Error:
            raise Failure(
                f"{path} is not CSV: a quotation mark or a line end stands in a wrong place."
            ) from None
    return book


def _places(names: Sequence[str], columns: Mapping[str, str | None]) -> dict[str, int]:
    """Which column has what."""
    # A currency in a column's name does not change what the column has.
    bare = {_plain(_without_currency(name)): place for place, name in enumerate(names)}
    known = bare | {_plain(name): place for place, name in enumerate(names)}
    exact = {name: place for place, name in enumerate(names)}
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
        if what == "id" and known.keys() >= _SHOPIFY:
            candidates = ("name",)
        found = [known[name] for name in candidates if name in known]
        if what == "currency" and not found:
            found = _currency_columns(names)
        if found:
            places[what] = found[0]
        elif what not in _OPTIONAL:
            raise Failure(
                f"No column for the {what}: none is called {', '.join(candidates)}. "
                f"Say which it is with --{what}-column."
            )
    return places


def _plain(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_")


def _without_currency(name: str) -> str:
    """A column named "Total (EUR)" says a currency, "Total VAT" does not."""
    return _CODE.sub(lambda found: "" if found[0] in MINOR_DIGITS else found[0], name)


def _currency_columns(names: Sequence[str]) -> list[int]:
    """The column whose name speaks of a currency; raises Failure where several do."""
    found = [place for place, name in enumerate(names) if "currency" in name.lower()]
    if len(found) > 1:
        listed = ", ".join(repr(names[place]) for place in found)
        raise Failure(f"Several columns may have the currency: {listed}. Choose one with --currency-column.")
    return found


def _currency_in(name: str) -> str | None:
    """The currency that the name of the column with the totals says; raises Failure where that is unclear."""
    codes: set[str] = {code for code in _CODE.findall(name) if code in MINOR_DIGITS}
    codes |= {code for sign, code in _SIGNS.items() if sign in name}
    if len(codes) == 1:
        return codes.pop()
    if codes or _SHARED_SIGNS.search(name):
        raise Failure(
            f"The column {name!r} leaves open which currency its totals have: say it with --currency."
        )
    return None


def _add(book: Book, number: int, row: Sequence[str], places: Mapping[str, int], zone: ZoneInfo) -> None:
    cells = {what: row[place].strip() if place < len(row) else "" for what, place in places.items()}
    order_id = cells["id"]
    if not cells["total"] and book.orders and (not order_id or order_id in book.orders):
        # A further line item of an order that stands above.
        return
    if not 1 <= len(order_id) <= 200:
        raise Failure(f"Line {number}: the order id must have 1 to 200 characters.")
    if not _MONEY.fullmatch(cells["total"]):
        raise Failure(f"Line {number}: the total {cells['total']!r} is not an amount such as 1234.50.")
    currency = cells.get("currency", "").upper() or book.currency
    if currency is not None and not _CODE.fullmatch(currency):
        raise Failure(f"Line {number}: the currency {currency!r} is not a code such as EUR.")
    order = Order(order_id, Decimal(cells["total"]), _time(number, cells["time"], zone), currency)
    if book.orders.setdefault(order_id, order) != order:
        raise Failure(f"Line {number}: the order {order_id!r} stands in the list twice, and differently.")
    if cells.get("customer"):
        book.customers[order_id] = cells["customer"]


def _time(number: int, text: str, zone: ZoneInfo) -> datetime:
    try:
        parsed = datetime.fromisoformat(_OFFSET.sub(_iso_offset, text))
    except ValueError:
        raise Failure(
            f"Line {number}: the time {text!r} is not one such as 2026-01-31T12:00:00Z or 2026-01-31 12:00."
        ) from None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=zone)
    return parsed.astimezone(UTC)


def _iso_offset(found: re.Match[str]) -> str:
    return f"{found[1]}:{found[2]}" if found[1] else "+00:00"
