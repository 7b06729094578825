"""Reads the rows of exported CSV files, whatever they are delimited and encoded by."""

import contextlib
import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from shopalytic_server.domain.errors import ShopalyticError
from shopalytic_server.gateway.exports.columns import folded

_GZIP_MAGIC = b"\x1f\x8b"
Columns = Sequence[tuple[str, str]]
"""Folded names of columns, and what each is with us. A column may be several things."""
_DELIMITERS = ",;\t|"
_SAMPLE = 65_536
# Cells hold notes of customers and whole lists of items.
_LONGEST_CELL = 2 * 1024 * 1024


_PIECE = 1024 * 1024


class ExportError(ShopalyticError):
    """The files cannot be read as what they are said to be."""


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


def read_rows(path: str, columns: Columns, headers: Headers, most_bytes: int | None = None) -> Iterator[Row]:
    """The rows of one file of at most so many bytes, unpacked. Raises ExportError for what is none."""
    csv.field_size_limit(_LONGEST_CELL)
    name = Path(path).name
    text = _text(path, most_bytes)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=False)
    try:
        header = next(reader, None)
        if not header:
            raise ExportError(f"{name} is empty.")
        places = _places(header, columns, headers)
        if not places:
            raise ExportError(
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
        raise ExportError(f"{name}: line {reader.line_num} is not CSV: {error}.") from None


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


@contextmanager
def opened(path: str, most_bytes: int | None) -> Iterator[IO[bytes]]:
    """A file, unpacked where it is gzip; `-` is standard input. Raises ExportError if it cannot be read."""
    name = "standard input" if path == "-" else Path(path).name
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if path == "-" else Path(path).open("rb") as raw:
            packed = cast(io.BufferedReader, raw).peek(2)[:2] == _GZIP_MAGIC
            plain = gzip.GzipFile(fileobj=raw) if packed else raw
            yield cast(IO[bytes], _Bounded(plain, name, most_bytes))
    except (OSError, EOFError, zlib.error) as error:
        reason = (
            error.strerror if isinstance(error, OSError) and error.strerror else "its gzip data is broken"
        )
        raise ExportError(f"{name} cannot be read: {reason}.") from None


class _Bounded:
    """Counts what was read, so that a small packed file is no endless one."""

    def __init__(self, file: Any, name: str, most_bytes: int | None) -> None:
        self._file = file
        self._name = name
        self._most = most_bytes
        self._read = 0

    def read(self, size: int) -> bytes:
        return self._counted(self._file.read(size))

    def readline(self, size: int) -> bytes:
        return self._counted(self._file.readline(size))

    def _counted(self, data: bytes) -> bytes:
        self._read += len(data)
        if self._most is not None and self._read > self._most:
            raise ExportError(
                f"{self._name} is larger than {self._most // 1_000_000:,} MB here; "
                "shopalytic import takes files of any size."
            )
        return data


def _text(path: str, most_bytes: int | None) -> str:
    with opened(path, most_bytes) as file:
        data = b"".join(iter(lambda: file.read(_PIECE), b""))
    for encoding in ("utf-8-sig", "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _delimiter(text: str) -> str:
    first = text[:_SAMPLE].partition("\n")[0]
    return max(_DELIMITERS, key=first.count)
