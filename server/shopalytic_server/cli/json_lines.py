"""Reads events from JSON Lines, plain or gzip, in bounded memory."""

import gzip
import hashlib
import io
import json
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, NoReturn
from uuid import UUID

import click
import orjson

from shopalytic.events.decoding import DecodeError, decode_event, undecoded_event
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.cli.errors import Failure

# The server takes events of up to 256 KB; as JSON, with every character escaped, one is six times as long.
MAX_LINE_BYTES = 2 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line with its number, counted from 1."""

    number: int
    text: bytes

    @property
    def is_too_long(self) -> bool:
        """Whether no event could be this long; the text is cut then."""
        return len(self.text) > MAX_LINE_BYTES


class LineFile:
    """The lines of a file, or of stdin when it is named `-`."""

    def __init__(self, name: str) -> None:
        self._name = "standard input" if name == "-" else name
        self._is_file = name != "-" and Path(name).is_file()
        source = io.FileIO(sys.stdin.fileno(), closefd=False) if name == "-" else io.FileIO(name)
        self._raw = io.BufferedReader(source, 1024 * 1024)
        packed = self._raw.peek(2)[:2] == _GZIP_MAGIC
        self._lines: io.BufferedIOBase = gzip.GzipFile(fileobj=self._raw) if packed else self._raw

    def __enter__(self) -> "LineFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    @property
    def size(self) -> int | None:
        """Bytes of the file on the disk; None when that is not known."""
        return os.fstat(self._raw.fileno()).st_size if self._is_file else None

    @property
    def position(self) -> int:
        """How many of these bytes were read."""
        return self._raw.tell() if self._is_file else 0

    def __iter__(self) -> Iterator[Line]:
        """Every line that is not blank. Raises UsageError where the first of them begins no JSON object."""
        number = 0
        is_first = True
        while text := self._read(number):
            number += 1
            if len(text) > MAX_LINE_BYTES and not text.endswith(b"\n"):
                self._skip_rest_of_line(number)
            else:
                text = (text.removeprefix(_BYTE_ORDER_MARK) if number == 1 else text).strip()
            if text:
                if is_first:
                    self._check_first(number, text)
                    is_first = False
                yield Line(number, text)

    def _check_first(self, number: int, text: bytes) -> None:
        """Refuses a file of another kind before a line of it is stored as an event that cannot be read."""
        is_whole = text.endswith(b"}") or len(text) > MAX_LINE_BYTES
        if text.startswith(b"{") and is_whole:
            return
        raise click.UsageError(
            f"{self._name} is not JSON Lines: line {number} is not one JSON object from {{ to }}."
            " Nothing was sent. Write one event as one object on each line (see shopalytic import --help);"
            " `shopalytic reconcile` reads a shop's list of orders in CSV."
        )

    def _skip_rest_of_line(self, number: int) -> None:
        while (part := self._read(number)) and not part.endswith(b"\n"):
            pass

    def _read(self, number: int) -> bytes:
        try:
            return self._lines.readline(MAX_LINE_BYTES + 1)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise Failure(
                f"{self._name}: the gzip data is broken after line {number}."
                " The events before it are stored; repair the file and import it again."
            ) from None


def event_of(line: Line) -> Event:
    """The event of a line; what cannot be read becomes an event that the server keeps in quarantine.

    A line that names no event id gets one made from its bytes, so importing it again repeats nothing.
    """
    data: object = None
    try:
        data = _parsed(line.text)
        if isinstance(data, dict) and data.get("event_id") is None:
            data["event_id"] = line_id(line.text)
        return decode_event(data)  # type: ignore[arg-type] # what is no object, it refuses in words
    except DecodeError as error:
        return _undecoded(line, data, error)
    except RecursionError:
        return _undecoded(line, None, DecodeError("", "is nested too deeply", "json"))
    except ValueError as error:
        return _undecoded(line, None, DecodeError("", f"is not JSON: {error}", "json"))


def _parsed(text: bytes) -> object:
    """What a line says, its numbers exact; raises ValueError.

    orjson is five times as fast, but makes floats of fractions: a line with
    one, and whatever orjson refuses, goes the long way.
    """
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        data = None
    if isinstance(data, dict) and not _has_float(data.values()):
        return data
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse)


def _has_float(values: Iterable[object]) -> bool:
    for value in values:
        kind = value.__class__
        if kind is float:
            return True
        if kind is dict and _has_float(value.values()):  # type: ignore[attr-defined]
            return True
        if kind is list and _has_float(value):  # type: ignore[arg-type]
            return True
    return False


def _undecoded(line: Line, data: object, error: DecodeError) -> Event:
    data = data if isinstance(data, dict) else {}
    event = undecoded_event(line.text.decode("utf-8", "replace"), error, data=data)
    if event.event_id != data.get("event_id"):
        event.event_id = line_id(line.text)
    return event


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def line_id(text: bytes) -> str:
    """An event id made from a line's bytes: a UUID of version 8, which RFC 9562 leaves to the maker."""
    digest = bytearray(hashlib.sha256(text).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(digest)))
