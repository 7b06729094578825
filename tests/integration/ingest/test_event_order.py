"""What happened at one time is counted in the order of a purchase, whatever ids chance has given."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic.v1 import collector_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.events.event_order import RANKS, position, rank
from shopalytic_server.domain.events.prepared import microseconds
from shops.report_shop import ACCEPTED, START, Shop, alias, event, identify, open_shop, order, page, refund

CONFLICT = collector_pb2.EVENT_STATUS_CONFLICT
DAY = datetime(2026, 3, 2, tzinfo=UTC)
FIRST_ID, LAST_ID = "00000000-0000-4000-8000-{:012d}", "ffffffff-ffff-4fff-bfff-{:012d}"

types = st.sampled_from([*RANKS, "unknown"])
times = st.integers(0, 6_600_000_000_000_000).map(
    lambda after: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(microseconds=after)
)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def test_sql_and_python_know_the_same_order(database_url: str):
    with psycopg.connect(database_url) as connection:

        @given(types, st.sampled_from(["full", "partial", None]), times)
        def same(event_type: str, refund_type: str | None, at: datetime) -> None:
            row = connection.execute(
                "SELECT event_position(%s, %s, %s)", [event_type, refund_type, at]
            ).fetchone()
            assert row == (position(rank(event_type, refund_type or ""), microseconds(at)),)

        same()


@pytest.mark.parametrize(("partial", "full"), [(FIRST_ID, LAST_ID), (LAST_ID, FIRST_ID)])
async def test_a_full_refund_takes_what_a_partial_one_of_the_same_day_has_left(shop, partial, full):
    events: list[Event] = []
    for number in range(40):
        name = f"o{number}"
        events += [
            order(name, "100.00", identity="ann", at=datetime(2026, 3, 1, tzinfo=UTC)),
            refund(name, identity="ann", at=DAY, event_id=full.format(number)),
            refund(name, "10.00", identity="ann", at=DAY, event_id=partial.format(number)),
        ]
    await shop.send(*events)
    [report] = await shop.sales()
    assert Decimal(report.total.refunds) == 4000
    answer = await shop.reports.get_product_report(shop.project, reports_pb2.GetProductReportRequest())
    assert [Decimal(row.refunds) for each in answer.reports for row in each.rows] == [4000]


@pytest.mark.parametrize("ids", [(FIRST_ID, LAST_ID), (LAST_ID, FIRST_ID)])
async def test_a_timeline_shows_one_second_in_the_order_of_a_purchase_page_by_page(shop, ids):
    begun, cut = START + timedelta(milliseconds=400), START
    seen = {"sku": "a", "name": "Mug", "price": "1.00"}
    added = {"cart_id": "c", "sku": "a", "price": "1.00", "qty": 1}
    events = [
        identify("t1", "ann", at=begun, event_id=ids[0].format(1)),
        event("product_view", seen, tracking_id="t1", at=begun, event_id=ids[1].format(2)),
        # A backend that cuts to the second.
        event("cart_add", added, identity="ann", at=cut, event_id=ids[0].format(3)),
        order("o1", identity="ann", at=cut, event_id=ids[1].format(4)),
        refund("o1", "1.00", identity="ann", at=cut, event_id=ids[0].format(5)),
        refund("o1", identity="ann", at=cut, event_id=ids[1].format(6)),
        page("t1", at=START - timedelta(seconds=1), event_id=ids[0].format(7)),
    ]
    await shop.send(*events)
    told: list[str] = []
    token = ""
    while True:
        answer = await shop.events("ann", page_size=2, page_token=token)
        told += [each.event_id for each in answer.events]
        token = answer.next_page_token
        if not token:
            break
    wanted = [events[6], *events[:6]]
    assert told == [each.event_id for each in reversed(wanted)]


async def test_a_cart_line_is_changed_after_it_was_added_in_the_same_second(shop, database_url):
    line: dict[str, Any] = {"cart_id": "c", "sku": "a"}
    await shop.send(
        event("cart_modify", {**line, "qty": 5}, identity="ann", event_id=FIRST_ID.format(1)),
        event("cart_add", {**line, "price": "1.00", "qty": 1}, identity="ann", event_id=LAST_ID.format(1)),
    )
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT qty FROM cart_lines").fetchall() == [(5,)]


@pytest.mark.parametrize(
    ("use", "status"),
    [
        (page(identity="J", at=START), ACCEPTED),
        (identify("T9", "J", at=START + timedelta(milliseconds=100)), CONFLICT),
        (identify("T9", "J", at=START + timedelta(milliseconds=500)), ACCEPTED),
    ],
)
@pytest.mark.parametrize("at_once", [False, True])
async def test_within_a_second_an_alias_comes_after_those_who_were_named(shop, use, status, at_once):
    other = identify("T1", "I", at=START - timedelta(seconds=9))
    named = alias("J", identity="I", at=START + timedelta(milliseconds=500))
    if at_once:
        await shop.send(other, use, named, expected=[ACCEPTED, ACCEPTED, status])
    else:
        await shop.send(other, use)
        await shop.send(named, expected=[status])
