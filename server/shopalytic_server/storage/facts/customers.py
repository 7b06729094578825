"""Whose subject each is, kept from question to question.

All links of a large shop take longer to read than most questions take. So what
one question read is kept as a base, with the snapshot it is of, and a later
question reads only what other transactions have written since: rows tell by
`xmin` which transaction that was. A base never changes, so a question with an
older snapshot is not shown what came later: it reads everything.

Rows that were deleted leave no trace. Erasures and rebuilds note an upheaval in
`customer_changes`, and then everything is read anew; else only identities that
no event names any more are deleted, and nobody asks for these.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any

import duckdb
from psycopg import sql

from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.facts.tables import TABLES

_SQL = load("facts/customers")

# What changed is noted for two days.
_LONGEST_SECONDS = 86_400.0
# From so many changes on, what a question found becomes the next base.
_MANY = 5_000
_MOST_BASES = 16
_XID = 1 << 32

LINKS = TABLES["customers_of"]


@dataclass(frozen=True, slots=True)
class Moment:
    """A snapshot of PostgreSQL: transactions before `xmin` had ended, those from `xmax` on had not begun."""

    xmin: int
    xmax: int
    running: int
    upheaval: int

    def sees_all_of(self, other: "Moment") -> bool:
        """Whether it is the same or a later one."""
        return (self.xmax, -self.running) >= (other.xmax, -other.running) and self.xmin >= other.xmin


@dataclass(slots=True)
class _Base:
    table: str
    moment: Moment
    since: float
    users: int = 0


@dataclass(frozen=True, slots=True)
class Links:
    """What a question sees: the rows of a base, but for those that were read since; or all, read now."""

    datasets: tuple[int, ...]
    moment: Moment
    base: _Base | None
    changes: int | None

    def view(self) -> str:
        """The view of all links."""
        if self.base is None:
            return "CREATE OR REPLACE TEMP VIEW customers_of AS SELECT * FROM fresh_customers_of"
        return (
            "CREATE OR REPLACE TEMP VIEW customers_of AS"  # noqa: S608 - a table of ours
            f" SELECT b.* FROM {self.base.table} AS b"
            " ANTI JOIN fresh_customers_of AS f ON f.subject = b.subject"
            " UNION ALL SELECT * FROM fresh_customers_of WHERE customer IS NOT NULL"
        )


class Customers:
    """The bases of one process."""

    def __init__(self) -> None:
        self._bases: dict[tuple[int, ...], _Base] = {}
        self._retired: list[_Base] = []
        self._count = 0
        self._lock = Lock()

    async def moment(self, snapshot: Snapshot, datasets: Sequence[int]) -> Moment:
        """The moment that a snapshot sees."""
        rows = await snapshot.fetch_plain(sql.SQL(_SQL.moment).format(datasets=sql.Literal(list(datasets))))
        [(text, upheaval)] = rows
        xmin, xmax, running = text.split(":")
        return Moment(int(xmin), int(xmax), len(running.split(",")) if running else 0, upheaval)

    @contextmanager
    def base(self, key: tuple[int, ...], moment: Moment) -> Iterator[_Base | None]:
        """A base that a question of this moment may use, until it ends."""
        with self._lock:
            found = self._bases.get(key)
            usable = (
                found is not None
                and moment.sees_all_of(found.moment)
                and moment.upheaval == found.moment.upheaval
                and monotonic() - found.since < _LONGEST_SECONDS
            )
            if found is None or not usable:
                found = None
            else:
                found.users += 1
        try:
            yield found
        finally:
            if found is not None:
                with self._lock:
                    found.users -= 1

    async def changed(
        self, snapshot: Snapshot, datasets: Sequence[int], since: Moment
    ) -> list[tuple[Any, ...]]:
        """The links that were written since; without a customer where there is none any more."""
        statement = sql.SQL(_SQL.changed).format(
            datasets=sql.Literal(list(datasets)), known=sql.Literal(str(since.xmin % _XID))
        )
        return await snapshot.fetch_plain(statement)

    def keep(self, connection: duckdb.DuckDBPyConnection, links: Links) -> None:
        """Makes what a question sees the base of the next ones, if it had none or much has changed."""
        if links.changes is not None and links.changes < _MANY:
            return
        with self._lock:
            known = self._bases.pop(links.datasets, None)
            if known is not None and known is not links.base and known.moment.sees_all_of(links.moment):
                self._bases[links.datasets] = known
                return
            self._count += 1
            table = f"memory.main.links_{self._count}"
            connection.execute(f"CREATE TABLE {table} AS SELECT subject, customer FROM customers_of")  # noqa: S608
            self._bases[links.datasets] = _Base(table, links.moment, monotonic())
            if known is not None:
                self._retired.append(known)
            while len(self._bases) > _MOST_BASES:
                self._retired.append(self._bases.pop(next(iter(self._bases))))
            for old in [base for base in self._retired if not base.users]:
                connection.execute(f"DROP TABLE IF EXISTS {old.table}")
                self._retired.remove(old)
