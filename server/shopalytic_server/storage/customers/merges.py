"""The journal of merges, what a merge would do, and taking one back."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from shopalytic.v1 import admin_pb2, collector_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.customers.identity import Anchor, identity_subject, tracking_subject
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.errors import NotFound
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.customers.lookup import find, load_people
from shopalytic_server.storage.customers.preview import preview
from shopalytic_server.storage.database.connections import Connection, Pool, translated
from shopalytic_server.storage.database.paging import (
    NEWEST,
    page_size,
    parse_id_position,
    position,
    read_token,
    write_token,
)
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot, reading
from shopalytic_server.storage.database.times import timestamp
from shopalytic_server.storage.ingest.decisions import lock_dataset
from shopalytic_server.storage.ingest.identities import StoredIdentities

_SQL = load("customers/merges")

# More are not counted: a list is looked through by its filters then.
MOST_COUNTED = 100_000
_COUNT = f"SELECT count(*) AS merges FROM ({_SQL.page}) AS all_of_them"  # noqa: S608

_UNKNOWN = "No identify or alias with this event id joined anything; look the ids up in the list of merges."


class Merges:
    """The merges of all projects. Everything may raise StoreUnavailable."""

    def __init__(self, pool: Pool, reports_pool: Pool | None = None) -> None:
        """Lists from `reports_pool`, which may be of a replica, if that is another."""
        self._pool = pool
        self._reports_pool = reports_pool or pool

    async def list_merges(
        self, project: Project, request: admin_pb2.ListMergesRequest
    ) -> admin_pb2.ListMergesResponse:
        """A page of the journal, newest arrival first; raises InvalidRequest and NotFound."""
        dataset = Dataset.of(project, request.sandbox)
        before_at, before_id = read_token(request, project, parse_id_position) or NEWEST
        async with reading(self._reports_pool) as snapshot:
            asked = {
                **await _names(snapshot, dataset, request),
                "dataset": dataset,
                "before_at": before_at,
                "before_id": before_id,
                "merge_id": None,
                "state": _state_word(request.state),
            }
            rows = await snapshot.fetch(_SQL.page, **asked, limit=page_size(request) + 1)
            total = None
            if not request.page_token:
                total = await snapshot.fetch_one(_COUNT, **asked, limit=MOST_COUNTED)
        page = rows[: page_size(request)]
        response = admin_pb2.ListMergesResponse(
            merges=[_message(row) for row in page], total_merges=total["merges"] if total else 0
        )
        if len(page) < len(rows):
            last = position(page[-1]["received_at"], page[-1]["event_id"])
            response.next_page_token = write_token(request, project, last)
        return response

    async def undo_merge(
        self, project: Project, key_id: UUID, request: admin_pb2.UndoMergeRequest
    ) -> admin_pb2.UndoMergeResponse:
        """Takes a merge back, or with dry_run only tells what that would do; raises NotFound."""
        dataset = Dataset.of(project, request.sandbox)
        with translated():
            async with self._pool.connection() as conn, conn.transaction(force_rollback=request.dry_run):
                await conn.execute(_SQL.keep_rebuilds_away)
                await lock_dataset(conn, dataset)
                pairs = await _pairs(conn, dataset, request.merge_id)
                response = admin_pb2.UndoMergeResponse()
                for row in pairs:
                    response.customers.extend(await _undo(conn, dataset, row, key_id))
                [after, *_] = await _pairs(conn, dataset, request.merge_id)
                response.merge.CopyFrom(_message(after))
        return response

    async def preview(self, item: Prepared) -> collector_pb2.EventResult:
        """The verdict that an identify or alias without violations would get now; nothing is written."""
        with translated():
            async with self._pool.connection() as conn, conn.transaction():
                await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                return await preview(conn, item)


async def _names(
    snapshot: Snapshot, dataset: int, request: admin_pb2.ListMergesRequest
) -> dict[str, list[Any] | None]:
    """What a merge of the wanted customer names."""
    if not request.HasField("customer"):
        return {"identities": None, "tracking_ids": None, "subjects": None}
    [person] = await load_people(snapshot, dataset, [await find(snapshot, dataset, request.customer)])
    return {
        "identities": person.identities,
        "tracking_ids": person.tracking_ids,
        "subjects": [tracking_subject(tracking_id) for tracking_id in person.tracking_ids],
    }


def _state_word(state: "admin_pb2.MergeState") -> str | None:
    return admin_pb2.MergeState.Name(state).removeprefix("MERGE_STATE_") if state else None


def _message(row: dict[str, Any]) -> admin_pb2.Merge:
    state = "UNDONE" if row["undone_at"] is not None else row["stands"]
    merge = admin_pb2.Merge(
        merge_id=str(row["event_id"]),
        state=f"MERGE_STATE_{state}",
        kind=row["kind"],
        received_at=timestamp(row["received_at"]),
        identity=row["identity"],
        tracking_id=row["tracking_id"] or None,
        existing_identity=row["existing_identity"] or None,
        customer_id=str(row["customer_id"] or ""),
        source=row["source"],
        email=row["email"] or "",
        email_customer_id=str(row["taken_by"] or ""),
    )
    if row["event"] is not None:
        _add_refused(merge, Event.FromString(row["event"]))
        return merge
    merge.occurred_at.CopyFrom(timestamp(row["occurred_at"]))
    if row["undone_at"] is not None:
        merge.undone_at.CopyFrom(timestamp(row["undone_at"]))
    return merge


def _add_refused(merge: admin_pb2.Merge, event: Event) -> None:
    merge.identity = event.alias.identity
    merge.occurred_at.CopyFrom(event.occurred_at)
    if event.identity:
        merge.existing_identity = event.identity
    else:
        merge.tracking_id = event.tracking_id
    if event.source:
        merge.source = event.source


async def _pairs(conn: Connection, dataset: int, merge_id: str) -> list[dict[str, Any]]:
    """What the call with this event id joined; raises NotFound."""
    before_at, before_id = NEWEST
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            _SQL.page,
            {
                "identities": None,
                "tracking_ids": None,
                "subjects": None,
                "dataset": dataset,
                "before_at": before_at,
                "before_id": before_id,
                "merge_id": merge_id,
                "state": None,
                "limit": 10,
            },
        )
        rows = await cursor.fetchall()
    if not rows:
        raise NotFound(_UNKNOWN)
    return rows


async def _undo(
    conn: Connection, dataset: int, row: dict[str, Any], key_id: UUID
) -> list[admin_pb2.CustomerParts]:
    """Takes one pair apart; returns the customers that it had to do with."""
    identity, anchor = row["identity"], Anchor(row["existing_identity"], row["tracking_id"])
    stored = StoredIdentities(dataset)
    if anchor.tracking_id:
        await stored.load_all_links(conn, anchor.tracking_id)
    await stored.load(conn, [], [name for name in (identity, anchor.identity) if name])
    involved = set(stored.graph.customers())
    stored.graph.undo(identity, anchor)
    await conn.execute(
        _SQL.undo,
        {
            "dataset": dataset,
            "identity": identity,
            "existing_identity": anchor.identity,
            "existing_tracking_id": anchor.tracking_id,
            "undone_at": datetime.now(UTC),
            "key_id": key_id,
        },
    )
    await stored.save(conn)
    return list(_parts(stored, involved, anchor.tracking_id))


def _parts(
    stored: StoredIdentities, involved: Iterable[str], tracking_id: str
) -> Iterable[admin_pb2.CustomerParts]:
    members: dict[str, list[str]] = {}
    for identity in sorted(involved):
        members.setdefault(stored.graph.customer(identity), []).append(identity)
    owner = stored.graph.owner(tracking_id) if tracking_id else None
    for head, identities in members.items():
        own = [tracking_id] if owner is not None and stored.graph.customer(owner) == head else []
        yield admin_pb2.CustomerParts(
            customer_id=str(identity_subject(head)), identities=identities, tracking_ids=own
        )
    if tracking_id and owner is None:
        yield admin_pb2.CustomerParts(
            customer_id=str(tracking_subject(tracking_id)), tracking_ids=[tracking_id]
        )
