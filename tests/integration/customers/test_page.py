"""A customer's own page: orders with all that happened, touches, devices, and where they stand."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from laws.read_plans import Explaining
from shopalytic.v1 import reports_pb2
from shopalytic_server.storage.customers.page import MAX_ORDERS
from shopalytic_server.storage.customers.profile import get_customer
from shopalytic_server.storage.customers.rfm import RfmQuintiles
from shops.report_shop import PROJECT, START, Shop, event, identify, open_shop, order, page, refund

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def visit(url: str, referrer: str = "", *, at: float, tracking_id: str = "t1", **envelope: Any):
    return event("page_view", {"url": url, "referrer": referrer}, tracking_id=tracking_id, at=at, **envelope)


async def test_an_order_is_shown_with_its_lines_refunds_and_parcels(shop):
    lines = [{"sku": "mug", "price": "2.50", "qty": 3}, {"sku": "box", "price": "1", "qty": 1}]
    whole = {"order_id": "o1", "cart_id": "c", "total": "8.50", "subtotal": "8.50", "line_items": lines}
    delivered = (START + timedelta(days=3)).isoformat()
    await shop.send(
        order("o1", "9.00", identity="ann"),
        event("order", whole, identity="ann", at=1),
        event("product_view", {"sku": "mug", "name": "A mug", "price": "2.50"}, identity="bea", at=2),
        refund("o1", "1.25", identity="clerk", at=30),
        refund("o1", "0.50", identity="clerk", at=20, currency="USD"),
        event("shipment", {"order_id": "o1", "shipment_id": "p1", "carrier": "dhl"}, identity="clerk", at=40),
        event(
            "shipment_delivered",
            {"order_id": "o1", "shipment_id": "p1", "date_delivered": delivered},
            identity="clerk",
            at=50,
        ),
        order("o2", "1.00", identity="ann", at=100),
    )
    later, first = (await shop.customer("ann")).orders
    assert (later.order_id, first.order_id, first.revisions, first.total) == ("o2", "o1", 1, "8.50")
    assert [(line.sku, line.name, line.price, line.qty) for line in first.lines] == [
        ("mug", "A mug", "2.50", 3),
        ("box", "", "1", 1),
    ]
    assert [(each.amount, each.currency, each.flag) for each in first.refunds] == [
        ("0.50", "USD", "other_currency_than_order"),
        ("1.25", "EUR", ""),
    ]
    [parcel] = first.parcels
    assert (parcel.shipment_id, parcel.carrier, parcel.HasField("date_shipped")) == ("p1", "dhl", False)
    assert parcel.date_delivered.ToDatetime(UTC) == START + timedelta(days=3)


async def test_only_the_latest_orders_are_shown(shop):
    await shop.send(*(order(f"o{number}", identity="ann", at=number) for number in range(MAX_ORDERS + 5)))
    shown = (await shop.customer("ann")).orders
    assert [each.order_id for each in shown] == [f"o{number}" for number in range(MAX_ORDERS + 4, 4, -1)]


async def test_all_orders_are_listed_a_page_at_a_time_and_counted(shop):
    await shop.send(*(order(f"o{number}", identity="ann", at=number // 2) for number in range(25)))
    whole = list((await shop.customer("ann")).orders)
    request = reports_pb2.ListCustomerOrdersRequest(page_size=4)
    request.customer.any = "ann"
    found, totals = [], set()
    while True:
        page = await shop.reports.list_customer_orders(shop.project, request)
        found += page.orders
        totals.add(page.total_orders)
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert found == whole
    assert totals == {25}


async def test_a_page_of_large_orders_ends_early_and_goes_on_in_the_next(shop):
    lines = [{"sku": f"s{number}", "price": "1", "qty": 1} for number in range(2_000)]
    properties = {"cart_id": "c", "total": "1", "subtotal": "1", "line_items": lines}
    for number in range(4):
        large = event("order", {"order_id": f"o{number}", **properties}, identity="ann", at=number)
        await shop.send(large)
    request = reports_pb2.ListCustomerOrdersRequest()
    request.customer.any = "ann"
    first = await shop.reports.list_customer_orders(shop.project, request)
    request.page_token = first.next_page_token
    second = await shop.reports.list_customer_orders(shop.project, request)
    assert [each.order_id for each in (*first.orders, *second.orders)] == ["o3", "o2", "o1", "o0"]
    assert second.orders
    assert not second.next_page_token


async def test_touches_are_the_first_pages_of_the_first_and_of_the_last_session(shop):
    minute = 60
    await shop.send(
        visit("https://www.shop.test/a?utm_campaign=spring%20sale", "https://www.News.example/x", at=0),
        visit("https://shop.test/b", "https://other.example/", at=29 * minute),
        visit("https://shop.test/c", "https://shop.test/b", at=200 * minute, tracking_id="t2"),
        visit(
            "https://shop.test/d", "https://search.example/", at=300 * minute,
            context={"utm_campaign": "mail", "utm_source": "letter", "utm_medium": "email"},
        ),
        # Exactly half an hour is still the same session.
        visit("https://shop.test/e", "https://later.example/", at=330 * minute, tracking_id="t2"),
        identify("t1", "ann", at=0), identify("t2", "ann", at=1),
    )  # fmt: skip
    ann = await shop.customer("ann")
    first, last = ann.first_touch, ann.last_touch
    assert (first.landing_page, first.referrer, first.campaign) == (
        "https://www.shop.test/a?utm_campaign=spring%20sale",
        "news.example",
        "spring sale",
    )
    assert (last.landing_page, last.referrer) == ("https://shop.test/d", "search.example")
    assert (last.source, last.medium, last.campaign) == ("letter", "email", "mail")
    assert last.occurred_at.ToDatetime(UTC) == START + timedelta(minutes=300)


async def test_a_long_session_is_followed_back_to_its_first_page(shop):
    pages = [visit(f"https://shop.test/{number}", at=number * 60) for number in range(450)]
    await shop.send(visit("https://shop.test/before", at=-3600), *pages)
    assert (await shop.customer("t1")).last_touch.landing_page == "https://shop.test/0"


async def test_who_saw_no_page_has_no_touch(shop):
    await shop.send(order("o1", identity="ann"))
    ann = await shop.customer("ann")
    assert not ann.HasField("first_touch")
    assert not ann.HasField("last_touch")


async def test_devices_tell_when_they_were_used_and_what_joined_them(shop):
    call = identify("t1", "ann", at=50)
    await shop.send(
        page("t1", at=10, context={"user_agent": CHROME}),
        call,
        page("t1", at=90, identity="ann", context={"user_agent": FIREFOX}),
        page("t1", at=95, identity="ann"),
        page("t2", at=20, context={"user_agent": "no browser at all"}),
        identify("t2", "ann", at=60),
    )
    first, second = (await shop.customer("ann")).devices
    assert (first.tracking_id, first.user_agent_family, second.user_agent_family) == ("t1", "Firefox", "")
    assert [each.seconds - int(START.timestamp()) for each in (first.first_seen, first.last_seen)] == [10, 95]
    assert [each.seconds - int(START.timestamp()) for each in (second.first_seen, second.last_seen)] == [
        20,
        60,
    ]
    assert (first.joined_by.event_id, first.joined_by.kind) == (call.event_id, "identify")


async def test_a_visitor_has_a_device_that_nobody_joined(shop):
    await shop.send(page("t1", context={"user_agent": CHROME}))
    [device] = (await shop.customer("t1")).devices
    assert (device.user_agent_family, device.HasField("joined_by")) == ("Chrome", False)


@pytest.mark.parametrize(
    ("days", "expected"), [([0], ""), ([0, 3], "3.00"), ([5, 0, 1], "2.50"), ([0, 0.5, 1, 1], "0.33")]
)
async def test_days_between_orders_are_an_average(shop, days, expected):
    await shop.send(
        *(
            order(f"o{number}", identity="ann", at=day * 86_400, currency=("EUR", "USD")[number % 2])
            for number, day in enumerate(days)
        )
    )
    assert (await shop.customer("ann")).days_between_orders == expected
    [listed] = (await shop.customers()).customers
    assert listed.days_between_orders == expected


async def test_classes_are_fifths_of_all_who_ordered(shop):
    chance = random.Random(7)
    last: dict[str, datetime] = {}
    count: dict[str, int] = {}
    worth: dict[str, Decimal] = {}
    for number in range(60):
        who = f"c{chance.randrange(17)}"
        at = START + timedelta(hours=chance.randrange(500))
        currency = chance.choice(["EUR", "EUR", "USD"])
        amount = chance.choice(["1", "5", "5.00", "70.10"])
        await shop.send(order(f"o{number}", amount, identity=who, at=at, currency=currency))
        last[who] = max(last.get(who, at), at)
        count[who] = count.get(who, 0) + 1
        worth[who] = worth.get(who, Decimal(0)) + (Decimal(amount) if currency == "EUR" else 0)
        if currency == "EUR" and chance.random() < 0.3:
            await shop.send(refund(f"o{number}", "0.75", identity="clerk", at=at))
            worth[who] -= Decimal("0.75")
    await shop.send(refund("never ordered", "3", identity="c0", at=1), page(identity="looker"))
    worth["c0"] -= 3

    def fifth(values: dict[str, Any], who: str) -> int:
        return 1 + 5 * sum(value < values[who] for value in values.values()) // len(values)

    assert len(count) > 10
    for who in count:
        rfm = (await shop.customer(who)).rfm
        found = (rfm.recency, rfm.frequency, rfm.money)
        assert found == (fifth(last, who), fifth(count, who), fifth(worth, who)), who
    assert not (await shop.customer("looker")).HasField("rfm")


async def test_the_page_reads_little_and_by_index(shop):
    others = [
        each
        for number in range(400)
        for each in (
            order(f"other{number}", identity=f"c{number}"),
            *(page(f"t{number}", at=step * 3_600) for step in range(20)),
        )
    ]
    await shop.send(*others)
    await shop.send(identify("t5", "ann"), order("o1", identity="ann"), refund("o1", identity="ann", at=3))
    quintiles = RfmQuintiles()
    request = reports_pb2.GetCustomerRequest(customer=reports_pb2.CustomerSelector(any="ann"))
    async with shop.pool.connection() as conn:
        await conn.execute("ANALYZE")
        await get_customer(Explaining(conn), PROJECT, quintiles, request)
        snapshot = Explaining(conn)
        await get_customer(snapshot, PROJECT, quintiles, request)
    assert snapshot.rows_read() < 300
    large = {"events_2026_03", "order_revisions", "order_items", "identities"}
    scans = [step["Node Type"] for step in snapshot.steps() if step.get("Relation Name") in large]
    assert scans
    assert "Seq Scan" not in scans
