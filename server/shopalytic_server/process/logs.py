"""How the service logs: sentences, no personal data, and no floods.

A line that alarms or programs may look for ends with a machine word: "The store is away. [store_away]".
"""

import logging
import re
import sys
import time
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

from opentelemetry import trace

from shopalytic_server.domain.formats.terminal_text import json_text, one_line, several_lines
from shopalytic_server.domain.requests import request_id

# Enough to see what happens, too few to fill a disk when a sender fails in a loop.
BURST = 20
WINDOW_SECONDS = 60.0
# SQLSTATE classes whose texts speak of the server, never of a row: connections, rights, resources, shutdowns.
_HARMLESS_SQLSTATES = ("08", "28", "3D", "53", "57", "58")


def set_up(level: str, log_format: str, stream: TextIO | None = None, *, worker: int | None = None) -> None:
    """Send everything that is logged to one stream (stderr) in one form; a worker's lines tell its number."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(worker) if log_format == "json" else PlainFormatter(worker))
    handler.addFilter(FloodFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.getLevelName(level.upper()))
    # Third parties speak of single requests and statements at info.
    for name in (
        "asyncio",
        "grpc",
        "psycopg",
        "psycopg.pool",
        "uvicorn",
        "uvicorn.access",
        "yoyo",
        "filelock",
        # Its lines tell whole addresses, and a webhook's is a secret.
        "httpx",
        "httpcore",
    ):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


class FloodFilter(logging.Filter):
    """Lets each kind of line through a limited number of times a minute, then says how many it held back."""

    def __init__(self, burst: int = BURST, window: float = WINDOW_SECONDS) -> None:
        super().__init__()
        self._burst = burst
        self._window = window
        self._seen: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Count the line; a line that begins a new window tells of those left out before it."""
        kind = (record.name, record.levelno, str(record.msg))
        now = time.monotonic()
        begin, count = self._seen.get(kind, (now, 0))
        if now - begin >= self._window:
            left_out = count - self._burst
            if left_out > 0:
                record.msg = f"{record.getMessage()} ({left_out} more lines like this were left out.)"
                record.args = None
            begin, count = now, 0
        if len(self._seen) > 1_000:
            self._seen.clear()
        self._seen[kind] = (begin, count + 1)
        return count < self._burst


_WORD = re.compile(r" \[([a-z_]+)\]$")


def _time(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class PlainFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.000Z INFO The store is back. [store_back]`"""

    def __init__(self, worker: int | None = None) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """One line, and under it where an exception came from."""
        origin = f"worker {self._worker}: " if self._worker is not None else ""
        line = f"{_time(record)} {record.levelname} {origin}{one_line(record.getMessage())}"
        if record.exc_info:
            line += "\n" + several_lines(self.formatException(record.exc_info))
        return line

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - logging's name
        """The frames and what it was, without texts that may quote a row."""
        kind, error, frames = ei
        if kind is None or error is None:
            return ""
        return "".join(traceback.format_tb(frames)) + describe(error)


class JsonFormatter(PlainFormatter):
    """One JSON object a line, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        """The same facts as the plain form, and the ids of what they are about.

        Under `time level word message logger request_id trace_id event_id worker error`.
        """
        message = record.getMessage()
        word = _WORD.search(message)
        entry: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "word": word[1] if word else None,
            "message": _WORD.sub("", message),
            "logger": record.name,
            **_place(record),
        }
        if self._worker is not None:
            entry["worker"] = self._worker
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json_text(entry)


def _place(record: logging.LogRecord) -> dict[str, str]:
    """What a line belongs to: a request, a trace, an event, as far as it does."""
    span = trace.get_current_span().get_span_context()
    found = {
        "request_id": request_id.get(),
        "trace_id": f"{span.trace_id:032x}" if span.is_valid else None,
        "event_id": getattr(record, "event_id", None),
    }
    return {name: value for name, value in found.items() if value}


def describe(error: BaseException) -> str:
    """An exception in one line. PostgreSQL's texts quote values of rows, so most are left out."""
    name = type(error).__name__
    if type(error).__module__.partition(".")[0] == "psycopg":
        sqlstate = getattr(error, "sqlstate", None)
        if sqlstate and not sqlstate.startswith(_HARMLESS_SQLSTATES):
            return f"{name} (SQLSTATE {sqlstate})"
    first_line = str(error).partition("\n")[0]
    return f"{name}: {first_line}" if first_line else name
