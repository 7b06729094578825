"""Encodes rows of the `events` table in PostgreSQL's binary COPY format.

This is the one table that takes a row per event, so its rows are packed here
instead of being adapted value by value by the driver.
Format: https://www.postgresql.org/docs/current/sql-copy.html ("Binary Format").
"""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from shopalytic_server.domain.ingest import Prepared

COLUMNS = (
    "dataset_id, subject, occurred_at, event_id, received_at, sent_at, corrected_at, "
    "type, tracking_id, identity, source, bot, properties, context"
)

_HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
_TRAILER = struct.pack("!h", -1)
_NULL = struct.pack("!i", -1)
_TRUE = struct.pack("!i?", 1, True)
_FALSE = struct.pack("!i?", 1, False)
_JSONB_VERSION = b"\x01"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# column count; dataset_id; subject; occurred_at; event_id; received_at
_start = struct.Struct("!hiii16siqi16siq").pack
_timestamp = struct.Struct("!iq").pack
_length = struct.Struct("!i").pack


def encode_events(items: Iterable[Prepared]) -> bytes:
    """All rows as one COPY stream, for the columns COLUMNS."""
    return b"".join((_HEADER, *map(_row, items), _TRAILER))


def _row(item: Prepared) -> bytes:
    return b"".join(
        (
            _start(
                14,
                4,
                item.dataset_id,
                16,
                item.subject.bytes,
                8,
                (item.occurred_at - _EPOCH) // _MICROSECOND,
                16,
                item.event_key,
                8,
                (item.received_at - _EPOCH) // _MICROSECOND,
            ),
            _time(item.sent_at),
            _time(item.corrected_at),
            _text(item.type),
            _text(item.tracking_id),
            _text(item.identity),
            _text(item.source),
            _TRUE if item.bot else _FALSE,
            _json(item.properties_json),
            _json(item.context_json),
        )
    )


def _time(value: datetime | None) -> bytes:
    return _NULL if value is None else _timestamp(8, (value - _EPOCH) // _MICROSECOND)


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    data = value.encode()
    return _length(len(data)) + data


def _json(data: bytes | None) -> bytes:
    return _NULL if data is None else _length(len(data) + 1) + _JSONB_VERSION + data
