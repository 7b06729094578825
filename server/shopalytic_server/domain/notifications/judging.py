"""When a watched number is an incident. Numbers are exact decimals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

LEAST_WEEKS = 4
"""Of how many weeks before there has to be a number, before a median is trusted."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a number has to be for an incident; exactly one of the fields is given."""

    below: Decimal | None = None
    above: Decimal | None = None
    percent_under_median: int | None = None
    percent_over_median: int | None = None

    @property
    def needs_weeks(self) -> bool:
        """Whether the weeks before decide."""
        return self.percent_under_median is not None or self.percent_over_median is not None


@dataclass(frozen=True, slots=True)
class Row:
    """A number of one value of a dimension, or of the whole."""

    value: str
    number: Decimal
    guard: Decimal | None = None
    """A second number of the row, where the alert has a guard."""


@dataclass(frozen=True, slots=True)
class Found:
    """A row that is an incident, and the sentence that says why."""

    value: str
    number: Decimal
    sentence: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an alert finds: its incidents, and one sentence of all."""

    found: tuple[Found, ...]
    sentence: str


def judge(
    condition: Condition,
    rows: Sequence[Row],
    *,
    what: str,
    guard_at_least: Decimal | None = None,
    weeks: Sequence[Mapping[str, Decimal]] = (),
) -> Judgement:
    """Judges each row.

    `what` names the number and its range ("orders of the last 3 hours"). `weeks` has the numbers of each week
    before that has data at all, by value; a value that a week lacks had 0 then.
    """
    if condition.needs_weeks and len(weeks) < LEAST_WEEKS:
        known = f"{len(weeks)} of the weeks before have data"
        return Judgement((), f"Not judged: {known}, and a median needs {LEAST_WEEKS}.")
    if condition.needs_weeks:
        # Whoever sold in the weeks before and has no row now, has sold nothing.
        now = {row.value for row in rows}
        gone = sorted({value for week in weeks for value in week} - now)
        rows = [*rows, *(Row(value, Decimal(0)) for value in gone)]
    judged = [row for row in rows if guard_at_least is None or (row.guard or 0) >= guard_at_least]
    found = []
    for row in judged:
        reason = _reason(condition, row, weeks)
        if reason is not None:
            named = f"{row.value}: " if row.value else ""
            found.append(Found(row.value, row.number, f"{named}{what}: {plain(row.number)}, {reason}."))
    if len(judged) == 1 and not found:
        return Judgement((), f"All is well: {what}: {plain(judged[0].number)}.")
    if not found:
        return Judgement((), f"All is well: {len(judged)} rows judged, {what}.")
    if len(found) == 1:
        return Judgement(tuple(found), found[0].sentence)
    return Judgement(tuple(found), f"{len(found)} of {len(judged)} rows are out of bounds, {what}.")


def _reason(condition: Condition, row: Row, weeks: Sequence[Mapping[str, Decimal]]) -> str | None:
    if condition.below is not None:
        return f"less than {plain(condition.below)}" if row.number < condition.below else None
    if condition.above is not None:
        return f"more than {plain(condition.above)}" if row.number > condition.above else None
    usual = median(week.get(row.value, Decimal(0)) for week in weeks)
    if usual <= 0:
        return None
    if condition.percent_under_median is not None:
        limit, word = usual * (100 - condition.percent_under_median), "under"
        is_out = row.number * 100 <= limit
    else:
        limit, word = usual * (100 + (condition.percent_over_median or 0)), "over"
        is_out = row.number * 100 >= limit
    if not is_out:
        return None
    share = abs(usual - row.number) * 100 / usual
    return f"{plain(share.quantize(Decimal(1)))} % {word} the median {plain(usual)} of the weeks before"


def plain(number: Decimal) -> str:
    """A number as people write it: no exponent, no zeros behind, groups of three digits."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
