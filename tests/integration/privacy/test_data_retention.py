"""Events that a project keeps for some days only: exactly the expired ones go, and what they said stays."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from running.length import either
from shopalytic.v1 import admin_pb2, collector_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.reports_pb2 import INTERVAL_DAY, INTERVAL_MONTH, INTERVAL_UNSPECIFIED
from shopalytic_server.domain.privacy.data_retention import days_kept
from shopalytic_server.domain.projects import EVENT_TYPES
from shopalytic_server.process.metrics import ServerMetrics
from shopalytic_server.storage.ingest.quarantine_capacity import QuarantineRoom
from shopalytic_server.storage.privacy import data_retention
from shopalytic_server.storage.privacy.data_retention_loop import Expirer
from shopalytic_server.storage.privacy.erasure import Erasures
from shopalytic_server.storage.privacy.export import Exports
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import DUPLICATE, Shop, event, identify, open_shop, order, refund

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
CONFLICT = collector_pb2.EVENT_STATUS_CONFLICT


def ago(days: float, seconds: float = 0) -> datetime:
    """So many days before the midnight that began today, and some seconds after that."""
    return TODAY - timedelta(days=days) + timedelta(seconds=seconds)


def viewed(at: datetime, tracking_id: str = "t1", url: str = "https://shop.test/a", **envelope: Any) -> Event:
    properties = {"url": url, "referrer": envelope.pop("referrer", "")}
    return event("page_view", properties, tracking_id=tracking_id, at=at, **envelope)


def looked(at: datetime, sku: str = "s1", name: str = "Mug", **envelope: Any) -> Event:
    return event("product_view", {"sku": sku, "name": name, "price": "9.99"}, at=at, **envelope)


async def run(shop: Shop, statement: str, *values: Any) -> list[Any]:
    async with shop.pool.connection() as conn:
        cursor = await conn.execute(statement.encode(), values or None)
        return await cursor.fetchall() if cursor.description else []


async def keep(shop: Shop, **retention: int | None) -> None:
    await run(shop, "UPDATE projects SET retention = %s", Jsonb(retention))


async def stored(shop: Shop) -> set[str]:
    return {str(event_id) for (event_id,) in await run(shop, "SELECT event_id FROM events")}


async def expire(url: str, **options: Any) -> data_retention.Expiry | None:
    """A pass of the day on which these tests began, also if they run over midnight."""
    return await data_retention.remove_expired(url, now=TODAY + timedelta(hours=12), **options)


async def removed(url: str) -> dict[str, int]:
    found = (await expire(url)).by_type()
    return {kind: count for kind, count in found.items() if count}


QUESTIONS: list[dict[str, Any]] = [
    {"interval": INTERVAL_UNSPECIFIED},
    {"interval": INTERVAL_DAY, "include_bots": True},
    {"interval": INTERVAL_MONTH, "include_sandbox": True, "time_zone": "Asia/Kathmandu"},
    {"interval": INTERVAL_DAY, "source": "web", "time_zone": "America/New_York"},
    {"begin": ago(9), "end": ago(-1), "interval": INTERVAL_DAY},
]


async def traffic(shop: Shop, questions: Sequence[dict[str, Any]] = QUESTIONS) -> list[Message]:
    """The numbers of some reports, without their tokens."""
    lines: list[Message] = []
    for question in questions:
        scope = {name: question[name] for name in question.keys() - {"begin", "end", "interval"}}
        request = reports_pb2.GetTrafficReportRequest(
            scope=reports_pb2.ReportScope(**scope), interval=question["interval"], limit=1000
        )
        for name, field in (("begin", "from"), ("end", "to")):
            if name in question:
                getattr(request.scope, field).FromDatetime(question[name])
        report = await shop.reports.get_traffic_report(shop.project, request)
        lines += [*report.rows, report.total, *report.landing_pages, *report.referrers, *report.campaigns]
    for line in lines:
        line.ClearField("explain")
    return lines


async def page_views(shop: Shop) -> int:
    request = reports_pb2.GetTrafficReportRequest()
    return (await shop.reports.get_traffic_report(shop.project, request)).total.page_views


async def facts(shop: Shop) -> dict[str, list[Any]]:
    """Every row that events left elsewhere."""
    tables = (
        "event_keys identities tracking_links alias_links profile_changes cart_changes order_revisions "
        "order_items refunds shipment_changes products"
    )
    return {table: sorted(map(repr, await run(shop, f"SELECT * FROM {table}"))) for table in tables.split()}


async def equal_after(shop: Shop, url: str, act: Callable[[], Awaitable[Any]]) -> None:
    """Reports and facts are the same before and after; a rebuild has nothing to say."""
    before = await traffic(shop), await facts(shop), [str(each) for each in await shop.sales()]
    await act()
    assert (await traffic(shop), await facts(shop), [str(each) for each in await shop.sales()]) == before
    assert (await rebuild(url, check=True)).differences == dict.fromkeys(await _tables(url), 0)


async def _tables(url: str) -> list[str]:
    return list((await rebuild(url, check=True)).differences)


async def test_what_has_expired_goes_and_everything_it_said_stays(shop, database_url):
    young = [viewed(ago(3)), looked(ago(3), tracking_id="t1"), viewed(ago(0), "t2")]
    old = [
        viewed(ago(3, -0.000001), referrer="https://news.test/x"),
        viewed(ago(40), "t3", identity="only@viewed", source="web"),
        looked(ago(40), "s2", "Gone", identity="only@looked"),
        viewed(ago(5), "t4", sandbox=True),
    ]
    kept_for_ever = [
        identify("t1", "ann", at=ago(41)),
        order("o1", identity="ann", at=ago(40)),
        refund("o1", "1", identity="ann", at=ago(39)),
        event("cart_add", {"cart_id": "c", "sku": "s1", "qty": 1, "price": "1"}, identity="ann", at=ago(40)),
    ]
    await shop.send(*young, *old, *kept_for_ever)
    await keep(shop, default=3)
    await equal_after(shop, database_url, lambda: expire(database_url))
    assert await stored(shop) == {each.event_id for each in (*young, *kept_for_ever)}
    assert not await removed(database_url)
    # Sent again they are known, and with other content they still clash.
    await shop.send(*old, expected=[DUPLICATE] * len(old))
    changed = Event()
    changed.CopyFrom(old[0])
    changed.page_view.url = "https://shop.test/other"
    await shop.send(changed, expected=[CONFLICT])
    await rebuild(database_url, check=False)
    customer = await shop.customer("only@viewed")
    assert customer.first_seen.ToDatetime(UTC) == ago(40)
    assert [row[0] for row in await run(shop, "SELECT name FROM products ORDER BY sku")] == ["Mug", "Gone"]


async def test_a_dry_run_counts_and_removes_nothing(shop, database_url):
    old = [viewed(ago(9)), viewed(ago(9), sandbox=True), looked(ago(9), tracking_id="t1")]
    await shop.send(*old, viewed(ago(1)))
    await keep(shop, page_view=5, default=8)
    before = await stored(shop)
    found = await expire(database_url, dry_run=True)
    assert found is not None
    assert [(each.project, each.event_type, each.before, each.events) for each in found.expired] == [
        ("shop", "page_view", ago(5), 2),
        ("shop", "product_view", ago(8), 1),
    ]
    assert await stored(shop) == before
    assert not await run(shop, "SELECT FROM expirations")
    assert await removed(database_url) == {"page_view": 2, "product_view": 1}


async def test_a_type_of_its_own_number_does_not_follow_the_default(shop, database_url):
    await shop.send(viewed(ago(9)), looked(ago(9), tracking_id="t1"))
    await keep(shop, page_view=None, default=2)
    assert await removed(database_url) == {"product_view": 1}


async def test_a_month_of_which_nothing_is_to_stay_is_emptied_at_once(shop, database_url):
    last_month = TODAY.replace(day=1) - timedelta(days=40)
    await shop.send(*(viewed(last_month, f"t{number}") for number in range(20)), viewed(ago(0)))
    await keep(shop, page_view=1)
    before = await traffic(shop)
    found = await expire(database_url)
    assert found is not None
    assert (found.partitions, found.by_type()) == (1, {"page_view": 20})
    [[size]] = await run(shop, f"SELECT pg_relation_size('events_{last_month:%Y_%m}')")
    assert not size
    assert await traffic(shop) == before
    # And it takes events again.
    await shop.send(viewed(last_month, "t1"))
    assert await page_views(shop) == 22


@pytest.mark.parametrize(
    "other",
    [
        order("o1", tracking_id="t1", at=TODAY.replace(day=1) - timedelta(days=40)),
        looked(TODAY.replace(day=1) - timedelta(days=40), tracking_id="t1"),
    ],
    ids=["an order", "a type that has not expired"],
)
async def test_a_month_with_anything_else_is_not(shop, database_url, other):
    last_month = TODAY.replace(day=1) - timedelta(days=40)
    await shop.send(*(viewed(last_month, f"t{number}") for number in range(20)), other)
    await keep(shop, page_view=1)
    found = await expire(database_url)
    assert found is not None
    assert (found.partitions, found.by_type()) == (0, {"page_view": 20})
    assert await stored(shop) == {other.event_id}


async def test_another_project_keeps_a_month_and_its_own_events(shop, database_url):
    last_month = TODAY.replace(day=1) - timedelta(days=40)
    await run(
        shop,
        "INSERT INTO projects (project_id, name, currency, time_zone, browser_event_types, created_at)"
        " VALUES (2, 'other', 'EUR', 'UTC', '{}', now())",
    )
    await shop.send(viewed(last_month))
    await run(
        shop,
        "INSERT INTO events (dataset_id, subject, occurred_at, event_id, received_at, type, bot, properties)"
        " SELECT 4, subject, occurred_at, event_id, received_at, type, bot, properties FROM events",
    )
    await run(shop, "UPDATE projects SET retention = '{\"page_view\": 1}' WHERE project_id = 1")
    found = await expire(database_url)
    assert found is not None
    assert found.partitions == 0
    assert await run(shop, "SELECT dataset_id FROM events") == [(4,)]


async def test_while_somebody_reads_a_month_it_is_deleted_in_batches(shop, database_url, monkeypatch):
    monkeypatch.setattr(data_retention, "_BATCH", 3)
    last_month = TODAY.replace(day=1) - timedelta(days=40)
    await shop.send(*(viewed(last_month, f"t{number}") for number in range(10)))
    await keep(shop, page_view=1)
    async with shop.pool.connection() as conn, conn.transaction():
        await conn.execute("SELECT count(*) FROM events")
        found = await expire(database_url)
    assert found is not None
    assert (found.partitions, found.by_type()) == (0, {"page_view": 10})
    assert not await stored(shop)


async def test_a_late_event_of_an_expired_day_counts_and_is_removed(shop, database_url):
    first = viewed(ago(9, 100), url="https://shop.test/first")
    await shop.send(first, viewed(ago(9, 200)), viewed(ago(3)), order("o1", tracking_id="t1", at=ago(1)))
    await keep(shop, page_view=5)
    await expire(database_url)
    late = [
        viewed(ago(9, 50), url="https://shop.test/before?utm_campaign=a%20b", referrer="https://news.test/"),
        viewed(ago(9, 300)),
        viewed(ago(9, 300), "t2"),
        viewed(ago(8, 300), "t2"),
        viewed(ago(9, 300), source="web"),
        # A day that had none.
        viewed(ago(30), "t3"),
    ]
    await shop.send(*late)
    assert await page_views(shop) == 3 + len(late)
    landed = {
        each.value: each.sessions
        for each in await traffic(shop, QUESTIONS[:1])
        if isinstance(each, reports_pb2.TrafficSource)
    }
    assert landed["https://shop.test/before"] == 1
    assert "https://shop.test/first" not in landed
    await equal_after(shop, database_url, lambda: expire(database_url))
    await shop.send(*late, expected=[DUPLICATE] * len(late))
    assert await page_views(shop) == 3 + len(late)


async def test_late_orders_of_an_expired_day_are_in_the_sales_that_were_kept_of_it(shop, database_url):
    await shop.send(viewed(ago(9)), order("o1", "10.00", identity="ann", at=ago(9)))
    await keep(shop, page_view=5)
    await expire(database_url)

    async def orders() -> int:
        return sum(report.total.orders for report in await shop.sales())

    assert [await orders(), await orders()] == [1, 1]
    await asyncio.gather(
        *(shop.send(order(f"late {each}", identity="bea", at=ago(9 - each % 2, each))) for each in range(6))
    )
    assert await orders() == 7
    who = reports_pb2.CustomerSelector(identity="bea")
    await Erasures(shop.pool).erase_customer(shop.project, admin_pb2.EraseCustomerRequest(customer=who))
    assert await orders() == 1


async def test_kept_for_longer_again_days_that_lost_events_stay_summed_up(shop, database_url):
    await shop.send(viewed(ago(9)), viewed(ago(3)))
    await keep(shop, page_view=5)
    await expire(database_url)
    await keep(shop)
    late = viewed(ago(9, 60))
    await shop.send(late)
    await equal_after(shop, database_url, lambda: expire(database_url))
    assert late.event_id in await stored(shop)
    assert await page_views(shop) == 3
    await rebuild(database_url, check=False)
    assert await page_views(shop) == 3
    await keep(shop, page_view=5)
    await equal_after(shop, database_url, lambda: expire(database_url))
    assert late.event_id not in await stored(shop)


async def test_late_page_views_may_race_with_those_who_sum_up_and_remove(shop, database_url):
    chance = random.Random(20261128)
    sent = 0

    async def visit() -> None:
        await shop.send(
            *(viewed(ago(chance.randint(3, 6), chance.uniform(0, 86_400)), f"t{each}") for each in range(4))
        )

    for days in (5, 4, 4, 2):
        await keep(shop, page_view=days)
        await asyncio.gather(expire(database_url), *(visit() for _ in range(8)))
        sent += 8 * 4
        assert await page_views(shop) == sent
        await expire(database_url)
        assert await page_views(shop) == sent


async def test_sums_of_the_version_before_that_are_not_kept_up_to_date_are_made_anew(shop, database_url):
    await shop.send(viewed(ago(9)), viewed(ago(9, 7_200)))
    # As it summed every day up; this one does so only when page views are to go.
    await run(shop, "INSERT INTO rollup_days (dataset_id, day, sealed) VALUES (2, %s, true)", ago(9).date())
    assert await page_views(shop) == 2
    await keep(shop, page_view=5)
    await equal_after(shop, database_url, lambda: expire(database_url))
    assert not await stored(shop)
    await run(shop, "INSERT INTO rollup_days (dataset_id, day, sealed) VALUES (2, %s, true)", ago(4).date())
    await shop.send(viewed(ago(4)))
    # While it is at work beside this one, it is told that its sums hold no more.
    assert not await run(shop, "SELECT 1 FROM rollup_days WHERE day = %s", ago(4).date())


async def test_a_range_that_cuts_a_quarter_of_an_expired_day_counts_whole_quarters(shop, database_url):
    await shop.send(viewed(ago(9, 60)), viewed(ago(9, 120)), viewed(ago(9, 3600)))
    await keep(shop, page_view=5)
    question = [{"begin": ago(9, 30), "end": ago(9, 90), "interval": INTERVAL_UNSPECIFIED}]
    await expire(database_url)
    [total, *_] = await traffic(shop, question)
    assert isinstance(total, reports_pb2.TrafficRow)
    assert total.page_views == 2


async def test_a_visitor_of_whom_only_sums_are_left_is_exported_and_erased(shop, database_url):
    await shop.send(viewed(ago(9)), viewed(ago(9), "t2"))
    await keep(shop, page_view=5)
    await expire(database_url)
    who = reports_pb2.CustomerSelector(tracking_id="t1")
    lines = [
        line
        async for answer in Exports(shop.pool).export_customer(
            shop.project, admin_pb2.ExportCustomerRequest(customer=who)
        )
        for line in answer.lines
    ]
    assert ['"page_quarters"' in line for line in lines] == [True]
    await Erasures(shop.pool).erase_customer(shop.project, admin_pb2.EraseCustomerRequest(customer=who))
    assert await page_views(shop) == 1
    await equal_after(shop, database_url, lambda: expire(database_url))


async def test_an_identity_that_expired_events_named_outlives_an_order_that_moves(shop, database_url):
    await shop.send(viewed(ago(40), "t1", identity="ann"), order("o1", identity="ann", at=ago(20)))
    await keep(shop, page_view=30)
    await expire(database_url)
    # The same order, told of as having happened earlier, by somebody else.
    await shop.send(order("o1", identity="bea", at=ago(21)), expected=[DUPLICATE])
    assert (await shop.customer("ann")).first_seen.ToDatetime(UTC) == ago(40)
    assert (await rebuild(database_url, check=True)).equal


async def test_ingest_goes_on_meanwhile_and_nothing_is_lost_or_counted_twice(shop, database_url, monkeypatch):
    monkeypatch.setattr(data_retention, "_BATCH", 20)
    monkeypatch.setattr(data_retention, "_PAUSE_SECONDS", 0.001)
    sent = [viewed(ago(8 + number % 3, number), f"t{number % 7}") for number in range(400)]
    await shop.send(*sent)
    await keep(shop, page_view=5)
    passes = asyncio.create_task(expire(database_url))
    stored_meanwhile = 0
    while not passes.done() or stored_meanwhile < 40:
        number = 1_000 + stored_meanwhile
        await shop.send(viewed(ago(8 + number % 4, number), f"t{number % 7}"), viewed(ago(1, number)))
        stored_meanwhile += 1
    assert await passes is not None
    assert await page_views(shop) == 400 + 2 * stored_meanwhile
    await equal_after(shop, database_url, lambda: expire(database_url))
    [[old]] = await run(shop, "SELECT count(*) FROM events WHERE occurred_at < %s", ago(5))
    assert old == 0


async def test_of_two_servers_one_works_at_a_time(shop, database_url):
    await shop.send(viewed(ago(9)))
    await keep(shop, page_view=5)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as other:
        await other.execute("SELECT pg_advisory_lock(hashtext('shopalytic.expiry'))")
        assert await expire(database_url) is None
        assert len(await stored(shop)) == 1
    # Whichever comes first; the lock went with the connection.
    both = await asyncio.gather(expire(database_url), expire(database_url))
    assert sum(each.by_type().total() for each in both if each is not None) == 1


async def test_a_server_removes_by_itself_and_tells_how_many(shop, database_url, monkeypatch, caplog):
    monkeypatch.setattr("shopalytic_server.storage.privacy.data_retention_loop._FIRST_SECONDS", (0.0, 0.01))
    caplog.set_level("INFO")
    await shop.send(viewed(ago(9)), looked(ago(9), tracking_id="t1"), viewed(ago(9), sandbox=True))
    await keep(shop, default=5)
    metrics = ServerMetrics()
    done = asyncio.Event()

    def on_expired(counts: Mapping[str, int]) -> None:
        metrics.on_expired(counts)
        done.set()

    expirer = Expirer(database_url, on_expired, QuarantineRoom(), metrics.on_quarantine_expired)
    expirer.start()
    await asyncio.wait_for(done.wait(), 60)
    await expirer.stop()
    counted = {
        kind: metrics.registry.get_sample_value("shopalytic_server_expired_events_total", {"type": kind})
        for kind in EVENT_TYPES
    }
    assert {kind: count for kind, count in counted.items() if count} == {"page_view": 2, "product_view": 1}
    assert "page_view 2, product_view 1. [expired]" in caplog.text
    assert not await stored(shop)


KINDS: dict[str, Callable[..., Event]] = {
    "page_view": viewed,
    "product_view": looked,
    "order": lambda at, **envelope: order(f"order {uuid4()}", at=at, **envelope),
    "cart_add": lambda at, **envelope: event(
        "cart_add", {"cart_id": "c", "sku": "s1", "qty": 1, "price": "1"}, at=at, **envelope
    ),
}
DRAWN = st.lists(
    st.tuples(
        st.sampled_from(["page_view", "page_view", "product_view", "order", "cart_add"]),
        st.integers(1, 70) | st.integers(1, 4),
        st.sampled_from([0, -0.000001, 0.000001, 1, 899, 900, 40_000, 86_399]),
        st.sampled_from(["t1", "t2"]),
        st.sampled_from([None, "ann", "bea"]),
        st.booleans(),
    ),
    max_size=14,
)
RETENTIONS = st.dictionaries(
    st.sampled_from(["page_view", "product_view", "default"]), st.none() | st.sampled_from([1, 2, 3, 31, 60])
)


def test_any_events_and_settings_leave_exactly_what_has_not_expired(database_url):
    with asyncio.Runner() as runner:

        @settings(max_examples=either(6, 100))
        @given(first=DRAWN, late=DRAWN, retention=RETENTIONS, again=RETENTIONS, rebuilt=st.booleans())
        def holds(first: Any, late: Any, retention: Any, again: Any, rebuilt: bool) -> None:
            runner.run(_leave(database_url, first, late, [retention, again], rebuilt))

        holds()


async def _leave(
    url: str, first: Any, late: Any, retentions: list[dict[str, int | None]], rebuilt: bool
) -> None:
    async with open_shop(url) as shop:
        tables = ", ".join(await facts(shop))
        await run(shop, f"TRUNCATE {tables}, events, refund_items, page_quarters, rollup_days, expirations")
        left: dict[str, Event] = {}
        for drawn, retention in zip((first, late), retentions, strict=True):
            events = [_drawn(*each) for each in drawn]
            await shop.send(*events)
            left |= {each.event_id: each for each in events}
            await keep(shop, **retention)
            await equal_after(shop, url, lambda: expire(url))
            left = {name: each for name, each in left.items() if not _expired(each, retention)}
            assert await stored(shop) == left.keys()
            if rebuilt:
                await equal_after(shop, url, lambda: rebuild(url, check=False))
        whole = len([each for each in (*first, *late) if each[0] == "page_view" and not each[-1]])
        assert await page_views(shop) == whole


def _drawn(
    kind: str, days: int, seconds: float, tracking_id: str, identity: str | None, sandbox: bool
) -> Event:
    return KINDS[kind](ago(days, seconds), tracking_id=tracking_id, identity=identity, sandbox=sandbox)


def _expired(each: Event, retention: dict[str, int | None]) -> bool:
    days = days_kept(retention.items()).get(each.WhichOneof("payload") or "")
    return days is not None and each.occurred_at.ToDatetime(UTC) < ago(days)
