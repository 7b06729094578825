"""The body of an upload: a line of JSON that says what follows, then the files one after another."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.types import Receive, Scope

from shopalytic_server.gateway.errors import ClientGone, Refusal
from shopalytic_server.gateway.exports.columns import EXPORTS
from shopalytic_server.gateway.exports.reading import ExportError, named_columns
from shopalytic_server.gateway.http.middleware import HOLD
from shopalytic_server.gateway.requests.pace import ARRIVED, Pace, TooSlow

MOST_BYTES = 64_000_000
"""All files of an upload together, as they are sent."""
MOST_UNPACKED_BYTES = 128_000_000
"""One file, unpacked."""
MOST_FILES = 10
_LONGEST_LINE = 16_384
# In bytes: file systems take 255.
_LONGEST_NAME = 200
_NO_NAME = re.compile(r"[^\w. ()#-]+")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Asked(NamedTuple):
    """What an upload says of itself."""

    system: str
    files: tuple[tuple[str, int], ...]
    """Name and size of each, in the order in which they follow."""
    columns: tuple[tuple[str, str], ...]
    zone: str
    currency: str | None
    dry_run: bool

    def orders(self, paths: Sequence[Path]) -> bytes:
        """What the process that reads them is told."""
        orders = {
            "system": self.system,
            "files": [str(path) for path in paths],
            "columns": self.columns,
            "zone": self.zone,
            "currency": self.currency,
            "dry_run": self.dry_run,
            "most_bytes": MOST_UNPACKED_BYTES,
        }
        return json.dumps(orders).encode() + b"\n"


async def save_upload(
    scope: Scope, receive: Receive, folder: Path, seconds: float
) -> tuple[Asked, list[Path]]:
    """Writes the files into a folder. Raises Refusal, or ClientGone.

    `seconds` is the longest pause of the sender.
    """
    chunks = _chunks(scope, receive, seconds)
    line, rest = await _first_line(chunks)
    asked = _read(line)
    paths = []
    for number, (name, size) in enumerate(asked.files):
        place = folder / str(number)
        place.mkdir()
        paths.append(place / _file_name(name))
        rest = await _save(paths[-1], size, rest, chunks)
    if rest or await anext(chunks, None) is not None:
        raise _unusable("More follows than the files that the first line names.")
    return asked, paths


def _file_name(name: str) -> str:
    """A name that every file system takes; its end stays, which tells the kind."""
    kept = _NO_NAME.sub("_", name).encode()[-_LONGEST_NAME:].decode(errors="ignore")
    return kept if kept.strip(". ") else "file"


async def _chunks(scope: Scope, receive: Receive, seconds: float) -> AsyncIterator[bytes]:
    pace = Pace(seconds, scope.get(ARRIVED))
    size, more = 0, True
    while more:
        try:
            message = await pace.next(receive)
        except TooSlow:
            raise Refusal(408, "request_timeout", "The upload was too slow; try again.", close=True) from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MOST_BYTES + _LONGEST_LINE:
            raise too_large()
        more = message.get("more_body", False)
        if chunk:
            yield chunk
            # It lies on the disk now.
            scope[HOLD](-len(chunk))


async def _first_line(chunks: AsyncIterator[bytes]) -> tuple[bytes, bytes]:
    begin = b""
    async for chunk in chunks:
        begin += chunk
        line, mark, rest = begin.partition(b"\n")
        if mark:
            return line, rest
        if len(begin) > _LONGEST_LINE:
            break
    raise _unusable("The first line must say in JSON which files follow.")


async def _save(path: Path, size: int, begin: bytes, chunks: AsyncIterator[bytes]) -> bytes:
    """Writes so many bytes; returns what is left of the last part."""
    with path.open("wb") as file:
        part: bytes | None = begin
        while part is not None:
            mine, left = part[:size], part[size:]
            await asyncio.to_thread(file.write, mine)
            size -= len(mine)
            if size == 0:
                return left
            part = await anext(chunks, None)
    raise _unusable("The files are shorter than the first line says.")


def _read(line: bytes) -> Asked:
    try:
        given: Any = json.loads(line)
        files = tuple((str(file["name"]), int(file["size"])) for file in given["files"])
        columns = {str(ours): str(theirs) for ours, theirs in (given.get("columns") or {}).items()}
        asked = Asked(
            str(given["system"]),
            files,
            named_columns(columns),
            str(given.get("time_zone") or "UTC"),
            str(given["currency"]).upper() if given.get("currency") else None,
            given.get("dry_run") is not False,
        )
    except ExportError as error:
        raise _unusable(f"columns: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise _unusable("The first line must say in JSON which files follow.") from None
    if asked.system not in EXPORTS:
        raise _unusable(f"system: give one of {', '.join(EXPORTS)}.")
    if not 0 < len(files) <= MOST_FILES or min(size for _, size in files) <= 0:
        raise _unusable(f"files: give 1 to {MOST_FILES}, none of them empty.")
    if sum(size for _, size in files) > MOST_BYTES:
        raise too_large()
    if asked.currency and not _CURRENCY.fullmatch(asked.currency):
        raise _unusable("currency: give a code of three letters, such as EUR.")
    try:
        ZoneInfo(asked.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _unusable("time_zone: give a zone such as Europe/Berlin.") from None
    return asked


def too_large() -> Refusal:
    """The refusal of an upload above the limit."""
    text = f"At most {MOST_BYTES // 1_000_000} MB are taken here; shopalytic import takes files of any size."
    return Refusal(413, "too_large", text, close=True)


def _unusable(text: str) -> Refusal:
    return Refusal(400, "invalid_argument", text, close=True)
