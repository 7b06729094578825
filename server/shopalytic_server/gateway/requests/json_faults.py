"""Says what is wrong with the JSON of a request and where: `events[1].order.total: money is text here`."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.events.values import kind_of
from shopalytic.v1.rules import MONEY_FIELDS

_WHOLE = {FieldDescriptor.TYPE_INT32: 32, FieldDescriptor.TYPE_INT64: 64, FieldDescriptor.TYPE_UINT32: 32}
_WHOLE |= {FieldDescriptor.TYPE_UINT64: 64, FieldDescriptor.TYPE_SINT32: 32, FieldDescriptor.TYPE_SINT64: 64}
_NUMBERS = (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT)
_OPEN = ("google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue")
_TIMESTAMP = "google.protobuf.Timestamp"
_MOST_NAMES = 12
_LONGEST = 100


def fault_in(value: Any, descriptor: Any) -> tuple[str, str] | None:
    """The path of the first value that the message cannot have, and a sentence; None: none was found.

    `value` is what JSON gave, `descriptor` that of the message.
    """
    return next(_object(value, descriptor, ""), None)


Faults = Iterator[tuple[str, str]]


def _object(value: Any, descriptor: Any, path: str) -> Faults:
    if value == []:
        return  # protobuf's own reader takes it for an object
    if not isinstance(value, dict):
        yield path, f"must be an object, not {kind_of(value)}"
        return
    fields = {field.json_name: field for field in descriptor.fields}
    fields |= {field.name: field for field in descriptor.fields}
    chosen: dict[str, str] = {}
    for name, given in value.items():
        field = fields.get(name)
        here = f"{path}.{name[:_LONGEST]}" if path else name[:_LONGEST]
        if field is None:
            known = ", ".join([each.name for each in descriptor.fields][:_MOST_NAMES])
            yield here, f"is not a field of {descriptor.name}; it has {known}"
            continue
        if given is None:
            continue
        oneof = field.containing_oneof
        if oneof is not None and len(oneof.fields) > 1:
            if oneof.name in chosen:
                yield here, f"cannot be given beside {chosen[oneof.name]}: give one of them"
            chosen[oneof.name] = name
        yield from _field(given, field, here)


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
        return None if isinstance(value, str) else _text_words(value, field)
    if kind == FieldDescriptor.TYPE_BOOL:
        return None if isinstance(value, bool) else f"must be true or false, not {kind_of(value)}"
    if kind in _WHOLE:
        return _whole_words(value, _WHOLE[kind])
    if kind in _NUMBERS:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return None if is_number else f"must be a number, not {kind_of(value)}"
    if kind == FieldDescriptor.TYPE_ENUM:
        names = [each.name for each in field.enum_type.values]
        return None if value in names or isinstance(value, int) else f"must be one of {', '.join(names)}"
    return None


def _text_words(value: Any, field: Any) -> str:
    if f"{field.containing_type.name}.{field.name}" in MONEY_FIELDS:
        return 'money is text here, such as "9.99"'
    return f"must be text, not {kind_of(value)}"


def _whole_words(value: Any, bits: int) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return f"must be a whole number, not {kind_of(value)}"
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return "must be a whole number: digits only"
    if number != number // 1:
        return "must be a whole number, without a fraction"
    return None if abs(number) <= 2.0**bits else f"is too large for {bits} bits"


def _time(value: Any, path: str) -> Faults:
    try:
        Timestamp().FromJsonString(value)
    except (ValueError, AttributeError, TypeError, OverflowError):
        yield path, 'must be a time such as "2025-05-01T12:00:00Z"'
