"""What the funnel, retention and traffic reports read, and that their work grows with what they read."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from report_shop import PROJECT, Shop, open_shop
from shopalytic.v1 import reports_pb2
from shopalytic_server.storage.database import Connection
from shopalytic_server.storage.funnel import get_funnel_report
from shopalytic_server.storage.partitions import Partitions
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.retention import get_retention_report
from shopalytic_server.storage.traffic import get_traffic_report

EVENTS = 60_000
MONTHS = [datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 6)]
MARCH, APRIL = MONTHS[2:4]
REPORTS = {
    "funnel": (get_funnel_report, reports_pb2.GetFunnelReportRequest),
    "retention": (get_retention_report, reports_pb2.GetRetentionReportRequest),
    "traffic": (get_traffic_report, reports_pb2.GetTrafficReportRequest),
}
# Evenly over five months; a tenth of the visitors are known, some with two devices.
_FILL = """
INSERT INTO events (dataset_id, subject, occurred_at, event_id, received_at, type, tracking_id, source, bot,
                    properties)
SELECT 2, md5('t' || i %% 3000)::uuid, %(begin)s + i * (%(end)s - %(begin)s) / %(count)s, gen_random_uuid(),
       %(begin)s, (ARRAY['page_view', 'page_view', 'product_view', 'cart_add', 'order'])[1 + (i / 7) %% 5],
       't' || i %% 3000, 'web', false,
       jsonb_build_object('url', 'https://shop.test/' || i %% 50,
                          'referrer', 'https://r' || i %% 9 || '.test/')
  FROM generate_series(0, %(count)s - 1) AS i
"""
_DERIVE = (
    """
    INSERT INTO order_revisions (dataset_id, order_id, content, event_id, occurred_at, subject, current,
                                 ordered_at, source, bot, cart_id, currency, total, subtotal, units)
    SELECT 2, event_id::text, event_id, event_id, occurred_at, subject, true,
           occurred_at, source, bot, 'c', 'EUR', 10, 10, 1
      FROM events WHERE type = 'order'
    """,
    """
    INSERT INTO tracking_links
    SELECT 2, md5('t' || n)::uuid, 'i' || n / 2, 't' || n, 'identify', now(), gen_random_uuid(), now(), true
      FROM generate_series(0, 299) AS n
    """,
    """
    INSERT INTO identities (dataset_id, identity, subject, customer_id, first_at)
    SELECT 2, 'i' || n, md5('i' || n)::uuid, md5('i' || n)::uuid, now() FROM generate_series(0, 149) AS n
    """,
)


class Explaining(Snapshot):
    """Answers as ever, and keeps the plan of each statement with what its steps really did."""

    def __init__(self, conn: Connection) -> None:
        super().__init__(conn)
        self.plans: list[dict[str, Any]] = []

    async def fetch(self, statement: Any, **parameters: Any) -> list[dict[str, Any]]:
        cursor = await self._conn.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters)
        [[plan]] = await cursor.fetchall()
        self.plans.append(plan[0]["Plan"])
        return await super().fetch(statement, **parameters)

    def steps(self) -> Iterator[dict[str, Any]]:
        waiting = list(self.plans)
        while waiting:
            step = waiting.pop()
            waiting += step.get("Plans", [])
            yield step


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


async def fill(shop: Shop) -> None:
    async with shop.pool.connection() as conn:
        await Partitions().ensure(conn, MONTHS)
        await conn.execute(_FILL, {"begin": MONTHS[0], "end": MONTHS[-1], "count": EVENTS})
        for statement in _DERIVE:
            await conn.execute(statement)


async def explained(shop: Shop, name: str, begin: datetime, end: datetime) -> Explaining:
    report, request_type = REPORTS[name]
    request = request_type()
    getattr(request.scope, "from").FromDatetime(begin)
    request.scope.to.FromDatetime(end)
    async with shop.pool.connection() as conn, conn.transaction():
        snapshot = Explaining(conn)
        await report(snapshot, PROJECT, request)
        return snapshot


def rows_touched(step: dict[str, Any]) -> float:
    names = (
        "Actual Rows",
        "Rows Removed by Filter",
        "Rows Removed by Join Filter",
        "Rows Removed by Index Recheck",
    )
    return sum(step.get(name, 0) for name in names) * step["Actual Loops"]


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("analyzed", [True, False], ids=["with statistics", "without"])
async def test_the_work_of_a_month_grows_with_its_events_even_if_the_planner_knows_nothing(
    shop, name, analyzed
):
    await fill(shop)
    async with shop.pool.connection() as conn:
        if analyzed:
            await conn.execute("ANALYZE")
    snapshot = await explained(shop, name, MARCH, APRIL)
    touched = max(rows_touched(step) for step in snapshot.steps())
    # A quarter of the events is in a month. A step that compared everybody's with everybody's
    # would touch a hundred million rows.
    assert 100 < touched < 10 * EVENTS


@pytest.mark.parametrize(("name", "last"), [("funnel", 4), ("traffic", 3)])
async def test_only_the_months_of_the_range_are_read_whole(shop, name, last):
    await fill(shop)
    async with shop.pool.connection() as conn:
        await conn.execute("ANALYZE")
    snapshot = await explained(shop, name, MARCH, APRIL)
    tables = {
        step["Relation Name"]
        for step in snapshot.steps()
        if step.get("Relation Name", "").startswith("events_")
        # Others may be looked into for single customers.
        and step["Actual Loops"] < 10
        and rows_touched(step) > 0
    }
    assert tables == {f"events_2026_{month:02}" for month in range(3, last + 1)}


@pytest.mark.parametrize("name", ["funnel", "traffic"])
async def test_an_hour_is_found_by_an_index(shop, name):
    await fill(shop)
    async with shop.pool.connection() as conn:
        await conn.execute("ANALYZE")
    hour = MARCH + timedelta(days=10)
    snapshot = await explained(shop, name, hour, hour + timedelta(hours=1))
    read = [step for step in snapshot.steps() if step.get("Relation Name", "").startswith("events_")]
    assert read
    assert not [
        step
        for step in read
        if step["Node Type"] == "Seq Scan" and step["Actual Loops"] > 0 and rows_touched(step) > 0
    ]


async def test_who_ordered_before_is_looked_up_by_who_ordered_now(shop):
    await fill(shop)
    async with shop.pool.connection() as conn:
        await conn.execute("ANALYZE")
    hour = APRIL + timedelta(days=10)
    snapshot = await explained(shop, "retention", hour, hour + timedelta(hours=1))
    read = [step for step in snapshot.steps() if step.get("Relation Name") == "order_revisions"]
    assert {step.get("Index Name") for step in read} <= {
        "order_revisions_time",
        "order_revisions_subject",
        "order_revisions_pkey",
    }
    assert sum(map(rows_touched, read)) < 500
