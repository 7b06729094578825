"""A plain date is a day of the project's time zone, not midnight in UTC."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from shopalytic.events.decoding import decode_event
from shopalytic.v1 import collector_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest.preparation import prepare
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.projects import Projects
from shopalytic_server.storage.rebuild.day_mover import move_days
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import NOW, Shop, open_shop

ACCEPTED = collector_pb2.EVENT_STATUS_ACCEPTED
DUPLICATE = collector_pb2.EVENT_STATUS_DUPLICATE
ORDER = {
    "order_id": "o1",
    "cart_id": "c",
    "total": "5.00",
    "subtotal": "5.00",
    "line_items": [{"sku": "a", "price": "5.00", "qty": 1}],
}
NEW_YORK, TOKYO = "America/New_York", "Asia/Tokyo"


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield move(opened, database_url, NEW_YORK)


def move(shop: Shop, database_url: str, zone: str) -> Shop:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE projects SET time_zone = %s", [zone])
    return replace(shop, project=replace(shop.project, time_zone=zone))


def order(at: str, **more: Any) -> Event:
    return decode_event(
        {"type": "order", "identity": "ann", "occurred_at": at, "properties": {**ORDER, **more}}, fill=True
    )


async def send(shop: Shop, *events: Event, **sending: Any) -> list[int]:
    sending = {"received_at": NOW, "sent_at": None, **sending}
    items = [prepare(each, project=shop.project, key_class=KeyClass.SERVER, **sending) for each in events]
    return [each.status for each in await shop.writer.submit(items)]


async def days(shop: Shop) -> list[str]:
    reports = await shop.sales(interval=reports_pb2.INTERVAL_DAY)
    return [row.start.ToDatetime().isoformat() for each in reports for row in each.rows if row.orders]


@pytest.mark.parametrize(
    ("made", "start"),
    [
        (order("2026-03-01"), "2026-03-01T05:00:00"),
        (order("2026-05-05T10:00:00Z", order_date="2026-03-01"), "2026-03-01T05:00:00"),
        # The day on which the clocks are changed begins before they are.
        (order("2026-03-08"), "2026-03-08T05:00:00"),
        (order("2026-03-01T00:00:00Z"), "2026-02-28T05:00:00"),
    ],
)
async def test_a_day_is_one_of_the_project(shop, made, start):
    assert await send(shop, made) == [ACCEPTED]
    assert await days(shop) == [start]
    [told] = (await shop.events("ann")).events
    # What was said stays readable.
    assert told.occurred_at == made.occurred_at


async def test_the_mark_is_no_part_of_what_makes_two_events_the_same(shop):
    made = order("2026-03-01")
    before = Event()
    before.CopyFrom(made)
    before.ClearField("plain_dates")
    assert list(made.plain_dates) == ["occurred_at"]
    # As it came before there was a mark: the row stays where it is.
    assert await send(shop, before) == [ACCEPTED]
    assert await send(shop, made) == [DUPLICATE]
    assert await days(shop) == ["2026-02-28T05:00:00"]


async def test_the_same_order_under_another_id_has_the_same_content(shop):
    marked, unmarked = (
        order("2026-05-05", order_date="2026-03-01"),
        order("2026-05-06", order_date="2026-03-01"),
    )
    unmarked.ClearField("plain_dates")
    assert await send(shop, marked, unmarked) == [ACCEPTED, DUPLICATE]


async def test_a_day_is_not_moved_with_the_sender_s_clock(shop):
    long_ago = datetime(2023, 1, 1, tzinfo=UTC)
    assert await send(shop, order("2026-03-01"), sent_at=long_ago) == [ACCEPTED]
    assert await days(shop) == ["2026-03-01T05:00:00"]


async def test_a_name_that_is_no_day_s_says_nothing(shop):
    made = order("2026-05-05T10:00:00Z")
    made.plain_dates.extend(["occurred_at", "order_date", "total", "nothing"])
    assert await send(shop, made) == [ACCEPTED]
    assert (await shop.sales())[0].total.orders == 1
    made = order("2026-03-01")
    made.plain_dates.extend(["x"] * 10)
    [status] = await send(shop, made)
    assert status == collector_pb2.EVENT_STATUS_QUARANTINED


async def test_a_rebuild_moves_days_to_the_time_zone_of_now(shop, database_url):
    await send(
        shop,
        order("2026-03-01"),
        order("2026-05-05T10:00:00Z", order_id="o2", order_date="2026-04-01"),
        order("2026-06-01T00:00:00Z", order_id="o3"),
    )
    assert (await rebuild(database_url, check=True)).equal
    moved = move(shop, database_url, TOKYO)
    told = await rebuild(database_url, check=True)
    assert told.differences["events"] == 1
    assert (await rebuild(database_url, check=False)).differences["events"] == 1
    assert await days(moved) == ["2026-02-28T15:00:00", "2026-03-31T15:00:00", "2026-05-31T15:00:00"]
    assert (await rebuild(database_url, check=True)).equal
    back = move(moved, database_url, NEW_YORK)
    await rebuild(database_url, check=False)
    assert await days(back) == ["2026-03-01T05:00:00", "2026-04-01T04:00:00", "2026-05-31T04:00:00"]


async def test_midnights_of_before_there_was_a_mark_are_moved_if_asked(shop, database_url):
    made = [order("2026-03-01"), order("2026-05-05T10:00:00Z", order_id="o2", order_date="2026-04-01")]
    for each in made:
        each.ClearField("plain_dates")
    await send(shop, *made, order("2026-06-01T12:00:00Z", order_id="o3"))
    assert await days(shop) == ["2026-02-28T05:00:00", "2026-03-31T04:00:00", "2026-06-01T04:00:00"]
    await rebuild(database_url, check=False)
    assert await days(shop) == ["2026-02-28T05:00:00", "2026-03-31T04:00:00", "2026-06-01T04:00:00"]
    await rebuild(database_url, check=False, midnights_are_days=True)
    assert await days(shop) == ["2026-03-01T05:00:00", "2026-04-01T04:00:00", "2026-06-01T04:00:00"]
    assert (await rebuild(database_url, check=True)).equal


async def test_a_change_of_the_zone_moves_days_without_a_rebuild(shop, database_url):
    made = [order("2026-03-01"), order("2026-05-05T10:00:00Z", order_id="o2", order_date="2026-04-01")]
    await send(shop, *made, order("2026-06-01T00:00:00Z", order_id="o3"))
    assert await move_days(database_url) == 0
    projects = Projects(shop.pool)
    for zone, starts in (
        (TOKYO, ["2026-02-28T15:00:00", "2026-03-31T15:00:00", "2026-05-31T15:00:00"]),
        (NEW_YORK, ["2026-03-01T05:00:00", "2026-04-01T04:00:00", "2026-05-31T04:00:00"]),
    ):
        await projects.update_project(shop.project.project_id, time_zone=zone)
        assert await move_days(database_url) == 1
        assert await days(replace(shop, project=replace(shop.project, time_zone=zone))) == starts
        assert await move_days(database_url) == 0
    assert (await rebuild(database_url, check=True)).equal
    # A name that is the same changes nothing.
    await projects.update_project(shop.project.project_id, time_zone=NEW_YORK)
    assert await move_days(database_url) == 0
