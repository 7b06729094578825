"""How the writer groups what waits: who has few events waits for others who have few, not for long work."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from laws.ingest_answers import A, prepared, stored, words
from shopalytic_server.domain.datasets import Dataset
from shops.report_shop import Shop, open_shop, page


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


async def test_a_large_group_does_not_wait_for_the_one_before_and_a_small_one_does(shop, database_url):
    held = page("T")
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute(
            "INSERT INTO event_keys VALUES (%s, %s, %s)",
            [Dataset.of(shop.project), held.event_id, held.event_id],
        )
        first = shop.writer.submit(prepared(shop, held))
        await asyncio.wait([first], timeout=0.3)
        small = shop.writer.submit(prepared(shop, page("U")))
        await asyncio.wait([small], timeout=0.3)
        assert not small.done()
        large = shop.writer.submit(prepared(shop, *(page(f"V{number}") for number in range(400))))
        assert words(list(await large)) == [A] * 400
        assert not small.done()
        assert not first.done()
        await other.rollback()
        assert words(list(await first)) == [A]
        assert words(list(await small)) == [A]
    assert stored(database_url, "SELECT count(*) FROM events") == [(402,)]


async def test_many_small_ones_do_not_wait_for_the_one_before(shop, database_url):
    held = page("T")
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute(
            "INSERT INTO event_keys VALUES (%s, %s, %s)",
            [2 * shop.project.project_id, held.event_id, held.event_id],
        )
        first = shop.writer.submit(prepared(shop, held))
        await asyncio.wait([first], timeout=0.3)
        many = [shop.writer.submit(prepared(shop, page(f"V{number}"))) for number in range(300)]
        assert [words(list(each)) for each in await asyncio.gather(*many)] == [[A]] * 300
        assert not first.done()
        await other.rollback()
        await first


async def test_whoever_has_few_events_waits_for_no_long_work(shop, database_url):
    held = page("T")
    broken = [page(f"W{number}") for number in range(50)]
    for event in broken:
        event.page_view.ClearField("url")
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await shop.writer.submit(prepared(shop, broken[0]))
        await other.execute(
            "INSERT INTO event_keys VALUES (%s, %s, %s)",
            [2 * shop.project.project_id, held.event_id, held.event_id],
        )
        await other.execute("SELECT FROM quarantine_use FOR UPDATE")
        many = shop.writer.submit(prepared(shop, held, *(page(f"U{number}") for number in range(200))))
        refused = shop.writer.submit(prepared(shop, *broken))
        await asyncio.wait([many, refused], timeout=0.3)
        assert words(list(await shop.writer.submit(prepared(shop, page("V"))))) == [A]
        assert not many.done()
        assert not refused.done()
        await other.rollback()
        assert words(list(await many)) == [A] * 201
        await refused


async def test_closing_waits_for_every_group_that_is_being_stored(shop, database_url):
    requests = [
        shop.writer.submit(prepared(shop, *(page(f"T{n}-{number}") for number in range(400))))
        for n in range(6)
    ]
    await shop.writer.close()
    assert all(request.done() for request in requests)
    assert stored(database_url, "SELECT count(*) FROM events") == [(2_400,)]
