"""What a scope leaves of a view: conditions made from a closed list of expressions, with bound values.

Nothing else makes SQL out of what a caller says.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from shopalytic_server.domain.reports.dimensions import Filter, Operator
from shopalytic_server.storage.facts.scope import Scope

Value = str | bool | list[str]


@dataclass(frozen=True, slots=True)
class Expression:
    """A dimension of a view's rows as SQL: a text that is empty where it is not known, or a list of such."""

    sql: str
    several: bool = False


# `$` stands for the value. What is not known is not anything, so `is not` leaves it.
_OF_ONE = {
    Operator.IS: "{expression} = $",
    Operator.IS_NOT: "{expression} <> $",
    Operator.ONE_OF: "list_contains($, {expression})",
    Operator.CONTAINS: "contains(lower({expression}), lower($))",
    Operator.IS_SET: "{expression} <> ''",
}
_OF_SEVERAL = {
    Operator.IS: "list_contains({expression}, $)",
    Operator.IS_NOT: "NOT list_contains({expression}, $)",
    Operator.ONE_OF: "list_has_any({expression}, $)",
    Operator.CONTAINS: "len(list_filter({expression}, lambda each: contains(lower(each), lower($)))) > 0",
    Operator.IS_SET: "{expression} <> ['']",
}


@dataclass(slots=True)
class Condition:
    """Conditions that hold together, and the values of the variables in them."""

    parts: list[str] = field(default_factory=list)
    variables: dict[str, Value] = field(default_factory=dict)

    @property
    def sql(self) -> str:
        """The conditions in one; `true` without any."""
        return " AND ".join(self.parts) or "true"

    def add(self, expression: Expression, asked: Filter, name: str) -> None:
        """Adds a filter; `name` is that of its variable."""
        conditions = _OF_SEVERAL if expression.several else _OF_ONE
        condition = conditions[asked.operator].format(expression=expression.sql)
        if "$" in condition:
            values = list(asked.values)
            self.variables[name] = values if asked.operator is Operator.ONE_OF else values[0]
            condition = condition.replace("$", f"getvariable('{name}')")
        self.parts.append(condition)


def scope_condition(columns: Collection[str], scope: Scope) -> Condition:
    """What a scope says beside its range and its filters, as far as a view (`t`) has columns for it."""
    found = Condition()
    if not scope.include_bots and "bot" in columns:
        found.parts.append("NOT t.bot")
    for name, value in (("source", scope.source), ("currency", scope.currency)):
        if value is not None and name in columns:
            found.add(Expression(f"t.{name}"), Filter(name, Operator.IS, (value,)), f"scope_{name}")
    return found


def add_filters(
    condition: Condition, filters: Collection[Filter], expressions: Mapping[str, Expression]
) -> None:
    """Adds filters to a condition."""
    for number, each in enumerate(filters):
        condition.add(expressions[each.dimension], each, f"filter_{number}")
