"""Arrays as parameters that the driver cannot pass, or not fast enough.

It adapts an array element by element; ingest passes two uuids an event, so that
it packs them itself.
"""

import struct
from collections.abc import Sequence

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_UUID_OID = 2950
_UUID_ARRAY_OID = 2951
# Dimensions, flags (no nulls), element type, length, lower bound.
_header = struct.Struct("!iiIii").pack
_LENGTH = struct.pack("!i", 16)
_NONE = struct.pack("!iii", 0, 0, _UUID_OID)


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
        header = _header(1, 0, _UUID_OID, len(obj.values), 1)
        return header + _LENGTH + _LENGTH.join(obj.values) if obj.values else _NONE


psycopg.adapters.register_dumper(UuidArray, _UuidArrayDumper)


def array_text(values: Sequence[str]) -> str:
    """A text array as PostgreSQL writes it: arrays of arrays of different lengths cannot be parameters."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"
