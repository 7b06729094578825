"""How a comparison is shown to people: each number, what it was in the other range, and the change."""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

PREVIOUS = "previous_"
# More numbers than these stand beside each other only if they are asked for.
MOST_NUMBERS = 5
_SHARE = re.compile(r"(rate|share|conversion|cost_known)")
_TENTH = Decimal("0.1")


def has_previous(columns: Sequence[str]) -> bool:
    """Whether a table has numbers of another range."""
    return any(name.startswith(PREVIOUS) for name in columns)


def side_by_side(
    columns: Sequence[str], shown: Sequence[str], *, all_of_them: bool
) -> tuple[list[str], list[str]]:
    """Of the columns that may be shown those that are, and the numbers that are left out."""
    own = [name for name in shown if not name.startswith(PREVIOUS)]
    numbers = [name for name in own if PREVIOUS + name in columns]
    left_out = [] if all_of_them else numbers[MOST_NUMBERS:]
    return [name for name in own if name not in left_out], left_out


def compared_row(columns: Sequence[str], row: Sequence[Any], shown: Sequence[str]) -> list[Any]:
    """The cells of a row: of each number with its previous one three."""
    cells = dict(zip(columns, row, strict=True))
    found: list[Any] = []
    for name in shown:
        found.append(cells[name])
        if PREVIOUS + name in cells:
            before = cells[PREVIOUS + name]
            found += [before, change(name, cells[name], before)]
    return found


def compared_head(columns: Sequence[str], shown: Sequence[str]) -> list[str]:
    """The names above them."""
    found = []
    for name in shown:
        found += [name, "before", "change"] if PREVIOUS + name in columns else [name]
    return found


def change(name: str, now: Any, before: Any) -> str:
    """How far a number has moved: in percent, a share in percent points; nothing where it was nothing."""
    try:
        new, old = Decimal(str(now)), Decimal(str(before))
    except InvalidOperation:
        return ""
    if _SHARE.search(name):
        return f"{_signed((new - old) * 100)} pp"
    return f"{_signed((new - old) * 100 / abs(old))} %" if old else ""


def _signed(number: Decimal) -> str:
    return f"{number.quantize(_TENTH, ROUND_HALF_UP):+,}"
