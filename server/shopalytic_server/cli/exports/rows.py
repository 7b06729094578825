"""Reads the rows of exported CSV files, whatever they are delimited and encoded by."""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shopalytic_server.cli.errors import Failure
from shopalytic_server.cli.exports.columns import folded

_GZIP_MAGIC = b"\x1f\x8b"
Columns = Sequence[tuple[str, str]]
"""Folded names of columns, and what each is with us. A column may be several things."""
_DELIMITERS = ",;\t|"
_SAMPLE = 65_536
# Cells hold notes of customers and whole lists of items.
_LONGEST_CELL = 2 * 1024 * 1024


@dataclass(slots=True)
class Row:
    """One row with the file and the number that a spreadsheet shows for it, in our words."""

    file: str
    number: int
    values: dict[str, str]


@dataclass(slots=True)
class Headers:
    """Which columns of the files were recognised."""

    recognised: dict[str, str] = field(default_factory=dict)
    """Their names, and what they are with us."""
    unknown: list[str] = field(default_factory=list)


def read_rows(path: str, columns: Columns, headers: Headers) -> Iterator[Row]:
    """The rows of one file. Raises Failure for what is no such file."""
    csv.field_size_limit(_LONGEST_CELL)
    name = Path(path).name
    text = _text(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=False)
    try:
        header = next(reader, None)
        if not header:
            raise Failure(f"{name} is empty.")
        places = _places(header, columns, headers)
        if not places:
            raise Failure(
                f"{name} has no column that is known: {', '.join(header[:8])}. Say with --map which they are."
            )
        for cells in reader:
            values = {
                ours: cells[at].strip()
                for ours, at in places.items()
                if at < len(cells) and cells[at].strip()
            }
            if values:
                yield Row(name, reader.line_num, values)
    except csv.Error as error:
        raise Failure(f"{name}: line {reader.line_num} is not CSV: {error}.") from None


def _places(header: list[str], columns: Columns, headers: Headers) -> dict[str, int]:
    """Where each of our words stands; the first of the table's columns that is there counts."""
    given = {folded(name): at for at, name in reversed(list(enumerate(header)))}
    places: dict[str, int] = {}
    used: dict[str, str] = {}
    for column, ours in columns:
        if column in given and ours not in places:
            places[ours] = given[column]
            used[column] = f"{used[column]}, {ours}" if column in used else ours
    for name in header:
        if folded(name) in used:
            headers.recognised[name] = used[folded(name)]
        elif name.strip() and name not in headers.unknown:
            headers.unknown.append(name)
    return places


def _text(path: str) -> str:
    try:
        data = Path(path).read_bytes()
        data = gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data
    except (OSError, EOFError) as error:
        raise Failure(f"{path} cannot be read: {error}.") from None
    for encoding in ("utf-8-sig", "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _delimiter(text: str) -> str:
    first = text[:_SAMPLE].partition("\n")[0]
    return max(_DELIMITERS, key=first.count)
