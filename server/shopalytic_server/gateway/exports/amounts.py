"""Amounts, quantities, times and lists of items as spreadsheets and shops write them."""

import json
import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

_NO_AMOUNT = re.compile(r"[^0-9.,()+-]")
_CENTS = Decimal("0.0001")
_TIME_FORMS = (
    "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%b %d, %Y, %I:%M:%S %p",
    "%b %d, %Y %I:%M:%S %p",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
)


def amount(text: str | None) -> Decimal | None:
    """An amount with its currency's sign and the thousands' marks of any country; None where it is none.

    Of a dot and a comma the last one stands before the fraction; alone, one that
    is followed by three digits, as in 1,234, marks thousands.
    """
    if not text:
        return None
    bare = _NO_AMOUNT.sub("", text.replace("\xa0", ""))
    negative = bare.startswith("(") or "-" in bare
    bare = bare.strip("()+-")
    point, comma = bare.rfind("."), bare.rfind(",")
    if point >= 0 and comma >= 0:
        bare = bare.replace("," if point > comma else ".", "").replace(",", ".")
    elif comma >= 0:
        thousands = bare.count(",") > 1 or len(bare) - comma == 4
        bare = bare.replace(",", "" if thousands else ".")
    elif bare.count(".") > 1:
        bare = bare.replace(".", "")
    try:
        value = Decimal(bare)
    except InvalidOperation:
        return None
    if value.adjusted() > 20:
        return None
    value = value.quantize(_CENTS, ROUND_HALF_EVEN)
    return -value if negative else value


def written(value: Decimal) -> str:
    """An amount as the contract has it."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    """A time; one without an offset is of the shop's zone. None where it cannot be read."""
    if not text:
        return None
    text = text.strip().removesuffix(" UTC")
    for form in _TIME_FORMS:
        try:
            found = datetime.strptime(text, form)  # noqa: DTZ007 - its zone comes next
        except ValueError:
            continue
        return (found if found.tzinfo is not None else found.replace(tzinfo=zone)).astimezone(UTC)
    return None


def listed_items(text: str) -> list[dict[str, str]]:
    """The items that one cell lists: JSON, or `name:Mug|sku:M-1|quantity:2|total:9.98;…`."""
    if text.lstrip().startswith("["):
        try:
            data = json.loads(text, parse_float=str, parse_int=str)
        except ValueError:
            return []
        return [_as_text(item) for item in data if isinstance(item, dict)]
    found = []
    for part in text.split(";"):
        pairs = [pair.partition(":") for pair in part.split("|")]
        item = {name.strip().lower(): value.strip() for name, mark, value in pairs if mark and value.strip()}
        if item:
            found.append(item)
    return found


def _as_text(item: dict[str, Any]) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in item.items() if value not in (None, "")}
