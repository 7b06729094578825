"""Campaigns that stand encoded in the addresses of pages."""

from shopalytic_server.domain.campaigns import campaign_of
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.scope import Scope

_SQL = load("campaigns")


async def encoded_campaigns(snapshot: Snapshot, scope: Scope) -> dict[str, str]:
    """What each campaign says that stands encoded in a page's address in the range."""
    rows = await snapshot.fetch(_SQL.encoded, **scope.parameters())
    return {row["campaign"]: campaign_of(row["campaign"]) for row in rows}
