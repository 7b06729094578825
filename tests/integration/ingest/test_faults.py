"""What PostgreSQL refuses for reasons of its own: callers are told to come back, and no event is at fault."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import PoolTimeout

from faults.proxy import Proxy
from laws.ingest_answers import A, Q, answers, prepared, rules, send, stored, words
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.errors import StoreFault, StoreUnavailable
from shopalytic_server.storage.database.connections import open_pool
from shopalytic_server.storage.ingest import transaction, writer
from shops.report_shop import Shop, open_shop, order, page

_REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'refused by the test' USING ERRCODE = {}; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW {} EXECUTE FUNCTION refuse()
"""
_ONLY_ORDERS = "WHEN (NEW.type = 'order')"


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


@contextmanager
def refusing(url: str, state: str, when: str = "") -> Iterator[None]:
    """While it lasts, PostgreSQL answers the storing of events with this SQLSTATE."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(_REFUSE).format(state, sql.SQL(when)))
        yield
        connection.execute("DROP FUNCTION refuse CASCADE")


async def send_until_stored(shop: Shop, *events: Event) -> list[str]:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(StoreUnavailable):
                return await send(shop, *events)


@pytest.mark.parametrize(
    "state",
    [
        "53100",  # the disk is full
        "53200",  # out of memory
        "53300",  # too many connections
        "57014",  # the statement took too long
        "57P01",  # the database is being stopped
        "57P03",  # it is starting
        "58030",  # a disk error
        "25006",  # it has become read-only
        "25P03",  # the transaction was idle for too long
        "55P03",  # a lock is held by others
        "08006",  # the connection broke
        "42501",  # a right is missing
        "42P01",  # a table is missing
        "XX000",  # PostgreSQL's own fault
    ],
)
async def test_a_fault_of_the_database_is_never_the_events(shop: Shop, database_url: str, state: str):
    events = [page("T", at=1), order("o", identity="ann"), page("T", at=2)]
    with refusing(database_url, state):
        with pytest.raises(StoreUnavailable) as caught:
            await send(shop, *events)
        assert caught.value.retry_after > 0
    assert stored(database_url, "SELECT FROM quarantine") == []
    assert await send(shop, *events) == [A, A, A]
    assert stored(database_url, "SELECT count(*) FROM events") == [(3,)]


@pytest.mark.parametrize("state", ["0A000", "42601", "42P17"])
async def test_what_the_database_cannot_run_is_a_fault_that_no_repeat_mends(
    shop: Shop, database_url: str, state: str
):
    events = [page("T", at=1), order("o", identity="ann"), page("T", at=2)]
    with refusing(database_url, state), pytest.raises(StoreFault):
        await send(shop, *events)
    assert stored(database_url, "SELECT FROM quarantine") == []
    assert await send(shop, *events) == [A, A, A]


@pytest.mark.parametrize("state", ["22003", "23514", "54000", "21000"])
async def test_a_refusal_of_the_data_is_the_one_events(shop: Shop, database_url: str, state: str):
    if state == "23514":
        with psycopg.connect(database_url) as connection:
            connection.execute("ALTER TABLE events ADD CHECK (type <> 'order')")
        results = await answers(shop, page("T", at=1), order("o", identity="ann"), page("T", at=2))
    else:
        with refusing(database_url, state, _ONLY_ORDERS):
            results = await answers(shop, page("T", at=1), order("o", identity="ann"), page("T", at=2))
    assert words(results) == [A, Q, A]
    assert rules(results[1]) == [("", "event.unstorable")]


async def test_an_event_that_our_own_code_cannot_write_is_quarantined_alone(shop: Shop, database_url: str):
    second = page("T", at=2)
    second.tie_breaker = 1  # Python prepares such a one, so that it can be spoiled.
    items = prepared(shop, page("T", at=1), second, page("T", at=3))
    items[1].source = object()  # type: ignore[assignment]
    assert words(list(await shop.writer.submit(items))) == [A, Q, A]
    assert stored(database_url, "SELECT count(*) FROM events") == [(2,)]


async def test_a_partition_that_was_dropped_is_made_again(shop: Shop, database_url: str):
    assert await send(shop, page("T", at=1)) == [A]
    with psycopg.connect(database_url) as connection:
        [(name,)] = connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass"
        ).fetchall()
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    assert await send(shop, page("T", at=2)) == [A]
    assert stored(database_url, "SELECT FROM quarantine") == []


async def test_a_silent_database_is_given_up_and_asked_again(
    shop: Shop, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    assert await send(shop, page("T", at=1)) == [A]
    late = page("T", at=2)
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE event_keys")
        monkeypatch.setattr(writer, "STORE_SECONDS", 0.2)
        async with asyncio.timeout(60):
            with pytest.raises(StoreUnavailable):
                await send(shop, late)
        monkeypatch.undo()
    assert await send(shop, late) == [A]
    assert stored(database_url, "SELECT count(*) FROM events") == [(2,)]


async def test_a_session_behind_a_line_that_fell_silent_gives_its_locks_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """The line goes on to acknowledge every byte, so that no timeout of the network helps."""
    info = conninfo_to_dict(database_url)
    monkeypatch.setattr(writer, "STORE_SECONDS", 1.0)
    monkeypatch.setattr(transaction, "LOST_SECONDS", 0.5)
    write = psycopg.AsyncCopy.write
    with Proxy(f"{info['host']}/.s.PGSQL.{info['port']}") as line:

        async def write_into_the_void(copy: psycopg.AsyncCopy, data: bytes) -> None:
            line.forget()
            await write(copy, data)

        async with open_shop(make_conninfo(database_url, host="127.0.0.1", port=line.port)) as shop:
            assert await send(shop, page("T", at=1)) == [A]
            late = [page("T", at=2 + number) for number in range(101)]  # so many are copied
            with monkeypatch.context() as patched:
                patched.setattr(psycopg.AsyncCopy, "write", write_into_the_void)
                with pytest.raises(StoreUnavailable):
                    await send(shop, *late)
            assert await send_until_stored(shop, *late) == [A] * 101
    assert stored(database_url, "SELECT count(*) FROM events") == [(102,)]


async def test_who_waits_behind_others_for_a_store_that_is_away_is_told_with_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    attempts = []

    async def no_connection(items: object) -> None:
        attempts.append(items)
        begun.set()
        await later.wait()
        raise PoolTimeout

    begun, later = asyncio.Event(), asyncio.Event()
    monkeypatch.setattr(shop.writer, "_store_once", no_connection)
    first = shop.writer.submit(prepared(shop, page("T", at=1)))
    await begun.wait()
    behind = [shop.writer.submit(prepared(shop, page("T", at=number))) for number in range(2, 5)]
    later.set()
    told = await asyncio.gather(first, *behind, return_exceptions=True)
    assert [type(each) for each in told] == [StoreUnavailable] * 4
    assert len(attempts) == 1
    assert shop.writer.pending_events == 0
    monkeypatch.undo()
    assert await send(shop, page("T", at=1)) == [A]


@pytest.mark.parametrize(("limit", "allowed"), [(20, ("20s", "15s")), (0, ("0", "1min"))])
async def test_who_writes_may_pause_less_than_who_reads(
    database_url: str, limit: int, allowed: tuple[str, str]
):
    pool = await open_pool(database_url, statement_seconds=limit)
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT current_setting('statement_timeout'),"
            " current_setting('idle_in_transaction_session_timeout')"
        )
        assert await cursor.fetchone() == allowed
    await pool.close()
