"""Reads the JSON body of /collect, keeping one event's mistakes away from the others."""

import json
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from shopalytic_server.gateway.errors import Refusal

MAX_EVENTS = 1_000
_MAX_DIGITS = 400
_WHITESPACE = " \t\n\r"


class SpoiledJson(ValueError):
    """JSON that parses but cannot be taken: a key given twice, a number out of all bounds."""


@dataclass(frozen=True, slots=True)
class UnreadableEvent:
    """Stands for an event whose JSON cannot be taken."""

    message: str


@dataclass(slots=True)
class Payload:
    """The body of one request. `events` holds what JSON gave, unchecked, or UnreadableEvent."""

    text: str
    token: str | None
    tracking_id: str | None
    """The id that the tag would give a visitor who has no cookie."""
    sent_at: Any
    events: list[Any]
    cookie: bool
    reset: bool
    cross_subdomain_cookie: bool
    _slices: list[str] = field(default_factory=list)

    def raw(self, index: int) -> str:
        """The JSON text of one event, exactly as it was sent."""
        if not self._slices:
            self._slices = _split(self.text)[1]
        return self._slices[index]


def read_payload(body: bytes) -> Payload:
    """The request in a body. An unusable one is refused with the reason."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unusable(f"The body is not UTF-8 (byte {error.start}).") from None
    try:
        fields, events = _parse(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _unusable(f"The body is not JSON: {error.msg} at {where}.") from None
    except SpoiledJson as error:
        raise _unusable(f"The body cannot be taken: {error}.") from None
    except RecursionError:
        raise _unusable("The body is nested too deeply.") from None
    return Payload(
        text=text,
        token=_text(fields, "token"),
        tracking_id=_text(fields, "tracking_id"),
        sent_at=fields.get("sent_at"),
        events=_counted(events, reset=fields.get("reset") is True),
        cookie=_flag(fields, "cookie", default=True),
        reset=_flag(fields, "reset", default=False),
        cross_subdomain_cookie=_flag(fields, "cross_subdomain_cookie", default=True),
    )


def _unusable(message: str) -> Refusal:
    return Refusal(400, "invalid_argument", message)


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise _unusable(f"{name}: must be text.")
    return value


def _flag(fields: dict[str, Any], name: str, *, default: bool) -> bool:
    value = fields.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise _unusable(f"{name}: give true or false.")
    return value


def _counted(events: Any, *, reset: bool) -> list[Any]:
    if events is None and reset:
        return []
    if not isinstance(events, list):
        raise _unusable('events: give a list of events, as {"token": "...", "events": [{"type": ...}]}.')
    if len(events) > MAX_EVENTS:
        text = f"events: {len(events):,} is more than {MAX_EVENTS:,}; send them in several requests."
        raise Refusal(413, "too_large", text)
    if not events and not reset:
        raise _unusable("events: give at least one event.")
    return events


# Strict reading. A key given twice has no one meaning: readers differ in which
# value they take, so what is validated here could differ from what another
# program sees. json.loads would silently take the last.


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise SpoiledJson(f"the key {twice[:100]!r} is given twice; give it once")
    return result


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise SpoiledJson(f"a number has more than {_MAX_DIGITS} digits")
    return int(text)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise SpoiledJson("a number is out of all bounds") from None
    # 1e999999999 is short to write, and a gigabyte once somebody makes an int of it.
    if len(text) > _MAX_DIGITS or not -_MAX_DIGITS < number.adjusted() < _MAX_DIGITS:
        raise SpoiledJson("a number is out of all bounds")
    return number


def _constant(text: str) -> Any:
    raise SpoiledJson(f"{text} is not a JSON number")


_STRICT = json.JSONDecoder(
    object_pairs_hook=_once, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)
_LENIENT = json.JSONDecoder(parse_int=str, parse_float=str)


def _parse(text: str) -> tuple[dict[str, Any], Any]:
    """The top-level fields, and the events apart."""
    try:
        fields = _STRICT.decode(text)
    except SpoiledJson:
        _LENIENT.decode(text)  # what follows the spoiled part may not be JSON at all; _split relies on it
        fields, slices = _split(text)
        return fields, [_parse_event(slice_) for slice_ in slices]
    if not isinstance(fields, dict):
        raise _unusable('The body must be an object: {"token": "...", "events": [...]}.')
    return fields, fields.get("events")


def _parse_event(text: str) -> Any:
    try:
        return _STRICT.decode(text)
    except SpoiledJson as error:
        return UnreadableEvent(f"cannot be taken: {error}")


def _split(text: str) -> tuple[dict[str, Any], list[str]]:
    """The top-level fields but `events`, read strictly, and the text of each event, whatever it holds."""
    fields: dict[str, Any] = {}
    slices: list[str] = []
    names: set[str] = set()
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        raise _unusable('The body must be an object: {"token": "...", "events": [...]}.')
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, at = _LENIENT.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if name in names:
            raise SpoiledJson(f"the key {name[:100]!r} is given twice; give it once")
        names.add(name)
        if name == "events" and text[at] == "[":
            slices, at = _split_list(text, at)
        else:
            fields[name], at = _STRICT.raw_decode(text, at)
        at = _after_comma(text, at)
    return fields, slices


def _split_list(text: str, at: int) -> tuple[list[str], int]:
    slices: list[str] = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = _LENIENT.raw_decode(text, at)
        slices.append(text[at:end])
        at = _after_comma(text, end)
    return slices, at + 1


def _after_comma(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _WHITESPACE:
        at += 1
    return at
