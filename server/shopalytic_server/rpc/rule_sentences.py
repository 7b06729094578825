"""Says in our own words which rule of the protos a request breaks, and what to send instead.

The library that checks the rules has words of its own, with regular expressions
and the names of protobuf's parts, which tell most callers neither.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, OneofDescriptor
from google.protobuf.duration_pb2 import Duration
from protovalidate import Violation as Broken

from shopalytic.events.checking import MALFORMED_UUID, REQUIRED, too_long
from shopalytic_server.domain.formats.wire import records, varint

# What the patterns in the protos ask for.
PATTERNS = {
    "^[A-Z]{3}$": "must be a code of three capital letters, such as EUR for a currency and DEU for a country",
    "^[0-9]{1,14}([.][0-9]{1,4})?$": "must be an amount such as 1234.50, with up to 14 digits and 4 decimals",
    "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$": "must have 1 to 63 lower-case letters, digits and hyphens, "
    "and begin and end with a letter or digit, such as my-shop",
    "^https?://[^/\\sA-Z]+$": "must be an origin such as https://shop.example, "
    "in lower case and without a path",
    '^[^\\s@<>(),;:"\\[\\]\\\\]+@[^\\s@<>(),;:"\\[\\]\\\\]+$': "must be an e-mail address: a@shop.example",
    "^https?://[^\\s]+$": "must be an address such as https://chat.example/hook",
    "^-?[0-9]{1,14}([.][0-9]{1,4})?$": "must be a number such as -12.50, with up to 14 digits and 4 decimals",
}
_MOST_NAMES = 12
# "(buf.validate.field)" in a field's options, and the numbers of bounds in the rules of each type of number.
_FIELD_RULES = 1159
_LTE, _GTE = 3, 5
_DAY_SECONDS = 86_400


class _Rule(NamedTuple):
    """A broken rule, with what its sentence is made of."""

    bound: Any
    value: Any
    field: "FieldDescriptor | OneofDescriptor | None"


def sentence(message: Any, broken: Broken) -> str:
    """What is wrong with a field of a request, and what to do; `message` is the descriptor of the request."""
    proto = broken.proto
    path = [str(element.field_name) for element in proto.field.elements] if proto.field else []
    rule = _Rule(broken.rule_value, broken.field_value, _find(message, path))
    write = _SENTENCES.get(str(proto.rule_id).rpartition(".")[2])
    # A rule that the protos spell out has its sentence there.
    return write(rule) if write is not None else str(proto.message)


def path_of(broken: Broken) -> str:
    """Where it is: `scope.breakdowns[1]`."""
    path = ""
    for element in broken.proto.field.elements if broken.proto.field else ():
        path += f".{element.field_name}" if path else str(element.field_name)
        if element.subscript is not None and element.subscript.field == "index":
            path += f"[{element.subscript.value}]"
    return path


def _find(message: Descriptor, path: list[str]) -> "FieldDescriptor | OneofDescriptor | None":
    found: FieldDescriptor | OneofDescriptor | None = None
    inside: Descriptor | None = message
    for name in path:
        if inside is None:
            return None
        found = inside.fields_by_name.get(name) or inside.oneofs_by_name.get(name)
        inside = found.message_type if isinstance(found, FieldDescriptor) else None
    return found


def _required(rule: _Rule) -> str:
    if isinstance(rule.field, OneofDescriptor):
        return f"{REQUIRED}: give one of {', '.join(field.name for field in rule.field.fields)}"
    if rule.field is not None and rule.field.enum_type is not None:
        return f"{REQUIRED}: give one of {_names(rule.field.enum_type)}"
    return REQUIRED


def _names(enum: EnumDescriptor) -> str:
    values = [value.name for value in enum.values if value.number]
    listed = ", ".join(values[:_MOST_NAMES])
    return listed if len(values) <= _MOST_NAMES else f"{listed}, …"


def _defined_only(rule: _Rule) -> str:
    enum = rule.field.enum_type if isinstance(rule.field, FieldDescriptor) else None
    return f"must be one of {_names(enum)}; this is {rule.value}" if enum is not None else "is not known"


def _min_len(rule: _Rule) -> str:
    if rule.bound == 1:
        return "must not be empty"
    return f"must be at least {rule.bound:,} characters; this has {len(rule.value):,}"


def _pattern(rule: _Rule) -> str:
    return PATTERNS.get(rule.bound, "does not have the form that its documentation tells")


def _least(rule: _Rule) -> str:
    return f"must be at least {rule.bound:,}; this is {rule.value:,}"


def _range(rule: _Rule) -> str:
    bounds = dict(_bounds(rule.field)) if isinstance(rule.field, FieldDescriptor) else {}
    if isinstance(rule.value, int):
        return f"must be from {bounds.get(_GTE, 0):,} to {bounds.get(_LTE, 0):,}; this is {rule.value:,}"
    seconds = bounds.get(_LTE, 0)
    return f"must be from 0 to {seconds:,} seconds, which is {seconds // _DAY_SECONDS:,} days"


def _bounds(field: FieldDescriptor) -> Iterator[tuple[int, int]]:
    """The bounds of a number, or of a duration in seconds, by their numbers in the rules."""
    options = field.GetOptions().SerializeToString()
    for option in records(options, 0, len(options)):
        if option.number != _FIELD_RULES:
            continue
        for kind in records(options, option.start, option.end):
            for bound in records(options, kind.start, kind.end) if kind.is_bytes else ():
                if bound.is_bytes:
                    yield bound.number, Duration.FromString(options[bound.start : bound.end]).seconds
                else:
                    yield bound.number, varint(options, bound.start, bound.end)[0]


def _entries(words: str) -> Callable[[_Rule], str]:
    def told(rule: _Rule) -> str:
        values = "value" if rule.bound == 1 else "values"
        return f"must have {words} {rule.bound:,} {values}; this has {len(rule.value):,}"

    return told


def _always(text: str) -> Callable[[_Rule], str]:
    return lambda _rule: text


# By the last word of a rule's name.
_SENTENCES: dict[str, Callable[[_Rule], str]] = {
    "required": _required,
    "defined_only": _defined_only,
    "min_len": _min_len,
    "max_len": lambda rule: too_long(rule.value, rule.bound),
    "pattern": _pattern,
    "uuid": _always(MALFORMED_UUID),
    "uuid_empty": _always(MALFORMED_UUID),
    "gte": _least,
    "gte_lte": _range,
    "min_items": _entries("at least"),
    "max_items": _entries("at most"),
    "unique": _always("must not name anything twice"),
    "const": _always("must be true; leave it out where it is not"),
    "gt_now": _always("must be after now"),
    "lt": lambda rule: f"must be before {datetime.fromtimestamp(rule.bound.seconds, UTC):%Y-%m-%d}",
}
