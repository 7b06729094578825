"""Files of facts in trouble: the disk is full, a process ends at any moment, a person is erased."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from durability.test_full_disk import fill
from faults.outside import may_mount, small_disk
from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic_server.storage.facts.facts import EVER
from shopalytic_server.storage.privacy.erasure import Erasures
from shops.fact_shop import FIRST, SCOPE, Files
from shops.report_shop import PROJECT, Shop, open_shop, order


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        await opened.send(
            *(
                order(f"o{months}{number}", at=FIRST - timedelta(days=31 * months), identity=f"p{number}")
                for months in range(6)
                for number in range(3)
            )
        )
        yield opened


@pytest.mark.skipif(not may_mount(), reason="only root can make a small disk")
async def test_while_the_disk_is_full_answers_are_right_and_with_space_files_are_made(
    shop: Shop, database_url: str, tmp_path: Path
):
    with small_disk(tmp_path / "disk", 8) as disk:
        files = Files(shop, database_url, disk / "facts")
        fill(disk / "filler")
        with pytest.raises((duckdb.Error, OSError)):
            await files.builder.build_all()
        assert files.files.units() == []
        await files.agree()
        (disk / "filler").unlink()
        assert await files.builder.build_all() >= 6
        await files.agree()


async def test_who_makes_files_may_end_at_any_moment(shop: Shop, database_url: str, tmp_path: Path):
    chance = random.Random(20261128)
    files = Files(shop, database_url, tmp_path / "facts")
    for _ in range(6):
        making = asyncio.create_task(files.builder.build_all())
        await asyncio.wait([making], timeout=chance.uniform(0, 0.4))
        making.cancel()
        await asyncio.wait([making])
        files.open()
        await files.agree()
    files.files.remove_unfinished()
    await files.builder.build_all()
    assert files.builder.days_missing == 0
    assert list((tmp_path / "facts").rglob("unfinished-*")) == []
    await files.agree()


async def test_nothing_of_an_erased_person_stays_in_memory(shop: Shop, database_url: str, tmp_path: Path):
    files = Files(shop, database_url, tmp_path / "facts")
    await files.builder.build_all()
    await files.agree()
    engine = files.store.engine
    async with engine.turn() as turn:
        before = turn.customers
        cached = turn.connection.execute("SELECT count(*) FROM duckdb_external_file_cache()").fetchall()
        assert cached == [(0,)]
    request = admin_pb2.EraseCustomerRequest(customer=reports_pb2.CustomerSelector(any="p1"))
    await Erasures(shop.pool, files.erased.remove).erase_customer(PROJECT, request)
    async with engine.turn() as turn:
        assert turn.customers is not before
    await files.agree()


async def test_a_question_that_uses_a_file_of_an_erased_person_keeps_the_receipt_waiting(
    shop: Shop, database_url: str, tmp_path: Path
):
    files = Files(shop, database_url, tmp_path / "facts")
    await files.builder.build_all()
    request = admin_pb2.EraseCustomerRequest(customer=reports_pb2.CustomerSelector(any="p1"))
    async with files.asking() as facts:
        await facts.take(SCOPE, orders=EVER)
        assert facts.uses
        erasing = asyncio.create_task(
            Erasures(shop.pool, files.erased.remove).erase_customer(PROJECT, request)
        )
        await asyncio.wait([erasing], timeout=0.5)
        assert not erasing.done()
        assert len(await facts.ask("FROM orders")) == 18
    await erasing
    await files.agree()
