"""How the writer groups what waits, and in how many statements a group is stored.

Who has few events waits for others who have few, not for long work.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from laws.ingest_answers import A, answers, prepared, send, stored, words
from shopalytic.v1 import collector_pb2
from shopalytic_server.domain.customers.identity import identity_subject
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.ingest import bulk_insert
from shopalytic_server.storage.ingest import writer as writing
from shopalytic_server.storage.ingest.writer import Writer
from shops.report_shop import Shop, identify, open_shop, order, page


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


def noted_attempts(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each transaction has, from now on."""
    sizes: list[int] = []
    attempt = writer._attempt

    async def noted(items: Any) -> None:
        sizes.append(len(items))
        await attempt(items)

    monkeypatch.setattr(writer, "_attempt", noted)
    return sizes


async def test_long_work_is_stored_in_parts_where_others_come_with_few_events(shop, monkeypatch):
    sizes = noted_attempts(shop.writer, monkeypatch)
    calls = [identify(f"T{number}", f"person-{number}") for number in range(170)]
    await shop.writer.submit(prepared(shop, *calls))
    assert sizes == [170]
    monkeypatch.setattr(writing, "_LATELY_SECONDS", 600.0)
    await shop.writer.submit(prepared(shop, page("U")))
    again = [identify(f"V{number}", f"other-{number}") for number in range(170)]
    assert words(list(await shop.writer.submit(prepared(shop, *again)))) == [A] * 170
    assert sizes[2:] == [50, 50, 50, 20]


async def test_a_backends_long_work_waits_for_none_of_a_public_keys(shop, monkeypatch):
    monkeypatch.setattr(writing, "_LATELY_SECONDS", 600.0)
    sizes = noted_attempts(shop.writer, monkeypatch)
    calls = [identify(f"T{number}", f"person-{number}") for number in range(110)]
    views = [page(f"V{number}") for number in range(110)]
    await shop.writer.submit(prepared(shop, page("U")))
    public = replace(shop, project=replace(shop.project, browser_event_types=frozenset({"identify"})))
    first = prepared(public, *calls, key_class=KeyClass.BROWSER)
    second = prepared(public, *calls[:1] * 101, key_class=KeyClass.BROWSER)
    strangers, behind = shop.writer.submit(first), shop.writer.submit(second)
    assert words(list(await shop.writer.submit(prepared(shop, *views)))) == [A] * 110
    assert not behind.done()
    assert words(list(await strangers)) == [A] * 110
    assert sizes.count(15) >= 7
    await behind


async def test_what_a_part_has_stored_stays_where_a_later_one_fails(shop, monkeypatch):
    await shop.writer.submit(prepared(shop, page("U")))
    calls = [identify(f"T{number}", f"person-{number}") for number in range(120)]
    with monkeypatch.context() as patched:
        sizes = noted_attempts(shop.writer, patched)
        attempt = shop.writer._attempt

        async def fails_once(items: Any) -> None:
            if len(sizes) == 1:
                raise StoreUnavailable(retry_after=1.0)
            await attempt(items)

        patched.setattr(shop.writer, "_attempt", fails_once)
        with pytest.raises(StoreUnavailable):
            await shop.writer.submit(prepared(shop, *calls))
    assert await send(shop, *calls) == ["DUPLICATE"] * 50 + [A] * 70


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
        large = order("o-1", tracking_id="T", total="900.00", qty=900)
        line = large.order.line_items[0]
        large.order.line_items.extend([line] * 1_999)
        [of_many_lines] = prepared(shop, large)
        assert of_many_lines.json_size > 64 * 1024
        many_lines = shop.writer.submit([of_many_lines])
        await asyncio.wait([many, refused, many_lines], timeout=0.3)
        assert words(list(await shop.writer.submit(prepared(shop, page("V"))))) == [A]
        assert not many.done()
        assert not refused.done()
        assert not many_lines.done()
        await other.rollback()
        assert words(list(await many)) == [A] * 201
        await refused
        assert words(list(await many_lines)) == [A]


async def test_closing_waits_for_every_group_that_is_being_stored(shop, database_url):
    requests = [
        shop.writer.submit(prepared(shop, *(page(f"T{n}-{number}") for number in range(400))))
        for n in range(6)
    ]
    await shop.writer.close()
    assert all(request.done() for request in requests)
    assert stored(database_url, "SELECT count(*) FROM events") == [(2_400,)]


class Statements:
    """What goes to PostgreSQL."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        for name in ("execute", "copy"):
            patch.setattr(psycopg.AsyncCursor, name, self._noting(getattr(psycopg.AsyncCursor, name)))

    def _noting(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def noted(cursor: Any, statement: Any, *args: Any, **options: Any) -> Any:
            self.texts.append(" ".join(str(statement).split())[:60])
            return method(cursor, statement, *args, **options)

        return noted


async def test_a_usual_group_is_one_statement_whatever_types_are_in_it(shop, database_url, monkeypatch):
    # The shop's events happened at fixed times.
    monkeypatch.setattr(bulk_insert, "YOUNGEST", timedelta(days=36_500))
    await send(shop, page("warms up what is asked once"))
    statements = Statements(monkeypatch)
    results = await answers(
        shop,
        page("T"),
        identify("T", "ann"),
        order("o-1", "12.50", tracking_id="T"),
        identify("U", "ben"),
        order("o-2", identity="cid"),
    )
    # A connection may be asked whether it is well, and the room of quarantine how it is.
    asked = [text for text in statements.texts if text and "quarantine" not in text]
    assert [text[:28] for text in asked] == ["SELECT * FROM store_group_v2"], statements.texts
    assert words(results) == [A] * 5
    outcomes = [(each.link.outcome, each.link.customer_id) for each in results if each.HasField("link")]
    linked = collector_pb2.LINK_OUTCOME_LINKED
    assert outcomes == [(linked, str(identity_subject("ann"))), (linked, str(identity_subject("ben")))]
    rows = "SELECT order_id, total, units, current FROM order_revisions ORDER BY 1"
    assert [str(row[1]) for row in stored(database_url, rows)] == ["12.50", "10.00"]
    assert stored(database_url, "SELECT count(*) FROM tracking_links WHERE owner") == [(2,)]


async def test_what_is_known_of_a_device_or_an_order_takes_a_group_the_long_way(
    shop, database_url, monkeypatch
):
    monkeypatch.setattr(bulk_insert, "YOUNGEST", timedelta(days=36_500))
    await answers(shop, identify("T", "ann"), order("o-1", "12.50", tracking_id="T"))
    results = await answers(
        shop,
        page("V"),
        identify("T", "ben", at=10),
        identify("W", "cid"),
        order("o-1", "13.00", tracking_id="T", at=10),
    )
    assert words(results) == [A] * 4
    not_merged, linked = collector_pb2.LINK_OUTCOME_NOT_MERGED, collector_pb2.LINK_OUTCOME_LINKED
    assert [each.link.outcome for each in results if each.HasField("link")] == [not_merged, linked]
    found = "SELECT total FROM order_revisions WHERE current"
    assert [str(total) for (total,) in stored(database_url, found)] == ["13.00"]


async def test_a_group_that_keeps_the_dataset_locked_is_short(shop, database_url):
    sizes: list[int] = []
    writer = Writer(shop.pool, on_group=lambda items, _: sizes.append(len(items)))
    requests = [[identify(f"T{n}-{m}", f"c{n}-{m}") for m in range(200)] for n in range(8)]
    waiting = [writer.submit(prepared(shop, *events)) for events in requests]
    await writer.start()
    await writer.close()
    assert all(each.done() for each in waiting)
    assert sizes == [400] * 4
    assert stored(database_url, "SELECT count(*) FROM events") == [(1_600,)]
