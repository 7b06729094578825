"""Says what is wrong with the JSON of a request and where: `events[1].order.total: money is text here`."""

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.events.values import kind_of
from shopalytic.v1.rules import MONEY_FIELDS

_WHOLE = {
    FieldDescriptor.TYPE_INT32: range(-(2**31), 2**31),
    FieldDescriptor.TYPE_INT64: range(-(2**63), 2**63),
    FieldDescriptor.TYPE_UINT32: range(2**32),
    FieldDescriptor.TYPE_UINT64: range(2**64),
}
_DIGITS = re.compile(r"-?[0-9]{1,30}")
_NUMBERS = (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT)
_OPEN = ("google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue")
_TIMESTAMP = "google.protobuf.Timestamp"
UNKNOWN = "is not a field"
"""How the sentence on a name begins that the message does not have."""
_MOST_NAMES = 12
_LONGEST = 100


def fault_in(value: Any, descriptor: Any) -> tuple[str, str] | None:
    """The path of the first value that the message cannot have, and a sentence; None: none was found.

    `value` is what JSON gave, `descriptor` that of the message.
    """
    return next(_object(value, descriptor, ""), None)


Faults = Iterator[tuple[str, str]]


def _object(value: Any, descriptor: Any, path: str) -> Faults:
    if not isinstance(value, dict):
        yield path, f"must be an object, not {kind_of(value)}"
        return
    fields = {field.json_name: field for field in descriptor.fields}
    fields |= {field.name: field for field in descriptor.fields}
    chosen: dict[str, str] = {}
    for name, given in value.items():
        field = fields.get(name)
        # As every path is written, whichever of its two names the sender has used.
        told = field.name if field is not None else name[:_LONGEST]
        here = f"{path}.{told}" if path else told
        if field is None:
            yield here, f"{UNKNOWN} of {descriptor.name}; {_hint(name, fields, descriptor)}"
            continue
        if given is None:
            continue
        oneof = field.containing_oneof
        if oneof is not None and len(oneof.fields) > 1:
            if oneof.name in chosen:
                yield here, f"cannot be given beside {chosen[oneof.name]}: give one of them"
            chosen[oneof.name] = name
        yield from _field(given, field, here)


def _hint(name: str, fields: dict[str, Any], descriptor: Any) -> str:
    near = get_close_matches(name[:_LONGEST], list(fields), n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"it has {', '.join([each.name for each in descriptor.fields][:_MOST_NAMES])}"


def _field(value: Any, field: Any, path: str) -> Faults:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return
    if not field.is_repeated:
        yield from _single(value, field, path)
    elif not isinstance(value, list):
        yield path, f"must be a list, not {kind_of(value)}"
    else:
        for index, item in enumerate(value):
            yield from _single(item, field, f"{path}[{index}]")


def _single(value: Any, field: Any, path: str) -> Faults:
    message = field.message_type
    if message is not None:
        if message.full_name == _TIMESTAMP:
            yield from _time(value, path)
        elif message.full_name.startswith("shopalytic."):
            yield from _object(value, message, path)
        elif message.full_name == _OPEN[0] and not isinstance(value, dict):
            yield path, f"must be an object, not {kind_of(value)}"
        return
    words = _scalar(value, field)
    if words is not None:
        yield path, words


def _scalar(value: Any, field: Any) -> str | None:
    kind = field.type
    if kind == FieldDescriptor.TYPE_STRING:
        return _broken_words(value) if isinstance(value, str) else _text_words(value, field)
    if kind == FieldDescriptor.TYPE_BOOL:
        return None if isinstance(value, bool) else f"must be true or false, not {kind_of(value)}"
    if kind in _WHOLE:
        return _whole_words(value, _WHOLE[kind])
    if kind in _NUMBERS:
        is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        return None if is_number else f"must be a number, not {kind_of(value)}"
    if kind == FieldDescriptor.TYPE_ENUM:
        names = {each.name: each.number for each in field.enum_type.values}
        told = ", ".join(name for name, number in names.items() if number)
        return None if isinstance(value, int) or value in names else f"must be one of {told}"
    return None


def _broken_words(text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return "has half of a character (a lone \\ud800 to \\udfff); send it whole"
    return None


def _text_words(value: Any, field: Any) -> str:
    if f"{field.containing_type.name}.{field.name}" in MONEY_FIELDS:
        return 'money is text here, such as "9.99"'
    return f"must be text, not {kind_of(value)}"


def _whole_words(value: Any, bounds: range) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return f"must be a whole number, not {kind_of(value)}"
    if isinstance(value, str):
        if not _DIGITS.fullmatch(value):
            return "must be a whole number: digits only"
        value = int(value)
    elif isinstance(value, float | Decimal):
        if not math.isfinite(value) or value != value // 1:
            return "must be a whole number, without a fraction"
        value = int(value)
    return None if value in bounds else f"must be from {bounds.start:,} to {bounds.stop - 1:,}"


def _time(value: Any, path: str) -> Faults:
    try:
        Timestamp().FromJsonString(value)
    except (ValueError, AttributeError, TypeError, OverflowError):
        yield path, 'must be a time with its offset, such as "2025-05-01T12:00:00Z"'
