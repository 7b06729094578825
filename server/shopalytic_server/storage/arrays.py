"""Arrays of uuids as parameters, packed from their bytes.

The driver adapts an array element by element; ingest passes two uuids an event,
so that it packs them itself.
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


class UuidArray:
    """The 16 bytes of each of some uuids, as a `uuid[]` parameter."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self.values = values


class _UuidArrayDumper(Dumper):
    format = Format.BINARY
    oid = _UUID_ARRAY_OID

    def dump(self, obj: UuidArray) -> bytes:
        header = _header(1, 0, _UUID_OID, len(obj.values), 1)
        return header + b"".join(_LENGTH + value for value in obj.values)


psycopg.adapters.register_dumper(UuidArray, _UuidArrayDumper)
