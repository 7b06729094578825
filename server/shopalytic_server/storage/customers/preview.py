"""What an identify or alias would do if it were stored now."""

from typing import Any

from shopalytic.v1 import collector_pb2
from shopalytic_server.domain.customers.identity import IdentityTaken, identity_subject, tracking_subject
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.domain.ingest.verdicts import verdict
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.ingest.decisions import ACCEPTED, anchor_of, identity_taken, set_link, stated
from shopalytic_server.storage.ingest.identities import StoredIdentities

_SQL = load("customers/merges")


async def preview(conn: Connection, item: Prepared) -> collector_pb2.EventResult:
    """The verdict that an identify or alias without violations would get, with what would move."""
    identity, anchor = item.properties["identity"], anchor_of(item)
    tracking_id = anchor.tracking_id if anchor else ""
    ids = [tracking_id] if tracking_id else []
    names = [name for name in (identity, anchor.identity if anchor else "") if name]
    stored = StoredIdentities(item.dataset_id)
    await stored.load(conn, ids, names)
    await stored.load_first_uses(conn, [(identity, item.occurred_at)])
    before = _customers(stored, names, tracking_id)
    past = await stored.with_events(conn, ids)
    try:
        outcome = stated(stored.graph, item, has_past=bool(past))
    except IdentityTaken:
        return identity_taken(item)
    result = verdict(item, ACCEPTED)
    set_link(result, outcome, stored.customer_id(identity))
    customer = stored.graph.customer(identity)
    after = _customers(stored, names, tracking_id)
    moved = [key for key, found in after.items() if found == customer and before.get(key) != customer]
    subjects = [tracking_subject(tracking_id) for name, tracking_id in moved if tracking_id]
    own = [name for name, _ in moved if name]
    subjects += [identity_subject(name) for name in own]
    subjects += await _column(conn, _SQL.own_tracking_ids, dataset=item.dataset_id, identities=own)
    result.link.preview.identities.extend(
        sorted(name for (name, _), found in after.items() if name and found == customer)
    )
    counted = {"dataset": item.dataset_id, "subjects": list(set(subjects))}
    [result.link.preview.events] = await _column(conn, _SQL.count_events, **counted)
    [result.link.preview.orders] = await _column(conn, _SQL.count_orders, **counted)
    return result


def _customers(
    stored: StoredIdentities, names: list[str], tracking_id: str
) -> dict[tuple[str, str], str | None]:
    """Who stands for the customer of each identity (name, "") and of the tracking id ("", id)."""
    graph = stored.graph
    found: dict[tuple[str, str], str | None] = {
        (name, ""): graph.customer(name) for name in (*names, *graph.customers())
    }
    if tracking_id:
        owner = graph.owner(tracking_id)
        found["", tracking_id] = graph.customer(owner) if owner is not None else None
    return found


async def _column(conn: Connection, statement: str, **parameters: Any) -> list[Any]:
    rows = await (await conn.execute(statement.encode(), parameters)).fetchall()
    return [row[0] for row in rows]
