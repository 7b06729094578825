"""Values of other tools' events: money with the noise of floats, names in any spelling, times."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_WORD = re.compile(r"[^0-9A-Za-z$]+")
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:[.][0-9]{1,30})?")
_CENTS = Decimal("0.0001")
_LARGEST = Decimal(10) ** 20
_NAIVE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]+)?")
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
    """A time as the contract's JSON takes it. Text without an offset is taken for UTC, as these tools do."""
    if isinstance(value, str):
        value = value.strip()
        if _NAIVE.fullmatch(value):
            return f"{value}Z"
    return value or None


def from_micros(value: Any) -> str | None:
    """A number of microseconds after the Unix epoch as RFC 3339; None where it is none."""
    exact = number(value)
    if exact is None or not 0 < exact < Decimal(10) ** 17:
        return None
    seconds, micros = divmod(int(exact), 1_000_000)
    try:
        when = datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
    except (ValueError, OverflowError, OSError):
        return None
    return when.isoformat().replace("+00:00", "Z")


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; what is none is left out."""
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
