"""Makes what dimensions look at beside the rows of a report: visits, orders' dimensions, segments."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from shopalytic_server.domain.reports.campaigns import campaign_of
from shopalytic_server.domain.reports.channels import channel_of
from shopalytic_server.domain.reports.dimensions import CAME_FROM
from shopalytic_server.domain.reports.segments import segment_of
from shopalytic_server.domain.reports.user_agents import agent_of
from shopalytic_server.storage.database.queries import load, load_beside
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.facts.breakdown.sources import Needs, active
from shopalytic_server.storage.facts.scope import Scope

_SQL = load_beside(__name__)
_PRODUCTS = load("reports/product_names")

_ENCODED = "\x01"
_CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
_TEXTS = "VARCHAR"
# What a channel is told by, what a device, and what the traffic report lists.
_WAY = frozenset({"utm_source", "utm_medium", "utm_campaign", "referrer_host"})
_BY_AGENT = frozenset({"device", "os", "browser"})
_LISTED = frozenset({"landing_page", "referrer_host", "utm_campaign"})

# What stands for a table that nothing asks for: its columns, by their types.
_NOTHING = {
    "segments": {"customer": "BIGINT", "segment": _TEXTS},
    "first_orders": {"customer": "BIGINT", "first_at": "TIMESTAMP", "order_key": "BIGINT"},
    "order_coupons": {"order_key": "BIGINT", "coupons": f"{_TEXTS}[]"},
    "order_carriers": {"order_key": "BIGINT", "carriers": f"{_TEXTS}[]"},
    "cart_contents": {"dataset": "BIGINT", "cart": "BIGINT", "skus": f"{_TEXTS}[]"},
    "cart_categories": {"dataset": "BIGINT", "cart": "BIGINT", "categories": f"{_TEXTS}[]"},
}
_OF_VISITS = (
    *("device", "os", "browser", "language", "page_type", "country", "region", "city", "sent_by", "channel"),
    *("referrer_host", "landing_page", *_CAMPAIGN),
)
_NOTHING["visits"] = dict.fromkeys(_OF_VISITS, _TEXTS) | {
    "customer": "BIGINT",
    "known": "BOOLEAN",
    "occurred_at": "TIMESTAMP",
    "number": "BIGINT",
    "credited": "BIGINT",
    "position": "BIGINT",
}


class Kept(Protocol):
    """What of a question's facts is needed here."""

    snapshot: Snapshot

    async def ask(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a statement."""
        ...

    async def keep(self, name: str, statement: str, **parameters: Any) -> None:
        """Makes the rows of a statement a table."""
        ...

    async def run(self, statement: str) -> None:
        """Runs a statement that has no rows."""
        ...

    async def insert(self, name: str, columns: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> None:
        """Makes a table of values."""
        ...


async def make_beside(facts: Kept, scope: Scope, needs: Needs) -> None:
    """Makes all tables that the sources of dimensions name; those that nobody asks for are empty."""
    if needs.visits:
        await _make_visits(facts, scope, needs)
    else:
        await _leave_empty(facts, "visits")
    if "segment" in needs.named:
        await make_segments(facts, scope.project.currency)
    else:
        await _leave_empty(facts, "segments")
    statements = {
        "first_orders": (_SQL.first_orders, "customer_type" in needs.named),
        "order_coupons": (_SQL.coupons, "coupon" in needs.named),
        "order_carriers": (_SQL.carriers, "carrier" in needs.named),
        "cart_contents": (_SQL.cart_contents, needs.lines and "cart_changes" in needs.tables),
    }
    for name, (statement, is_needed) in statements.items():
        if is_needed:
            await facts.keep(name, statement)
        else:
            await _leave_empty(facts, name)
    await _make_categories(facts, scope, needs)
    if needs.orders:
        await facts.keep("order_dimensions", _SQL.order_dimensions, shared=needs.shared)
        if needs.lines:
            await facts.keep("lines_of_orders", _SQL.lines_of_orders)


async def make_segments(facts: Kept, currency: str) -> None:
    """Makes `segments`: who ordered until the range's end, with their fifths and segment."""
    await facts.keep("quintiles", _SQL.quintiles, money_in=currency)
    quintiles = range(1, 6)
    names = [
        (recency, frequency, money, single, segment_of(recency, frequency, money, 1 if single else 2))
        for recency in quintiles
        for frequency in quintiles
        for money in quintiles
        for single in (False, True)
    ]
    kinds = {
        "recency": "BIGINT",
        "frequency": "BIGINT",
        "money": "BIGINT",
        "single": "BOOLEAN",
        "segment": _TEXTS,
    }
    await facts.insert(
        "segment_names", dict(zip(kinds, map(list, zip(*names, strict=True)), strict=True)), kinds
    )
    await facts.keep("segments", _SQL.segments)


async def _make_visits(facts: Kept, scope: Scope, needs: Needs) -> None:
    if needs.tables.isdisjoint(
        {"orders", "page_views", "product_views", "cart_changes", "searches", "steps"}
    ):
        needs = Needs(needs.named, needs.tables | {"orders"}, needs.shared)
    # Of a range that begins with the page views everybody is active, which need not be looked at.
    everybody = "page_views" in needs.tables and not (await facts.ask(_SQL.earlier))[0]["views"]
    about = needs.tables | ({"orders"} if needs.orders else set())
    await facts.keep("active", "SELECT 0::BIGINT AS subject LIMIT 0" if everybody else active(about))
    await facts.keep("begins", _SQL.begins, everybody=everybody)
    await facts.keep("begun", _SQL.begun, wanted=sorted(_wanted(needs)))
    if (await facts.ask(_SQL.tied))[0]["tied"]:
        await facts.keep("begun", _SQL.untied)
    texts = [row["text"] for row in await facts.ask(_SQL.encoded)]
    if texts:
        decoded = [campaign_of(text.removeprefix(_ENCODED)) for text in texts]
        await facts.insert(
            "decoded", {"encoded": texts, "text": decoded}, {"encoded": _TEXTS, "text": _TEXTS}
        )
        for name in _CAMPAIGN:
            await facts.run(f"UPDATE begun SET {name} = d.text FROM decoded d WHERE d.encoded = begun.{name}")  # noqa: S608
    ways: list[dict[str, Any]] = await facts.ask(_SQL.ways) if needs.named & CAME_FROM else []
    way_kinds = dict.fromkeys(
        ("utm_source", "utm_medium", "utm_campaign", "referrer_host", "channel"), _TEXTS
    )
    for way in ways:
        way["channel"] = channel_of(
            way["utm_source"], way["utm_medium"], way["utm_campaign"], way["referrer_host"]
        )
    await facts.insert("known_ways", {name: [way[name] for way in ways] for name in way_kinds}, way_kinds)
    agents: list[str] = []
    if needs.named & _BY_AGENT:
        agents = [row["user_agent"] for row in await facts.ask(_SQL.agents)]
    known = [agent_of(agent) for agent in agents]
    columns = {"user_agent": agents} | {
        name: [getattr(agent, name) for agent in known] for name in ("device", "os", "browser")
    }
    await facts.insert("known_agents", columns, dict.fromkeys(columns, _TEXTS))
    await facts.run(f"CREATE OR REPLACE TEMP VIEW came AS {_SQL.came}")
    if needs.credits:
        await facts.keep("visits", _SQL.visits, attribution=str(scope.attribution))
    else:
        await facts.keep("visits", _SQL.plain_visits)


def _wanted(needs: Needs) -> frozenset[str]:
    """The texts of page views that a question looks at."""
    found = needs.named
    if needs.named & CAME_FROM:
        found |= _WAY
    if needs.named & _BY_AGENT:
        found |= {"user_agent"}
    # The traffic report lists where visits came from, whatever is asked for.
    return found | _LISTED if "page_views" in needs.tables else found


async def _make_categories(facts: Kept, scope: Scope, needs: Needs) -> None:
    skus: list[str] = []
    categories: list[list[str]] = []
    if "category" in needs.named:
        for row in await facts.snapshot.fetch(_PRODUCTS.product_categories, datasets=scope.datasets):
            skus.append(row["sku"])
            categories.append(row["categories"])
    await facts.insert(
        "sku_categories",
        {"sku": skus, "categories": categories},
        {"sku": _TEXTS, "categories": f"{_TEXTS}[]"},
    )
    in_carts = "category" in needs.named and "cart_changes" in needs.tables
    if in_carts:
        await facts.keep("cart_categories", _SQL.cart_categories)
    else:
        await _leave_empty(facts, "cart_categories")


async def _leave_empty(facts: Kept, name: str) -> None:
    columns = _NOTHING[name]
    await facts.insert(name, dict.fromkeys(columns, ()), columns)
