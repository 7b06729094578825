"""DuckDB in this process: what it may take, whose turn it is, and how a question is ended."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Lock
from typing import TypeVar

import duckdb

from shopalytic.violations import Violation
from shopalytic_server.domain.errors import InvalidRequest

Result = TypeVar("Result")

_AT_ONCE = 2
_TOO_LARGE = "takes more memory than reports may have; choose a shorter range or fewer rows"

# The sum of an amount, exact, with as many digits behind the point as the most exact of its parts.
_MACROS = (
    "CREATE MACRO amount(value, digits) AS"
    " {'sum': coalesce(sum(value), 0), 'digits': coalesce(max(digits), 0)}",
)


class FilesUnreadable(Exception):
    """A file of facts is gone or damaged; PostgreSQL has its rows."""


class Turn:
    """One question's own connection: its tables, views and variables are gone with it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    async def run(self, work: Callable[[], Result]) -> Result:
        """Does something with the connection in a thread, which ends when the caller is cancelled."""
        working = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            while not working.done():
                self.connection.interrupt()
                await asyncio.wait([working], timeout=0.1)
            if not working.cancelled():
                working.exception()
            raise
        except duckdb.OutOfMemoryException as error:
            raise InvalidRequest([Violation("scope", "report.too_large", _TOO_LARGE)]) from error
        except duckdb.IOException as error:
            raise FilesUnreadable from error


class Engine:
    """DuckDB within limits. It is started by the first question, and reads no file but those of facts."""

    def __init__(
        self, *, threads: int = 2, memory_mb: int = 768, spill_mb: int = 2048, folder: Path | None = None
    ) -> None:
        """`folder` is where files of facts are."""
        self._folder = folder
        self._limits: dict[str, int | str] = {
            "threads": threads,
            "memory_limit": f"{memory_mb}MB",
            "max_temp_directory_size": f"{spill_mb}MB",
        }
        self._root: duckdb.DuckDBPyConnection | None = None
        self._starting = Lock()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """A connection of one's own, when it is one's turn."""
        async with self._turns:
            root = await asyncio.to_thread(self._started)
            with root.cursor() as connection:
                yield Turn(connection)

    async def own(self) -> duckdb.DuckDBPyConnection:
        """A connection beside those of questions, which does not wait for a turn."""
        root = await asyncio.to_thread(self._started)
        return root.cursor()

    def _started(self) -> duckdb.DuckDBPyConnection:
        with self._starting:
            if self._root is None:
                self._root = self._start()
            return self._root

    def _start(self) -> duckdb.DuckDBPyConnection:
        spill = Path(tempfile.gettempdir()) / f"shopalytic-facts-{os.getpid()}"
        root = duckdb.connect(
            config={
                **self._limits,
                "temp_directory": str(spill),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "python_enable_replacements": False,
                "preserve_insertion_order": False,
            }
        )
        for macro in _MACROS:
            root.execute(macro)
        if self._folder is not None:
            root.execute("SET parquet_metadata_cache = true")
            root.execute("SET allowed_directories = $1", [[str(self._folder)]])
        root.execute("SET enable_external_access = false")
        root.execute("SET lock_configuration = true")
        return root
