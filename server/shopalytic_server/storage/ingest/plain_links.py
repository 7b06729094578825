"""Stores identify calls that join nobody, all of a group in one statement.

Nearly every call names a device that nobody was named for before, or repeats
what is known. Such calls do not need the graph of all facts around them: of
each it is enough to know that nothing else has been said of its device. What
is not so is left to `Decisions`, which does the same for any call, one after
the other.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from shopalytic_server.domain.customers.identity import Outcome, identity_subject_key, tracking_subject_key
from shopalytic_server.domain.formats.plain_forms import is_plain, plain_form
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.storage.database.arrays import NumberArray, TextArray, TimeArray, UuidArray
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load

_SQL = load("ingest/plain_links")

# What a call says may depend on these, in the order in which they came with it.
_JOINING = frozenset({"alias", "customer_register", "customer_update"})


class Linked(NamedTuple):
    """What an identify call did."""

    outcome: Outcome
    customer_id: UUID


async def store_plain_links(conn: Connection, dataset: int, items: Sequence[Prepared]) -> dict[bytes, Linked]:
    """Stores those identify calls of a dataset that join nobody; returns what they did, by their event keys.

    Who calls it has locked the dataset. Law: it leaves and answers what deciding
    one after the other would.
    """
    # The function changes reference tables by what it reads of shards, which Citus refuses.
    calls = [] if conn.is_citus else alone(items)
    if not calls:
        return {}
    cursor = await conn.execute(
        _SQL.store_plain_links,
        {
            "dataset": dataset,
            "subjects": UuidArray([tracking_subject_key(item.tracking_id or "") for item in calls]),
            "customers": UuidArray([identity_subject_key(item.properties["identity"]) for item in calls]),
            "event_ids": UuidArray([item.event_key for item in calls]),
            "occurred": TimeArray([item.occurred_us for item in calls]),
            "received": TimeArray([item.sending.received_us for item in calls]),
            "tie_breakers": NumberArray([item.tie_breaker for item in calls]),
            "tracking_ids": TextArray([item.tracking_id for item in calls]),
            "identities": TextArray([item.properties["identity"] for item in calls]),
        },
    )
    return {
        event_id.bytes: Linked(outcome_of(again=again, is_new=is_new, has_past=has_past), customer_id)
        for event_id, customer_id, again, is_new, has_past in await cursor.fetchall()
    }


def alone(items: Sequence[Prepared]) -> list[Prepared]:
    """The identify calls whose device and identity no other call of the group names.

    Forms of an address are one identity, and join the plain one.
    """
    if any(item.type in _JOINING for item in items):
        return []
    calls = [
        item
        for item in items
        if item.type == "identify" and item.tracking_id and is_plain(item.identity or "")
    ]
    if not calls:
        return []
    devices = Counter(item.tracking_id for item in items if item.type == "identify")
    named = Counter(plain_form(item.properties["identity"]) for item in items if item.type == "identify")
    return [
        item for item in calls if devices[item.tracking_id] == 1 and named[item.properties["identity"]] == 1
    ]


def outcome_of(*, again: bool, is_new: bool, has_past: bool) -> Outcome:
    """What a call that joins nobody did, from what the database tells of it."""
    if again:
        return Outcome.ALREADY_LINKED
    return Outcome.MERGED if has_past and not is_new else Outcome.LINKED
