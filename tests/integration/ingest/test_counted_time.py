"""Reports go by the counted time: a sender's clock that is off moves nothing out of its day."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from shopalytic.v1 import admin_pb2, collector_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest.preparation import prepare
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.quarantine.repair import Repairs
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import NOW, Shop, event, open_shop, order, page

ACCEPTED = collector_pb2.EVENT_STATUS_ACCEPTED
DUPLICATE = collector_pb2.EVENT_STATUS_DUPLICATE
QUARANTINED = collector_pb2.EVENT_STATUS_QUARANTINED
MINUTE, DAY, YEAR = timedelta(minutes=1), timedelta(days=1), timedelta(days=365)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


async def send(
    shop: Shop, *events: Event, off: timedelta | None, arrival: datetime = NOW
) -> list[collector_pb2.EventResult]:
    """One request, by a clock that is `off` ahead; None does not say when it sent."""
    sent = None if off is None else arrival + off
    items = [
        prepare(each, project=shop.project, key_class=KeyClass.SERVER, received_at=arrival, sent_at=sent)
        for each in events
    ]
    return list(await shop.writer.submit(items))


def counted(database_url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        connection.execute("SET timezone = 'UTC'")
        return connection.execute("SELECT occurred_at, stated_at FROM events ORDER BY 1").fetchall()


@pytest.mark.parametrize("off", [-3 * YEAR, 2 * DAY, -56 * YEAR, 94 * YEAR, -6 * MINUTE])
async def test_a_clock_that_is_off_is_put_right_for_all_events_of_a_request(shop, database_url, off):
    before = timedelta(seconds=7)
    events = [page("t1", at=NOW + off - before), order("o1", tracking_id="t1", at=NOW + off)]
    assert [each.status for each in await send(shop, *events, off=off)] == [ACCEPTED] * 2
    assert counted(database_url) == [(NOW - before, NOW + off - before), (NOW, NOW + off)]
    [report] = await shop.sales(begin=NOW - DAY, end=NOW + DAY)
    assert report.total.orders == 1
    told = (await shop.events("t1")).events
    assert [each.counted_at.ToDatetime(UTC) for each in told] == [NOW, NOW - before]
    assert [each.occurred_at.ToDatetime(UTC) for each in told] == [NOW + off, NOW + off - before]
    assert (await rebuild(database_url, check=True)).equal


@pytest.mark.parametrize("off", [5 * MINUTE, -5 * MINUTE, None])
async def test_a_clock_that_is_right_to_five_minutes_tells_the_time(shop, database_url, off):
    await send(shop, page("t1", at=NOW - DAY), off=off)
    assert counted(database_url) == [(NOW - DAY, None)]
    [told] = (await shop.events("t1")).events
    assert told.occurred_at == told.counted_at


async def test_of_several_copies_the_time_that_was_stored_first_stands(shop, database_url):
    first = page("t1", at=NOW - YEAR)
    for off, status in [(-YEAR, ACCEPTED), (0 * DAY, DUPLICATE), (-YEAR / 2, DUPLICATE)]:
        copy = Event()
        copy.CopyFrom(first)
        assert [each.status for each in await send(shop, copy, off=off)] == [status]
    assert counted(database_url) == [(NOW, NOW - YEAR)]


@pytest.mark.parametrize(
    ("at", "off", "rule"),
    [
        (NOW + 2 * DAY, None, "timestamp.not_in_future"),
        (NOW, -2 * DAY, "timestamp.not_in_future"),
        (datetime(1989, 12, 31, tzinfo=UTC), None, "timestamp.not_before_1990"),
        (datetime(1, 1, 1, tzinfo=UTC), 0 * DAY, "timestamp.not_before_1990"),
        (NOW, 40 * YEAR, "timestamp.not_before_1990"),
    ],
)
async def test_a_counted_time_that_cannot_be_is_told(shop, at, off, rule):
    [result] = await send(shop, page("t1", at=at), off=off)
    assert result.status == QUARANTINED
    assert [(each.field, each.rule_id) for each in result.violations] == [("occurred_at", rule)]


async def test_an_event_of_quarantine_is_replayed_with_the_clock_it_had(shop, database_url):
    arrival = datetime.now(UTC).replace(microsecond=0) - 30 * DAY
    broken = page("t1", at=arrival - YEAR)
    broken.page_view.url = ""
    await send(shop, broken, off=-YEAR, arrival=arrival)
    patch = '[{"op": "add", "path": "/page_view/url", "value": "https://shop.test/"}]'
    request = admin_pb2.ReplayQuarantineRequest(patch=patch)
    assert (await Repairs(shop.pool).replay_quarantine(shop.project, request)).accepted == 1
    assert counted(database_url) == [(arrival, arrival - YEAR)]


async def test_a_time_of_arrival_is_by_our_clock(shop, database_url):
    timed = page("t1", at=NOW)
    timed.timed_on_arrival = True
    await send(shop, timed, off=-YEAR)
    assert counted(database_url) == [(NOW, None)]


@pytest.mark.parametrize(
    ("kind", "properties", "field", "plan"),
    [
        ("order", order("o1").order, "order_date", False),
        ("cart_modify", {"cart_id": "c", "sku": "a", "qty": 1}, "modified_date", False),
        ("customer_register", {"email": "a@b.c", "first_name": "A", "last_name": "B"}, "join_date", False),
        ("shipment_delivered", {"order_id": "o1", "shipment_id": "p1"}, "date_delivered", True),
        ("shipment", {"order_id": "o1", "shipment_id": "p1", "carrier": "dhl"}, "date_shipped", True),
    ],
)
async def test_a_shop_states_no_date_that_cannot_have_been(shop, kind, properties, field, plan):
    most = YEAR if plan else timedelta()
    cases = [
        (most + DAY, None, ACCEPTED),
        # Not moved with the sender's clock.
        (most + DAY, -2 * DAY, ACCEPTED),
        (most + DAY + timedelta(microseconds=1), None, QUARANTINED),
        (datetime(2099, 12, 31, tzinfo=UTC) - NOW, None, QUARANTINED),
    ]
    for number, (after, off, status) in enumerate(cases):
        made = event(kind, {}, identity="ann", at=NOW + (off or timedelta()))
        if isinstance(properties, dict):
            for name, value in properties.items():
                setattr(getattr(made, kind), name, value)
        else:
            getattr(made, kind).CopyFrom(properties)
            made.order.order_id = f"o{number}"
        getattr(getattr(made, kind), field).FromDatetime(NOW + after)
        [result] = await send(shop, made, off=off)
        assert result.status == status, result
        if status == QUARANTINED:
            told = [(each.field, each.rule_id) for each in result.violations]
            assert told == [(f"{kind}.{field}", "timestamp.not_in_future")]
