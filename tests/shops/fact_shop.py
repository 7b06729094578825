"""A shop with files of its facts, as a report process has them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from shopalytic.v1 import reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest.preparation import prepare
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.domain.reports.touches import SESSION_GAP
from shopalytic_server.storage.database.reading import reading
from shopalytic_server.storage.facts.builder import Builder
from shopalytic_server.storage.facts.erased import ErasedFiles
from shopalytic_server.storage.facts.facts import EVER, Facts, FactStore, Span
from shopalytic_server.storage.facts.files import FactFiles
from shopalytic_server.storage.facts.scope import Scope, resolve_scope
from shopalytic_server.storage.facts.tables import TABLES
from shops.report_shop import NOW, PROJECT, Shop

SCOPE = resolve_scope(PROJECT, reports_pb2.ReportScope(include_sandbox=True))
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
FIRST = TODAY - timedelta(days=5)
# The tables, by what their rows are kept.
_DAYS = {name: table.day for name, table in TABLES.items()} | {"steps": "occurred_at"}


@dataclass
class Files:
    """A shop with files of its facts."""

    shop: Shop
    url: str
    folder: Path

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """As a new process does."""
        self.files = FactFiles(self.folder)
        self.store = FactStore(files=self.files)
        pool = self.shop.pool
        self.builder = Builder(self.store, pool, pool, disk_mb=1_000, quiet=timedelta())
        self.erased = ErasedFiles(self.files, pool, self.store.engine.renew)

    async def send(self, events: Sequence[Event]) -> None:
        """Stores what can be stored."""
        items = [
            prepare(each, project=PROJECT, key_class=KeyClass.SERVER, received_at=NOW, sent_at=NOW)
            for each in events
        ]
        await self.shop.writer.submit(items)

    async def rows(self, store: FactStore, span: Span = EVER) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables, which lie in a span."""
        found = {}
        async with reading(self.shop.pool) as snapshot, store.question(snapshot) as facts:
            await facts.take(SCOPE, **dict.fromkeys(_DAYS, span))
            for name, day in _DAYS.items():
                rows = await facts.ask(f"FROM {name}")
                if day is not None and span.begin is not None and span.end is not None:
                    rows = [row for row in rows if span.begin <= row[day] < span.end]
                found[name] = sorted(tuple(map(str, row.items())) for row in rows)
        return found

    async def visits(self, store: FactStore, scope: Scope = SCOPE) -> tuple[list[Any], list[Any]]:
        """Where visits begin, and where the page views say that they do."""
        async with reading(self.shop.pool) as snapshot, store.question(snapshot) as facts:
            await facts.take(scope, visit_parts=EVER, page_views=EVER, customers_of=EVER)
            names = ("customer", "known", "dataset", "position", "event_id", "occurred_at", "landing_page")
            begins = await facts.ask(f"SELECT {', '.join(names)} FROM visit_begins")
            views = await facts.ask(
                "SELECT coalesce(c.customer, v.subject) AS customer, c.customer IS NOT NULL AS known, v.*"
                " FROM counted_page_views v LEFT JOIN customers_of c ON c.subject = v.subject"
                " ORDER BY customer, position, tie_breaker, event_id"
            )
            expected, seen = [], dict[int, datetime]()
            for view in views:
                last = seen.get(view["customer"])
                if last is None or view["occurred_at"] - last > SESSION_GAP:
                    expected.append({name: view[name] for name in names})
                seen[view["customer"]] = max(view["last_at"], last or view["last_at"])
            return sorted(map(str, begins)), sorted(map(str, expected))

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Facts]:
        """The facts of one question."""
        async with reading(self.shop.pool) as snapshot, self.store.question(snapshot) as facts:
            yield facts

    async def agree(self) -> None:
        """With files there are the rows that there are without."""
        part = Span(FIRST + timedelta(days=1, hours=5), TODAY - timedelta(days=1))
        for span in (EVER, part):
            assert await self.rows(self.store, span) == await self.rows(FactStore(), span)

    async def visits_agree(self) -> None:
        """With files and without, visits begin where the page views say that they do, whichever count."""
        for store in (self.store, FactStore()):
            for scope in (SCOPE, replace(SCOPE, source="web"), replace(SCOPE, include_bots=True)):
                begins, expected = await self.visits(store, scope)
                assert begins == expected

    async def use(self) -> set[date]:
        """The days of the real dataset that questions take from files."""
        async with reading(self.shop.pool) as snapshot, self.store.question(snapshot) as facts:
            await facts.take(SCOPE, orders=EVER)
            days = {day for use in facts.uses for day in use.days if use.unit.dataset == 2}
            # The whole month has files, as soon as it has facts.
            return {day for day in days if day >= FIRST.date()}
