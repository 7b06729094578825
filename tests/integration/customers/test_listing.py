"""Lists of customers: searched, filtered, sorted and paged, against a plain reading of who was sent."""

import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from laws.read_plans import Explaining
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.storage.customers.listing import list_customers
from shops.report_shop import PROJECT, START, Shop, alias, event, identify, open_shop, order, page, refund


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


@dataclass
class Truth:
    """What was sent of one customer."""

    names: list[str]
    profile: dict[str, str] = field(default_factory=dict)
    orders: int = 0
    net: dict[str, Decimal] = field(default_factory=dict)
    countries: set[str] = field(default_factory=set)
    seen: datetime = START
    last_order: datetime | None = None

    def says(self, text: str) -> bool:
        profile = " ".join(self.profile.values()).lower()
        return any(text.lower() in each.lower() for each in self.names) or all(
            word in profile for word in text.lower().split()
        )


async def fill(shop: Shop, seed: int = 5) -> list[Truth]:
    """Thirty customers; some have two identities, a device, a new email, orders in two currencies."""
    chance, people = random.Random(seed), []
    for number in range(30):
        one = Truth([f"Person-{number}"])
        who: dict[str, Any] = {"identity": one.names[0]}
        sent = [page(at=START + timedelta(hours=chance.randrange(2_000)), **who)]
        if number % 3 == 0:
            one.names.append(f"card_{number}%")
            sent.append(alias(one.names[1], at=START, **who))
        if number % 2 == 0:
            sent.append(identify(f"t{number}", one.names[0]))
            sent.append(page(f"t{number}", at=START + timedelta(hours=chance.randrange(2_500))))
        for turn in range(chance.randrange(3)):
            one.profile |= {
                "email": f"{chance.choice(['jane', 'JOHN'])}.{number}.{turn}@shop.test",
                "first_name": chance.choice(["Jane", "Zoë", "Ωmega"]),
                "last_name": chance.choice(["O'Hara", "Čapek", "100%_"]),
            }
            sent.append(event("customer_update", dict(one.profile), at=START + timedelta(hours=turn), **who))
        for turn in range(chance.choice([0, 0, 1, 2, 5])):
            sent += _order(one, who, chance, f"o{number}-{turn}")
        one.seen = max(each.occurred_at.ToDatetime(UTC) for each in sent if not each.HasField("refund"))
        await shop.send(*sent)
        people.append(one)
    return people


def _order(one: Truth, who: dict[str, Any], chance: random.Random, order_id: str) -> list[Any]:
    currency, amount = chance.choice(["EUR", "USD"]), f"{chance.randrange(50)}.{chance.randrange(100):02}"
    at = START + timedelta(hours=chance.randrange(2_000))
    placed = order(order_id, amount, currency=currency, at=at, **who)
    country = chance.choice([None, "DEU", "FRA"])
    if country:
        for address in (placed.order.shipping, placed.order.billing)[: chance.choice([1, 2])]:
            address.city, address.zipcode, address.country = "x", "1", country
        one.countries.add(country)
    one.orders += 1
    one.last_order = max(filter(None, (one.last_order, at)))
    one.net[currency] = one.net.get(currency, Decimal(0)) + Decimal(amount)
    if chance.random() < 0.4:
        one.net[currency] -= Decimal("1.5")
        return [placed, refund(order_id, "1.5", at=at, identity="clerk")]
    return [placed]


async def listed(shop: Shop, **fields: Any) -> list[list[str]]:
    """The identities of all customers of a list, read in small pages; the first page tells how many."""
    times = {name: fields.pop(name) for name in ("seen_after", "seen_before") if name in fields}
    request = reports_pb2.ListCustomersRequest(page_size=4, **fields)
    for name, time in times.items():
        getattr(request, name).FromDatetime(time)
    found: list[list[str]] = []
    total = 0
    while True:
        answer = await shop.reports.list_customers(shop.project, request)
        total += answer.total_customers
        found += [list(each.identities) for each in answer.customers]
        if not answer.next_page_token:
            assert total == len(found)
            return [names for names in found if "clerk" not in names]
        request.page_token = answer.next_page_token


MIDDLE = START + timedelta(hours=1_500)
FILTERS: dict[str, tuple[dict[str, Any], Callable[[Truth], bool]]] = {
    "all": ({}, lambda _one: True),
    "orders": ({"min_orders": 2}, lambda one: one.orders >= 2),
    "net": ({"min_net": "20.5", "currency": "USD"}, lambda one: one.net.get("USD", 0) >= Decimal("20.5")),
    "any net": ({"min_net": "0", "currency": "EUR"}, lambda one: one.net.get("EUR", 0) >= 0),
    "country": ({"country": "FRA"}, lambda one: "FRA" in one.countries),
    "seen after": ({"seen_after": MIDDLE}, lambda one: one.seen >= MIDDLE),
    "seen before": ({"seen_before": MIDDLE}, lambda one: one.seen < MIDDLE),
    "several": (
        {"min_orders": 1, "country": "DEU", "seen_after": MIDDLE, "search": "person"},
        lambda one: one.orders >= 1 and "DEU" in one.countries and one.seen >= MIDDLE,
    ),
}
SEARCHES = [
    "person-1",
    "PERSON",
    "jane",
    "john.2",
    "ZOË",
    "ωm",
    "'",
    "%",
    "_",
    "card_9%",
    "č",
    "100%_",
    "nobody",
]
SORTS: dict[str, Callable[[Truth], Any]] = {
    "LAST_SEEN": lambda one: one.seen,
    "NET": lambda one: one.net.get("EUR", Decimal(0)),
    "ORDERS": lambda one: one.orders,
    "LAST_ORDER": lambda one: one.last_order or datetime.min.replace(tzinfo=UTC),
}


@pytest.mark.parametrize("asked", FILTERS.values(), ids=FILTERS)
async def test_each_order_of_each_filter_is_the_plain_one(shop, asked):
    people = await fill(shop)
    fields, fits = asked
    by_name = {tuple(one.names): one for one in people}
    expected = sorted(one.names for one in people if fits(one))
    assert sorted(await listed(shop, **fields)) == expected
    for name, key in SORTS.items():
        if name == "NET" and fields.get("currency", "EUR") != "EUR":
            continue
        order_by = reports_pb2.CustomerOrder.Value(f"CUSTOMER_ORDER_{name}")
        found = await listed(shop, order_by=order_by, **fields)
        assert sorted(found) == expected, name
        keys = [key(by_name[tuple(names)]) for names in found]
        assert keys == sorted(keys, reverse=True), name
        assert found[::-1] == await listed(shop, order_by=order_by, ascending=True, **fields), name


@pytest.mark.parametrize("currency", ["", "USD"])
async def test_a_row_has_the_class_currency_last_order_and_country_of_the_customers_own_page(shop, currency):
    await fill(shop)
    by_rfm = reports_pb2.CUSTOMER_ORDER_RFM
    request = reports_pb2.ListCustomersRequest(order_by=by_rfm, currency=currency or None, page_size=1000)
    answer = await shop.reports.list_customers(shop.project, request)
    assert answer.currency == (currency or "EUR")
    classes = []
    for row in answer.customers:
        own = reports_pb2.GetCustomerRequest(currency=currency or None)
        own.customer.customer_id = row.customer_id
        page = (await shop.reports.get_customer(shop.project, own)).customer
        assert (row.rfm, row.last_order_at, row.country) == (page.rfm, page.last_order_at, page.country)
        assert row.HasField("rfm") == bool(sum(value.orders for value in page.values))
        assert not row.HasField("rfm") or row.rfm.currency == answer.currency
        classes.append((row.rfm.recency, row.rfm.frequency, row.rfm.money))
    assert classes == sorted(classes, reverse=True)
    assert len(set(classes)) > 5


async def test_a_search_finds_what_contains_the_text_now(shop):
    people = await fill(shop)
    for text in SEARCHES:
        expected = sorted(one.names for one in people if one.says(text))
        assert sorted(await listed(shop, search=text)) == expected, text
    assert sum(one.says("jane") for one in people) > 3


@pytest.mark.parametrize("text", ["ada king", "king ada", "ADA", "o-77", "TRACK 1", "parcel-1"])
async def test_a_search_finds_names_in_any_order_and_numbers_of_orders_and_parcels(shop, text):
    parcel = {
        "order_id": "o-77", "shipment_id": "parcel-1", "carrier": "dhl", "tracking_number": "TRACK 1",
    }  # fmt: skip
    await shop.send(
        event("customer_update", {"first_name": "Ada"}, identity="ann", at=1),
        event("customer_update", {"last_name": "King"}, identity="ann", at=2),
        event("customer_update", {"first_name": "Adamine", "last_name": "Queen"}, identity="bob", at=2),
        order("o-77", "5.00", identity="ann", at=3),
        event("shipment", parcel, tracking_id="backend", at=4),
    )
    expected = [["ann"], ["bob"]] if text == "ADA" else [["ann"]]
    assert sorted(await listed(shop, search=text)) == expected


async def test_an_email_of_before_is_not_found(shop):
    change = {"email": "old@shop.test"}
    await shop.send(event("customer_update", change, identity="ann"))
    assert await listed(shop, search="old@shop") == [["ann"]]
    await shop.send(event("customer_update", {"email": "new@shop.test"}, identity="ann", at=9))
    assert await listed(shop, search="old@shop") == []
    assert await listed(shop, search="NEW@") == [["ann"]]


async def test_a_device_brings_its_profile_and_orders_into_the_search(shop):
    await shop.send(
        event("customer_update", {"first_name": "Ludmila"}, tracking_id="t1"), order("o1", tracking_id="t1")
    )
    assert await listed(shop, search="ludm") == []
    await shop.send(identify("t1", "ann", at=5))
    assert await listed(shop, search="ludm", min_orders=1) == [["ann"]]


async def test_a_least_net_needs_its_currency(shop):
    with pytest.raises(InvalidRequest, match="currency: is needed with min_net"):
        await listed(shop, min_net="1")


async def test_who_was_seen_lately_is_found_without_reading_all_events(shop, database_url):
    await shop.send(*(page(identity=f"c{number}", at=number) for number in range(200)))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            """
            INSERT INTO events (dataset_id, subject, occurred_at, event_id, received_at, type, bot,
                                properties)
            SELECT 2, gen_random_uuid(), timestamptz '2026-03-01' + n * interval '1 second',
                   gen_random_uuid(), now(), 'page_view', false, '{}'
              FROM generate_series(1, 20000) AS n
            """
        )
        connection.execute(
            """
            INSERT INTO identities
            SELECT 2, 'known-' || n, gen_random_uuid(), gen_random_uuid(), timestamptz '2026-01-01'
              FROM generate_series(1, 20000) AS n
            """
        )
        connection.execute("ANALYZE")
    latest = reports_pb2.ListCustomersRequest(order_by=reports_pb2.CUSTOMER_ORDER_LAST_SEEN, page_size=10)
    searched = reports_pb2.ListCustomersRequest(search="nown-1234", page_size=50)
    async with shop.pool.connection() as conn:
        snapshot = Explaining(conn)
        found = await list_customers(snapshot, PROJECT, latest)
        assert [each.identities[0] for each in found.customers] == [f"c{199 - n}" for n in range(10)]
        events = [step for step in snapshot.steps() if step.get("Relation Name", "").startswith("events_")]
        assert {step["Node Type"] for step in events} <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
        assert sum(step["Actual Rows"] * step["Actual Loops"] for step in events) < 5_000
        snapshot = Explaining(conn)
        found = await list_customers(snapshot, PROJECT, searched)
        assert len(found.customers) == 11
        assert "identities_search" in {step.get("Index Name") for step in snapshot.steps()}
        assert snapshot.rows_read() < 500
