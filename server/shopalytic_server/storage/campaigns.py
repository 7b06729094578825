"""Campaigns that stand encoded in the addresses of pages."""

from shopalytic_server.domain.campaigns import campaign_of
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.rollups import Reading
from shopalytic_server.storage.scope import Scope

_SQL = load("campaigns")


async def encoded_campaigns(
    snapshot: Snapshot, scope: Scope, reading: Reading | None = None
) -> dict[str, str]:
    """What each campaign says that stands encoded in a page's address in the range.

    With a `reading` those at which a session can begin are enough.
    """
    if reading is None:
        rows = await snapshot.fetch(_SQL.encoded, **scope.parameters())
    else:
        rows = await snapshot.fetch(_SQL.encoded_of_rollup, **scope.parameters(), **reading.parameters())
    return {row["campaign"]: campaign_of(row["campaign"]) for row in rows}
