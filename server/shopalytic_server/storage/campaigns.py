"""Campaigns that stand encoded in the addresses of pages."""

from shopalytic_server.domain.campaigns import campaign_of
from shopalytic_server.storage.bases import of_rows, summed
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.rollups import Reading
from shopalytic_server.storage.scope import Scope

_SQL = load("campaigns")
_ENCODED = of_rows(_SQL.encoded_of_rollup, "campaign")


async def encoded_campaigns(
    snapshot: Snapshot, scope: Scope, reading: Reading | None = None
) -> dict[str, str]:
    """What each campaign says that stands encoded in a page's address in the range.

    With a `reading` those at which a session can begin are enough.
    """
    if reading is None:
        rows = await snapshot.fetch(_SQL.encoded, **scope.parameters())
    else:
        [rows] = await summed(snapshot, scope, [_ENCODED], **reading.parameters())
    return {each: campaign_of(each) for each in sorted(row["campaign"] for row in rows)}
