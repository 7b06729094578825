"""Reads google.rpc.RetryInfo out of a gRPC status without the googleapis package.

The plain install has no generated classes for google.rpc, so the three messages
on the way are read from their wire form:
Status{repeated Any details = 3}, Any{type_url = 1, value = 2},
RetryInfo{Duration retry_delay = 1}, Duration{seconds = 1, nanos = 2}.
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

STATUS_DETAILS_KEY = "grpc-status-details-bin"
_RETRY_INFO_TYPE = b"google.rpc.RetryInfo"
_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5
_LARGEST_SECONDS = 315_576_000_000  # google.protobuf.Duration's own limit; a negative number reads as larger


def retry_delay(trailing_metadata: Iterable[Any] | None) -> float | None:
    """Seconds the server asks to wait before the next attempt; None when it does not say."""
    for key, value in trailing_metadata or ():
        if key == STATUS_DETAILS_KEY and isinstance(value, bytes):
            try:
                return _delay_in_status(value)
            except (IndexError, ValueError):
                return None
    return None


def _delay_in_status(status: bytes) -> float | None:
    for detail in _nested(status, 3):
        type_url = next(_nested(detail, 1), b"")
        if type_url.rpartition(b"/")[2] == _RETRY_INFO_TYPE:
            for retry_info in _nested(detail, 2):
                for duration in _nested(retry_info, 1):
                    return _seconds(duration)
    return None


def _seconds(duration: bytes) -> float:
    numbers = {number: value for number, value in _fields(duration) if isinstance(value, int)}
    seconds, nanos = numbers.get(1, 0), numbers.get(2, 0)
    if seconds > _LARGEST_SECONDS or nanos >= 1_000_000_000:
        return 0.0
    return seconds + nanos / 1e9


def _nested(message: bytes, wanted: int) -> Iterator[bytes]:
    """The length-delimited values of one field."""
    for number, value in _fields(message):
        if number == wanted and isinstance(value, bytes):
            yield value


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values of a message; ValueError or IndexError when it is broken."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            number, at = _varint(message, at)
            yield tag >> 3, number
            continue
        if kind == _LENGTH_DELIMITED:
            size, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind} is not used by these messages")
        if at + size > len(message):
            raise ValueError("the message ends inside a field")
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is longer than 64 bits")
