"""The fact tables and their columns, in one closed list.

A column holds what the event itself says, or what follows from that alone. What
depends on merges, other events or other days is worked out when a report reads:
customers (`customers_of`), sessions, first touch, who is new, a product's latest
name; `dimensions` does so for what filters and breakdowns name.

An amount stands in two columns: `total` and, as `total_digits`, how many digits
behind the point it was said with; sums are shown with the most of theirs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum

from shopalytic_server.storage.database.queries import load_from


class Kind(Enum):
    """What a column holds, and its type in DuckDB."""

    # Stands for a text or an id: a hash with the store's secret.
    KEY = ("key", "BIGINT")
    TEXT = ("text", "VARCHAR")
    # In UTC, to the microsecond.
    TIME = ("time", "TIMESTAMP")
    NUMBER = ("number", "BIGINT")
    FLAG = ("flag", "BOOLEAN")
    ID = ("id", "UUID")
    AMOUNT = ("amount", "DECIMAL(38, 4)")

    @property
    def type(self) -> str:
        """Its type in DuckDB."""
        return self.value[1]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of facts. `day` is the column by whose UTC day its rows are kept; None: not by days."""

    name: str
    columns: Mapping[str, Kind]
    """What is kept of a row."""
    day: str | None
    shown: Mapping[str, str] = field(default_factory=dict)
    """Columns that statements see instead or besides, worked out of those that are kept."""
    arriving: Mapping[str, Kind] = field(default_factory=dict)
    """What PostgreSQL says of a row, where `made` in the table's file makes the columns of it."""

    @property
    def statement(self) -> str:
        """What reads its rows out of PostgreSQL: from `{begin}` to before `{end}`."""
        return str(load_from(__package__, "sql", self.name).rows)

    @property
    def made(self) -> str | None:
        """What makes the rows that are kept of those that PostgreSQL sends; None: they are as they are."""
        return str(load_from(__package__, "sql", self.name).made) if self.arriving else None

    def definition(self) -> list[tuple[str, str]]:
        """The columns that are kept, in DuckDB with their types."""
        found: list[tuple[str, str]] = []
        for name, kind in self.columns.items():
            found.append((name, kind.type))
            if kind is Kind.AMOUNT:
                found.append((f"{name}_digits", "UTINYINT"))
        return found

    def seen(self) -> list[str]:
        """The columns that statements see, as what they are of those that are kept."""
        kept = [name for name, _ in self.definition() if name not in self.shown]
        return [*kept, *(f"{value} AS {name}" for name, value in self.shown.items())]


KEY, TEXT, TIME, NUMBER, FLAG, ID, AMOUNT = Kind

# What every event says. Events happened in the order of (position, tie_breaker, event_id).
# Where a table has events of one type, `position` follows from the time.
_EVENT: dict[str, Kind] = {
    "dataset": NUMBER,
    "subject": KEY,
    "occurred_at": TIME,
    "position": NUMBER,
    "tie_breaker": NUMBER,
    "event_id": ID,
    "source": TEXT,
    "bot": FLAG,
}

_OF_ONE_TYPE = {name: kind for name, kind in _EVENT.items() if name != "position"}


def _in_order(rank: int) -> dict[str, str]:
    """What the order of events of one type goes by; `rank` is what the database's `event_rank` says."""
    return {
        "position": f"event_position({rank}, occurred_at)",
        "tie_breaker": "coalesce(tie_breaker, 9223372036854775807)",
    }


_CAME_BY = {
    "page_type": TEXT,
    "utm_source": TEXT,
    "utm_medium": TEXT,
    "utm_term": TEXT,
    "utm_content": TEXT,
    "user_agent": TEXT,
    "language": TEXT,
    "country": TEXT,
    "region": TEXT,
    "city": TEXT,
}

_TABLES = (
    # A row may stand for several views of a quarter of an hour, when retention has removed
    # the events: it is `summed`. Others have neither `views` nor another time than their own.
    Table(
        "page_views",
        _OF_ONE_TYPE
        | {
            "last_at": TIME,
            "views": NUMBER,
            "site": TEXT,
            "landing_page": TEXT,
            "referrer": TEXT,
            "campaign": TEXT,
            "campaign_encoded": FLAG,
            # Encoded as in the address where they begin with U+0001.
            **_CAME_BY,
        },
        "occurred_at",
        _in_order(6)
        | {
            "last_at": "coalesce(last_at, occurred_at)",
            "views": "coalesce(views, 1)",
            "summed": "views IS NOT NULL",
        },
        _OF_ONE_TYPE
        | {
            "last_at": TIME,
            "views": NUMBER,
            "url": TEXT,
            "referrer": TEXT,
            "campaign": TEXT,
            **_CAME_BY,
            "summed_site": TEXT,
            "summed_page": TEXT,
            "summed_encoded": FLAG,
        },
    ),
    Table(
        "product_views",
        _OF_ONE_TYPE | {"currency": TEXT, "sku": TEXT, "price": AMOUNT, "campaign": TEXT},
        "occurred_at",
        _in_order(8),
    ),
    Table(
        "cart_changes",
        _EVENT
        | {
            "cart": KEY,
            "cart_id": TEXT,
            "sku": TEXT,
            "added": FLAG,
            "quantity": AMOUNT,
            "removed": AMOUNT,
            "price": AMOUNT,
            "currency": TEXT,
            "modified_at": TIME,
        },
        "modified_at",
    ),
    Table(
        "orders",
        _EVENT
        | {
            "order_key": KEY,
            "cart": KEY,
            "ordered_at": TIME,
            "currency": TEXT,
            "total": AMOUNT,
            "subtotal": AMOUNT,
            "total_tax": AMOUNT,
            "total_shipping": AMOUNT,
            "total_discount": AMOUNT,
            "units": NUMBER,
            "quantity": AMOUNT,
            "payment_type": TEXT,
            "country": TEXT,
            "region": TEXT,
            "city": TEXT,
        },
        "ordered_at",
    ),
    Table(
        "order_discounts",
        {
            "dataset": NUMBER,
            "order_key": KEY,
            "ordered_at": TIME,
            "source": TEXT,
            "bot": FLAG,
            "currency": TEXT,
            "coupon": TEXT,
            "value": AMOUNT,
        },
        "ordered_at",
    ),
    Table(
        "order_lines",
        {
            "dataset": NUMBER,
            "order_key": KEY,
            "ordered_at": TIME,
            "source": TEXT,
            "bot": FLAG,
            "currency": TEXT,
            "sku": TEXT,
            "price": AMOUNT,
            "units": NUMBER,
            "quantity": AMOUNT,
            "cost": AMOUNT,
        },
        "ordered_at",
    ),
    # `amount` is absent while a full refund waits for its order.
    Table(
        "refunds",
        _EVENT
        | {
            "order_key": KEY,
            "refund_type": TEXT,
            "currency": TEXT,
            "amount": AMOUNT,
            "subtotal_refund": AMOUNT,
            "tax_refund": AMOUNT,
            "shipping_refund": AMOUNT,
            "discount_refund": AMOUNT,
        },
        "occurred_at",
    ),
    # The lines of partial refunds.
    Table(
        "refund_lines",
        _EVENT
        | {
            "order_key": KEY,
            "currency": TEXT,
            "amount": AMOUNT,
            "sku": TEXT,
            "price": AMOUNT,
            "quantity": AMOUNT,
        },
        "occurred_at",
    ),
    Table(
        "shipment_changes",
        _EVENT
        | {
            "shipment": KEY,
            "order_key": KEY,
            "order_id": TEXT,
            "carrier": TEXT,
            "date_shipped": TIME,
            "date_delivered": TIME,
        },
        "occurred_at",
    ),
    # What people looked for; `results` is absent where the shop did not say how many it found.
    Table(
        "searches",
        _OF_ONE_TYPE | {"query": TEXT, "results": NUMBER, "campaign": TEXT},
        "occurred_at",
        _in_order(10),
    ),
    # The events that no table of their type has: with these they are the `steps` of funnels.
    # The `page_type` of a custom event is its name.
    Table(
        "other_events",
        _EVENT
        | {
            "type": TEXT,
            "page_type": TEXT,
            "campaign": TEXT,
            "campaign_encoded": FLAG,
            # Whether it is of an order whose total is 0.
            "free": FLAG,
        },
        "occurred_at",
    ),
    # Whose subject each is; one that is not here is an anonymous visitor, and its own customer.
    Table("customers_of", {"subject": KEY, "customer": KEY}, None),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}

# Each visit as far as it is of one subject, one source, of a robot or not, and within one unit of
# days: its first page view, and when its last one was. It is `loose` if its customer may have been
# there half an hour before, in another part of the visit.
VISIT_PARTS = Table(
    "visit_parts",
    _OF_ONE_TYPE
    | {
        "last_at": TIME,
        "views": NUMBER,
        "loose": FLAG,
        "landing_page": TEXT,
        "referrer": TEXT,
        "campaign": TEXT,
        "campaign_encoded": FLAG,
        **_CAME_BY,
    },
    "occurred_at",
    _in_order(6),
)

KEPT: tuple[Table, ...] = (*(table for table in _TABLES if table.day is not None), VISIT_PARTS)
"""What files are made of; the parts of visits come of page views, all others out of PostgreSQL."""

STEPS: Mapping[str, str] = {"page_views": "page_view", "product_views": "product_view", "searches": "search"}
"""The tables of events of one type; with `other_events` they hold every event once, as `steps`."""

OTHERS = "other_events"


def steps_of(types: Collection[str] | None) -> list[str]:
    """The tables that hold all events of some types; None: of all."""
    if types is None:
        return [*STEPS, OTHERS]
    found = [table for table, type_ in STEPS.items() if type_ in types]
    # Page views that sums stand for as well are among the others.
    others = "page_view" in types or not set(types) <= set(STEPS.values())
    return [*found, OTHERS] if others else found
