"""Arrays as parameters that the driver cannot pass, or not fast enough.

It adapts an array element by element, which takes ten times as long as packing
one whose type is known.
Format: array_recv in https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/arrayfuncs.c
"""

import struct
from collections.abc import Sequence

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

# https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
_UUID_OID, _UUID_ARRAY_OID = 2950, 2951
_TEXT_OID, _TEXT_ARRAY_OID = 25, 1009
_BIGINT_OID, _BIGINT_ARRAY_OID = 20, 1016
_BYTES_OID, _BYTES_ARRAY_OID = 17, 1001
_TIME_OID, _TIME_ARRAY_OID = 1184, 1185
# PostgreSQL counts microseconds from 2000 on.
_EPOCH_US = 946_684_800_000_000
# Dimensions, flags (no nulls), element type, length, lower bound.
_header = struct.Struct("!iiIii").pack
_LENGTH = struct.pack("!i", 16)
_size = struct.Struct("!i").pack
_number = struct.Struct("!iq").pack
_NULL = struct.pack("!i", -1)


class UuidArray:
    """The 16 bytes of each of some uuids, as a `uuid[]` parameter."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self.values = values


class PackedUuids:
    """A `uuid[]` parameter that is packed already."""

    def __init__(self, data: bytes) -> None:
        self.data = data


class _PackedDumper(Dumper):
    format = Format.BINARY
    oid = _UUID_ARRAY_OID

    def dump(self, obj: PackedUuids) -> bytes:
        return obj.data


psycopg.adapters.register_dumper(PackedUuids, _PackedDumper)


class _UuidArrayDumper(Dumper):
    format = Format.BINARY
    oid = _UUID_ARRAY_OID

    def dump(self, obj: UuidArray) -> bytes:
        if not obj.values:
            return _empty(_UUID_OID)
        return _header(1, 0, _UUID_OID, len(obj.values), 1) + _LENGTH + _LENGTH.join(obj.values)


class TextArray:
    """Texts as a `text[]` parameter."""

    def __init__(self, values: Sequence[str | None]) -> None:
        self.values = values


class _TextArrayDumper(Dumper):
    format = Format.BINARY
    oid = _TEXT_ARRAY_OID

    def dump(self, obj: TextArray) -> bytes:
        if not obj.values:
            return _empty(_TEXT_OID)
        parts = [_header(1, 1, _TEXT_OID, len(obj.values), 1)]
        for value in obj.values:
            if value is None:
                parts.append(_NULL)
            else:
                data = value.encode()
                parts += (_size(len(data)), data)
        return b"".join(parts)


class BytesArray:
    """Bytes as a `bytea[]` parameter."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self.values = values


class _BytesArrayDumper(Dumper):
    format = Format.BINARY
    oid = _BYTES_ARRAY_OID

    def dump(self, obj: BytesArray) -> bytes:
        if not obj.values:
            return _empty(_BYTES_OID)
        parts = [_header(1, 0, _BYTES_OID, len(obj.values), 1)]
        for data in obj.values:
            parts += (_size(len(data)), data)
        return b"".join(parts)


class NumberArray:
    """Whole numbers as a `bigint[]` parameter."""

    def __init__(self, values: Sequence[int | None]) -> None:
        self.values = values


class _NumberArrayDumper(Dumper):
    format = Format.BINARY
    oid = _BIGINT_ARRAY_OID

    def dump(self, obj: NumberArray) -> bytes:
        if not obj.values:
            return _empty(_BIGINT_OID)
        rows = [_NULL if value is None else _number(8, value) for value in obj.values]
        return _header(1, 1, _BIGINT_OID, len(rows), 1) + b"".join(rows)


class TimeArray:
    """Microseconds after the Unix epoch as a `timestamptz[]` parameter."""

    def __init__(self, values: Sequence[int | None]) -> None:
        self.values = values


class _TimeArrayDumper(Dumper):
    format = Format.BINARY
    oid = _TIME_ARRAY_OID

    def dump(self, obj: TimeArray) -> bytes:
        if not obj.values:
            return _empty(_TIME_OID)
        rows = [_NULL if value is None else _number(8, value - _EPOCH_US) for value in obj.values]
        return _header(1, 1, _TIME_OID, len(rows), 1) + b"".join(rows)


def _empty(oid: int) -> bytes:
    return struct.pack("!iii", 0, 0, oid)


psycopg.adapters.register_dumper(UuidArray, _UuidArrayDumper)
psycopg.adapters.register_dumper(TextArray, _TextArrayDumper)
psycopg.adapters.register_dumper(BytesArray, _BytesArrayDumper)
psycopg.adapters.register_dumper(NumberArray, _NumberArrayDumper)
psycopg.adapters.register_dumper(TimeArray, _TimeArrayDumper)


def array_text(values: Sequence[str]) -> str:
    """A text array as PostgreSQL writes it: arrays of arrays of different lengths cannot be parameters."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"
