"""Protobuf's wire format, looked at before the parser runs: how many values a request has.

A list that may have a thousand entries can have two million in 4 MB, each of
which the parser makes an object of. So what the contract says of lists is
counted first, on the bytes.
See https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct

from shopalytic.events.violations import Violation
from shopalytic_server.domain.errors import InvalidRequest

# What one request may have in all, of values that are in no list.
MAX_VALUES = 20_000

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}
_LONGEST_VARINT = 10
_STRUCT: Any = Struct.DESCRIPTOR
# Messages in one another that protobuf's parsers still read.
_DEEPEST = 100
_VALUES_A_STEP = 200
# "(buf.validate.field)" in a field's options, "repeated" in it, and "max_items" in that.
_FIELD_RULES, _REPEATED_RULES, _MAX_ITEMS = 1159, 18, 2


class Record(NamedTuple):
    """One field of a message: its number, and where its value begins and ends."""

    number: int
    start: int
    end: int
    is_bytes: bool
    """Text, bytes, a message or a packed list, rather than a number."""


def records(data: bytes, start: int, end: int) -> Iterator[Record]:
    """The fields of the message between two places, in their order; raises DecodeError."""
    at = start
    while at < end:
        # Nearly all tags and lengths are of one byte; this is for each value of a request.
        tag, at = (data[at], at + 1) if data[at] < 128 else varint(data, at, end)
        kind = tag & 7
        if kind == _BYTES:
            length, at = (data[at], at + 1) if at < end and data[at] < 128 else varint(data, at, end)
            after = at + length
        elif kind == _VARINT:
            _, after = varint(data, at, end)
        elif kind in _FIXED:
            after = at + _FIXED[kind]
        else:
            raise DecodeError("a group, or no field at all")
        if after > end:
            raise DecodeError("a field that is longer than its message")
        yield Record(tag >> 3, at, after, kind == _BYTES)
        at = after


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at a place, and the place after it; raises DecodeError."""
    value = shift = 0
    for place in range(at, min(at + _LONGEST_VARINT, end)):
        byte = data[place]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place + 1
        shift += 7
    raise DecodeError("a number without an end")


@dataclass(frozen=True, slots=True)
class _Field:
    number: int
    name: str
    most: int | None
    """How many there may be in one message; None: it is no list."""
    message: Descriptor | None
    repeated: bool = False


def check_values(data: bytes, message: Any) -> None:
    """Raises InvalidRequest when a list is too long or there are too many values; and DecodeError."""
    for _ in checking_values(data, message):
        pass


def checking_values(data: bytes, message: Any) -> Iterator[None]:
    """The same in steps of less than a millisecond."""
    yield from _check(data, 0, len(data), message, "", [MAX_VALUES])


def _check(
    data: bytes, start: int, end: int, message: Descriptor, path: str, budget: list[int]
) -> Iterator[None]:
    known, counts = _fields(message), dict[int, int]()
    for record in records(data, start, end):
        budget[0] -= 1
        if budget[0] % _VALUES_A_STEP == 0:
            yield
        if budget[0] < 0:
            raise InvalidRequest([too_many_values(MAX_VALUES)])
        field = known.get(record.number)
        if field is None:
            continue
        name = f"{path}{field.name}"
        if field.most is not None:
            count = counts[record.number] = counts.get(record.number, 0) + 1
            if count > field.most:
                raise InvalidRequest([too_many(name, field.most)])
            name = f"{name}[{count - 1}]"
        if field.message is not None and record.is_bytes:
            yield from _check(data, record.start, record.end, field.message, f"{name}.", budget)


def is_dense(
    data: bytes, start: int, end: int, message: Any, most: int
) -> Generator[None, None, tuple[bool, Violation | None]]:
    """Whether a message has more than `most` values, and its list that is too long: counted in steps.

    Counted are its own values and those of the messages within, and of a struct
    there, which may hold anything, all its values; else no event has a list that
    is deeper. One that is only a little too long is for the rules to judge. Raises
    DecodeError.
    """
    known, left = _fields(message), most
    for record in records(data, start, end):
        left -= 1
        if left % _VALUES_A_STEP == 0:
            yield
        field = known.get(record.number)
        counts = dict[int, int]()
        if field is not None and field.message is not None and record.is_bytes:
            inner = _fields(field.message)
            for each in records(data, record.start, record.end):
                counts[each.number] = counts.get(each.number, 0) + 1
                left -= 1
                if left % _VALUES_A_STEP == 0:
                    yield
                if each.number in inner and inner[each.number].message is _STRUCT and each.is_bytes:
                    left -= yield from _values_in(data, each, left)
                if left < 0:
                    break
        if left < 0:
            return True, _longest(field, counts)
    return False, None


def _values_in(data: bytes, struct: Record, most: int) -> Generator[None, None, int]:
    """How many values a struct has, counted until they are more than `most` or too deep to be read."""
    count, looked, todo = 0, 0, [(struct, _STRUCT, 0)]
    while todo and count <= most:
        at, message, depth = todo.pop()
        if depth > _DEEPEST:
            return most + 1
        known = _fields(message)
        for each in records(data, at.start, at.end):
            field = known.get(each.number)
            if field is None or field.message is None or not each.is_bytes:
                continue
            count += field.repeated
            looked += 1
            if looked % _VALUES_A_STEP == 0:
                yield
            if count > most:
                break
            todo.append((each, field.message, depth + 1))
    return count


def _longest(field: _Field | None, counts: dict[int, int]) -> Violation | None:
    """What is wrong with the list of a message that has more entries than it may."""
    if field is None or field.message is None:
        return None
    for inner in map(_fields(field.message).get, counts):
        if inner is not None and inner.most is not None and counts[inner.number] > inner.most:
            return too_many(f"{field.name}.{inner.name}", inner.most)
    return None


def too_many(field: str, most: int) -> Violation:
    """What is wrong with a list that has more entries than it may."""
    return Violation(field, "repeated.max_items", f"has too many entries; send at most {most:,}")


def too_many_values(most: int) -> Violation:
    """What is wrong with a request that has more values than this, whatever they are."""
    return Violation("", "request.max_values", f"has more than {most:,} values; send fewer")


@cache
def _fields(message: Descriptor) -> dict[int, _Field]:
    return {
        field.number: _Field(
            field.number, field.name, max_items(field), field.message_type, field.is_repeated
        )
        for field in message.fields
        if field.is_repeated or field.message_type is not None
    }


def max_items(field: FieldDescriptor) -> int | None:
    """How many entries the contract allows a list; None: no list, or any number."""
    if not field.is_repeated:
        return None
    options = field.GetOptions().SerializeToString()
    for rules in _values(options, _FIELD_RULES):
        for repeated in _values(rules, _REPEATED_RULES):
            for record in records(repeated, 0, len(repeated)):
                if record.number == _MAX_ITEMS:
                    return varint(repeated, record.start, record.end)[0]
    return None


def _values(data: bytes, number: int) -> Iterator[bytes]:
    for record in records(data, 0, len(data)):
        if record.number == number and record.is_bytes:
            yield data[record.start : record.end]
