"""The ingest transaction: a group of events, from claimed ids to stored rows and verdicts."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime

from psycopg.errors import UniqueViolation
from psycopg.pq import TransactionStatus

from shopalytic.events.violations import Violation
from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2 import EventResult
from shopalytic_server.domain.customers.identity import Anchor, Fact
from shopalytic_server.domain.ingest import native
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.domain.ingest.verdicts import verdict
from shopalytic_server.storage.database.arrays import (
    NumberArray,
    PackedUuids,
    TextArray,
    TimeArray,
    UuidArray,
)
from shopalytic_server.storage.database.connections import Connection, together
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.facts.changes import mark_times
from shopalytic_server.storage.ingest import rows as typed
from shopalytic_server.storage.ingest import tombstones
from shopalytic_server.storage.ingest.arrivals import note_arrivals
from shopalytic_server.storage.ingest.bulk_insert import UsualGroups, usual_of
from shopalytic_server.storage.ingest.copyrows import are_few, copy_events
from shopalytic_server.storage.ingest.decisions import (
    ACCEPTED,
    CONFLICT,
    DECIDED_TYPES,
    DUPLICATE,
    Decisions,
    anchor_of,
    has_form,
    lock_dataset,
    needs_decision,
    set_link,
)
from shopalytic_server.storage.ingest.identities import (
    StoredIdentities,
    forget_unused,
    forms_apart,
    join_forms,
)
from shopalytic_server.storage.ingest.products import upsert_products
from shopalytic_server.storage.ingest.quarantine_capacity import QuarantineRoom
from shopalytic_server.storage.ingest.tie_breakers import lower_tie_breakers
from shopalytic_server.storage.ingest.tombstones import refuse_erased
from shopalytic_server.storage.rollups.page_sums import add_late
from shopalytic_server.storage.schema.partitions import Partitions

_SQL = load("ingest/ingest")
_QUARANTINED = collector_pb2.EVENT_STATUS_QUARANTINED
_REJECTED = collector_pb2.EVENT_STATUS_REJECTED

# A lost session has been in its transaction for longer; one that got its process id since has not.
LOST_SECONDS = 5

# New ids are nearly all that comes, and looking them up costs as much as taking
# them. Who sends something again will send more of it again.
_LOOK_GROUPS = 20

_HOUR_US = 3_600_000_000


class Ingest:
    """Stores groups of events."""

    def __init__(self, room: QuarantineRoom | None = None) -> None:
        """`room` is what quarantine may take; absent: anything."""
        self._room = room or QuarantineRoom()
        self._partitions = Partitions()
        self._usual_groups = UsualGroups()
        # Groups for which ids are looked up before they are taken.
        self._looking = 0

    def forget_partitions(self) -> None:
        """Looks again which months have a partition."""
        self._partitions = Partitions()

    async def store(self, conn: Connection, items: Sequence[Prepared]) -> list[Prepared]:
        """Stores a group in one transaction; returns, after COMMIT, the events that were accepted.

        Each event's `verdict` is set then.
        """
        while True:
            try:
                return await self._try_to_store(conn, items)
            except UniqueViolation as error:
                if not _of_an_id(error):
                    raise
                # An event came again, or another transaction was faster: now its ids are seen.
                self._looking = _LOOK_GROUPS

    async def _try_to_store(self, conn: Connection, items: Sequence[Prepared]) -> list[Prepared]:
        self._looking -= self._looking > 0
        valid, broken = await _sort_out(conn, items)
        await self._partitions.ensure(conn, (hour for _, hour in _hours(valid)))
        usual, look = usual_of(valid, links=not conn.is_citus), self._looking > 0
        if usual and not usual.others and len(valid) == len(items) and _stand_alone(conn, items):
            # A statement that is alone is a transaction.
            if await self._usual_groups.store(conn, usual, look=look):
                return usual.events
            usual = usual.plainer
        async with conn.transaction():
            while usual and not await self._usual_groups.store(conn, usual, look=look):
                usual = usual.plainer
            done: list[Prepared] = []
            if usual:
                done = usual.events
                fresh = kept = usual.others
            else:
                fresh, erased = await _take_event_keys(conn, valid, look=look)
                kept = await _without_erased(conn, fresh) if erased else fresh
            # What stores usual events and takes the ids of others has locked their dataset.
            stored = done + await _store_fresh(conn, kept, locked=bool(done))
            if len(done) + len(fresh) < len(valid):
                await _lower_tie_breakers(conn, valid, fresh)
            if len(stored) < len(valid):
                _refuse_repeated(valid, fresh)
                broken = [item for item in items if item.verdict is not None]
            if broken:
                await self._room.keep(conn, broken)
            await note_arrivals(conn, [each for item in items if item.arrivals for each in item.arrivals])
        if len(stored) < len(items):
            await _add_links(conn, items)
        return stored


def _of_an_id(error: UniqueViolation) -> bool:
    """Whether an event id is taken. A shard says so under its own name, and Citus tells only the message."""
    return error.diag.table_name == "event_keys" or '"event_keys_pkey_' in (error.diag.message_primary or "")


def _stand_alone(conn: Connection, items: Sequence[Prepared]) -> bool:
    """Whether there is no transaction, and nothing but the events to store."""
    return conn.info.transaction_status == TransactionStatus.IDLE and not any(item.arrivals for item in items)


async def _sort_out(conn: Connection, items: Sequence[Prepared]) -> tuple[list[Prepared], list[Prepared]]:
    """The events that are to be stored, and those that break rules."""
    valid, broken, calls = [], [], []
    for item in items:
        item.verdict = None
        if item.violations:
            item.verdict = verdict(item, _REJECTED if item.rejected else _QUARANTINED, item.violations)
            broken.append(item)
        else:
            valid.append(item)
            if item.sending.skip_known:
                calls.append(item)
    if calls:
        await _answer_linked(conn, calls)
        valid = [item for item in valid if item.verdict is None]
    return valid, broken


async def _take_event_keys(
    conn: Connection, valid: list[Prepared], *, look: bool
) -> tuple[list[Prepared], bool]:
    """Takes the event ids that are free, and answers the events whose id is taken.

    Returns the events whose id was free, and whether anybody was erased. Without
    `look` all ids are taken for free; raises UniqueViolation if one is not.
    """
    datasets = {item.dataset_id for item in valid}
    if len(datasets) == 1:
        return await _take_event_keys_of(conn, datasets.pop(), valid, look=look)
    fresh: list[Prepared] = []
    erased = False
    for dataset in sorted(datasets):
        own = [item for item in valid if item.dataset_id == dataset]
        free, found = await _take_event_keys_of(conn, dataset, own, look=look)
        fresh += free
        # A dataset in which no id was free did not look.
        erased = erased or found
    return fresh, erased


async def _take_event_keys_of(
    conn: Connection, dataset: int, items: list[Prepared], *, look: bool
) -> tuple[list[Prepared], bool]:
    packed = native.claims(items)
    if packed is not None and not (look and await _fingerprints(conn, dataset, PackedUuids(packed[0]))):
        erased = await _insert_keys(conn, dataset, *map(PackedUuids, packed))
        if erased:
            await _take_late_refunds(conn, dataset, items)
        return items, erased
    first: dict[bytes, Prepared] = {}
    for item in items:
        first.setdefault(item.event_key, item)
    # In the order of the index, so that groups which share ids cannot block
    # each other in a circle.
    keys = sorted(first)
    taken = await _fingerprints(conn, dataset, UuidArray(keys)) if look else {}
    free = [key for key in keys if key not in taken] if taken else keys
    fingerprints = UuidArray([first[key].fingerprint for key in free])
    erased = bool(free) and await _insert_keys(conn, dataset, UuidArray(free), fingerprints)
    if erased:
        await _take_late_refunds(conn, dataset, [first[key] for key in free])
    if len(free) == len(items):
        return items, erased
    await _strip_repeated_refunds(conn, items, first, taken)
    fresh = []
    for item in items:
        stored = taken.get(item.event_key)
        if stored is None and first[item.event_key] is item:
            fresh.append(item)
        else:
            known = stored or first[item.event_key].fingerprint
            item.verdict = _repeated(item, same=known == item.fingerprint)
    return fresh, erased


async def _insert_keys(
    conn: Connection, dataset: int, keys: UuidArray | PackedUuids, fingerprints: UuidArray | PackedUuids
) -> bool:
    """Takes ids; returns whether anybody was erased.

    Raises UniqueViolation if another transaction was faster.
    """
    parameters = {"dataset": dataset, "event_ids": keys, "fingerprints": fingerprints}
    row = await (await conn.execute(_SQL.claim_event_ids, parameters)).fetchone()
    return row is not None and bool(row[0])


async def _take_late_refunds(conn: Connection, dataset: int, claimed: list[Prepared]) -> None:
    """Makes refunds of erased people's orders nobody's before anything of them is kept."""
    if late := await tombstones.take_late_refunds(conn, claimed):
        parameters = {
            "dataset": dataset,
            "event_ids": UuidArray([item.event_key for item in late]),
            "fingerprints": UuidArray([item.fingerprint for item in late]),
        }
        await conn.execute(_SQL.replace_fingerprints, parameters)


async def _strip_repeated_refunds(
    conn: Connection, items: list[Prepared], first: dict[bytes, Prepared], taken: dict[bytes, bytes]
) -> None:
    """Makes refunds whose id is taken by other content comparable with what was left of them."""
    doubtful = [
        item
        for item in items
        if item.type == "refund"
        and (taken.get(item.event_key) or first[item.event_key].fingerprint) != item.fingerprint
    ]
    if doubtful and await tombstones.exist(conn):
        await tombstones.take_late_refunds(conn, doubtful)


async def _store_fresh(conn: Connection, fresh: list[Prepared], *, locked: bool = False) -> list[Prepared]:
    """Stores events whose id is new; returns those that were accepted.

    What is only appended comes first, beside other transactions. Then the datasets
    in which something is to be decided are locked: whoever decides writes
    identities and days too, and would wait for ours while we wait for the lock.
    """
    plain = [item for item in fresh if item.type not in DECIDED_TYPES]
    decided = [item for item in fresh if item.type in DECIDED_TYPES]
    await copy_events(conn, plain)
    await copy_cart_changes(conn, plain)
    datasets = sorted({item.dataset_id for item in decided})
    for dataset in sorted({item.dataset_id for item in fresh if needs_decision(item)}):
        if not locked:
            await lock_dataset(conn, dataset)
    await _hold_identities(conn, plain)
    await note_identities(conn, plain)
    await join_plain_forms(conn, plain)
    await add_late(conn, plain)
    await mark_times(conn, _hours(plain))
    await upsert_products(conn, [item for item in plain if item.type == "product_view"])
    dated = [item for item in plain if item.type in typed.CART_TYPES and "modified_date" in item.properties]
    await mark_times(conn, [(item.dataset_id, typed.cart_time(item)) for item in dated])
    if not decided:
        return plain
    stored = plain
    for dataset in datasets:
        own = [item for item in decided if item.dataset_id == dataset]
        stored = stored + await _store_decided(conn, dataset, own)
    await _release(
        conn, [item for item in decided if item.verdict is not None and item.verdict.status == CONFLICT]
    )
    return stored


async def _lower_tie_breakers(conn: Connection, valid: Sequence[Prepared], fresh: Sequence[Prepared]) -> None:
    """Of an event and its copies the smallest tie breaker counts."""
    new = set(map(id, fresh))
    copies = [
        item
        for item in valid
        if item.tie_breaker is not None
        and id(item) not in new
        and item.verdict is not None
        and item.verdict.status == DUPLICATE
    ]
    for dataset in sorted({item.dataset_id for item in copies}):
        await lock_dataset(conn, dataset)
        own = [item for item in copies if item.dataset_id == dataset]
        lowered = await lower_tie_breakers(conn, dataset, own)
        if lowered.calls:
            await Decisions(conn, dataset, lowered.calls).decide()
        if lowered.orders:
            verdicts = [item.verdict for item in lowered.orders]
            await _store_decided(conn, dataset, lowered.orders)
            for item, result in zip(lowered.orders, verdicts, strict=True):
                item.verdict = result


async def _store_decided(conn: Connection, dataset: int, items: list[Prepared]) -> list[Prepared]:
    decisions = Decisions(conn, dataset, items)
    async with together(conn) if are_few(items) else nullcontext():
        verdicts, accepted = await decisions.decide()
        for item, result in zip(items, verdicts, strict=True):
            item.verdict = result
        await note_identities(conn, accepted)
        await copy_events(conn, accepted)
        await mark_times(conn, [*_hours(accepted), *((dataset, at) for at in decisions.times)])
    if decisions.vacated:
        await conn.execute(_SQL.lock_identities, {"dataset": dataset})
        await forget_unused(conn, dataset, decisions.vacated)
    return accepted


def _hours(items: Iterable[Prepared]) -> list[tuple[int, datetime]]:
    """The hours that events happened in, by dataset: a few times for thousands of events."""
    hours = {(item.dataset_id, item.occurred_us // _HOUR_US) for item in items}
    return [(dataset, datetime.fromtimestamp(hour * 3600, UTC)) for dataset, hour in hours]


async def _answer_linked(conn: Connection, calls: Sequence[Prepared]) -> None:
    """Answers the identify calls that need no write, because their link is known."""
    for dataset in {item.dataset_id for item in calls}:
        own = [item for item in calls if item.dataset_id == dataset]
        stored = await _identities_of(conn, dataset, own)
        for item in own:
            fact = Fact(item.occurred_at, item.event_id, item.received_at)
            identity = item.properties["identity"]
            if item.tracking_id and stored.graph.knows_link(item.tracking_id, identity, fact):
                item.verdict = verdict(item, ACCEPTED)
                set_link(item.verdict, *stored.unchanged_outcome(identity, Anchor("", item.tracking_id)))


async def _add_links(conn: Connection, items: Iterable[Prepared]) -> None:
    """Tells those who repeat an identify or alias how things stand: the first answer may have been lost."""
    repeated = [(item, result) for item in items if (result := item.verdict) and _is_repeated_call(item)]
    for dataset in {item.dataset_id for item, _ in repeated}:
        own = [(item, result) for item, result in repeated if item.dataset_id == dataset]
        stored = await _identities_of(conn, dataset, [item for item, _ in own])
        for item, result in own:
            set_link(result, *stored.unchanged_outcome(item.properties["identity"], anchor_of(item)))


def _is_repeated_call(item: Prepared) -> bool:
    return (
        item.verdict is not None and item.verdict.status == DUPLICATE and item.type in ("identify", "alias")
    )


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
        if item.occurred_us < known.occurred_us:
            earliest[item.dataset_id, item.identity] = item
    if not earliest:
        return
    keys = sorted(earliest)
    await conn.execute(
        _SQL.note_identities,
        {
            "datasets": NumberArray([dataset for dataset, _ in keys]),
            "identities": TextArray([identity for _, identity in keys]),
            "subjects": UuidArray([earliest[key].subject_key for key in keys]),
            "first_at": TimeArray([earliest[key].occurred_us for key in keys]),
        },
    )


async def join_plain_forms(conn: Connection, items: Iterable[Prepared], *, noted: bool = True) -> None:
    """Joins the identities of undecided events that are forms of an address to the plain one."""
    forms: dict[int, set[str]] = {}
    for item in items:
        if item.identity is not None and has_form(item):
            forms.setdefault(item.dataset_id, set()).add(item.identity)
    for dataset in sorted(forms):
        apart = await forms_apart(conn, dataset, forms[dataset])
        await join_forms(conn, apart, noted=noted)


async def end_sessions(conn: Connection, process_ids: Sequence[int]) -> None:
    """Ends transactions of our own that nobody is behind any more.

    PostgreSQL would hold their locks, such as those on the ids of events that
    are sent again, until the network told it; no timeout of its own ends one
    that waits for COPY's data.
    """
    await conn.execute(_SQL.end_sessions, {"process_ids": list(process_ids), "seconds": LOST_SECONDS})


async def project_plain(conn: Connection, items: Sequence[Prepared]) -> None:
    """Writes the typed rows of events that need no decision."""
    await copy_cart_changes(conn, items)
    await upsert_products(conn, [item for item in items if item.type == "product_view"])


async def copy_cart_changes(conn: Connection, items: Iterable[Prepared]) -> None:
    """Appends what cart_add and cart_modify events say."""
    rows = typed.Rows()
    for item in items:
        if item.type in typed.CART_TYPES:
            typed.add_cart_change(rows, item)
    await rows.write(conn)


def _refuse_repeated(valid: Sequence[Prepared], fresh: Sequence[Prepared]) -> None:
    """An event that repeats a refused one of its own group is refused too: neither is stored."""
    refused = {
        (item.dataset_id, item.event_key, item.fingerprint): item.verdict
        for item in fresh
        if item.verdict is not None and item.verdict.status in (CONFLICT, _REJECTED)
    }
    if not refused:
        return
    for item in valid:
        found = refused.get((item.dataset_id, item.event_key, item.fingerprint))
        if found is not None:
            item.verdict = found


def _repeated(item: Prepared, *, same: bool) -> EventResult:
    if same:
        return verdict(item, DUPLICATE)
    message = "is already the id of an event with other content; make a new id for each event"
    return verdict(item, CONFLICT, [Violation("event_id", "event_id.conflict", message)])


async def _without_erased(conn: Connection, fresh: list[Prepared]) -> list[Prepared]:
    """Rejects what is of erased people, and gives its ids back."""
    refused = await refuse_erased(conn, fresh)
    if not refused:
        return fresh
    await _release(conn, refused)
    return [item for item in fresh if item.verdict is None]


async def _release(conn: Connection, items: Sequence[Prepared]) -> None:
    """Gives the ids of refused events back."""
    if items:
        keys = {
            "datasets": [item.dataset_id for item in items],
            "event_ids": UuidArray([item.event_key for item in items]),
        }
        await conn.execute(_SQL.release_event_ids, keys)


async def _fingerprints(conn: Connection, dataset: int, keys: UuidArray | PackedUuids) -> dict[bytes, bytes]:
    """The fingerprints of the ids that are taken."""
    cursor = await conn.execute(_SQL.find_event_ids, {"dataset": dataset, "event_ids": keys})
    return {event_id.bytes: found.bytes for event_id, found in await cursor.fetchall()}
