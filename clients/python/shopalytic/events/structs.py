"""google.protobuf.Struct, which holds any JSON object, from and to what Python has for it."""

import math
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value

from shopalytic.events.values import DecodeError, finite, kind_of, to_text

MOST_LEVELS = 16
"""How deep objects and lists may stand in each other. Protobuf itself stops at about twice that."""
MOST_VALUES = 5_000
"""How many values a struct may have, in all its levels."""

# From here on a 64-bit float does not hold every whole number.
_EXACT = 2**53


def to_struct(value: Any) -> Struct:
    """The struct of a JSON object; raises DecodeError.

    A whole number that a float would change becomes the text of its digits.
    """
    if not isinstance(value, Mapping):
        raise DecodeError("", f"must be an object, not {kind_of(value)}")
    return _Writer().struct(value, MOST_LEVELS)


class _Writer:
    """Writes one struct."""

    def __init__(self) -> None:
        self._left = MOST_VALUES

    def struct(self, data: Mapping[Any, Any], levels: int) -> Struct:
        """The struct of an object that may hold so many levels."""
        struct = Struct()
        for name, value in data.items():
            if not isinstance(name, str):
                raise DecodeError("", f"must have names that are text, not {kind_of(name)}")
            try:
                struct.fields[to_text(name)].CopyFrom(self._value(value, levels - 1))
            except DecodeError as error:
                raise error.under(_printable(name)) from None
        return struct

    def _list(self, items: list[Any] | tuple[Any, ...], levels: int) -> ListValue:
        found = ListValue()
        for index, item in enumerate(items):
            try:
                found.values.append(self._value(item, levels - 1))
            except DecodeError as error:
                raise error.under(f"[{index}]") from None
        return found

    def _value(self, value: Any, levels: int) -> Value:
        self._left -= 1
        if self._left < 0:
            raise DecodeError("", f"is one of more than {MOST_VALUES:,} values; send fewer")
        if isinstance(value, Mapping | list | tuple):
            if levels <= 0:
                raise DecodeError("", f"stands deeper than {MOST_LEVELS} levels; send less nested properties")
            if isinstance(value, Mapping):
                return Value(struct_value=self.struct(value, levels))
            return Value(list_value=self._list(value, levels))
        return _scalar(value)


def _scalar(value: Any) -> Value:
    if isinstance(value, str):
        return Value(string_value=to_text(value))
    if value is None:
        return Value(null_value=NULL_VALUE)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, date | UUID):
        return Value(string_value=value.isoformat() if isinstance(value, date) else str(value))
    raise DecodeError("", f"must be what JSON can hold, not {kind_of(value)}")


def _number(value: float | Decimal) -> Value:
    exact = Decimal(value) if isinstance(value, int) else finite(value)
    if not -400 < exact.adjusted() < 400:
        raise DecodeError("", "is a number that no float is near to; send it as text")
    if abs(exact) > _EXACT and exact == exact.to_integral_value():
        return Value(string_value=format(exact, "f"))
    near = float(exact)
    if not math.isfinite(near):
        raise DecodeError("", "is a number that no float is near to; send it as text")
    return Value(number_value=near)


def struct_dict(struct: Struct) -> dict[str, Any]:
    """The JSON object of a struct. A number without a fraction is an int where a float holds it exactly."""
    return {name: _plain(value) for name, value in struct.fields.items()}


def finite_dict(struct: Struct) -> dict[str, Any] | None:
    """The same; None if a number in it is not finite, which JSON cannot hold."""
    for _, part in parts(struct):
        if isinstance(part, float) and not math.isfinite(part):
            return None
    return struct_dict(struct)


def _plain(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) <= _EXACT else number
    if kind == "struct_value":
        return struct_dict(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    return value.bool_value if kind == "bool_value" else None


def parts(struct: Struct) -> Iterator[tuple[str, str | float]]:
    """Each name, text and number in a struct, with its path."""
    todo = [("", Value(struct_value=struct))]
    while todo:
        path, value = todo.pop()
        kind = value.WhichOneof("kind")
        if kind == "struct_value":
            for name, each in value.struct_value.fields.items():
                inner = f"{path}.{_printable(name)}" if path else _printable(name)
                yield inner, name
                todo.append((inner, each))
        elif kind == "list_value":
            todo += ((f"{path}[{index}]", each) for index, each in enumerate(value.list_value.values))
        elif kind in ("string_value", "number_value"):
            yield path, getattr(value, kind)


def _printable(name: str) -> str:
    return name[:100] if name.isprintable() else ascii(name[:100])[1:-1]
