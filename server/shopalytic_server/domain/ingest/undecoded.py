"""Reads again what could not be read: a sender's word for that is not enough.

An `undecoded` event carries the text of an event that some JSON surface could
not read. Anybody who holds a key can send one, with any text, so the text is
judged by what it says itself, as far as it can be read.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
from google.protobuf import json_format

from shopalytic.events.decoding import EVENT_TYPES, LATER_NAMES, DecodeError, decode_event
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.customers.signing import Claim
from shopalytic_server.domain.formats import strict_json
from shopalytic_server.domain.formats.json_faults import UNKNOWN, fault_in
from shopalytic_server.domain.privacy.network_places import NETWORK_PLACE

# An event has fifteen names at its top; what comes after many more is not looked at.
_MOST_NAMES = 100
# Of a longer text nobody is told where it ceases to be JSON.
_LONGEST_EXPLAINED = 16_384

# What proves the identity that a call of this type names.
_LINKS = {"identify": "identity_signature", "alias": "alias_signature"}

# An order of 2,000 items has less than half as many lists and objects.
_MOST_PARTS = 10_000

# What tells an event in protobuf's JSON: what happened has its own name, and most names are in camel case.
_OF_PROTOBUF = {name for field in Event.DESCRIPTOR.fields for name in (field.name, field.json_name)} - {
    name for field in Event.DESCRIPTOR.fields if not field.containing_oneof for name in [field.name]
}

_SET_BY_GATEWAY = ("address", "origin", "privacy_signal", *NETWORK_PLACE)
_BLANK = " \t\n\r"

_decoder = json.JSONDecoder(parse_float=Decimal)
_may_be_half = re.compile(r"\\u[dD][89a-fA-F]").search
_is_part = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)


class Unreadable:
    """Stands for a value that cannot be read though its end can be found."""


def top_level(text: str) -> list[tuple[str, Any]]:
    """The names at the top of an object with their values, as far as they can be read, repeated ones too."""
    return list(_names(text))


def types_in(pairs: list[tuple[str, Any]]) -> set[str]:
    """The types of the catalogue that an event's text names."""
    named = {value for name, value in pairs if name == "type" and isinstance(value, str)}
    return {LATER_NAMES.get(name, name) for name in named} & set(EVENT_TYPES)


def claims_in(pairs: list[tuple[str, Any]], carried: list[Claim]) -> list[Claim]:
    """The identities that an event's text claims, and those `carried` beside it, each with its signature."""
    texts = dict(pairs)
    found = [("identity", value, "identity_signature") for name, value in pairs if name == "identity"]
    named = [
        value.get("identity") for name, value in pairs if name == "properties" and isinstance(value, dict)
    ]
    for kind in types_in(pairs) & _LINKS.keys():
        found += [(f"{kind}.identity", value, _LINKS[kind]) for value in named]
    claims = [
        Claim(field, value, _text(texts, name), name) for field, value, name in found if _is_text(value)
    ]
    return claims + [
        replace(claim, signature=claim.signature or _text(texts, claim.name)) for claim in carried
    ]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _text(texts: dict[str, Any], name: str) -> str:
    value = texts.get(name)
    return value if isinstance(value, str) else ""


def read_again(event: Event, *, public: bool) -> Event | DecodeError:
    """The event that an `undecoded` one carries, if its text has one meaning and all of it is readable.

    Else why it is not, in our words: the sender's may be anybody's.
    """
    text = event.undecoded.json
    if text.count("{") + text.count("[") > _MOST_PARTS:
        return DecodeError("", f"has more than {_MOST_PARTS:,} lists and objects", "json")
    try:
        try:
            # Most texts fail here, at once and without a call for each of their parts.
            decoded(orjson.loads(text))
        except orjson.JSONDecodeError:
            # It takes no half of a surrogate pair either, which is JSON all the same.
            if len(text) > _LONGEST_EXPLAINED and _may_be_half(text) is None:
                return DecodeError("", "is not JSON", "json")
        read = decoded(strict_json.read(text))
    except DecodeError as error:
        return error
    except (ValueError, RecursionError) as error:
        return DecodeError("", _why(error), "json")
    complete(read, event, public=public)
    return read


def decoded(value: Any) -> Event:
    """The event in the catalogue's form, or in protobuf's own; raises DecodeError."""
    # Whoever writes one of these names writes the catalogue's form, even where the other is forgotten.
    is_catalogued = isinstance(value, dict) and value.keys() & {"type", "properties"}
    if not isinstance(value, dict) or is_catalogued or not value.keys() & _OF_PROTOBUF:
        return decode_event(value)
    found = fault_in(value, Event.DESCRIPTOR)
    if found is not None:
        path, words = found
        raise DecodeError(path, words, "unknown_property" if words.startswith(UNKNOWN) else "type")
    try:
        event = json_format.ParseDict(value, Event())
    except (json_format.ParseError, ValueError, TypeError):
        raise DecodeError("", "a value is out of its bounds", "json") from None
    if event.HasField("undecoded"):
        raise DecodeError("undecoded", "is not for senders of JSON to give", "unknown_property")
    return event


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {strict_json.why_not_json(error)}"
    if isinstance(error, strict_json.SpoiledJson):
        return f"cannot be taken: {error}"
    return "is nested too deeply" if isinstance(error, RecursionError) else "is not JSON"


def complete(read: Event, carrier: Event, *, public: bool) -> None:
    """Fills what the text leaves to the server from the event that carried it.

    Where a visitor is, and what their browser asks for, is not for the text of a
    `public` key's event to say.
    """
    read.event_id = read.event_id or carrier.event_id
    if not read.HasField("occurred_at") and carrier.HasField("occurred_at"):
        # Sent again it has another time of arrival.
        read.occurred_at.CopyFrom(carrier.occurred_at)
        read.timed_on_arrival = True
    if not (read.tracking_id or read.identity):
        read.tracking_id = carrier.tracking_id
    for name in _SET_BY_GATEWAY:
        if carrier.context.HasField(name):
            setattr(read.context, name, getattr(carrier.context, name))
        elif public and read.context.HasField(name):
            read.context.ClearField(name)
    if carrier.context.HasField("user_agent") and not read.context.HasField("user_agent"):
        read.context.user_agent = carrier.context.user_agent


def _names(text: str) -> Iterator[tuple[str, Any]]:
    at = _skip_blank(text, 0)
    if text[at : at + 1] != "{":
        return
    at = _skip_blank(text, at + 1)
    for _ in range(_MOST_NAMES):
        try:
            name, at = _decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        at = _skip_blank(text, at)
        if not isinstance(name, str) or text[at : at + 1] != ":":
            return
        value, at = _value(text, _skip_blank(text, at + 1))
        yield name, value
        at = _skip_blank(text, at)
        if text[at : at + 1] != ",":
            return
        at = _skip_blank(text, at + 1)


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _decoder.raw_decode(text, at)
    except (ValueError, ArithmeticError, RecursionError):
        return Unreadable(), _end_of_value(text, at)


def _end_of_value(text: str, at: int) -> int:
    """Where a value ends that is too deep, too large or wrong inside; by its brackets."""
    depth = 0
    for part in _is_part.finditer(text, at):
        if part[0] in "[{":
            depth += 1
        elif part[0] in "]}":
            depth -= 1
        if depth <= 0:
            # A closing bracket without an opening one ends the object around it.
            return part.start() if depth < 0 else part.end()
    return len(text)


def _skip_blank(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _BLANK:
        at += 1
    return at
