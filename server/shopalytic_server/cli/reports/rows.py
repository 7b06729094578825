"""The columns of a report's table: the values of a breakdown first, the numbers of another range last."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message

from shopalytic_server.cli.output import message_data
from shopalytic_server.cli.reports.question import Question

# What says which row it is, and is the same in both ranges.
_NAMES = frozenset({"start", "sku", "name", "carrier", "coupon", "segment", "step", "value", "query"})
_NO_COLUMNS = frozenset({"explain", "dimensions", "previous", "compared"})


def number_columns(row: type[Message]) -> list[str]:
    """The columns of a message that is a row."""
    return [field.name for field in row.DESCRIPTOR.fields if field.name not in _NO_COLUMNS]


def columns(question: Question, names: Sequence[str], *, own: Sequence[str] = ()) -> list[str]:
    """The columns of a table of rows; `own` are dimensions that are columns already."""
    by = [name for name in question.scope.breakdowns if name not in own]
    return [*by, *names, *(f"previous_{name}" for name in _compared(question, names))]


def words(question: Question) -> list[str]:
    """Of these, those that hold words."""
    return list(question.scope.breakdowns)


def cells(question: Question, row: Message, names: Sequence[str], *, own: Sequence[str] = ()) -> list[Any]:
    """A row's cells in these columns."""
    data = message_data(row)
    dimensions = data.get("dimensions", {})
    before = data.get("previous", {})
    by = [dimensions.get(name, "") for name in question.scope.breakdowns if name not in own]
    return [
        *by,
        *(data.get(name) for name in names),
        *(before.get(name) for name in _compared(question, names)),
    ]


def total_cells(question: Question, row: Message, names: Sequence[str]) -> list[Any]:
    """The last line: its first cell says what it is, instead of what only one row has."""
    found = cells(question, row, names)
    places = max(len(question.scope.breakdowns) + (names[0] in _NAMES), 1)
    return ["total", *[""] * (places - 1), *found[places:]]


def _compared(question: Question, names: Sequence[str]) -> list[str]:
    return [name for name in names if name not in _NAMES] if question.scope.HasField("compare") else []
