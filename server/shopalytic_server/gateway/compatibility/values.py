"""Values of other tools' events: money with the noise of floats, names in any spelling, times."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any

from shopalytic.events.countries import ALPHA_3

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_WORD = re.compile(r"[^0-9A-Za-z$]+")
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:[.][0-9]{1,30})?")
_CENTS = Decimal("0.0001")
_LARGEST = Decimal(10) ** 20
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# What JavaScript makes of a Date that becomes text: "Sun Nov 01 2026 10:00:00 GMT+0100 (CET)".
_JAVASCRIPT = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([0-9]{2}) ([0-9]{4}) ([0-9]{2}:[0-9]{2}:[0-9]{2})(?: GMT([+-][0-9]{4}))?"
)
_LONGEST_TIME = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTRIES = frozenset(ALPHA_3.values())
_LONGEST_NAME = 200


def folded(name: str) -> str:
    """A name in one spelling: "Order Completed", "orderCompleted" and "order_completed" are one."""
    return _NO_WORD.sub("_", _CAMEL.sub("_", name[:_LONGEST_NAME])).strip("_").lower()


def number(value: Any) -> Decimal | None:
    """A number that was sent as one or as text, to four places; None for anything else.

    Senders add floats up: 0.30000000000000004 is 0.3.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = value.strip()
        if not _NUMBER.fullmatch(value):
            return None
    elif not isinstance(value, int | Decimal):
        return None
    try:
        exact = Decimal(value)
    except InvalidOperation:
        return None
    if not exact.is_finite() or abs(exact) >= _LARGEST:
        return None
    return exact.quantize(_CENTS, ROUND_HALF_EVEN)


def money(value: Any) -> Any:
    """An amount as the contract's text; what is no number stays, for the contract to judge."""
    exact = number(value)
    return value if exact is None else written(exact)


def written(amount: Decimal) -> str:
    """An amount as text without needless zeros: "9.99"."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def whole(value: Any) -> Any:
    """A number of pieces: "2", 2 and 2.0 are 2; anything else as it is, for the contract to judge."""
    exact = number(value)
    if exact is None or exact != exact.to_integral_value():
        return value
    return int(exact)


def moment(value: Any) -> Any:
    """A time as the contract's JSON takes it; what is none stays, for the contract to judge.

    Senders give RFC 3339 and the other forms of ISO 8601, what HTTP and JavaScript
    write, and numbers: seconds, milliseconds or microseconds after the Unix epoch.
    Text without an offset is taken for UTC, as these tools do.
    """
    if isinstance(value, str):
        value = value.strip()
        if not value or _RFC3339.fullmatch(value):
            return value or None
        if _NUMBER.fullmatch(value):
            return from_epoch(value) or value
        when = _written_time(value)
        return value if when is None else _rfc3339(when) or value
    return from_epoch(value) or value or None


def _written_time(text: str) -> datetime | None:
    if len(text) > _LONGEST_TIME or _DAY.fullmatch(text):
        return None  # a plain date is a day of the project's, which the contract knows
    if (javascript := _JAVASCRIPT.match(text)) is not None:
        month, day, year, clock, offset = javascript.groups()
        text = f"{day} {month} {year} {clock} {offset or '+0000'}"
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            when = read(text)
        except (ValueError, TypeError, OverflowError):
            continue
        return when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return None


def from_epoch(value: Any) -> str | None:
    """Seconds, milliseconds or microseconds after the Unix epoch as RFC 3339; None where it is none.

    Its size tells which: each of them is a time from 1973 to the year 5138 at least.
    """
    exact = number(value)
    if exact is None or not 0 < exact < Decimal(10) ** 17:
        return None
    micros = exact * (1_000_000 if exact < 10**11 else 1_000 if exact < 10**14 else 1)
    try:
        return _rfc3339(_EPOCH + timedelta(microseconds=int(micros)))
    except OverflowError:
        return None


def _rfc3339(when: datetime) -> str | None:
    try:
        return when.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return None


def country(value: Any) -> str | None:
    """A country's code of three letters, out of one of two or three; None for a name or anything else."""
    code = words(value, _LONGEST_NAME)
    if code is None:
        return None
    code = ALPHA_3.get(code.upper(), code.upper())
    return code if code in _COUNTRIES else None


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; what is none is left out.

    PHP writes a list with gaps as an object with its numbers as names, and a sender
    of one product may leave the list out.
    """
    if isinstance(value, Mapping) and value:
        inner = list(value.values())
        value = inner if all(isinstance(item, Mapping) for item in inner) else [value]
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """An object, or an empty one where there is none."""
    return value if isinstance(value, dict) else {}


def words(value: Any, longest: int) -> str | None:
    """Text that is not empty, cut to its limit; None for anything else."""
    if not isinstance(value, str):
        return None
    text = value.replace("\0", "").strip()[:longest]
    return text or None
