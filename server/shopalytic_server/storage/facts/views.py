"""The tables as statements see them: the rows of all days, wherever each day's come from.

`orders` has all rows that a question took; `counted_orders` what the scope and its
filters leave of them, whatever their time (see `dimensions`). A statement never
knows where rows are from.
"""

from collections.abc import Collection, Sequence

from shopalytic_server.storage.database.queries import load_from
from shopalytic_server.storage.facts.files import Use
from shopalytic_server.storage.facts.tables import Table

_SQL = load_from(__package__, "sql", "derived")

# The views besides, with the tables that each stands on.
_DERIVED = {
    "carts": {"cart_changes", "orders"},
    "cart_lines": {"cart_changes"},
    "parcels": {"shipment_changes"},
    "returned": {"refunds", "refund_lines", "order_lines"},
    "returns": {"refunds", "orders"},
    "reversals": {"refunds", "refund_lines", "orders", "order_lines"},
}


def rows_of_days(table: Table, uses: Sequence[Use]) -> str:
    """The view with all rows of a table: those read now, and those of units."""
    columns = ", ".join(name for name, _ in table.definition())
    parts = [f"SELECT {columns} FROM fresh_{table.name}"]  # noqa: S608 - names of ours, here and below
    if table.day is not None:
        whole = [use for use in uses if use.is_whole]
        if whole:
            parts.append(f"SELECT {columns} FROM {_files(table, whole)}")  # noqa: S608
        for use in uses:
            if not use.is_whole:
                days = ", ".join(f"DATE '{day}'" for day in sorted(use.days))
                among = f"{table.day}::DATE IN ({days})"
                parts.append(f"SELECT {columns} FROM {_files(table, [use])} WHERE {among}")  # noqa: S608
    return f"CREATE OR REPLACE TEMP VIEW {table.name} AS {' UNION ALL '.join(parts)}"


def _files(table: Table, uses: Sequence[Use]) -> str:
    paths = (str(use.unit.path / f"{table.name}.parquet").replace("'", "''") for use in uses)
    return "read_parquet([" + ", ".join(f"'{path}'" for path in paths) + "])"


def derived(tables: Collection[str]) -> dict[str, str]:
    """The views of what several rows amount to by their names, as far as their tables are there."""
    names = [name for name, needed in _DERIVED.items() if needed <= set(tables)]
    return {name: f"CREATE OR REPLACE TEMP VIEW {name} AS {getattr(_SQL, name)}" for name in names}


# What a scope may look at of these.
DERIVED_COLUMNS = {
    "carts": ("source", "bot"),
    "parcels": ("source", "bot"),
    "returned": ("source", "bot", "currency"),
    "returns": ("source", "bot", "currency"),
    "reversals": ("source", "bot", "currency"),
}
