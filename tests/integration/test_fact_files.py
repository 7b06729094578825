"""Files of facts: whatever happens, a question finds the same rows with them as without."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from histories import DEVICES, PEOPLE, quarrels
from report_shop import NOW, PROJECT, START, Shop, event, open_shop, order, page, refund
from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.errors import NotFound
from shopalytic_server.domain.ingest import prepare
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.erasure import Erasures
from shopalytic_server.storage.expiry import remove_expired
from shopalytic_server.storage.facts.builder import Builder
from shopalytic_server.storage.facts.facts import EVER, FactStore, Span
from shopalytic_server.storage.facts.files import FactFiles
from shopalytic_server.storage.facts.tables import TABLES
from shopalytic_server.storage.merges import Merges
from shopalytic_server.storage.reading import reading
from shopalytic_server.storage.rebuild import rebuild
from shopalytic_server.storage.scope import resolve_scope

EXAMPLES = max(6, settings.default.max_examples // 8)
SCOPE = resolve_scope(PROJECT, reports_pb2.ReportScope(include_sandbox=True))
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
FIRST = TODAY - timedelta(days=5)


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
            await facts.take(SCOPE, **dict.fromkeys(TABLES, span))
            for name, table in TABLES.items():
                rows = await facts.ask(f"FROM {name}")
                day = table.day
                if day is not None and span.begin is not None and span.end is not None:
                    rows = [row for row in rows if span.begin <= row[day] < span.end]
                found[name] = sorted(tuple(map(str, row.items())) for row in rows)
        return found

    async def agree(self) -> None:
        """With files there are the rows that there are without."""
        part = Span(FIRST + timedelta(days=1, hours=5), TODAY - timedelta(days=1))
        for span in (EVER, part):
            assert await self.rows(self.store, span) == await self.rows(FactStore(), span)

    async def use(self) -> set[date]:
        """The days of the real dataset that questions take from files."""
        async with reading(self.shop.pool) as snapshot, self.store.question(snapshot) as facts:
            await facts.take(SCOPE, orders=EVER)
            return {day for use in facts.uses for day in use.days if use.unit.dataset == 2}


def moved(events: Sequence[Event], chance: random.Random) -> list[Event]:
    """The events on some of the last days, today among them, and copies of some with other tie breakers."""
    found = []
    for each in events:
        copy = Event()
        copy.CopyFrom(each)
        _move(copy.occurred_at, chance)
        payload = getattr(copy, copy.WhichOneof("payload") or "")
        for name in ("order_date", "modified_date"):
            if name in payload.DESCRIPTOR.fields_by_name and payload.HasField(name):
                _move(getattr(payload, name), chance)
        found.append(copy)
        if chance.random() < 0.2:
            again = Event()
            again.CopyFrom(copy)
            again.tie_breaker = chance.randint(0, 3)
            found.append(again)
    return found


def _move(at: Timestamp, chance: random.Random) -> None:
    time = at.ToDatetime(UTC).time()
    at.FromDatetime(datetime.combine(FIRST + timedelta(days=chance.randint(0, 5)), time, UTC))


async def act(files: Files, what: str, chance: random.Random) -> None:
    pool = files.shop.pool
    match what:
        case "build":
            for _ in range(chance.choice([1, 3, 20])):
                await files.builder.build_next()
        case "lose":
            units = files.files.units()
            for unit in chance.sample(units, len(units) // 2):
                shutil.rmtree(unit.path)
        case "restart":
            files.open()
        case "undo":
            merges = Merges(pool)
            listed = await merges.list_merges(PROJECT, admin_pb2.ListMergesRequest())
            if listed.merges:
                merge_id = chance.choice(listed.merges).merge_id
                with suppress(NotFound):
                    await merges.undo_merge(PROJECT, uuid4(), admin_pb2.UndoMergeRequest(merge_id=merge_id))
        case "erase":
            request = admin_pb2.EraseCustomerRequest(
                customer=reports_pb2.CustomerSelector(any=chance.choice([*DEVICES, *PEOPLE])),
                keep_order_totals=chance.random() < 0.5,
            )
            with suppress(NotFound):
                await Erasures(pool, files.builder.forget_erased).erase_customer(PROJECT, request)
        case "expire":
            days = chance.randint(1, 4)
            kind = chance.choice(["page_view", "product_view"])
            async with pool.connection() as conn:
                await conn.execute(f"""UPDATE projects SET retention = '{{"{kind}": {days}}}'""")
            await remove_expired(files.url)
        case "rebuild":
            await rebuild(files.url, check=False)


EMPTY = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
                   AND tablename NOT IN ('projects', 'keys', 'fact_store') AND tablename NOT LIKE '%yoyo%' LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
END $$
"""
STEPS = ("send", "send", "send", "build", "build", "lose", "restart", "undo", "erase", "expire", "rebuild")


def test_any_history_leaves_the_same_rows_with_files_as_without(database_url, tmp_path):
    with asyncio.Runner() as runner:

        @settings(max_examples=EXAMPLES)
        @given(
            past=quarrels(most=20),
            later=quarrels(most=12),
            steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=7),
            seed=st.integers(0, 2**16),
        )
        def holds(past: list[Event], later: list[Event], steps: list[str], seed: int) -> None:
            shutil.rmtree(tmp_path / "facts", ignore_errors=True)
            runner.run(_compare(database_url, tmp_path / "facts", past, later, steps, random.Random(seed)))

        holds()


async def _compare(
    url: str, folder: Path, past: list[Event], later: list[Event], steps: list[str], chance: random.Random
) -> None:
    async with open_shop(url) as shop:
        async with shop.pool.connection() as conn:
            await conn.execute(EMPTY)
            await conn.execute("UPDATE projects SET retention = '{}'")
        files = Files(shop, url, folder)
        await files.send(moved(past, chance))
        await files.builder.build_all()
        await files.agree()
        for what in steps:
            if what == "send":
                await files.send(moved(chance.sample(later, chance.randint(1, len(later))), chance))
            else:
                await act(files, what, chance)
            await files.agree()
