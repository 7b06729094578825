"""Appends to the `events` table, in PostgreSQL's binary COPY format where it is much.

This is the one table that takes a row per event, so its rows are packed here
instead of being adapted value by value by the driver.
Format: https://www.postgresql.org/docs/current/sql-copy.html ("Binary Format").
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from psycopg import sql

from shopalytic_server.domain.events.prepared import JSONB_VERSION
from shopalytic_server.domain.ingest import native
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.storage.database.connections import Connection, is_together
from shopalytic_server.storage.ingest.rows import insert

COLUMNS = (
    "dataset_id, received_at, sent_at, type, source, bot, key_class, identity_signed, subject, occurred_at, "
    "event_id, corrected_at, stated_at, tie_breaker, plain_dates, tracking_id, identity, properties, context"
)

_TYPED = (
    "dataset_id:int4 received_at:timestamptz sent_at:timestamptz type:text source:text bot:bool "
    "key_class:text identity_signed:bool subject:uuid occurred_at:timestamptz event_id:uuid "
    "corrected_at:timestamptz stated_at:timestamptz tie_breaker:int8 plain_dates:text[] "
    "tracking_id:text identity:text properties:jsonb context:jsonb"
)

_COPY_EVENTS = sql.SQL(f"COPY events ({COLUMNS}) FROM STDIN (FORMAT BINARY)")
_FEW_EVENTS, _FEW_BYTES = 100, 128 * 1024

_HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
_TRAILER = struct.pack("!h", -1)
_NULL = struct.pack("!i", -1)
_TRUE = struct.pack("!i?", 1, True)
_FALSE = struct.pack("!i?", 1, False)
# PostgreSQL counts microseconds from 2000 on.
_EPOCH_US = 946_684_800_000_000

# column count; dataset_id; received_at
_head = struct.Struct("!hiiiq").pack
# subject; occurred_at; event_id
_ids = struct.Struct("!i16siqi16s").pack
_timestamp = _number = struct.Struct("!iq").pack
_length = struct.Struct("!i").pack


def encode_events(items: Sequence[Prepared]) -> bytes:
    """All rows as one COPY stream, for the columns COLUMNS."""
    return native.rows(items, encode_event) or b"".join((_HEADER, *map(encode_event, items), _TRAILER))


async def copy_events(conn: Connection, items: Sequence[Prepared]) -> None:
    """Appends events to the `events` table: a few by one statement, many by COPY."""
    if not items:
        return
    if is_together(conn) or are_few(items):
        await insert(conn, "events", _TYPED, [_row(item) for item in items])
        return
    data = encode_events(items)
    async with conn.cursor() as cursor, cursor.copy(_COPY_EVENTS) as copy:
        await copy.write(data)


def are_few(items: Sequence[Prepared]) -> bool:
    """Whether events are stored sooner by statements that are sent together than by COPY."""
    return len(items) <= _FEW_EVENTS and sum(item.json_size for item in items) <= _FEW_BYTES


def _row(item: Prepared) -> dict[str, Any]:
    sending, context = item.sending, item.context_jsonb
    return {
        "dataset_id": item.dataset_id,
        "received_at": sending.received_at,
        "sent_at": sending.sent_at,
        "type": item.type,
        "source": item.source,
        "bot": item.bot,
        "key_class": item.key_class,
        "identity_signed": item.identity_signed,
        "subject": item.subject,
        "occurred_at": item.occurred_at,
        "event_id": item.event_id,
        "corrected_at": item.corrected_at if sending.skew_us else None,
        "stated_at": item.stated_at if item.moved_us else None,
        "tie_breaker": item.tie_breaker,
        "plain_dates": item.plain_dates or None,
        "tracking_id": item.tracking_id,
        "identity": item.identity,
        "properties": _json(item.properties_jsonb),
        "context": None if context is None else _json(context),
    }


def _json(data: bytes) -> orjson.Fragment:
    return orjson.Fragment(data.removeprefix(JSONB_VERSION))


def encode_event(item: Prepared) -> bytes:
    """The row of one event."""
    sending, properties, context = item.sending, item.properties_jsonb, item.context_jsonb
    occurred = item.occurred_us - _EPOCH_US
    corrected = item.corrected_us if sending.skew_us else None
    row = (
        _start(item.dataset_id, sending.received_us, sending.sent_us, item.type, item.source)
        + _marks(item.bot, item.key_class, item.identity_signed)
        + _ids(16, item.subject_key, 8, occurred, 16, item.event_key)
        + (_NULL if corrected is None else _timestamp(8, corrected - _EPOCH_US))
        + (_timestamp(8, occurred - item.moved_us) if item.moved_us else _NULL)
        + (_NULL if item.tie_breaker is None else _number(8, item.tie_breaker))
        + (_texts(item.plain_dates) if item.plain_dates else _NULL)
        + _text(item.tracking_id)
        + _text(item.identity)
        + _length(len(properties))
        + properties
    )
    if context is None:
        return row + _NULL
    return row + _length(len(context)) + context


@lru_cache(1000)
def _start(dataset_id: int, received_us: int, sent_us: int | None, type_: str, source: str | None) -> bytes:
    """What rows of one kind and request begin with."""
    return (
        _head(19, 4, dataset_id, 8, received_us - _EPOCH_US)
        + (_NULL if sent_us is None else _timestamp(8, sent_us - _EPOCH_US))
        + _text(type_)
        + _text(source)
    )


@lru_cache(100)
def _marks(bot: bool, key_class: str | None, identity_signed: bool | None) -> bytes:
    return _bool(bot) + _text(key_class) + (_NULL if identity_signed is None else _bool(identity_signed))


def _bool(value: bool) -> bytes:
    return _TRUE if value else _FALSE


# Few sets of names come again and again.
@lru_cache(1000)
def _texts(values: tuple[str, ...]) -> bytes:
    # Dimensions, flags (no nulls), element type (text), length, lower bound.
    array = struct.pack("!iiIii", 1, 0, 25, len(values), 1) + b"".join(map(_text, values))
    return _length(len(array)) + array


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    data = value.encode()
    return _length(len(data)) + data
