"""What cannot be accepted: kept whole with its reasons, or turned away at once, and never in others' way."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from laws.ingest_answers import A, Q, R, answers, prepared, rules, send, stored, words
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.errors import Overloaded, ShuttingDown, StoreFault
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.ingest.writer import Writer
from shopalytic_server.storage.reports import Reports
from shopalytic_server.storage.reports.answering import FactReports
from shops.report_shop import NOW, Asked, Shop, event, identify, open_shop, order, page


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def _copy(original: Event) -> Event:
    another = Event()
    another.CopyFrom(original)
    another.event_id = str(uuid.uuid4())
    return another


def bad_order() -> Event:
    bad = order("o", identity="ann")
    bad.order.total = "a lot"
    bad.order.line_items[0].qty = 0
    return bad


async def test_an_invalid_event_is_kept_whole_with_its_reasons(shop, database_url):
    bad = bad_order()
    [good, result] = await answers(shop, page("T"), bad)
    assert words([good, result]) == [A, Q]
    expected = [
        ("order.total", "string.pattern"),
        ("order.line_items[0].qty", "qty.required_without_quantity"),
    ]
    assert sorted(rules(result)) == sorted(expected)
    [row] = stored(
        database_url, "SELECT event, event_id, status, type, violations, received_at, sent_at FROM quarantine"
    )
    assert Event.FromString(row[0]) == bad
    assert row[1:4] == (bad.event_id, Q, "order")
    assert [(each["field"], each["rule_id"]) for each in row[4]] == rules(result)
    assert all(each["message"] for each in row[4])
    assert row[5:] == (NOW, NOW)
    assert stored(database_url, "SELECT type FROM events") == [("page_view",)]


async def test_an_invalid_event_sent_again_is_kept_once(shop, database_url):
    bad = bad_order()
    assert await send(shop, bad, bad) == [Q, Q]
    assert await send(shop, bad) == [Q]
    assert len(stored(database_url, "SELECT FROM quarantine")) == 1


async def test_the_id_of_an_invalid_event_is_free_for_the_repaired_one(shop):
    bad = bad_order()
    assert await send(shop, bad) == [Q]
    assert await send(shop, order("o", identity="ann", event_id=bad.event_id)) == [A]


async def test_an_event_without_a_readable_id_is_kept_too(shop, database_url):
    unreadable = page("T")
    unreadable.event_id = "\0not an id" * 50
    [result] = await answers(shop, unreadable)
    assert words([result]) == [Q]
    [(kept,)] = stored(database_url, "SELECT event FROM quarantine")
    assert Event.FromString(kept) == unreadable


async def test_what_is_too_large_or_not_allowed_is_rejected_and_not_kept(shop, database_url):
    large = order("o", identity="ann")
    large.order.payment_type = "x" * 300_000
    assert await send(shop, large, page("T")) == [R, A]
    [result] = await shop.writer.submit(
        prepared(shop, order("o", identity="ann"), key_class=KeyClass.BROWSER)
    )
    assert words([result]) == [R]
    assert rules(result) == [("payload", "key.event_type")]
    assert stored(database_url, "SELECT FROM quarantine") == []


async def test_an_event_that_the_store_refuses_is_quarantined_alone(shop, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE events ADD CHECK (coalesce(properties->>'title', '') <> 'poison')")
    poison = event(
        "page_view", {"url": "https://shop.test/", "referrer": "", "title": "poison"}, tracking_id="T"
    )
    others = [page("T", at=number) for number in range(10)]
    first, second = await asyncio.gather(
        shop.writer.submit(prepared(shop, *others[:5], poison)),
        shop.writer.submit(prepared(shop, *others[5:], order("o", identity="ann"))),
    )
    assert words(list(first)) == [A] * 5 + [Q]
    assert words(list(second)) == [A] * 6
    assert rules(first[5]) == [("", "event.unstorable")]
    [(kept,)] = stored(database_url, "SELECT event FROM quarantine")
    assert Event.FromString(kept) == poison
    assert stored(database_url, "SELECT count(*) FROM events") == [(11,)]


async def test_a_statement_that_the_database_cannot_run_is_a_fault_and_not_away(shop, database_url, caplog):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER FUNCTION tie_order(bigint) RENAME TO no_order")
        view = event(
            "product_view", {"sku": "s", "name": "n", "price": "1.00", "categories": ["c"]}, tracking_id="T"
        )
        with pytest.raises(StoreFault):
            await shop.writer.submit(prepared(shop, view))
        assert shop.writer.faults == 1
        assert "[store_fault]" in caplog.text
        assert "42883" in caplog.text
        connection.execute("ALTER FUNCTION no_order(bigint) RENAME TO tie_order")
    assert words(await shop.writer.submit(prepared(shop, view))) == [A]


@asynccontextmanager
async def waiting_writer(shop: Shop, limit: int) -> AsyncIterator[Shop]:
    """A shop whose writer begins only when it is started."""
    writer = Writer(shop.pool, max_pending_events=limit)
    yield Shop(shop.pool, writer, Asked(Reports(shop.pool, FactReports(shop.pool))))
    await writer.close()


async def test_a_full_queue_refuses_at_once_and_says_how_full_it_is(shop, database_url):
    async with waiting_writer(shop, limit=10) as waiting:
        taken = waiting.writer.submit(prepared(waiting, *(page("T", at=number) for number in range(8))))
        with pytest.raises(Overloaded, match=r"8 events wait .* limit is 10") as caught:
            waiting.writer.submit(prepared(waiting, *(page("T") for _ in range(3))))
        assert caught.value.retry_after > 0
        assert not taken.done()
        fitting = waiting.writer.submit(prepared(waiting, page("T"), page("T")))
        await waiting.writer.start()
        assert words(list(await taken)) == [A] * 8
        assert words(list(await fitting)) == [A] * 2
    assert stored(database_url, "SELECT count(*) FROM events") == [(10,)]


async def test_few_large_events_fill_the_queue_too(shop, monkeypatch):
    monkeypatch.setattr("shopalytic_server.storage.ingest.writer.MAX_PENDING_BYTES", 20_000)
    async with waiting_writer(shop, limit=1_000) as waiting:
        large = page("T")
        large.page_view.url += "x" * 1_900
        taken = [waiting.writer.submit(prepared(waiting, _copy(large))) for _ in range(9)]
        bad = bad_order()
        bad.order.payment_type = "x" * 10_000
        for too_much in (large, bad):
            with pytest.raises(Overloaded, match=r"17,\d\d\d bytes wait .* limit is 20,000"):
                waiting.writer.submit(prepared(waiting, _copy(too_much), _copy(too_much)))
        await waiting.writer.start()
        await asyncio.gather(*taken)
        assert words(list(await waiting.writer.submit(prepared(waiting, large, bad)))) == [A, Q]


async def test_a_request_given_up_before_its_turn_is_not_stored(shop, database_url):
    async with waiting_writer(shop, limit=10) as waiting:
        given_up = waiting.writer.submit(prepared(waiting, page("T")))
        wanted = waiting.writer.submit(prepared(waiting, page("T2")))
        given_up.cancel()
        await waiting.writer.start()
        await wanted
    assert stored(database_url, "SELECT tracking_id FROM events") == [("T2",)]


async def test_closing_stores_everything_that_was_taken_and_takes_no_more(shop, database_url):
    taken = [shop.writer.submit(prepared(shop, page("T", at=number))) for number in range(20)]
    closing = asyncio.create_task(shop.writer.close())
    await asyncio.sleep(0)
    with pytest.raises(ShuttingDown):
        shop.writer.submit(prepared(shop, page("T")))
    await closing
    assert [words(list(await each)) for each in taken] == [[A]] * 20
    assert stored(database_url, "SELECT count(*) FROM events") == [(20,)]


async def test_placeholders_name_nobody(shop, database_url):
    assert await send(shop, identify("T", "null"), page("T", identity="Guest"), page("undefined")) == [
        Q,
        Q,
        Q,
    ]
    assert stored(database_url, "SELECT FROM identities") == []
