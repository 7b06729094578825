"""JSON with one meaning only.

A key given twice has no one meaning: readers differ in which value they take,
so what is checked here could differ from what another program sees. A number
may be short to write, and a gigabyte once somebody makes a whole number of it.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

_MAX_DIGITS = 400


# What Python's reader says, and what it means.
_WORDS = (
    ("Expecting property name", "a name in double quotes is missing"),
    ("Expecting ',' delimiter", "a comma or a closing bracket is missing"),
    ("Expecting ':' delimiter", "a colon is missing after a name"),
    ("Expecting value", "a value is missing"),
    ("Extra data", "something follows after its end"),
    ("Unterminated string", "a text has no closing quote"),
    (
        "Invalid control character",
        "a text has a line break or another control character in it; write \\n for one",
    ),
    ("Invalid \\uXXXX", "a text has \\u without four hexadecimal digits"),
    ("Invalid \\escape", "a text has a backslash that begins no escape; write \\\\ for one"),
    ("Illegal trailing comma", "a comma stands before a closing bracket"),
)


# Where a body is kept as text, a byte that is not UTF-8 is written so; JSON has no such escape.
_BYTE = re.compile(r"[^\\]?\\x([0-9a-f]{2})")


def why_not_json(error: json.JSONDecodeError) -> str:
    """What is wrong with a text that is no JSON, and where: "a value is missing at line 1, column 9"."""
    if (byte := _BYTE.match(error.doc, max(0, error.pos - 1))) is not None:
        return f"the byte 0x{byte[1]} is not UTF-8, at line {error.lineno}, column {error.colno}"
    words = next(
        (words for sign, words in _WORDS if error.msg.startswith(sign)), "it is not written as JSON is"
    )
    return f"{words} at line {error.lineno}, column {error.colno}"


class SpoiledJson(ValueError):
    """JSON that parses but cannot be taken: a key given twice, a number out of all bounds."""


def read(text: str) -> Any:
    """The value in a text; raises SpoiledJson, another ValueError for what is no JSON, and RecursionError."""
    return DECODER.decode(text)


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
    if len(text) > _MAX_DIGITS:
        raise SpoiledJson(f"a number has more than {_MAX_DIGITS} digits")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise SpoiledJson("a number is out of all bounds") from None
    if not -_MAX_DIGITS < number.adjusted() < _MAX_DIGITS:
        raise SpoiledJson("a number is out of all bounds")
    return number


def _constant(text: str) -> Any:
    raise SpoiledJson(f"{text} is not a JSON number")


DECODER = json.JSONDecoder(
    object_pairs_hook=_once, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)
