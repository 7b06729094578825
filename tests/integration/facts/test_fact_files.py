"""Files of facts: whatever happens, a question finds the same rows with them as without."""

import asyncio
import random
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from laws.histories import DEVICES, PEOPLE, quarrels
from running.length import either
from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.cli.doctor.database_checks import check_database
from shopalytic_server.config import Settings
from shopalytic_server.domain.errors import NotFound
from shopalytic_server.storage.customers.merges import Merges
from shopalytic_server.storage.database.reading import reading
from shopalytic_server.storage.facts.builder import Builder
from shopalytic_server.storage.facts.facts import EVER
from shopalytic_server.storage.privacy.data_retention import remove_expired
from shopalytic_server.storage.privacy.erasure import Erasures
from shopalytic_server.storage.projects import Projects
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shopalytic_server.storage.reports import Reports
from shopalytic_server.storage.reports.answering import FactReports
from shops.fact_shop import FIRST, SCOPE, TODAY, Files
from shops.report_shop import PROJECT, identify, open_shop, order, page, refund

EXAMPLES = either(3, 40)


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
            await files.builder.build(chance.choice([1, 3, 20]))
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
                await Erasures(pool, files.erased.remove).erase_customer(PROJECT, request)
        case "expire":
            days = chance.randint(1, 4)
            kind = chance.choice(["page_view", "product_view"])
            async with pool.connection() as conn:
                await conn.execute(f"""UPDATE projects SET retention = '{{"{kind}": {days}}}'""")
            await remove_expired(files.url)
        case "settings":
            agents = chance.choice([[], ["Checker"], ["Checker", "Googlebot"]])
            await Projects(pool).update_project(
                1, currency=chance.choice(["EUR", "USD"]), own_user_agents=agents, time_zone="Asia/Tokyo"
            )
        case "rebuild":
            await rebuild(files.url, check=False)


EMPTY = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
                   AND tablename NOT IN ('projects', 'keys', 'fact_store')
                   AND tablename NOT LIKE '%yoyo%' LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
END $$
"""
STEPS = (
    "send",
    "send",
    "send",
    "build",
    "build",
    "lose",
    "restart",
    "undo",
    "erase",
    "expire",
    "settings",
    "rebuild",
)


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
    """Two servers on one database, each with files of its own."""
    async with open_shop(url) as one, open_shop(url) as other:
        async with one.pool.connection() as conn:
            await conn.execute(EMPTY)
            await conn.execute("UPDATE projects SET retention = '{}'")
        servers = [Files(one, url, folder / "one"), Files(other, url, folder / "other")]
        await servers[0].send(moved(past, chance))
        for files in servers:
            await files.builder.build_all()
            await files.agree()
        for what in steps:
            files = chance.choice(servers)
            if what == "send":
                await files.send(moved(chance.sample(later, chance.randint(1, len(later))), chance))
            else:
                await act(files, what, chance)
            await chance.choice(servers).agree()
        for files in servers:
            await files.agree()


# Times around which page views lie close together: half hours, and midnights between days and months.
_CLOSE = st.integers(-95, 95).map(lambda minutes: timedelta(minutes=minutes / 2))


@st.composite
def _page_views(draw: Any) -> Event:
    """A page view of one of a few visitors through one of a few sources; some are robots, some known."""
    at = FIRST + timedelta(days=draw(st.integers(-40, 5))) + draw(_CLOSE)
    known = draw(st.sampled_from([None, None, None, "P0"]))
    agent = draw(st.sampled_from(["", "", "Googlebot/2.1"]))
    return page(
        None if known else draw(st.sampled_from(DEVICES)),
        identity=known,
        at=min(at, TODAY + timedelta(minutes=1)),
        source=draw(st.sampled_from([None, "web", "ios"])),
        context={"user_agent": agent} if agent else None,
        tie_breaker=draw(st.none() | st.integers(0, 2)),
    )


def test_visits_begin_where_the_page_views_say_whoever_made_them_and_whatever_has_files(
    database_url, tmp_path
):
    with asyncio.Runner() as runner:

        @settings(max_examples=EXAMPLES)
        @given(
            views=st.lists(_page_views(), min_size=1, max_size=25),
            late=st.lists(_page_views(), max_size=6),
            links=st.lists(st.sampled_from(DEVICES), max_size=3),
            seed=st.integers(0, 2**16),
        )
        def holds(views: list[Event], late: list[Event], links: list[str], seed: int) -> None:
            shutil.rmtree(tmp_path / "facts", ignore_errors=True)
            chance = random.Random(seed)
            runner.run(_visit(database_url, tmp_path / "facts", views, late, links, chance))

        holds()


async def _visit(
    url: str, folder: Path, views: list[Event], late: list[Event], links: list[str], chance: random.Random
) -> None:
    async with open_shop(url) as shop:
        async with shop.pool.connection() as conn:
            await conn.execute(EMPTY)
        files = Files(shop, url, folder)
        await files.send(views)
        await files.builder.build(chance.choice([1, 2, 20]))
        await files.send([identify(device, "P0", at=FIRST + timedelta(hours=1)) for device in links])
        await files.visits_agree()
        await files.send(late)
        await files.visits_agree()
        await files.builder.build_all()
        await files.visits_agree()


@pytest.fixture
async def files(database_url: str, tmp_path: Path) -> AsyncIterator[Files]:
    """Orders on each of six days, the last of them today; closed days have files."""
    async with open_shop(database_url) as shop:
        opened = Files(shop, database_url, tmp_path / "facts")
        await opened.send([_order(day) for day in range(6)])
        await opened.builder.build_all()
        yield opened


def _order(day: int, number: str = "", **envelope: Any) -> Event:
    at = FIRST + timedelta(days=day)
    return order(f"o{day}{number}", at=at, **({"identity": f"p{day}"} | envelope))


def _day(number: int) -> date:
    return (FIRST + timedelta(days=number)).date()


async def test_days_before_yesterday_have_files_and_later_ones_none(files):
    assert await files.use() == {_day(0), _day(1), _day(2), _day(3)}
    assert files.builder.days_missing == 0
    assert await files.builder.build_all() == 0
    await files.agree()


async def test_rows_of_today_and_of_late_last_night_mark_nothing(files):
    statement = "SELECT count(*) FROM fact_changes"
    async with files.shop.pool.connection() as conn:
        before = await (await conn.execute(statement)).fetchall()
        await files.send([_order(5, "-again"), page("t1", at=datetime.now(UTC))])
        assert await (await conn.execute(statement)).fetchall() == before


async def test_a_late_event_shows_in_the_next_question_and_its_day_is_made_anew(files):
    await files.send([_order(2, "-late")])
    assert await files.use() == {_day(0), _day(1), _day(3)}
    await files.agree()
    assert await files.builder.build_all() == 1
    assert await files.use() == {_day(0), _day(1), _day(2), _day(3)}


async def test_an_order_settles_a_refund_of_another_day_anew(files):
    await files.send([refund("o3-new", at=FIRST, identity="p0")])
    await files.builder.build_all()
    await files.send([_order(3, "-new")])
    assert await files.use() == {_day(1), _day(2)}
    await files.agree()


async def test_a_merge_rewrites_no_file_and_shows_at_once(files):
    await files.agree()
    await files.send([identify("t1", "p1", at=FIRST), _order(1, "-t", identity=None, tracking_id="t1")])
    await files.builder.build_all()
    await files.send([identify("t1", "p2", at=FIRST - timedelta(days=1))])
    assert _day(1) in await files.use()
    await files.agree()


async def test_an_erasure_ends_when_no_file_holds_the_person(files):
    old = {unit.path for unit in files.files.units() if unit.first <= _day(2) <= unit.last}
    request = admin_pb2.EraseCustomerRequest(customer=reports_pb2.CustomerSelector(any="p2"))
    await Erasures(files.shop.pool, files.erased.remove).erase_customer(PROJECT, request)
    assert old
    assert not any(path.exists() for path in old)
    await files.agree()


async def test_while_a_server_is_at_work_that_marks_no_days_no_file_is_used(files):
    assert await files.use()
    with psycopg.connect(files.url, application_name="shopalytic", autocommit=True) as older:
        assert await files.use() == set()
        await files.builder.build_all()
        # A late row of a server that knows no tokens.
        older.execute(
            "UPDATE order_revisions SET units = 99 WHERE ordered_at < %s", [FIRST + timedelta(days=2)]
        )
        await files.builder.build_all()
        await files.agree()
    # What was closed before is made anew.
    assert await files.use() == set()
    await files.agree()
    await files.builder.build_all()
    assert await files.use()
    await files.agree()


async def test_a_damaged_file_is_found_by_a_new_process_and_made_again(files):
    [unit] = [unit for unit in files.files.units() if unit.dataset == 2 and _day(1) in unit.versions]
    path = unit.path / "orders.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    files.open()
    assert await files.use() == {_day(0), _day(1), _day(2), _day(3)} - unit.versions.keys()
    await files.agree()
    assert await files.builder.build_all() == 1
    assert await files.use() == {_day(0), _day(1), _day(2), _day(3)}


async def test_a_file_that_vanishes_under_a_process_is_read_anew(files):
    reports = Reports(files.shop.pool, FactReports(files.shop.pool, facts=files.store))
    request = reports_pb2.GetSalesReportRequest()
    before = await reports.answer(PROJECT, request)
    assert before.reports
    for unit in files.files.units():
        (unit.path / "orders.parquet").unlink()
    assert await reports.answer(PROJECT, request) == before


async def test_what_a_killed_process_left_is_no_unit_and_is_removed(files):
    unfinished = files.files.start()
    (unfinished / "orders.parquet").write_bytes(b"half")
    files.open()
    await files.agree()
    files.files.remove_unfinished()
    assert not unfinished.exists()
    assert await files.use() == {_day(0), _day(1), _day(2), _day(3)}


async def test_a_unit_that_is_being_finished_is_none_yet(files):
    """Its folder has all files and the manifest a moment before it gets its name."""
    [unit, *_] = files.files.units()
    unfinished = files.files.start()
    shutil.copytree(unit.path, unfinished, dirs_exist_ok=True)
    shutil.rmtree(unit.path)
    assert unfinished not in {each.path for each in files.files.units()}
    await files.agree()


async def test_a_database_that_is_restored_finds_no_file_of_what_it_has_not_seen(files):
    async with files.shop.pool.connection() as conn:
        # As a backup of the first days has it: no day was closed.
        await conn.execute("DELETE FROM fact_changes")
    assert await files.use() == set()
    await files.builder.build_all()
    assert len(await files.use()) == 4


async def test_files_over_the_budget_are_not_made_and_answers_are_right_without(database_url, tmp_path):
    async with open_shop(database_url) as shop:
        files = Files(shop, database_url, tmp_path / "facts")
        files.builder = Builder(files.store, shop.pool, shop.pool, disk_mb=0, quiet=timedelta())
        await files.send([_order(day) for day in range(6)])
        assert await files.builder.build_all() == 0
        assert files.builder.days_missing > 0
        await files.agree()


async def test_files_of_the_oldest_days_give_way_to_those_of_newer_ones(files, monkeypatch):
    await files.send(
        [order(f"old{days}", at=FIRST - timedelta(days=days), identity="p9") for days in (70, 400, 2000)]
    )
    assert await files.builder.build_all() == 3
    whole = files.builder.size
    kept = {unit.first for unit in files.files.units()}
    monkeypatch.setattr(files.builder, "_disk", whole - 1)
    assert await files.builder.build_all() == 0
    assert {unit.first for unit in files.files.units()} == kept - {min(kept)}
    assert files.builder.size < whole
    assert files.builder.days_missing > 0
    await files.agree()
    await files.send([order("new", at=FIRST, identity="p9")])
    await files.builder.build_all()
    assert await files.use() == {_day(0), _day(1), _day(2), _day(3)}
    await files.agree()


async def test_years_without_facts_cost_nothing(files):
    await files.send([order("old", at=datetime(TODAY.year - 16, 3, 4, tzinfo=UTC), identity="p9")])
    statement = "SELECT count(*) FROM fact_changes"
    async with files.shop.pool.connection() as conn:
        [(before,)] = await (await conn.execute(statement)).fetchall()
        assert await files.builder.build_all() == 1
        [(after,)] = await (await conn.execute(statement)).fetchall()
    assert after - before == 30  # The other days of that March.
    await files.agree()


async def test_a_question_keeps_its_files_until_it_ends(files):
    async with reading(files.shop.pool) as snapshot, files.store.question(snapshot) as facts:
        await facts.take(SCOPE, orders=EVER)
        await files.send([_order(1, "-late")])
        await files.builder.build_all()
        assert len(await facts.ask("FROM orders")) == 6
    await files.builder.build_all()
    assert await files.use() == {_day(0), _day(1), _day(2), _day(3)}


async def test_doctor_tells_how_many_days_have_files(files, tmp_path):
    def told() -> str:
        settings = replace(Settings(), data_dir=tmp_path, database_url=files.url)
        [finding] = [each for each in check_database(settings) if each.check == "facts"]
        return finding.message

    assert (await asyncio.to_thread(told)).startswith("All ")
    await files.send([_order(2, "-late")])
    assert re.match("1 of [0-9]+ past days are read from PostgreSQL", await asyncio.to_thread(told))
