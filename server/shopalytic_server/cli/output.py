"""What commands print: JSON for programs on stdout, tables for people."""

import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import click
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from rich import box
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table

from shopalytic_server.cli.csv_line import csv_line
from shopalytic_server.domain.formats.terminal_text import json_text, one_line, several_lines

PIPE_WIDTH = 1_000
# A column of words is readable when folded to this.
_FOLDED_WIDTH = 12


def say(text: str, err: bool = False) -> None:
    """Sentences of ours, which may quote others; the only way to a terminal beside tables, JSON and CSV.

    Line feeds are taken for ours, so a text of others that may hold some goes through `one_line` first.
    """
    click.echo(several_lines(text), err=err)


def print_json(data: Any, *, indent: int | None = 2) -> None:
    """One JSON document, in the order of its keys."""
    click.echo(json_text(data, indent))


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table for spreadsheets and programs, with its columns' names first; a row is printed as it comes."""
    for row in chain([columns], rows):
        line = csv_line(row)
        # A file keeps the marks that some scripts are written with; a terminal shows them.
        click.echo(several_lines(line) if is_read_by_a_person() else line)


def is_read_by_a_person() -> bool:
    """Whether what is printed goes to a terminal, and not into a file, a journal or another program."""
    return sys.stdout.isatty()


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str | None = None,
    right: Sequence[str] = (),
) -> None:
    """A table as wide as the terminal; the first column, which names the row, and numbers are never folded.

    Columns that do not fit are left out, the last ones first, and named below.
    """
    table = Table(title=title and one_line(title), title_justify="left", box=box.SIMPLE_HEAD)
    cells = [[_cell(value) for value in row] for row in rows]
    place = console()
    shown = _fitting(columns, cells, right, place.width)
    for number in shown:
        justify: JustifyMethod = "right" if columns[number] in right else "left"
        whole = number == 0 or columns[number] in right
        table.add_column(columns[number], justify=justify, overflow="fold", no_wrap=whole)
    for row in cells:
        table.add_row(*(row[number] for number in shown))
    place.print(table)
    left_out = [column for number, column in enumerate(columns) if number not in shown]
    if left_out:
        say(f"Not shown, for the terminal is too narrow: {', '.join(left_out)}.", err=True)


def _fitting(
    columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[str], width: int
) -> list[int]:
    """Which columns fit beside each other: numbers whole, words folded to a few letters where need be."""
    room, shown = width - 2, []  # the edges
    for number, column in enumerate(columns):
        needed = max(map(cell_len, (column, *(row[number] for row in cells))))
        if number > 0 and column not in right:
            needed = min(needed, _FOLDED_WIDTH)
        room -= needed + 2
        if room < 0 and number > 0:
            break
        shown.append(number)
    return shown


def console(stderr: bool = False) -> Console:
    """A console that takes text literally; where no person looks it folds nothing."""
    found = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not found.is_terminal:
        found.width = PIPE_WIDTH
    return found


def _cell(value: Any) -> str:
    return "" if value is None else one_line(str(value))


def time_text(timestamp: Timestamp) -> str:
    """RFC 3339 in UTC."""
    return timestamp.ToJsonString()


def message_data(message: Message) -> dict[str, Any]:
    """A message as plain data by its fields' names: times as text, what is absent left out."""
    data: dict[str, Any] = {}
    for descriptor in message.DESCRIPTOR.fields:
        if descriptor.has_presence and not message.HasField(descriptor.name):
            continue
        value = getattr(message, descriptor.name)
        if descriptor.message_type is not None and descriptor.message_type.GetOptions().map_entry:
            # A report that is not broken down has no dimensions.
            if value or descriptor.name != "dimensions":
                data[descriptor.name] = dict(sorted(value.items()))
        elif descriptor.is_repeated:
            data[descriptor.name] = [_field_data(each) for each in value]
        else:
            data[descriptor.name] = _field_data(value)
    return data


def _field_data(value: Any) -> Any:
    if isinstance(value, Timestamp):
        return time_text(value)
    if isinstance(value, Struct):
        return plain(value)
    return message_data(value) if isinstance(value, Message) else value


def plain(value: Struct | ListValue | Value) -> Any:
    """A Struct as Python data; whole numbers as integers, as they were sent."""
    if isinstance(value, Struct):
        return {key: plain(item) for key, item in value.fields.items()}
    if isinstance(value, ListValue):
        return [plain(item) for item in value.values]
    kind = value.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind in ("struct_value", "list_value"):
        return plain(getattr(value, kind))
    return getattr(value, kind)
