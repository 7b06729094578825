"""Stores a group of plain events in one round trip.

Single calls make groups of a few dozen events, and there the statements of the
long way cost more than the events. A function in the database does what these
do for new events that need no decision; see the migration `store_plain`.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.events.prepared import microseconds
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.storage.database.arrays import UuidArray
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.ingest.decisions import needs_decision
from shopalytic_server.storage.ingest.rows import CART_TYPES, cart_time
from shopalytic_server.storage.ingest.tombstones import hashes_of, known_salt
from shopalytic_server.storage.rollups.page_sums import YOUNGEST

_SQL = load("ingest/ingest")

# From here on COPY is faster.

_MOST_EVENTS = 200

# What the function does not know of carts.
_LONG_WAY = frozenset({"modified_date", "quantity", "qty_removed"})

# Columns are packed with the object ids of their types:
# https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
_TEXT, _BOOL, _UUID, _TIME, _JSONB, _INT = 25, 16, 2950, 1184, 3802, 20
_COLUMNS = 19
# PostgreSQL counts microseconds from 2000 on.
_EPOCH_US = 946_684_800_000_000

_int = struct.Struct("!i").pack
_pair = struct.Struct("!ii").pack
_bool = struct.Struct("!ii?").pack
_uuid = struct.Struct("!ii16s").pack
_timestamp = _number = struct.Struct("!iiq").pack
# subject; occurred_at; event_id
_ids = struct.Struct("!ii16siiqii16s").pack
# Dimensions, flags (no nulls), element type, length, lower bound.
_array = struct.Struct("!iiIii").pack
_NO_TEXT, _NO_TIME, _NO_JSON = _pair(_TEXT, -1), _pair(_TIME, -1), _pair(_JSONB, -1)
_NO_BOOL, _NO_INT = _pair(_BOOL, -1), _pair(_INT, -1)


class _EventArray:
    """Events, as an `incoming_event_v3[]` parameter; `oid` is that of the type in this database."""

    def __init__(self, items: Sequence[Prepared], oid: int) -> None:
        self.items = items
        self.oid = oid


class _IncomingDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: _EventArray) -> bytes:
        return _array(1, 0, obj.oid, len(obj.items), 1) + b"".join(map(_element, obj.items))


psycopg.adapters.register_dumper(_EventArray, _IncomingDumper)


class PlainGroups:
    """Stores groups that have nothing but plain new events."""

    def __init__(self) -> None:
        self._oid: int | None = None
        self._salts: dict[int, bytes] = {}

    async def store(self, conn: Connection, items: Sequence[Prepared], others: Sequence[Prepared]) -> bool:
        """Whether what `plain_of` gave was stored, and the ids of others were taken; if not, nothing was.

        Raises UniqueViolation when another transaction was faster.
        """
        try:
            return await self._store(conn, items, others)
        except psycopg.Error:
            # What is remembered may be of a database that was replaced.
            self._oid = None
            self._salts.clear()
            raise

    async def _store(self, conn: Connection, items: Sequence[Prepared], others: Sequence[Prepared]) -> bool:
        if self._oid is None:
            row = await (await conn.execute(_SQL.incoming_type)).fetchone()
            self._oid = row[0] if row is not None else 0
        dataset = items[0].dataset_id
        project = Dataset(dataset).project_id
        salt = self._salts.get(project)
        types = {item.type for item in items}
        cursor = await conn.execute(
            _SQL.store_plain_events,
            {
                "dataset": dataset,
                "currency": items[0].currency,
                "incoming": _EventArray(items, self._oid or 0),
                "other_ids": UuidArray([item.event_key for item in others]),
                "other_fingerprints": UuidArray([item.fingerprint for item in others]),
                "marks": None if salt is None else UuidArray(hashes_of([*items, *others], salt)),
                "identities": any(item.identity is not None for item in items),
                "products": "product_view" in types,
                "carts": not CART_TYPES.isdisjoint(types),
            },
        )
        row = await cursor.fetchone()
        stored = row is not None and bool(row[0])
        if not stored and salt is None:
            found = await known_salt(conn, project)
            if found is not None:
                self._salts[project] = found
        return stored


def plain_of(valid: Sequence[Prepared]) -> list[Prepared]:
    """The events of a group that can be stored so: of one project, few, and none old enough to be summed up.

    None where an id comes twice: the first of the events wins, whatever it is.
    """
    plain = [item for item in valid if not needs_decision(item)]
    if not 0 < len(plain) <= _MOST_EVENTS or len({item.event_key for item in valid}) < len(valid):
        return []
    dataset, currency = plain[0].dataset_id, plain[0].sending.currency
    young_us = microseconds(datetime.now(UTC) - YOUNGEST)
    fitting = all(
        item.sending.currency == currency
        and not item.plain_dates
        and item.occurred_us >= young_us
        and not (item.type in CART_TYPES and not _LONG_WAY.isdisjoint(item.properties))
        for item in plain
    ) and all(item.dataset_id == dataset for item in valid)
    return plain if fitting else []


def _element(item: Prepared) -> bytes:
    sending, context, corrected = item.sending, item.context_jsonb, item.corrected_us
    occurred = item.occurred_us - _EPOCH_US
    record = b"".join(
        (
            _start(item.type, item.source, item.bot, item.key_class, item.identity_signed),
            _ids(_UUID, 16, item.subject_key, _TIME, 8, occurred, _UUID, 16, item.event_key),
            _NO_TIME if corrected is None else _timestamp(_TIME, 8, corrected - _EPOCH_US),
            _timestamp(_TIME, 8, occurred - item.moved_us) if item.moved_us else _NO_TIME,
            _NO_INT if item.tie_breaker is None else _number(_INT, 8, item.tie_breaker),
            _text(item.tracking_id),
            _text(item.identity),
            _json(item.properties_jsonb),
            _NO_JSON if context is None else _json(context),
            _uuid(_UUID, 16, item.fingerprint),
            _timestamp(_TIME, 8, sending.received_us - _EPOCH_US),
            _NO_TIME if sending.sent_us is None else _timestamp(_TIME, 8, sending.sent_us - _EPOCH_US),
            _changed(item) if item.type in CART_TYPES else _NO_TIME,
        )
    )
    return _int(len(record)) + record


# Types and sources are few and come again and again.
@lru_cache(1000)
def _start(
    type_: str, source: str | None, bot: bool, key_class: str | None, identity_signed: bool | None
) -> bytes:
    signed = _NO_BOOL if identity_signed is None else _bool(_BOOL, 1, identity_signed)
    return _int(_COLUMNS) + _text(type_) + _text(source) + _bool(_BOOL, 1, bot) + _text(key_class) + signed


def _text(value: str | None) -> bytes:
    if value is None:
        return _NO_TEXT
    data = value.encode()
    return _pair(_TEXT, len(data)) + data


def _json(data: bytes) -> bytes:
    return _pair(_JSONB, len(data)) + data


def _changed(item: Prepared) -> bytes:
    return _timestamp(_TIME, 8, microseconds(cart_time(item)) - _EPOCH_US)
