"""The ingest transaction: a group of events, from claimed ids to stored rows and verdicts."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2 import EventResult
from shopalytic.violations import Violation
from shopalytic_server.domain.identity import Anchor, Fact
from shopalytic_server.domain.ingest import Prepared, verdict
from shopalytic_server.storage import rows as typed
from shopalytic_server.storage import tombstones
from shopalytic_server.storage.arrays import IntArray, UuidArray
from shopalytic_server.storage.arrivals import note_arrivals
from shopalytic_server.storage.copyrows import COLUMNS, encode_events
from shopalytic_server.storage.database import Connection
from shopalytic_server.storage.decisions import (
    ACCEPTED,
    CONFLICT,
    DECIDED_TYPES,
    DUPLICATE,
    Decisions,
    anchor_of,
    set_link,
)
from shopalytic_server.storage.identities import StoredIdentities
from shopalytic_server.storage.partitions import Partitions
from shopalytic_server.storage.products import upsert_products
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.sealing import forget_days
from shopalytic_server.storage.tombstones import refuse_erased

_SQL = load("ingest")
_COPY_EVENTS = sql.SQL(f"COPY events ({COLUMNS}) FROM STDIN (FORMAT BINARY)")
_QUARANTINED = collector_pb2.EVENT_STATUS_QUARANTINED
_REJECTED = collector_pb2.EVENT_STATUS_REJECTED

# A lost session has been in its transaction for longer; one that got its process id since has not.
LOST_SECONDS = 5

_HOUR_US = 3_600_000_000

Key = tuple[int, bytes]


class Ingest:
    """Stores groups of events."""

    def __init__(self) -> None:
        self._partitions = Partitions()

    def forget_partitions(self) -> None:
        """Looks again which months have a partition."""
        self._partitions = Partitions()

    async def store(
        self, conn: Connection, items: Sequence[Prepared]
    ) -> tuple[list[EventResult], list[Prepared]]:
        """Stores a group in one transaction; returns, after COMMIT, the verdicts and what was accepted."""
        results = await _already_linked(conn, items)
        for index, item in enumerate(items):
            if item.violations:
                status = _REJECTED if item.rejected else _QUARANTINED
                results[index] = verdict(item, status, item.violations)
        valid = {index: item for index, item in enumerate(items) if index not in results}
        await self._partitions.ensure(conn, (hour for _, hour in _hours(valid.values())))
        async with conn.transaction():
            fresh, erased = await self._claim(conn, valid, results)
            kept = await _without_erased(conn, fresh, results) if erased else fresh
            stored = await self._store_fresh(conn, kept, results)
            _refuse_repeated(valid, fresh, results)
            await _keep_erased_out_of_quarantine(conn, items, results)
            await _quarantine(conn, items, results)
            await note_arrivals(conn, [each for item in items if item.arrivals for each in item.arrivals])
        await _add_links(conn, items, results)
        return [results[index] for index in range(len(items))], stored

    async def _claim(
        self, conn: Connection, valid: dict[int, Prepared], results: dict[int, EventResult]
    ) -> tuple[dict[int, Prepared], bool]:
        """Takes the event ids that are free; answers the events whose id is taken.

        Also returns whether anybody was erased.
        """
        first: dict[Key, int] = {}
        for index, item in valid.items():
            first.setdefault((item.dataset_id, item.event_key), index)
        # In the order of the index, so that groups which share ids cannot
        # block each other in a circle.
        keys = sorted(first)
        claimed, erased = await _claim_keys(conn, keys, [valid[first[key]].fingerprint for key in keys])
        if len(claimed) == len(valid):
            return valid, erased
        taken = await _fingerprints(conn, [key for key in keys if key not in claimed])
        fresh = {}
        for index, item in valid.items():
            key = (item.dataset_id, item.event_key)
            if key in claimed and first[key] == index:
                fresh[index] = item
                continue
            stored = taken[key] if key in taken else valid[first[key]].fingerprint
            results[index] = _repeated(item, same=stored == item.fingerprint)
        return fresh, erased

    async def _store_fresh(
        self, conn: Connection, fresh: dict[int, Prepared], results: dict[int, EventResult]
    ) -> list[Prepared]:
        """Stores events whose id is new; returns those that were accepted."""
        results.update({index: verdict(item, ACCEPTED) for index, item in fresh.items()})
        plain = [item for item in fresh.values() if item.type not in DECIDED_TYPES]
        decided = {index: item for index, item in fresh.items() if item.type in DECIDED_TYPES}
        await _hold_identities(conn, plain)
        await note_identities(conn, plain)
        await copy_events(conn, plain)
        await forget_days(conn, _hours(plain))
        await project_plain(conn, plain)
        stored = plain
        for dataset in sorted({item.dataset_id for item in decided.values()}):
            own = {index: item for index, item in decided.items() if item.dataset_id == dataset}
            stored = stored + await self._store_decided(conn, dataset, own, results)
        refused = [
            (i.dataset_id, i.event_key) for index, i in decided.items() if results[index].status == CONFLICT
        ]
        if refused:
            await conn.execute(_SQL.release_event_ids, _key_columns(refused))
        return stored

    async def _store_decided(
        self, conn: Connection, dataset: int, items: dict[int, Prepared], results: dict[int, EventResult]
    ) -> list[Prepared]:
        decisions = Decisions(conn, dataset, list(items.values()))
        verdicts, accepted = await decisions.decide()
        results.update(zip(items, verdicts, strict=True))
        await note_identities(conn, accepted)
        await copy_events(conn, accepted)
        await forget_days(conn, [*_hours(accepted), *((dataset, at) for at in decisions.times)])
        if decisions.vacated:
            subjects = list(decisions.vacated)
            await conn.execute(_SQL.lock_identities, {"dataset": dataset})
            await conn.execute(_SQL.forget_unused_identities, {"dataset": dataset, "subjects": subjects})
            await conn.execute(_SQL.refresh_first_at, {"dataset": dataset, "subjects": subjects})
        return accepted


def _hours(items: Iterable[Prepared]) -> list[tuple[int, datetime]]:
    """The hours that events happened in, by dataset: a few times for thousands of events."""
    hours = {(item.dataset_id, item.occurred_us // _HOUR_US) for item in items}
    return [(dataset, datetime.fromtimestamp(hour * 3600, UTC)) for dataset, hour in hours]


async def _already_linked(conn: Connection, items: Sequence[Prepared]) -> dict[int, EventResult]:
    """Answers the identify calls that need no write, because their link is known."""
    results = {}
    calls = {index: item for index, item in enumerate(items) if item.skip_known and not item.violations}
    for dataset in {item.dataset_id for item in calls.values()}:
        own = {index: item for index, item in calls.items() if item.dataset_id == dataset}
        stored = await _identities_of(conn, dataset, own.values())
        for index, item in own.items():
            fact = Fact(item.occurred_at, item.event_id, item.received_at)
            identity = item.properties["identity"]
            if item.tracking_id and stored.graph.knows_link(item.tracking_id, identity, fact):
                results[index] = verdict(item, ACCEPTED)
                set_link(results[index], *stored.standing(identity, Anchor("", item.tracking_id)))
    return results


async def _add_links(conn: Connection, items: Sequence[Prepared], results: dict[int, EventResult]) -> None:
    """Tells those who repeat an identify or alias how things stand: the first answer may have been lost."""
    repeated = {
        index: item
        for index, item in enumerate(items)
        if results[index].status == DUPLICATE and item.type in ("identify", "alias")
    }
    for dataset in {item.dataset_id for item in repeated.values()}:
        own = {index: item for index, item in repeated.items() if item.dataset_id == dataset}
        stored = await _identities_of(conn, dataset, own.values())
        for index, item in own.items():
            set_link(results[index], *stored.standing(item.properties["identity"], anchor_of(item)))


async def _identities_of(conn: Connection, dataset: int, items: Iterable[Prepared]) -> StoredIdentities:
    stored = StoredIdentities(dataset)
    calls = list(items)
    ids = {item.tracking_id for item in calls if item.tracking_id}
    await stored.load(conn, ids, {item.properties["identity"] for item in calls})
    return stored


async def _hold_identities(conn: Connection, items: Iterable[Prepared]) -> None:
    """Keeps identities from being forgotten until this transaction's events can be seen.

    An identity that is known gets no row lock, which would be a write. A
    transaction that forgets some waits for all that may have met one of them;
    if one of those waits for it too, PostgreSQL says so and both are stored in turn.
    """
    datasets = {item.dataset_id for item in items if item.identity is not None}
    if datasets:
        await conn.execute(_SQL.hold_identities, {"datasets": sorted(datasets)})


async def note_identities(conn: Connection, items: Iterable[Prepared]) -> None:
    """Stores which identities events carry, and how early each was seen; writes nothing that is known."""
    earliest: dict[tuple[int, str], Prepared] = {}
    for item in items:
        if item.identity is None or item.type == "identify":
            continue
        known = earliest.setdefault((item.dataset_id, item.identity), item)
        if item.occurred_at < known.occurred_at:
            earliest[item.dataset_id, item.identity] = item
    if not earliest:
        return
    keys = sorted(earliest)
    await conn.execute(
        _SQL.note_identities,
        {
            "datasets": [dataset for dataset, _ in keys],
            "identities": [identity for _, identity in keys],
            "subjects": [earliest[key].subject for key in keys],
            "first_at": [earliest[key].occurred_at for key in keys],
        },
    )


async def end_sessions(conn: Connection, process_ids: Sequence[int]) -> None:
    """Ends transactions of our own that nobody is behind any more.

    PostgreSQL would hold their locks, such as those on the ids of events that
    are sent again, until the network told it; no timeout of its own ends one
    that waits for COPY's data.
    """
    await conn.execute(_SQL.end_sessions, {"process_ids": list(process_ids), "seconds": LOST_SECONDS})


async def copy_events(conn: Connection, items: Sequence[Prepared]) -> None:
    """Appends events to the `events` table."""
    if items:
        data = encode_events(items)
        async with conn.cursor() as cursor, cursor.copy(_COPY_EVENTS) as copy:
            await copy.write(data)


async def project_plain(conn: Connection, items: Sequence[Prepared]) -> None:
    """Writes the typed rows of events that need no decision."""
    rows = typed.Rows()
    for item in items:
        if item.type in ("cart_add", "cart_modify"):
            typed.add_cart_change(rows, item)
    await rows.write(conn)
    await upsert_products(conn, [item for item in items if item.type == "product_view"])


def _refuse_repeated(
    valid: dict[int, Prepared], fresh: dict[int, Prepared], results: dict[int, EventResult]
) -> None:
    """An event that repeats a refused one of its own group is refused too: neither is stored."""
    refused = {
        (item.dataset_id, item.event_key, item.fingerprint): results[index]
        for index, item in fresh.items()
        if results[index].status in (CONFLICT, _REJECTED)
    }
    if not refused:
        return
    for index, item in valid.items():
        found = refused.get((item.dataset_id, item.event_key, item.fingerprint))
        if found is not None:
            results[index] = found


def _repeated(item: Prepared, *, same: bool) -> EventResult:
    if same:
        return verdict(item, DUPLICATE)
    message = "is already the id of an event with other content; make a new id for each event"
    return verdict(item, CONFLICT, [Violation("event_id", "event_id.conflict", message)])


async def _quarantine(conn: Connection, items: Sequence[Prepared], results: dict[int, EventResult]) -> None:
    rows = [
        {
            "dataset": item.dataset_id,
            "fingerprint": UUID(bytes=item.fingerprint),
            "event_id": item.event.event_id[:100].replace("\0", ""),
            "status": "CONFLICT" if results[index].status == CONFLICT else "QUARANTINED",
            "type": item.type,
            "event": item.event.SerializeToString(),
            "violations": Jsonb(
                [
                    {"field": v.field, "rule_id": v.rule_id, "message": v.message}
                    for v in results[index].violations
                ]
            ),
            "received_at": item.received_at,
            "sent_at": item.sent_at,
        }
        for index, item in enumerate(items)
        if results[index].status in (CONFLICT, _QUARANTINED)
    ]
    if rows:
        async with conn.cursor() as cursor:
            await cursor.executemany(_SQL.quarantine, rows)


def _key_columns(keys: Sequence[Key]) -> dict[str, Any]:
    datasets = IntArray([dataset for dataset, _ in keys])
    return {"datasets": datasets, "event_ids": UuidArray([key for _, key in keys])}


async def _claim_keys(conn: Connection, keys: list[Key], fingerprints: list[bytes]) -> tuple[set[Key], bool]:
    """The ids that were free, and whether anybody was erased."""
    if not keys:
        return set(), False
    parameters = {**_key_columns(keys), "fingerprints": UuidArray(fingerprints)}
    cursor = await conn.execute(_SQL.claim_event_ids, parameters)
    first = await cursor.fetchone()
    if first is None:
        return set(), False
    if cursor.rowcount == len(keys):
        return set(keys), first[2]
    rows = [first, *await cursor.fetchall()]
    return {(dataset, event_id.bytes) for dataset, event_id, _ in rows}, first[2]


async def _without_erased(
    conn: Connection, fresh: dict[int, Prepared], results: dict[int, EventResult]
) -> dict[int, Prepared]:
    """Rejects what is of erased people, and gives its ids back."""
    refused = await refuse_erased(conn, fresh, results)
    if not refused:
        return fresh
    keys = [(fresh[index].dataset_id, fresh[index].event_key) for index in refused]
    await conn.execute(_SQL.release_event_ids, _key_columns(keys))
    return {index: item for index, item in fresh.items() if index not in set(refused)}


async def _keep_erased_out_of_quarantine(
    conn: Connection, items: Sequence[Prepared], results: dict[int, EventResult]
) -> None:
    refused = {
        index: item for index, item in enumerate(items) if results[index].status in (CONFLICT, _QUARANTINED)
    }
    if refused and await tombstones.exist(conn):
        await refuse_erased(conn, refused, results)


async def _fingerprints(conn: Connection, keys: list[Key]) -> dict[Key, bytes]:
    if not keys:
        return {}
    cursor = await conn.execute(_SQL.find_event_ids, _key_columns(keys))
    return {(dataset, event_id.bytes): found.bytes for dataset, event_id, found in await cursor.fetchall()}
