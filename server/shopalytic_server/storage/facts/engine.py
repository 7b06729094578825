"""DuckDB in this process: what it may take, whose turn it is, and how a question is ended."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import duckdb

from shopalytic.events.violations import Violation
from shopalytic_server.domain.commerce.currencies import MINOR_DIGITS, USUAL_DIGITS
from shopalytic_server.domain.errors import InvalidRequest, Overloaded
from shopalytic_server.storage.facts.answers import Answers
from shopalytic_server.storage.facts.customers import Customers

Result = TypeVar("Result")

_AT_ONCE = 2
_INTERRUPT_SECONDS = 0.1
MOST_WAITING = 64
_QUEUE_FULL = "Too many reports are asked at once; ask again after the delay."
_TOO_LARGE = "takes more memory than reports may have; choose a shorter range or fewer rows"


def _coins() -> str:
    """Cases of SQL: the digits of each currency whose smallest coin is no hundredth."""
    codes: dict[int, list[str]] = {}
    for code, digits in MINOR_DIGITS.items():
        if digits != USUAL_DIGITS:
            codes.setdefault(digits, []).append(f"'{code}'")
    return " ".join(f"WHEN currency IN ({', '.join(each)}) THEN {digits}" for digits, each in codes.items())


_MACROS = (
    # The order of events in which rank and time decide, as the function of PostgreSQL has it.
    "CREATE MACRO event_position(rank, moment) AS"
    " ((epoch_us(moment) - (epoch_us(moment) % 1000000 + 1000000) % 1000000) // 1000000) * 33554432"
    " + rank * 1048576 + epoch_us(moment) % 1000000",
    # Parts of addresses, whether they stand encoded there, and with a mark if they do.
    "CREATE MACRO is_encoded(part) AS contains(part, '%') OR contains(part, '+')",
    "CREATE MACRO encoded_text(part) AS"
    " CASE WHEN is_encoded(part) THEN chr(1) || part ELSE nullif(part, '') END",
    # The host of an address, without `www.`; most addresses are told by the first expression.
    "CREATE MACRO host_of(address) AS ltrim(replace('/' || lower(coalesce("
    " nullif(regexp_extract(address, '^(?:https?:)?//([^][/?#@:]+)(?:[/?#]|$)', 1), ''),"
    " CASE WHEN address = '' THEN ''"
    " WHEN split_part(address, '//', 1) IN ('https:', 'http:', '') AND NOT contains(address, '[')"
    " THEN split_part(split_part(split_part(split_part(split_part(split_part("
    " address, '//', 2), '/', 1), '?', 1), '#', 1), '@', -1), ':', 1)"
    " ELSE regexp_extract(address,"
    r" '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#]*@)?(\[[^]/?#]*\]|[^/?#:]*)', 1)"
    " END)), '/www.', '/'), '/')",
    # The sum of an amount, exact, with as many digits behind the point as the most exact of its parts.
    "CREATE MACRO amount(value, digits) AS"
    " {'sum': coalesce(sum(value), 0), 'digits': coalesce(max(digits), 0)}",
    # The smallest part of an amount with so many digits, in ten-thousandths.
    "CREATE MACRO smallest(digits) AS CASE WHEN digits >= 4 THEN 1 WHEN digits = 3 THEN 10"
    " WHEN digits = 2 THEN 100"
    " WHEN digits = 1 THEN 1000 ELSE 10000 END",
    # One of equal parts of an amount with so many digits.
    "CREATE MACRO shared_part(value, digits, shares) AS"
    " (((value::DECIMAL(24, 4) * 10000::DECIMAL(5, 0))::HUGEINT // (shares * smallest(digits)))"
    " * smallest(digits))::DECIMAL(28, 0) * 0.0001::DECIMAL(5, 4)",
    # The part of one who shares an amount; the closing one takes what remains.
    "CREATE MACRO shared(value, digits, shares, closing) AS CASE WHEN shares = 1 THEN value"
    " WHEN closing THEN (value - (shares - 1) * shared_part(value, digits, shares))::DECIMAL(38, 4)"
    " ELSE shared_part(value, digits, shares)::DECIMAL(38, 4) END",
    # With how many digits behind the point a currency's smallest coin is written.
    f"CREATE MACRO coin_digits(currency) AS CASE {_coins()} ELSE {USUAL_DIGITS} END",
    # How much of what is shared falls to goods of an amount; more than any shop sells weighs no more.
    "CREATE MACRO weight(amount) AS"
    " (least(greatest(amount, 0), 10000000000)::DECIMAL(18, 4) * 10000::DECIMAL(5, 0))::HUGEINT",
    # An amount that is not negative, in the smallest parts that are shared.
    "CREATE MACRO units_of(amount, digits) AS"
    " (least(amount, 10000000000000000)::DECIMAL(24, 4) * 10000::DECIMAL(5, 0))::HUGEINT"
    " // smallest(digits)",
    # What of an amount the goods up to a weight have of it; of the whole weight that is all.
    "CREATE MACRO part_until(value, digits, weight, whole) AS CASE WHEN weight = whole THEN value ELSE"
    " (sign(value) * (units_of(abs(value), digits) * weight::HUGEINT // greatest(whole, 1)::HUGEINT)"
    " * smallest(digits))::DECIMAL(28, 0) * 0.0001::DECIMAL(5, 4) END",
    # The part of an amount between two weights: the parts of all add up to it.
    "CREATE MACRO divided(value, digits, since, until, whole) AS"
    " part_until(value, digits, until, whole) - part_until(value, digits, since, whole)",
)


class FilesUnreadable(Exception):
    """A file of facts is gone or damaged; PostgreSQL has its rows."""


class Turns:
    """A queue of those who want to do something of which only some may be done at once."""

    def __init__(self, at_once: int, most_waiting: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most_waiting = most_waiting
        self._waiting = 0

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Waits for its turn; raises Overloaded when too many do."""
        if self._free.locked() and self._waiting >= self._most_waiting:
            raise Overloaded(_QUEUE_FULL, retry_after=2.0)
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()


@dataclass(frozen=True, slots=True)
class Instance:
    """A DuckDB with all that it keeps in memory; it is gone when nobody uses it any more."""

    root: duckdb.DuckDBPyConnection
    customers: Customers = field(default_factory=Customers)
    answers: Answers = field(default_factory=Answers)


async def interrupt(connection: duckdb.DuckDBPyConnection, working: "asyncio.Future[Any]") -> None:
    """Ends what a thread does with a connection, and returns when it has ended.

    An interruption that comes between two statements is lost, so it is repeated.
    """
    while not working.done():
        with suppress(duckdb.Error):  # The thread may have closed it by now.
            connection.interrupt()
        await asyncio.wait([working], timeout=_INTERRUPT_SECONDS)
    if not working.cancelled():
        working.exception()


class Turn:
    """One question's own connection: its tables, views and variables are gone with it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, instance: Instance) -> None:
        self.connection = connection
        self.customers = instance.customers
        self.answers = instance.answers

    async def run(self, work: Callable[[], Result]) -> Result:
        """Does something with the connection in a thread, which ends when the caller is cancelled."""
        working = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            await interrupt(self.connection, working)
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
        self._instance: Instance | None = None
        self._starting = Lock()
        self._turns = Turns(_AT_ONCE, MOST_WAITING)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """A connection of one's own, when it is one's turn; raises Overloaded."""
        async with self._turns.take():
            instance = await asyncio.to_thread(self._started)
            with instance.root.cursor() as connection:
                yield Turn(connection, instance)

    async def own(self) -> duckdb.DuckDBPyConnection:
        """A connection beside those of questions, which does not wait for a turn."""
        instance = await asyncio.to_thread(self._started)
        return instance.root.cursor()

    async def renew(self) -> None:
        """Keeps nothing in memory of what was read: the next question starts anew."""

        def drop() -> None:
            with self._starting:
                self._instance = None

        await asyncio.to_thread(drop)

    def _started(self) -> Instance:
        with self._starting:
            if self._instance is None:
                self._instance = Instance(self._start())
            return self._instance

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
                # The operating system keeps what is read often, and forgets it with the file.
                "enable_external_file_cache": False,
                # Of what it takes for a few rows it would look at each pair, and it is often wrong.
                "asof_loop_join_threshold": 0,
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
