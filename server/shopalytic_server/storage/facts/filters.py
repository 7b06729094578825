"""What a scope leaves of a table: conditions made from a closed list of columns, with bound values.

Nothing else makes SQL out of what a caller says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shopalytic_server.storage.facts.scope import Scope
from shopalytic_server.storage.facts.tables import Table


class Comparison(StrEnum):
    """How a filter compares."""

    IS = "is"
    IS_NOT = "is not"
    ONE_OF = "one of"
    CONTAINS = "contains"
    IS_SET = "is set"


# `$` stands for the value. What is not there is not anything, so `is not` leaves it.
_CONDITIONS = {
    Comparison.IS: "{column} = $",
    Comparison.IS_NOT: "{column} IS DISTINCT FROM $",
    Comparison.ONE_OF: "list_contains($, {column})",
    Comparison.CONTAINS: "contains(lower({column}), lower($))",
    Comparison.IS_SET: "{column} IS NOT NULL AND {column} <> ''",
}

Value = str | bool | list[str]


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on a dimension. `value` is a list for ONE_OF, and nothing for IS_SET."""

    column: str
    comparison: Comparison
    value: Value = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """Filters as SQL, and the values of the variables in it."""

    sql: str
    variables: dict[str, Value]


def filters_of(scope: Scope) -> list[Filter]:
    """What a scope says beside its range."""
    filters = [] if scope.include_bots else [Filter("bot", Comparison.IS, False)]
    if scope.source is not None:
        filters.append(Filter("source", Comparison.IS, scope.source))
    if scope.currency is not None:
        filters.append(Filter("currency", Comparison.IS, scope.currency))
    return filters


def condition_of(table: Table, filters: Sequence[Filter]) -> Condition:
    """The filters that a table has columns for; all of them hold together."""
    parts: list[str] = []
    variables: dict[str, Value] = {}
    for number, each in enumerate(filters):
        if each.column not in table.dimensions:
            continue
        name = f"filter_{number}"
        variables[name] = each.value
        condition = _CONDITIONS[each.comparison].format(column=each.column)
        parts.append(condition.replace("$", f"getvariable('{name}')"))
    return Condition(" AND ".join(parts) or "true", variables)
