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
_CREDITED = tuple(f"credited_{name}" for name in sorted(CAME_FROM))
_NOTHING["visits"] = dict.fromkeys((*_OF_VISITS, *_CREDITED), _TEXTS) | {
    "customer": "BIGINT",
    "known": "BOOLEAN",
    "occurred_at": "TIMESTAMP",
    "until": "TIMESTAMP",
    "number": "BIGINT",
    "credited": "BIGINT",
    "position": "BIGINT",
}
_NOTHING["visits_in_parts"] = _NOTHING["visits"] | {"part": "BIGINT"}
_NOTHING["crowded"] = {"customer": "BIGINT", "width": "BIGINT", "last": "BIGINT"}

# What the page view that begins a visit says of it.
_SAID = {
    "sent_by": "coalesce(source, '')",
    "landing_page": "landing_page",
    "referrer_host": "CASE WHEN referrer IN (FROM own) THEN '' ELSE referrer END",
    "utm_source": "utm_source",
    "utm_medium": "utm_medium",
    "utm_campaign": f"CASE WHEN campaign_encoded THEN chr({ord(_ENCODED)}) || campaign ELSE campaign END",
    "utm_term": "utm_term",
    "utm_content": "utm_content",
    **{
        name: f"coalesce({name}, '')"
        for name in ("page_type", "user_agent", "language", "country", "region", "city")
    },
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


# Which event it was: reports about visits list these.
_EVENT = ", dataset, tie_breaker, event_id"


async def make_beside(facts: Kept, scope: Scope, needs: Needs) -> None:
    """Makes all tables that the sources of dimensions name; those that nobody asks for are empty."""
    if needs.visits:
        await _make_visits(facts, scope, needs)
    else:
        for name in ("visits", "visits_in_parts", "crowded"):
            await _leave_empty(facts, name)
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
    # Of a range that begins with the page views nearly everybody is active, who need not be looked for.
    everybody = needs.of_visitors and not (await facts.ask(_SQL.earlier))[0]["views"]
    about = needs.tables | ({"orders"} if needs.orders else set())
    await facts.keep("active", "SELECT 0::BIGINT AS subject LIMIT 0" if everybody else active(about))
    wanted = _wanted(needs)
    said = "".join(f", {_SAID[name]} AS {name}" for name in sorted(wanted))
    if "page_views" in needs.tables:
        said += _EVENT
    await facts.keep("begun", _SQL.begun.format(said=said), everybody=everybody)
    await _decode(facts, sorted(wanted.intersection(_CAMPAIGN)))
    kept, beside = {*wanted} - {"user_agent"}, []
    known = []
    if needs.credits:
        await _make_ways(facts)
        known.append("coalesce(w.channel, '') AS channel")
        beside.append(_SQL.ways_beside)
        kept.add("channel")
    if needs.named & _BY_AGENT:
        await _make_agents(facts)
        known += [f"coalesce(a.{name}, '') AS {name}" for name in sorted(_BY_AGENT)]
        beside.append(_SQL.agents_beside)
        kept |= _BY_AGENT
    left_out = "EXCLUDE (user_agent)" if "user_agent" in wanted else ""
    known_too = "".join(f", {each}" for each in known)
    came = _SQL.came.format(left_out=left_out, known=known_too, beside=" ".join(beside))
    await facts.keep("arrived", came)
    # Memory is short where there are many.
    await facts.run("DROP TABLE begun")
    credited = sorted(needs.named & CAME_FROM)
    if needs.credits:
        own, other = (
            "".join(f", {row}.{name} AS credited_{name}" for name in credited) for row in ("v", "g")
        )
        visits = _SQL.visits.format(own=own, credited=other)
        await facts.keep("kept_visits", visits, attribution=str(scope.attribution))
    else:
        await facts.keep("kept_visits", _SQL.plain_visits)
    await facts.run("DROP TABLE arrived")
    kept |= {f"credited_{name}" for name in credited}
    rest = [f"'' AS {name}" for name in (*_OF_VISITS, *_CREDITED) if name not in kept]
    columns = ", ".join(["*", *rest])
    await facts.run(f"CREATE OR REPLACE TEMP VIEW visits AS SELECT {columns} FROM kept_visits")  # noqa: S608
    await facts.keep("crowded", _SQL.crowded)
    await facts.run(f"CREATE OR REPLACE TEMP VIEW visits_in_parts AS {_SQL.visits_in_parts}")


async def _decode(facts: Kept, campaign: Sequence[str]) -> None:
    """Decodes what stands encoded in addresses."""
    for name in campaign:
        encoded = f"SELECT DISTINCT {name} AS text FROM begun WHERE {name}[1] = chr({ord(_ENCODED)})"  # noqa: S608
        texts = [row["text"] for row in await facts.ask(encoded)]
        if texts:
            decoded = [campaign_of(text.removeprefix(_ENCODED)) for text in texts]
            values = {"encoded": texts, "text": decoded}
            await facts.insert("decoded", values, dict.fromkeys(values, _TEXTS))
            await facts.run(f"UPDATE begun SET {name} = d.text FROM decoded d WHERE d.encoded = begun.{name}")  # noqa: S608


async def _make_ways(facts: Kept) -> None:
    """Makes the channel of each way in which visits came."""
    ways: list[dict[str, Any]] = await facts.ask(_SQL.ways)
    for way in ways:
        way["channel"] = channel_of(
            way["utm_source"], way["utm_medium"], way["utm_campaign"], way["referrer_host"]
        )
    kinds = dict.fromkeys((*sorted(_WAY), "channel"), _TEXTS)
    await facts.insert("known_ways", {name: [way[name] for way in ways] for name in kinds}, kinds)


async def _make_agents(facts: Kept) -> None:
    """Makes the device, system and browser of each user agent of visits."""
    agents: list[str] = [row["user_agent"] for row in await facts.ask(_SQL.agents)]
    known = [agent_of(agent) for agent in agents]
    columns = {"user_agent": agents} | {
        name: [getattr(agent, name) for agent in known] for name in sorted(_BY_AGENT)
    }
    await facts.insert("known_agents", columns, dict.fromkeys(columns, _TEXTS))


def _wanted(needs: Needs) -> frozenset[str]:
    """The texts of page views that a question looks at."""
    found = needs.named & _SAID.keys()
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
