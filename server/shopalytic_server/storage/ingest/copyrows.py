"""Encodes rows of the `events` table in PostgreSQL's binary COPY format.

This is the one table that takes a row per event, so its rows are packed here
instead of being adapted value by value by the driver.
Format: https://www.postgresql.org/docs/current/sql-copy.html ("Binary Format").
"""

import struct
from collections.abc import Sequence
from functools import lru_cache

from shopalytic_server.domain.ingest import native
from shopalytic_server.domain.ingest.preparation import Prepared

COLUMNS = (
    "dataset_id, received_at, sent_at, type, source, bot, key_class, identity_signed, subject, occurred_at, "
    "event_id, corrected_at, stated_at, tie_breaker, plain_dates, tracking_id, identity, properties, context"
)

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
