"""The process that reads uploaded files: a large export takes seconds, which nobody's events may wait for.

Its orders are one line of JSON on standard input. It answers with a line of
JSON, what was found or why nothing can be, and then with the events.
"""

import json
import os
import struct
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from shopalytic_server.gateway.exports.finding import Finding
from shopalytic_server.gateway.exports.reading import Export, ExportError, read_export

HEAD = struct.Struct(">II")
"""Before each event: the number of its row, and its size in bytes."""

_MEMORY_BYTES = 3 * 1024**3
_TOO_MUCH = "These files need more memory than this page may take; shopalytic import takes files of any size."


def main() -> None:
    """Reads the files, and ends."""
    _be_modest()
    orders: dict[str, Any] = json.loads(sys.stdin.readline())
    export = Export(
        orders["system"],
        tuple(orders["files"]),
        tuple((theirs, ours) for theirs, ours in orders["columns"]),
        ZoneInfo(orders["zone"]),
        "the project's zone",
        orders["currency"],
        orders["most_bytes"],
    )
    for piece in _answer(export, dry_run=orders["dry_run"]):
        _write(sys.stdout.buffer, piece)


def _answer(export: Export, *, dry_run: bool) -> Iterator[bytes]:
    finding = Finding()
    try:
        events = list(read_export(export, finding))
    except ExportError as error:
        yield _line({"error": str(error)})
        return
    except MemoryError:
        yield _line({"error": _TOO_MUCH})
        return
    yield _line({"finding": {**finding.as_json(), "total": len(events)}})
    if not dry_run:
        for row, event in events:
            data = event.SerializeToString()
            yield HEAD.pack(row, len(data)) + data


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _write(out: BinaryIO, piece: bytes) -> None:
    try:
        out.write(piece)
    except BrokenPipeError:
        # Whoever asked is gone, and what is left in the buffer with it.
        os._exit(0)


def _be_modest() -> None:
    """Others' work goes first, and no file takes all of the memory."""
    os.nice(10)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    except (ImportError, OSError, ValueError):
        pass  # Not here, or a lower limit holds already.


if __name__ == "__main__":
    main()
