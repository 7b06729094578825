"""The tables as statements see them: the rows of all days, wherever each day's come from.

`orders` has all rows that a question took; `counted_orders` what the scope and its
filters leave of them, whatever their time (see `dimensions`). A statement never
knows where rows are from.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time, timedelta

from shopalytic_server.domain.reports.touches import SESSION_GAP
from shopalytic_server.storage.database.queries import load_from
from shopalytic_server.storage.facts.files import Unit, Use
from shopalytic_server.storage.facts.fresh import create
from shopalytic_server.storage.facts.tables import TABLES, VISIT_PARTS, Table

_SQL = load_from(__package__, "sql", "derived")
_VISITS = load_from(__package__, "sql", "visit_parts")

_GAP = f"INTERVAL {SESSION_GAP // timedelta(microseconds=1)} MICROSECOND"

# The views besides, with the tables that each stands on.
_DERIVED = {
    "carts": {"cart_changes", "orders"},
    "cart_lines": {"cart_changes"},
    "parcels": {"shipment_changes"},
    "line_discounts": {"orders", "order_lines"},
    "returns": {"refunds", "orders"},
    "returned": {"refunds", "refund_lines", "orders", "order_lines"},
    "reversals": {"refunds", "refund_lines", "orders", "order_lines"},
}


# Tables whose rows are of one order each.
_OF_ORDERS = frozenset(
    {"orders", "order_lines", "order_discounts", "refunds", "refund_lines", "shipment_changes"}
)
# Tables of which some rows go when free orders are left out.
_WITH_FREE = _OF_ORDERS | {"other_events"}
_NO_ORDERS = "SELECT 0::BIGINT AS dataset, 0::BIGINT AS order_key, 0::BIGINT AS cart WHERE false"


def needs_orders(tables: Collection[str]) -> bool:
    """Whether it takes all orders to tell what of these tables is of free ones."""
    return not _OF_ORDERS.isdisjoint(tables) or "cart_changes" in tables


def with_free(name: str, *, left_out: bool) -> str:
    """What the view of all rows of a table is called, where free orders may be left out."""
    return f"every_{name}" if left_out and name in _WITH_FREE else name


def without_free(tables: Collection[str], *, left_out: bool) -> dict[str, str]:
    """Which orders are left out, and the views of what is left of some tables, by their names."""
    if not left_out:
        return {"orders_left_out": _NO_ORDERS}
    all_orders = with_free("orders", left_out=True)
    free = f"SELECT dataset, order_key, cart FROM {all_orders} WHERE total = 0"  # noqa: S608 - names of ours
    found = {"orders_left_out": free if needs_orders(tables) else _NO_ORDERS}
    for name in sorted(_WITH_FREE & set(tables)):
        paid = (
            "NOT t.free"
            if name == "other_events"
            else "t.order_key NOT IN (SELECT order_key FROM orders_left_out)"
        )
        found[name] = f"SELECT * FROM {with_free(name, left_out=True)} AS t WHERE {paid}"  # noqa: S608
    return found


def rows_of_days(table: Table, uses: Sequence[Use], name: str) -> str:
    """The view with all rows of a table: those read now, and those of units."""
    columns = ", ".join(table.seen())
    parts = [f"SELECT {columns} FROM fresh_{table.name}"]  # noqa: S608 - names of ours, here and below
    if table.day is not None:
        whole = [use for use in uses if use.is_whole]
        if whole:
            parts.append(f"SELECT {columns} FROM {_files(table, whole)}")  # noqa: S608
        for use in uses:
            if not use.is_whole:
                among = _among(table, use)
                parts.append(f"SELECT {columns} FROM {_files(table, [use])} WHERE {among}")  # noqa: S608
    return f"CREATE OR REPLACE TEMP VIEW {name} AS {' UNION ALL '.join(parts)}"


def parts_of_unit(unit: Unit) -> str:
    """The statement of a unit's parts of visits, made of its file of page views."""
    page_views = _files(TABLES["page_views"], [Use(unit, frozenset())], numbered=True)
    early = _midnight(unit.first) + SESSION_GAP
    late = _midnight(unit.last + timedelta(days=1)) - SESSION_GAP
    rows = f"(SELECT *, file_row_number AS row FROM {page_views})"  # noqa: S608
    return _parts_of(rows, f"TIMESTAMP '{early}'", f"TIMESTAMP '{late}'")


def visits(uses: Sequence[Use], counts: str) -> Iterator[str]:
    """What makes `visit_begins`: the page views with which customers' visits begin.

    `counts` says which page views count (`t`). Parts of days that are not a whole unit are made now.
    """
    yield create(VISIT_PARTS)
    page_views = TABLES["page_views"]
    sources = ["SELECT *, rowid AS row FROM fresh_page_views"]
    for use in uses:
        if not use.is_whole:
            rows = _files(page_views, [use], numbered=True)
            among = _among(page_views, use)
            sources.append(f"SELECT *, file_row_number AS row FROM {rows} WHERE {among}")  # noqa: S608
    for source in sources:
        parts = _parts_of(f"({source})", "TIMESTAMP 'infinity'", "TIMESTAMP 'infinity'")
        yield f"INSERT INTO fresh_{VISIT_PARTS.name} {parts}"
    yield rows_of_days(VISIT_PARTS, [use for use in uses if use.is_whole], VISIT_PARTS.name)
    continued = _VISITS.continued.format(counts=counts, gap=_GAP)
    yield f"CREATE OR REPLACE TEMP TABLE visits_continued AS {continued}"
    yield f"CREATE OR REPLACE TEMP VIEW visit_begins AS {_VISITS.visit_begins.format(counts=counts)}"


def _parts_of(rows: str, early: str, late: str) -> str:
    """The parts of visits that page views amount to."""
    columns = ", ".join(name for name, _ in VISIT_PARTS.definition())
    parts = _VISITS.parts.format(rows=rows, early=early, late=late, gap=_GAP)
    return f"SELECT {columns} FROM ({parts})"  # noqa: S608


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _among(table: Table, use: Use) -> str:
    days = ", ".join(f"DATE '{day}'" for day in sorted(use.days))
    return f"{table.day}::DATE IN ({days})"


def _files(table: Table, uses: Sequence[Use], *, numbered: bool = False) -> str:
    paths = (str(use.unit.path / f"{table.name}.parquet").replace("'", "''") for use in uses)
    names = ", ".join(f"'{path}'" for path in paths)
    return f"read_parquet([{names}], file_row_number = {numbered})"


def derived(tables: Collection[str], steps: Collection[str]) -> dict[str, str]:
    """The views of what several rows amount to by their names, as far as their tables are there.

    `steps` are the tables that these stand on; none: nobody asks for them.
    """
    found = {name: getattr(_SQL, name) for name, needed in _DERIVED.items() if needed <= set(tables)}
    if steps:
        found["steps"] = " UNION ALL ".join(getattr(_SQL, f"steps_of_{name}") for name in steps)
    return {name: f"CREATE OR REPLACE TEMP VIEW {name} AS {statement}" for name, statement in found.items()}


# What a scope may look at of these.
DERIVED_COLUMNS = {
    "steps": ("source", "bot"),
    "carts": ("source", "bot"),
    "parcels": ("source", "bot"),
    "returned": ("source", "bot", "currency"),
    "line_discounts": ("source", "bot", "currency"),
    "returns": ("source", "bot", "currency"),
    "reversals": ("source", "bot", "currency"),
}
