"""Where the rows of each table lie on a Citus cluster.

What has a row for each event is spread over shards. What customers are joined by is a reference
table, whole on every node, so that every join finds it beside the shard it is joined with. A new
table needs its line here: a test compares them with the schema, and `distribute` refuses a table
that has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """A table whose rows are spread over shards."""

    column: str
    """Rows of one value lie in one shard."""
    beside: str | None = None
    """The table whose shards its own lie beside, value by value."""


SPREAD: Mapping[str, Spread] = {
    "events": Spread("subject"),
    "page_quarters": Spread("subject", beside="events"),
    "event_keys": Spread("event_id"),
    "quarantine": Spread("fingerprint"),
}
"""In the order in which they are spread."""

EVERYWHERE = (
    "projects",
    "keys",
    "users",
    "sessions",
    "audit",
    "sql_roles",
    "digests",
    "alerts",
    "incidents",
    "notifications",
    "tombstone_salts",
    "tombstones",
    "tracking_links",
    "profile_changes",
    "order_revisions",
    "order_statements",
    "order_items",
    "refunds",
    "refund_items",
    "cart_changes",
    "shipment_changes",
    "products",
    "identities",
    "alias_links",
    "undone_merges",
    "customer_changes",
    "deliveries",
    "expirations",
    "rollup_days",
    "quarantine_use",
    "fact_store",
    "fact_changes",
)
"""Reference tables, in the order in which they are copied to every node."""

TABLES = (*EVERYWHERE, *SPREAD)
"""All, reference tables first."""
