"""Stores a usual group of events in one round trip.

Single calls and small batches make groups of a few dozen events, and there the
statements of the long way cost more than the events. A function in the database
does what these do for new plain events, identify calls that join nobody and
orders that nothing was said of before; see the migrations `store_group`.
"""

import struct
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from shopalytic_server.domain.commerce.orders import content_of, states_something
from shopalytic_server.domain.customers.identity import identity_subject_key, tracking_subject_key
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.events.prepared import microseconds
from shopalytic_server.domain.ingest import native
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.domain.ingest.verdicts import verdict
from shopalytic_server.storage.database.arrays import PackedUuids, UuidArray
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.ingest.decisions import ACCEPTED, has_form, needs_decision, set_link
from shopalytic_server.storage.ingest.plain_links import alone, outcome_of
from shopalytic_server.storage.ingest.rows import CART_TYPES
from shopalytic_server.storage.ingest.tombstones import hashes_of, known_salt
from shopalytic_server.storage.rollups.page_sums import YOUNGEST

_SQL = load("ingest/ingest")

# PostgreSQL takes rows of COPY a little faster, but the long way's other statements
# cost the service twice as much. What is sent is held whole on both sides.
_MOST_EVENTS = 2_000
_MOST_BYTES = 4 * 1024 * 1024

# How long a project counts as one of which nobody was erased.
_ASK_SECONDS = 1.0

# What the function does not know of carts.
_LONG_WAY = frozenset({"modified_date", "quantity", "qty_removed"})

# Columns are packed with the object ids of their types:
# https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
_TEXT, _BOOL, _UUID, _TIME, _JSONB, _INT, _TEXTS = 25, 16, 2950, 1184, 3802, 20, 1009
_COLUMNS = 19
_CALL_COLUMNS = 8
# PostgreSQL counts microseconds from 2000 on.
_EPOCH_US = 946_684_800_000_000

_int = struct.Struct("!i").pack
_pair = struct.Struct("!ii").pack
_bool = struct.Struct("!ii?").pack
_uuid = struct.Struct("!ii16s").pack
_timestamp = _number = struct.Struct("!iiq").pack
# columns; fingerprint; received_at
_head = struct.Struct("!iii16siiq").pack
# subject; occurred_at; event_id
_ids = struct.Struct("!ii16siiqii16s").pack
# columns; subject; customer_id; event_id; occurred_at; received_at
_call = struct.Struct("!iii16sii16sii16siiqiiq").pack
# Dimensions, flags (no nulls), element type, length, lower bound.
_array = struct.Struct("!iiIii").pack
_NO_TEXT, _NO_TIME, _NO_JSON = _pair(_TEXT, -1), _pair(_TIME, -1), _pair(_JSONB, -1)
_NO_BOOL, _NO_INT, _NO_TEXTS = _pair(_BOOL, -1), _pair(_INT, -1), _pair(_TEXTS, -1)


class _Records:
    """Records as an array of their type; `oid` is that of the type in this database."""

    def __init__(self, data: bytes, count: int, oid: int) -> None:
        self.data = data
        self.count = count
        self.oid = oid


class _RecordsDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: _Records) -> bytes:
        return _array(1 if obj.count else 0, 0, obj.oid, obj.count, 1)[: None if obj.count else 12] + obj.data


psycopg.adapters.register_dumper(_Records, _RecordsDumper)


class Taken(NamedTuple):
    """Ids that a group takes, in the order of their index, and the fingerprint of each."""

    ids: PackedUuids | UuidArray
    fingerprints: PackedUuids | UuidArray


@dataclass(slots=True)
class UsualGroup:
    """A group that can be stored so: of one project, small, and none old enough to be summed up."""

    plain: list[Prepared]
    identifies: list[Prepared]
    orders: list[Prepared]
    others: list[Prepared]
    """What is to be decided afterwards."""
    taken: Taken
    """The ids of all of them."""

    @property
    def events(self) -> list[Prepared]:
        """What is stored by it."""
        return [*self.plain, *self.identifies, *self.orders]

    @property
    def plainer(self) -> "UsualGroup | None":
        """The group with more left to be decided afterwards; None where there is no more."""
        if not (self.plain and (self.identifies or self.orders)):
            return None
        others = [*self.others, *self.identifies, *self.orders]
        return UsualGroup(self.plain, [], [], others, self.taken)


class UsualGroups:
    """Stores usual groups."""

    def __init__(self) -> None:
        self._oids: tuple[int, int] | None = None
        self._salts: dict[int, bytes] = {}
        self._asked_until: dict[int, float] = {}

    async def store(self, conn: Connection, group: UsualGroup, *, look: bool) -> bool:
        """Whether the group was stored, and the ids of others were taken; if not, nothing was.

        Raises UniqueViolation when an id is taken, which with `look` means that
        another transaction was faster.
        """
        try:
            return await self._store(conn, group, look=look)
        except psycopg.Error:
            # What is remembered may be of a database that was replaced.
            self._oids = None
            self._salts.clear()
            self._asked_until.clear()
            raise

    async def _store(self, conn: Connection, group: UsualGroup, *, look: bool) -> bool:
        if self._oids is None:
            [self._oids] = await (await conn.execute(_SQL.incoming_types)).fetchall()
        events = group.events
        dataset = events[0].dataset_id
        project = Dataset(dataset).project_id
        salt = self._salts.get(project)
        types = {item.type for item in group.plain}
        cursor = await conn.execute(
            _SQL.store_group_on_citus if conn.is_citus else _SQL.store_group,
            {
                "dataset": dataset,
                "currency": events[0].currency,
                **_records(group, *self._oids),
                **(_other_ids(group) if conn.is_citus else _all_ids(group)),
                "contents": UuidArray([content_of(item.properties).bytes for item in group.orders]),
                "marks": None if salt is None else UuidArray(hashes_of([*events, *group.others], salt)),
                "look": look,
                "identities": any(item.identity is not None for item in (*group.plain, *group.orders)),
                "products": "product_view" in types,
                "carts": not CART_TYPES.isdisjoint(types),
            },
        )
        [(stored, *links)] = await cursor.fetchall()
        if stored and group.identifies:
            _answer(group.identifies, links)
        if not stored and salt is None and time.monotonic() > self._asked_until.get(project, 0.0):
            found = await known_salt(conn, project)
            if found is not None:
                self._salts[project] = found
            # Until then what may be of somebody erased goes the long way.
            self._asked_until[project] = time.monotonic() + _ASK_SECONDS
        return bool(stored)


def usual_of(valid: Sequence[Prepared], *, links: bool = True) -> UsualGroup | None:
    """What of a group can be stored so, and the rest of it; None: it goes the long way.

    Without `links` identify calls are left to be decided, as on Citus: the function cannot store them there.

    That is so where an id comes twice, too: the first of the events wins, whatever it is.
    """
    taken = _taken(valid) if valid else None
    if taken is None:
        return None
    plain: list[Prepared] = []
    decided: list[Prepared] = []
    for item in valid:
        (decided if needs_decision(item) else plain).append(item)
    identifies, orders, others = _usual_calls(decided)
    if not links:
        identifies, others = [], [*others, *identifies]
    group = UsualGroup(plain, identifies, orders, others, taken)
    stored, dataset = group.events, valid[0].dataset_id
    if not 0 < len(stored) <= _MOST_EVENTS or any(item.dataset_id != dataset for item in valid):
        return None
    return group if _fit(stored) else None


def _taken(items: Sequence[Prepared]) -> Taken | None:
    """The ids of events; None: one comes twice."""
    packed = native.claims(items)
    if packed is not None:
        return Taken(*map(PackedUuids, packed))
    pairs = sorted((item.event_key, item.fingerprint) for item in items)
    if any(one[0] == other[0] for one, other in pairwise(pairs)):
        return None
    return Taken(UuidArray([key for key, _ in pairs]), UuidArray([content for _, content in pairs]))


def _fit(stored: Sequence[Prepared]) -> bool:
    """Whether the function knows all that there is to do for these events."""
    young_us = microseconds(datetime.now(UTC) - YOUNGEST)
    sending = stored[0].sending
    currency, size = sending.currency, 0
    for item in stored:
        if item.sending is not sending:
            sending = item.sending
            if sending.currency != currency:
                return False
        if item.plain_dates or item.occurred_us < young_us:
            return False
        if item.type in CART_TYPES and not _LONG_WAY.isdisjoint(item.properties):
            return False
        size += item.json_size
    return size <= _MOST_BYTES


def _usual_calls(
    decided: Sequence[Prepared],
) -> tuple[list[Prepared], list[Prepared], list[Prepared]]:
    """Identify calls and orders that no other event of the group has to do with, and all others."""
    if not decided:
        return [], [], []
    if len({item.dataset_id for item in decided}) > 1:
        return [], [], list(decided)
    identifies = alone(decided)
    named = Counter(item.properties["order_id"] for item in decided if "order_id" in item.properties)
    orders = [
        item
        for item in decided
        if item.type == "order" and named[item.properties["order_id"]] == 1 and _is_usual_order(item)
    ]
    taken = set(map(id, (*identifies, *orders)))
    return identifies, orders, [item for item in decided if id(item) not in taken]


def _is_usual_order(item: Prepared) -> bool:
    given = item.properties
    return (
        not has_form(item)
        # The function knows no groups of sources that number their orders apart.
        and item.order_key == given["order_id"]
        and not states_something(given)
        and "order_date" not in given
        and not any("quantity" in line for line in given["line_items"])
    )


def _answer(identifies: Sequence[Prepared], links: Sequence[Sequence[object]]) -> None:
    done = {
        event_id.bytes: (outcome_of(again=again, is_new=is_new, has_past=has_past), customer_id)
        for event_id, customer_id, again, is_new, has_past in zip(*links, strict=True)
    }
    for item in identifies:
        item.verdict = verdict(item, ACCEPTED)
        set_link(item.verdict, *done[item.event_key])


def _all_ids(group: UsualGroup) -> dict[str, object]:
    return {**group.taken._asdict(), "others": bool(group.others)}


def _other_ids(group: UsualGroup) -> dict[str, object]:
    return {
        "other_ids": UuidArray([item.event_key for item in group.others]),
        "other_fingerprints": UuidArray([item.fingerprint for item in group.others]),
    }


def _records(group: UsualGroup, event_oid: int, call_oid: int) -> dict[str, _Records]:
    lists = {"incoming": group.plain, "identifies": group.identifies, "orders": group.orders}
    records = {name: _Records(encode_records(items), len(items), event_oid) for name, items in lists.items()}
    calls = b"".join(map(_encode_call, group.identifies))
    return {**records, "calls": _Records(calls, len(group.identifies), call_oid)}


def encode_records(items: Sequence[Prepared]) -> bytes:
    """Events as the elements of an `incoming_event_v4[]`."""
    return native.records(items, encode_record) or b"".join(map(encode_record, items))


def encode_record(item: Prepared) -> bytes:
    """An event as one of them; its columns are those of a row of COPY."""
    sending, context, corrected = item.sending, item.context_jsonb, item.corrected_us
    occurred = item.occurred_us - _EPOCH_US
    record = b"".join(
        (
            _head(_COLUMNS, _UUID, 16, item.fingerprint, _TIME, 8, sending.received_us - _EPOCH_US),
            _NO_TIME if sending.sent_us is None else _timestamp(_TIME, 8, sending.sent_us - _EPOCH_US),
            _kind(item.type, item.source, item.bot, item.key_class, item.identity_signed),
            _ids(_UUID, 16, item.subject_key, _TIME, 8, occurred, _UUID, 16, item.event_key),
            _NO_TIME if corrected is None else _timestamp(_TIME, 8, corrected - _EPOCH_US),
            _timestamp(_TIME, 8, occurred - item.moved_us) if item.moved_us else _NO_TIME,
            _NO_INT if item.tie_breaker is None else _number(_INT, 8, item.tie_breaker),
            _NO_TEXTS,
            _text(item.tracking_id),
            _text(item.identity),
            _json(item.properties_jsonb),
            _NO_JSON if context is None else _json(context),
        )
    )
    return _int(len(record)) + record


# Types and sources are few and come again and again.
@lru_cache(1000)
def _kind(
    type_: str, source: str | None, bot: bool, key_class: str | None, identity_signed: bool | None
) -> bytes:
    signed = _NO_BOOL if identity_signed is None else _bool(_BOOL, 1, identity_signed)
    return _text(type_) + _text(source) + _bool(_BOOL, 1, bot) + _text(key_class) + signed


def _encode_call(item: Prepared) -> bytes:
    """An identify call as an element of an `identify_call_v1[]`."""
    tracking_id, identity = item.tracking_id or "", item.properties["identity"]
    occurred, received = item.occurred_us - _EPOCH_US, item.sending.received_us - _EPOCH_US
    record = b"".join(
        (
            _call(
                *(_CALL_COLUMNS, _UUID, 16, tracking_subject_key(tracking_id)),
                *(_UUID, 16, identity_subject_key(identity), _UUID, 16, item.event_key),
                *(_TIME, 8, occurred, _TIME, 8, received),
            ),
            _NO_INT if item.tie_breaker is None else _number(_INT, 8, item.tie_breaker),
            _text(tracking_id),
            _text(identity),
        )
    )
    return _int(len(record)) + record


def _text(value: str | None) -> bytes:
    if value is None:
        return _NO_TEXT
    data = value.encode()
    return _pair(_TEXT, len(data)) + data


def _json(data: bytes) -> bytes:
    return _pair(_JSONB, len(data)) + data
