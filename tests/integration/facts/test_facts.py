"""Facts: what is read of a question's times, what DuckDB may do, and how amounts and filters come out."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import duckdb
import psycopg
import pytest

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.errors import InvalidRequest, StoreUnavailable
from shopalytic_server.domain.reports.dimensions import Filter, Operator
from shopalytic_server.storage.database.reading import reading
from shopalytic_server.storage.facts.breakdown.filters import Condition, Expression
from shopalytic_server.storage.facts.engine import Engine
from shopalytic_server.storage.facts.facts import EVER, Facts, FactStore, Span
from shopalytic_server.storage.facts.scope import resolve_scope
from shopalytic_server.storage.facts.tables import TABLES
from shopalytic_server.storage.rebuild.as_of import Past, reading_past
from shops.report_shop import PROJECT, START, Shop, event, identify, open_shop, order, page, refund

SCOPE = resolve_scope(PROJECT, reports_pb2.ReportScope())
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATER = START + timedelta(days=5)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


@pytest.fixture
async def facts(shop: Shop) -> AsyncIterator[Facts]:
    await shop.send(
        page("t1", at=0),
        event("product_view", {"sku": "a", "name": "A", "price": "10.5"}, tracking_id="t1", at=1),
        event("cart_add", {"cart_id": "c", "sku": "a", "price": "10", "qty": 2}, tracking_id="t1", at=2),
        identify("t1", "ann", at=3),
        order("o1", "10.00", tracking_id="t1", at=4),
        order("o2", "99999999999999.9999", identity="bea", at=86_400, source="web"),
        refund("o1", "4.125", identity="ann", at=5),
        event("shipment", {"order_id": "o1", "shipment_id": "p", "carrier": "ups"}, identity="clerk", at=6),
        arrival=LATER,
    )
    async with reading(shop.pool) as snapshot, FactStore().question(snapshot) as opened:
        yield opened


async def all_rows(facts: Facts) -> dict[str, list[tuple[str, ...]]]:
    found = {}
    for name in (*TABLES, "steps"):
        rows = await facts.ask(f"SELECT * FROM {name}")
        found[name] = sorted(tuple(map(str, row.items())) for row in rows)
    return found


async def test_each_table_is_the_same_read_by_arrow_and_by_psycopg(facts, database_url):
    await facts.take(SCOPE, **dict.fromkeys((*TABLES, "steps"), EVER))
    by_arrow = await all_rows(facts)
    # A look at the past reads through the one connection that sees it.
    past = Past([2], datetime.now(UTC))
    async with reading_past(database_url, past) as snapshot, FactStore().question(snapshot) as other:
        await other.take(SCOPE, **dict.fromkeys((*TABLES, "steps"), EVER))
        assert await all_rows(other) == by_arrow
    counts = {name: len(rows) for name, rows in by_arrow.items()}
    assert counts["steps"] == 8
    assert (
        min(counts[name] for name in counts if name not in ("refund_lines", "order_discounts", "searches"))
        >= 1
    )


async def test_events_are_in_the_order_that_postgresql_says(facts):
    await facts.take(SCOPE, steps=EVER)
    found = {row["event_id"]: row["position"] for row in await facts.ask("FROM steps")}
    rows = await facts.snapshot.fetch(
        "SELECT event_id, event_position(type, properties ->> 'refund_type', occurred_at) AS position"
        " FROM events"
    )
    assert found == {row["event_id"]: row["position"] for row in rows}
    ranks = await facts.snapshot.fetch(
        "SELECT type, event_rank(type, NULL) AS rank, moment,"
        " event_position(type, NULL, moment AT TIME ZONE 'UTC') AS position"
        " FROM unnest(%(types)s::text[]) AS type CROSS JOIN unnest(%(moments)s::timestamp[]) AS moment",
        types=["page_view", "product_view", "search"],
        moments=[
            moment.replace(tzinfo=None)
            for moment in (
                START + timedelta(microseconds=999_999),
                EPOCH,
                EPOCH - timedelta(days=2, seconds=0.25),
            )
        ],
    )
    for row in ranks:
        said = await facts.ask_one(
            "SELECT event_position($rank::BIGINT, $moment::TIMESTAMP) AS position",
            rank=row["rank"],
            moment=row["moment"],
        )
        assert said["position"] == row["position"], row


async def test_a_funnel_reads_the_tables_of_its_types_alone(facts):
    await facts.take(SCOPE, steps=Span(types=frozenset({"product_view", "order"})))
    rows = await facts.ask("SELECT type, count(*) AS n FROM steps GROUP BY type")
    counts = {row["type"]: row["n"] for row in rows}
    assert counts["product_view"] == 1
    assert counts["order"] == 2
    assert "page_view" not in counts
    with pytest.raises(duckdb.CatalogException):
        await facts.ask("FROM page_views")


async def test_robots_are_counted_once_each_wherever_a_report_finds_them(shop):
    robot = {"user_agent": "Googlebot/2.1"}
    await shop.send(
        page("t1", context=robot),
        event("product_view", {"sku": "a", "name": "A", "price": "1"}, tracking_id="t1", context=robot),
        event(
            "cart_add", {"cart_id": "c", "sku": "a", "price": "1", "qty": 1}, tracking_id="t1", context=robot
        ),
    )
    everything = dict.fromkeys((*TABLES, "steps"), EVER)
    some = {"steps": Span(types=frozenset({"page_view"})), "product_views": EVER, "cart_changes": EVER}
    for spans in (everything, some):
        async with reading(shop.pool) as snapshot, FactStore().question(snapshot) as facts:
            await facts.take(SCOPE, **spans)
            assert await facts.robots() == 3


async def test_only_the_times_that_a_question_needs_are_read(facts):
    await facts.take(SCOPE, orders=Span(START, START + timedelta(hours=1)), refunds=Span(None, START))
    assert len(await facts.ask("FROM orders")) == 1
    assert await facts.ask("FROM refunds") == []
    with pytest.raises(duckdb.CatalogException):
        await facts.ask("FROM steps")


async def test_an_amount_keeps_every_digit_and_says_how_many_it_was_said_with(facts):
    await facts.take(SCOPE, orders=EVER, refunds=EVER)
    row = await facts.ask_one("SELECT amount(total, total_digits) AS sum, min(total) AS low FROM orders")
    assert str(row["sum"]) == "100000000000009.9999"
    row = await facts.ask_one("SELECT amount(amount, amount_digits) AS sum FROM refunds")
    assert str(row["sum"]) == "4.125"
    row = await facts.ask_one("SELECT amount(total_tax, total_tax_digits) AS sum FROM orders")
    assert (str(row["sum"]), row["sum"]) == ("0", Decimal(0))


async def test_a_key_tells_nothing_of_a_subject_to_who_has_not_the_secret(shop, facts, database_url):
    await facts.take(SCOPE, orders=EVER, customers_of=EVER)
    before = {row["subject"] for row in await facts.ask("FROM orders")}
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE fact_store SET secret = '\\x00'")
    async with reading(shop.pool) as snapshot, FactStore().question(snapshot) as other:
        await other.take(SCOPE, orders=EVER)
        assert before.isdisjoint(row["subject"] for row in await other.ask("FROM orders"))


async def test_facts_and_their_snapshot_are_of_one_moment(shop, facts):
    await facts.snapshot.fetch("SELECT count(*) FROM events")
    await shop.send(order("o9", identity="ann", at=9))
    await facts.take(SCOPE, orders=EVER)
    assert len(await facts.ask("FROM orders")) == 2


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ([], 2),
        ([Filter("source", Operator.IS, ("web",))], 1),
        ([Filter("source", Operator.IS_NOT, ("web",))], 1),
        ([Filter("source", Operator.ONE_OF, ("web", "ios"))], 1),
        ([Filter("source", Operator.CONTAINS, ("WE",))], 1),
        ([Filter("source", Operator.IS_SET)], 1),
        ([Filter("source", Operator.IS, ("'; DROP TABLE fresh_orders; --",))], 0),
        ([Filter("currency", Operator.IS, ("EUR",)), Filter("source", Operator.IS, ("",))], 1),
    ],
)
async def test_filters_leave_what_they_say(facts, filters, left):
    await facts.take(SCOPE, orders=EVER)
    condition = Condition()
    for number, each in enumerate(filters):
        condition.add(Expression(f"coalesce({each.dimension}, '')"), each, f"f_{number}")
    for name, value in condition.variables.items():
        facts._turn.connection.execute(f"SET VARIABLE {name} = $1", [value])
    assert len(await facts.ask(f"SELECT * FROM orders WHERE {condition.sql}")) == left


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "ATTACH '/tmp/other.duckdb'",
    ],
)
async def test_duckdb_touches_no_file_and_changes_no_limit(facts, statement):
    with pytest.raises(duckdb.Error):
        await facts.ask(statement)


async def test_questions_do_not_see_each_others_rows(shop):
    store = FactStore()
    async with (
        reading(shop.pool) as snapshot,
        store.question(snapshot) as one,
        store.question(snapshot) as two,
    ):
        await one.take(SCOPE, orders=EVER)
        with pytest.raises(duckdb.CatalogException):
            await two.ask("FROM orders")


async def test_a_question_that_takes_too_much_is_refused_with_a_sentence(shop):
    store = FactStore(Engine(memory_mb=32, spill_mb=1))
    async with reading(shop.pool) as snapshot, store.question(snapshot) as facts:
        with pytest.raises(InvalidRequest, match="takes more memory than reports may have"):
            await facts.ask("SELECT list(i::VARCHAR || repeat('x', 100)) AS all FROM range(3000000) AS r (i)")


async def test_a_question_that_nobody_waits_for_ends_and_leaves_its_place(shop):
    store = FactStore()
    endless = "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = 7"
    async with reading(shop.pool) as snapshot:
        for _ in range(3):
            async with store.question(snapshot) as facts:
                asking = asyncio.create_task(facts.ask(endless))
                await asyncio.wait([asking], timeout=0.2)
                asking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asking
                assert await facts.ask("SELECT 1 AS one") == [{"one": 1}]


async def test_a_store_that_is_lost_on_the_way_is_unavailable(facts):
    facts.snapshot._database_url = "postgresql://nobody@127.0.0.1:1/none"
    with pytest.raises(StoreUnavailable):
        await facts.take(SCOPE, orders=EVER)


async def test_a_snapshot_lives_for_as_long_as_it_is_used(shop):
    """DuckDB works for minutes on what the snapshot sees, and nothing is asked of PostgreSQL meanwhile."""
    statement = (
        "SELECT setting::int / 1000 AS seconds FROM pg_settings"
        " WHERE name = 'idle_in_transaction_session_timeout'"
    )
    async with reading(shop.pool, used_for=1_234) as snapshot:
        assert await snapshot.fetch(statement) == [{"seconds": 1_234}]
