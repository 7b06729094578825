"""The pieces that the generated checks in shopalytic.v1.rules are made of.

Every function that adds to `found` takes None for "nothing yet", so that a
valid event costs no list.
"""

import math
import re
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise

from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.events.structs import parts
from shopalytic.events.violations import Violation

MOST_VIOLATIONS = 100
"""Lists are read no further once an event has this many: enough to see what is wrong."""

REQUIRED = "is required"
EMPTY = "must not be empty; leave it out when it is not known"
NO_NUL = "must not contain the character U+0000"
MALFORMED_UUID = "must be a UUID such as 0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10"
MALFORMED_MONEY = (
    "must be an exact decimal such as 9.99, not negative, with up to 14 digits before the point "
    "and up to 4 after it"
)
MALFORMED_EMAIL = "must be an e-mail address: one @ with text on both sides, and no spaces"
MALFORMED_QUANTITY = (
    "must be an exact decimal such as 0.5 or -1, with up to 9 digits before the point and up to 4 after it"
)
NOT_FINITE = "must be a finite number: JSON has no other"
NOT_THREE_CAPITALS = "must be a code of three capital letters"

# The dialect of the rules in the protos is RE2: \s is these five characters only, and ignoring
# case makes the long s (U+017F) an s. Python's re differs in both, so both are spelled out here.
# It makes the Kelvin sign (U+212A) a k, too.
_AROUND = '[ \t\n\f\r\u200b-\u200d\u2060\ufeff"]*'
_SHARED_BY_MANY = (
    r"null|undefined|none|nil|nan|n/a|\[object .*\]|\(no(?:ne|t [sſ]et)\)"
    r"|(?:\{\{|\$\{|<%).*[}>]|true|fal[sſ]e|[0-]*"
)
_NOBODY = (
    r"-1|gue[sſ]t|anonymou[sſ]|un[k\u212a]nown|(?:u[sſ]er|di[sſ]tinct)?_?id|u[sſ]er|email|not_authenticated"
)


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(f"{_AROUND}(?:{pattern}){_AROUND}", re.IGNORECASE | re.ASCII)


matches_uuid = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
matches_money = re.compile("[0-9]{1,14}(?:[.][0-9]{1,4})?").fullmatch
matches_quantity = re.compile("-?[0-9]{1,9}(?:[.][0-9]{1,4})?").fullmatch
matches_three_capitals = re.compile("[A-Z]{3}").fullmatch
matches_email = re.compile("[^@ \t\n\f\r]+@[^@ \t\n\f\r]+").fullmatch
is_device_placeholder = _whole(_SHARED_BY_MANY).fullmatch
is_identity_placeholder = _whole(f"{_SHARED_BY_MANY}|{_NOBODY}").fullmatch


def note(found: list[Violation] | None, field: str, rule_id: str, message: str) -> list[Violation]:
    """Adds one broken rule."""
    violation = Violation(field, rule_id, message)
    if found is None:
        return [violation]
    found.append(violation)
    return found


def under(found: list[Violation] | None, field: str, inner: list[Violation]) -> list[Violation]:
    """Adds what is wrong inside of a field, its paths led by the field's name."""
    moved = [Violation(f"{field}.{each.field}", each.rule_id, each.message) for each in inner]
    return moved if found is None else found + moved


def note_in_struct(found: list[Violation] | None, field: str, struct: Struct) -> list[Violation] | None:
    """Adds what of a struct cannot be stored as JSON."""
    for path, part in parts(struct):
        if isinstance(part, str):
            if "\0" in part:
                found = note(found, f"{field}.{path}", "string.no_nul", NO_NUL)
        elif not math.isfinite(part):
            found = note(found, f"{field}.{path}", "double.finite", NOT_FINITE)
        if enough(found):
            break
    return found


def enough(found: list[Violation] | None) -> bool:
    """Whether so much is wrong that reading on tells nobody more."""
    return found is not None and len(found) >= MOST_VIOLATIONS


def too_long(value: str, most: int) -> str:
    """The message of a text that passes its limit."""
    return f"must be at most {most:,} characters; this has {len(value):,}"


def outside(time: Timestamp, earliest: int, end: int) -> bool:
    """Whether a time is before `earliest` or not before `end`, in Unix seconds.

    The nanoseconds count as they were sent, also negative or beyond a second.
    """
    if earliest + 3 <= time.seconds < end - 3:
        return False
    return not earliest * 10**9 <= time.seconds * 10**9 + time.nanos < end * 10**9


def out_of_time(time: Timestamp, earliest: int, end: int) -> str:
    """The message of a time outside of its range."""
    first, last = (datetime.fromtimestamp(each, UTC).date() for each in (earliest, end))
    hint = "; seconds are expected, not milliseconds" if time.seconds >= 10**11 else ""
    return f"must be from {first} on and before {last} (UTC){hint}"


def not_listed(value: str, choices: frozenset[str]) -> str:
    """The message of a text outside of a list: names the nearest of the list."""
    if len(choices) <= 5:
        return f"must be one of {', '.join(map(repr, sorted(choices)))}"
    letters = _pairs(value[:40].strip().lower().replace("_", "-").replace(" ", "-"))

    def likeness(choice: tuple[str, frozenset[str]]) -> float:
        return len(letters & choice[1]) / (len(letters) + len(choice[1]))

    nearest, _ = max(_listed(choices), key=likeness)
    return f"is not in the list of codes; did you mean {nearest!r}?"


@cache
def _listed(choices: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    return [(choice, _pairs(choice)) for choice in sorted(choices)]


def _pairs(text: str) -> frozenset[str]:
    """Neighbouring letters. Comparing them takes microseconds, difflib milliseconds: too long for a batch."""
    return frozenset(a + b for a, b in pairwise(f" {text} "))
