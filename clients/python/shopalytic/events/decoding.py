"""JSON-like data to Events: the catalogue's names and forgiving values, one table per message.

Parse JSON numbers exactly before: json.loads(text, parse_float=Decimal). What
is decoded is of the right types; whether it keeps the rules is for
shopalytic.v1.rules to say.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.events.structs import to_struct
from shopalytic.events.values import (
    DecodeError,
    is_plain_date,
    kind_of,
    to_bool,
    to_country,
    to_currency,
    to_id,
    to_int,
    to_int64,
    to_money,
    to_text,
    to_timestamp,
)
from shopalytic.v1.events_pb2 import Context, Event, Undecoded
from shopalytic.v1.rules import MONEY_FIELDS, violations

__all__ = [
    "EVENT_TYPES",
    "DecodeError",
    "decode_context",
    "decode_event",
    "decode_properties",
    "decode_time",
    "payload_values",
    "plain_dates",
    "undecoded_event",
    "uuid7",
]

LATER_NAMES = {
    "account_register": "customer_register",
    "account_update": "customer_update",
    "shipment_update": "shipment_delivered",
}
"""Other names of the same events, and the name each is stored under."""

Converter = Callable[[Any], Any]
Table = dict[str, Converter]
# Descriptors are Any below: their class is one of two, after how protobuf was built.


def decode_event(data: Mapping[str, Any], *, fill: bool = False, now: datetime | None = None) -> Event:
    """The event that a JSON object describes; raises DecodeError naming the first field it cannot read.

    With `fill`, an absent event_id becomes a new UUID and an absent occurred_at
    becomes `now` (an aware datetime; absent: the clock). null means absent.
    """
    if not isinstance(data, Mapping):
        raise DecodeError("", f"must be a JSON object, not {kind_of(data)}", "json")
    values = _fields(_ENVELOPE, data, "an event")
    kind = values.pop("type", None)
    if kind is None:
        raise DecodeError("type", f"is required: one of {', '.join(EVENT_TYPES)}", "required")
    properties = values.pop("properties", {})
    values[kind] = _payload(kind, properties)
    if plain := plain_dates(kind, data.get("occurred_at"), properties):
        values["plain_dates"] = plain
    if fill:
        if "event_id" not in values:
            values["event_id"] = uuid7()
        if "occurred_at" not in values:
            values["occurred_at"] = _time(now)
    return Event(**values)


def decode_properties(event_type: str, properties: Mapping[str, Any]) -> Message:
    """The payload message of one kind of event; paths in errors begin with the kind."""
    kind = _kind_at_type(event_type)
    return _MESSAGES[kind](**_payload(kind, properties))


def plain_dates(kind: str, occurred_at: Any, properties: Any) -> list[str]:
    """Which times of an event are plain dates, as `Event.plain_dates` has them."""
    found = ["occurred_at"] if is_plain_date(occurred_at) else []
    names = _TIMES[LATER_NAMES.get(kind, kind)]
    if names and isinstance(properties, Mapping):
        found += [name for name in names if is_plain_date(properties.get(name))]
    return found


def payload_values(event_type: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The same as what the payload message is made of, for a caller that fills an Event with it."""
    convert = _PAYLOADS.get(event_type)
    if convert is None:
        return _payload(_kind_at_type(event_type), properties)
    try:
        return convert(properties)
    except DecodeError as error:
        raise error.under(event_type) from None


def decode_context(data: Mapping[str, Any]) -> Context:
    """The context that a dict describes."""
    try:
        return Context(**_CONTEXT(data))
    except DecodeError as error:
        raise error.under("context") from None


def decode_time(field: str, value: Any) -> Timestamp:
    """A time in any form that JSON or Python may give it; `field` is the path for errors."""
    try:
        return to_timestamp(value)
    except DecodeError as error:
        raise error.under(field) from None


def undecoded_event(
    raw_json: str, error: DecodeError, *, data: object = None, now: datetime | None = None
) -> Event:
    """An event that carries what could not be read, for the server's quarantine.

    `data` is the parsed JSON if the caller has it. What of the envelope is
    readable and keeps the rules is kept; for the rest there is a new id, `now`
    (absent: the clock) and the tracking id "undecoded".
    """
    undecoded = Undecoded(
        json=_storable(raw_json),
        field=_storable(error.field),
        message=_storable(error.message),
        rule_id=error.rule_id,
    )
    event = Event(event_id=uuid7(), occurred_at=_time(now), undecoded=undecoded)
    data = _parsed(raw_json) if data is None else data
    for name in ("event_id", "tracking_id", "identity", "source", "sandbox"):
        value = data.get(name) if isinstance(data, Mapping) else None
        if value is not None and _is_readable(name, value):
            setattr(event, name, _ENVELOPE[name](value))
    if not (event.tracking_id or event.identity):
        event.tracking_id = "undecoded"
    return event


def uuid7() -> str:
    """A new UUID of version 7 (RFC 9562), in order of time to about a quarter of a microsecond."""
    millis, rest = divmod(time.time_ns(), 1_000_000)
    # The 12 bits after the version carry the fraction of the millisecond (RFC 9562, 6.2, method 3).
    fraction = (rest << 12) // 1_000_000
    rest = _random.getrandbits(62)
    return "%08x-%04x-7%03x-%04x-%012x" % (  # noqa: UP031 - twice as fast as an f-string with five parts
        millis >> 16,
        millis & 0xFFFF,
        fraction,
        rest >> 48 | 0x8000,
        rest & 0xFFFF_FFFF_FFFF,
    )


# Seeded by the system's own generator; asking that for each id would cost more than all the rest of
# it. An id must be unique, not secret. A forked child must not repeat its parent's.
_random = random.Random()  # noqa: S311
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_random.seed)


def _time(now: datetime | None) -> Timestamp:
    return to_timestamp(datetime.now(UTC) if now is None else now)


def _payload(kind: str, properties: Any) -> dict[str, Any]:
    try:
        return _PAYLOADS[kind](properties)
    except DecodeError as error:
        raise error.under(kind) from None


def _fields(table: Table, data: Mapping[str, Any], what: str) -> dict[str, Any]:
    values = {}
    for name, value in data.items():
        convert = table.get(name)
        if convert is None:
            raise _unknown(name, table, what)
        if value is None:
            continue
        if (convert is to_text or convert is to_id) and value.__class__ is str and value.isascii():
            values[name] = value  # what most properties are, without a call
            continue
        try:
            values[name] = convert(value)
        except DecodeError as error:
            raise error.under(name) from None
    return values


def _message(descriptor: Any, what: str) -> Callable[[Any], dict[str, Any]]:
    table = {field.name: _converter(field) for field in descriptor.fields}

    def convert(value: Any) -> dict[str, Any]:
        # Asking an abstract class costs more than the rest of it; most are plain dicts.
        if value.__class__ is not dict and not isinstance(value, Mapping):
            raise DecodeError("", f"must be an object, not {kind_of(value)}")
        return _fields(table, value, what)

    return convert


def _list(convert: Converter) -> Converter:
    def convert_list(value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise DecodeError("", f"must be a list, not {kind_of(value)}")
        items: list[Any] = []
        try:
            for item in value:
                items.append(convert(item))  # noqa: PERF401 - its length is the index of what fails
        except DecodeError as error:
            raise error.under(f"[{len(items)}]") from None
        return items

    return convert_list


def _converter(field: Any) -> Converter:
    if field.message_type is None:
        owner = field.containing_type.name
        is_money = f"{owner}.{field.name}" in MONEY_FIELDS
        convert = to_money if is_money else _BY_NAME.get(field.name, _SCALARS[field.type])
    elif field.message_type.full_name == "google.protobuf.Timestamp":
        convert = to_timestamp
    elif field.message_type.full_name == "google.protobuf.Struct":
        convert = to_struct
    else:
        convert = _message(field.message_type, field.name)
    return _list(convert) if field.is_repeated else convert


def _kind(value: Any) -> str:
    name = to_text(value)
    kind = LATER_NAMES.get(name, name)
    if kind not in _PAYLOADS:
        hint = _nearest(name, [*EVENT_TYPES, *LATER_NAMES])
        message = f"is not a kind of event; {hint or 'it is one of ' + ', '.join(EVENT_TYPES)}"
        raise DecodeError("", message, "unknown_type")
    return kind


def _kind_at_type(value: Any) -> str:
    try:
        return _kind(value)
    except DecodeError as error:
        raise error.under("type") from None


def _unknown(name: object, table: Table, what: str) -> DecodeError:
    text = name[:100] if isinstance(name, str) else f"({kind_of(name)})"
    hint = _nearest(text, table) or f"it takes {', '.join(table)}"
    return DecodeError(_printable(text), f"is not a property of {what}; {hint}", "unknown_property")


def _nearest(name: str, known: Iterable[str]) -> str:
    matches = get_close_matches(name[:40].lower(), list(known), n=1)
    return f"did you mean {matches[0]!r}?" if matches else ""


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]


def _storable(text: str) -> str:
    """The text with what protobuf or PostgreSQL cannot hold written as JSON escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\u0000")


def _parsed(raw_json: str) -> object:
    try:
        return json.loads(raw_json)
    except (ValueError, RecursionError):
        return None


def _is_readable(name: str, value: object) -> bool:
    """Whether one value of the envelope has its type and keeps its rules."""
    try:
        trial = Event(**{name: _ENVELOPE[name](value)})
    except DecodeError:
        return False
    return name == "sandbox" or all(
        found.field != name or found.rule_id == "tracking_id.or_identity" for found in violations(trial)
    )


_BY_NAME: dict[str, Converter] = {
    "country": to_country,
    "currency": to_currency,
    "quantity": to_money,
    **dict.fromkeys(("order_id", "cart_id", "shipment_id", "sku", "tracking_number"), to_id),
    **dict.fromkeys(("identity", "tracking_id", "zipcode", "code", "subscription_id", "step"), to_id),
}
_SCALARS: dict[int, Converter] = {
    FieldDescriptor.TYPE_STRING: to_text,
    FieldDescriptor.TYPE_INT32: to_int,
    FieldDescriptor.TYPE_INT64: to_int64,
    FieldDescriptor.TYPE_BOOL: to_bool,
}
_ALTERNATIVES: list[Any] = list(Event.DESCRIPTOR.oneofs_by_name["payload"].fields)
_KINDS = [field for field in _ALTERNATIVES if field.name != "undecoded"]
EVENT_TYPES: tuple[str, ...] = tuple(field.name for field in _KINDS)
"""The names of the kinds of event."""
_TIMES = {
    field.name: tuple(
        each.name
        for each in field.message_type.fields
        if each.message_type is not None and each.message_type.full_name == "google.protobuf.Timestamp"
    )
    for field in _KINDS
}
_MESSAGES = {field.name: GetMessageClass(field.message_type) for field in _KINDS}
_PAYLOADS = {field.name: _message(field.message_type, field.name) for field in _KINDS}
_CONTEXT = _message(Context.DESCRIPTOR, "context")
_ENVELOPE: Table = {
    "type": _kind,
    "properties": lambda value: value,
    **{field.name: _converter(field) for field in Event.DESCRIPTOR.fields if field not in _ALTERNATIVES},
}
