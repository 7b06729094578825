"""Arrays of uuids and of numbers as parameters, packed by hand.

The driver adapts an array element by element; ingest passes two uuids and a
number an event, so that it packs them itself.
"""

import struct
from collections.abc import Sequence

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_UUID_OID = 2950
_UUID_ARRAY_OID = 2951
_INT_OID = 23
_INT_ARRAY_OID = 1007
# Dimensions, flags (no nulls), element type, length, lower bound.
_header = struct.Struct("!iiIii").pack
_LENGTH = struct.pack("!i", 16)
_int = struct.Struct("!ii").pack


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


class IntArray:
    """Some numbers as an `int[]` parameter."""

    def __init__(self, values: Sequence[int]) -> None:
        self.values = values


class _IntArrayDumper(Dumper):
    format = Format.BINARY
    oid = _INT_ARRAY_OID

    def dump(self, obj: IntArray) -> bytes:
        header = _header(1, 0, _INT_OID, len(obj.values), 1)
        return header + b"".join([_int(4, value) for value in obj.values])


psycopg.adapters.register_dumper(IntArray, _IntArrayDumper)
