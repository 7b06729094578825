"""The fulfilment report."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from oracles.fulfilment import fulfilment
from oracles.seen import read
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.errors import InvalidRequest
from shops.commerce_month import BEGIN, BETWEEN, EARLY, LATE, Month, cut_in_two, shuffled_and_doubled, store
from shops.generated_year import history
from shops.report_shop import START, Shop, event, open_shop, order, refund

SCOPES: dict[str, dict[str, Any]] = {
    "everything": {},
    "ten days": {"begin": BEGIN + timedelta(days=7), "end": BEGIN + timedelta(days=17)},
    "until": {"end": BEGIN + timedelta(days=10)},
    "a fast promise": {"promised_days": 2},
    "a slow promise": {"promised_days": 365},
    "one source": {"source": "web"},
    "robots": {"include_bots": True},
    "trial": {"include_sandbox": True, "promised_days": 3},
    "all of it": {"include_sandbox": True, "include_bots": True, "begin": BEGIN + timedelta(days=3)},
}


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


async def ask(
    shop: Shop,
    begin: datetime | None = None,
    end: datetime | None = None,
    *,
    promised_days: int = 0,
    as_of: datetime | None = None,
    **scope: Any,
) -> reports_pb2.GetFulfilmentReportResponse:
    request = reports_pb2.GetFulfilmentReportRequest(
        scope=reports_pb2.ReportScope(**scope), promised_days=promised_days
    )
    for name, time in (("from", begin), ("to", end), ("as_of", as_of)):
        if time is not None:
            getattr(request.scope, name).FromDatetime(time)
    return await shop.reports.get_fulfilment_report(shop.project, request)


async def behind(shop: Shop, explain: str) -> list[str]:
    request = reports_pb2.ListEventsRequest(explain=explain, page_size=1000)
    answer = await shop.reports.list_events(shop.project, request)
    assert not answer.next_page_token
    return [each.event_id for each in answer.events]


def after(**time: float) -> str:
    return (START + timedelta(**time)).isoformat()


def shipment(order_id: str, shipment_id: str, carrier: str = "dhl", *, at: float = 0, **given: str):
    properties = {"order_id": order_id, "shipment_id": shipment_id, "carrier": carrier, **given}
    return event("shipment", properties, identity="warehouse", at=at)


def delivered(order_id: str, shipment_id: str, date: str, *, at: float = 1, **given: str):
    properties = {"order_id": order_id, "shipment_id": shipment_id, "date_delivered": date, **given}
    return event("shipment_delivered", properties, identity="warehouse", at=at)


def figures(row: reports_pb2.CarrierRow) -> dict[str, Any]:
    return {
        field.name: getattr(row, field.name)
        for field in row.DESCRIPTOR.fields
        if field.name not in ("carrier", "explain", "dimensions", "previous", "compared")
    }


@pytest.mark.parametrize("arrival", ["in order", "shuffled and doubled"])
@pytest.mark.parametrize("seed", [1, "year"])
async def test_every_number_equals_one_worked_out_parcel_by_parcel(shop, seed, arrival):
    events = history(seed)
    seen = read(events)
    await store(shop, events if arrival == "in order" else shuffled_and_doubled(events, seed))
    for label, scope in SCOPES.items():
        expected = fulfilment(seen, **scope)
        found = await ask(shop, **scope)
        assert [row.carrier for row in found.carriers] == sorted(
            carrier for carrier in expected if carrier is not None
        ), label
        rows: list[tuple[str | None, reports_pb2.CarrierRow]] = [
            *((row.carrier, row) for row in found.carriers),
            (None, found.total),
        ]
        for carrier, row in rows:
            own = dict(expected[carrier])
            assert sorted(await behind(shop, row.explain)) == sorted(own.pop("events")), label
            assert figures(row) == own, label


async def test_as_of_a_moment_the_numbers_are_those_of_what_had_arrived(shop):
    early, late = cut_in_two(Month(3).events, 3)
    await store(shop, early, arrival=EARLY)
    await store(shop, late, arrival=LATE)
    then = read(early)
    expected = fulfilment(then)
    found = await ask(shop, as_of=BETWEEN)
    for carrier, row in [*((row.carrier, row) for row in found.carriers), (None, found.total)]:
        own = dict(expected.pop(carrier))
        events = own.pop("events")
        assert figures(row) == own
    assert not expected
    assert sorted(await behind(shop, found.total.explain)) == sorted(events)


async def test_times_are_hours_with_two_digits(shop):
    await shop.send(
        order("o1", identity="ann", at=0),
        shipment("o1", "p1", date_shipped=after(hours=1)),
        shipment("o1", "p2", date_shipped=after(hours=2, seconds=18)),
        delivered("o1", "p2", after(hours=3)),
        shipment("o1", "p3", date_shipped=after(hours=-1)),
    )
    row = (await ask(shop)).total
    assert (row.parcels, row.on_the_way, row.delivered) == (3, 2, 1)
    assert (row.order_to_shipped_median, row.order_to_shipped_p90) == ("1.00", "2.01")
    assert (row.shipped_to_delivered_median, row.shipped_to_delivered_p90) == ("1.00", "1.00")
    await shop.send(shipment("o1", "p4", date_shipped=after(hours=1, minutes=30)))
    row = (await ask(shop)).total
    assert row.order_to_shipped_median == "1.25"


@pytest.mark.parametrize(
    ("hours", "median"), [(-1, "-1.00"), (-0.125, "-0.12"), (0.125, "0.13"), (0, "0.00")]
)
async def test_a_parcel_shipped_before_its_order_counts_has_a_negative_time(shop, hours, median):
    await shop.send(order("o1", identity="ann"), shipment("o1", "p1", date_shipped=after(hours=hours)))
    assert (await ask(shop)).total.order_to_shipped_median == median


async def test_the_ninetieth_percentile_is_the_nearest_rank(shop):
    await shop.send(order("o", identity="ann"))
    for number in range(1, 12):
        await shop.send(shipment("o", f"p{number}", date_shipped=after(hours=number)))
        row = (await ask(shop)).total
        assert row.order_to_shipped_p90 == f"{-(-9 * number // 10)}.00", number


async def test_late_is_later_than_promised_to_the_microsecond(shop):
    await shop.send(
        order("o1", identity="ann", at=0),
        order("o2", identity="ann", at=0),
        shipment("o1", "p1", date_shipped=after(hours=1)),
        delivered("o1", "p1", after(days=5)),
        shipment("o2", "p2", date_shipped=after(hours=1)),
        delivered("o2", "p2", after(days=5, microseconds=1)),
        shipment("unknown", "p3", date_shipped=after(hours=1)),
        delivered("unknown", "p3", after(days=50)),
    )
    row = (await ask(shop)).total
    assert (row.delivered, row.late, row.late_rate, row.refund_rate_after_late) == (3, 1, "0.5000", "0.0000")
    assert (await ask(shop, promised_days=4)).total.late == 2
    await shop.send(refund("o2", identity="ann", at=5 * 86_400 - 1))
    assert (await ask(shop)).total.refund_rate_after_late == "0.0000"
    await shop.send(refund("o2", "1", identity="ann", at=5 * 86_400 + 1))
    assert (await ask(shop)).total.refund_rate_after_late == "1.0000"


async def test_a_parcel_is_what_was_last_said_of_it(shop):
    await shop.send(
        order("o1", identity="ann", at=0),
        shipment("o1", "p1", "dhl", at=10, date_shipped=after(hours=1)),
        shipment("o1", "p1", "ups", at=20),
        delivered("o1", "p1", after(hours=5), at=15, date_shipped=after(hours=2)),
        delivered("o1", "p2", after(hours=9)),
    )
    found = await ask(shop)
    assert [(row.carrier, row.parcels) for row in found.carriers] == [("", 1), ("ups", 1)]
    assert (found.carriers[1].order_to_shipped_median, found.carriers[0].order_to_shipped_median) == (
        "2.00",
        "",
    )
    assert len(await behind(shop, found.carriers[1].explain)) == 3


async def test_a_parcel_counts_when_shipped_else_with_its_order_else_when_first_heard_of(shop):
    day = timedelta(days=1)
    await shop.send(
        order("o1", identity="ann", at=86_400),
        shipment("o1", "shipped", at=0, date_shipped=after(days=2)),
        shipment("o1", "not shipped", at=0),
        shipment("unknown", "no order", at=0),
    )
    rows = [(await ask(shop, START + n * day, START + (n + 1) * day)).total for n in range(3)]
    assert [row.parcels for row in rows] == [1, 1, 1]
    assert [row.on_the_way for row in rows] == [0, 0, 1]
    await shop.send(order("unknown", identity="ann", at=2 * 86_400))
    rows = [(await ask(shop, START + n * day, START + (n + 1) * day)).total for n in range(3)]
    assert [row.parcels for row in rows] == [0, 1, 2]


async def test_without_parcels_there_is_only_an_empty_total(shop):
    found = await ask(shop)
    assert list(found.carriers) == []
    assert (found.total.parcels, found.total.late_rate, found.total.order_to_shipped_p90) == (0, "0.0000", "")
    assert await behind(shop, found.total.explain) == []


async def test_a_range_that_ends_before_it_begins_is_refused(shop):
    with pytest.raises(InvalidRequest) as caught:
        await ask(shop, BEGIN, BEGIN - timedelta(days=1))
    assert [violation.field for violation in caught.value.violations] == ["scope.to"]
