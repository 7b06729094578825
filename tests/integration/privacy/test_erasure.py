"""Erasing a person: nothing of them is left, nothing comes back, and everybody else's numbers stay."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from google.protobuf import json_format
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from psycopg import sql

from laws.histories import PEOPLE, batches, histories
from running.length import either
from shopalytic.v1 import admin_pb2, collector_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.customers.identity import tracking_subject
from shopalytic_server.domain.errors import NotFound
from shopalytic_server.domain.ingest.preparation import prepare
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.privacy.data_retention import remove_expired
from shopalytic_server.storage.privacy.erasure import Erasures
from shopalytic_server.storage.privacy.export import Exports
from shopalytic_server.storage.quarantine.repair import Repairs
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import NOW, PROJECT, Shop, alias, event, identify, open_shop, order, page, refund
from shops.served_shop import serve_shop
from standins.rpc import Running, error_of

ACCEPTED = collector_pb2.EVENT_STATUS_ACCEPTED
CONFLICT = collector_pb2.EVENT_STATUS_CONFLICT
DUPLICATE = collector_pb2.EVENT_STATUS_DUPLICATE
REJECTED = collector_pb2.EVENT_STATUS_REJECTED
QUARANTINED = collector_pb2.EVENT_STATUS_QUARANTINED
JANE = (
    "jane-4711",
    "jane-phone",
    "jane-laptop",
    "jane@mail.example",
    "Jaynefirst",
    "order-of-jane",
    "zip-jane",
)


@dataclass
class Opened:
    shop: Shop
    erasures: Erasures
    url: str

    async def erase(self, who: str, **fields) -> admin_pb2.EraseCustomerResponse:
        selector = reports_pb2.CustomerSelector(any=who)
        request = admin_pb2.EraseCustomerRequest(customer=selector, **fields)
        return await self.erasures.erase_customer(PROJECT, request)

    async def verdicts(self, *events: Event) -> list[collector_pb2.EventResult]:
        items = [
            prepare(each, project=PROJECT, key_class=KeyClass.SERVER, received_at=NOW, sent_at=NOW)
            for each in events
        ]
        return list(await self.shop.writer.submit(items))

    async def statuses(self, *events: Event) -> list[int]:
        return [result.status for result in await self.verdicts(*events)]

    async def differences(self) -> dict[str, int]:
        return {name: n for name, n in (await rebuild(self.url, check=True)).differences.items() if n}


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Opened]:
    async with open_shop(database_url) as shop:
        yield Opened(shop, Erasures(shop.pool), database_url)


def held(url: str, *texts: str) -> dict[str, list[str]]:
    """Which of these texts are anywhere in which table, also inside of stored messages."""
    found: dict[str, list[str]] = {}
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).fetchall()
        for (table,) in tables:
            rows = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
            content = "\n".join(row for (row,) in rows)
            inside = [text for text in texts if text in content or text.encode().hex() in content]
            if inside:
                found[table] = inside
    return found


ADDRESS = {"city": "Townjane", "zipcode": "zip-jane", "country": "DEU"}


def janes() -> list[Event]:
    """All that a person leaves behind."""
    placed = order("order-of-jane", "20.00", identity="jane-4711", at=20, order_date="2026-03-01T13:00:00Z")
    placed.order.billing.MergeFrom(json_format.ParseDict(ADDRESS, type(placed.order.billing)()))
    profile = {"email": "jane@mail.example", "first_name": "Jaynefirst", "last_name": "Doe"}
    view = {"sku": "mug", "name": "Mug", "price": "5.00"}
    cart = {"cart_id": "c-jane", "sku": "mug", "price": "5.00", "qty": 1}
    parcel = {"order_id": "order-of-jane", "shipment_id": "p-jane", "carrier": "dhl"}
    return [
        page("jane-phone", at=1),
        event("product_view", view, tracking_id="jane-phone", at=2),
        identify("jane-phone", "jane-4711", at=3),
        event("customer_register", profile, identity="jane-4711", at=4),
        event("cart_add", cart, tracking_id="jane-laptop", at=5),
        alias("jane-too", identity="jane-4711", at=6),
        identify("jane-laptop", "jane-too", at=7),
        placed,
        refund("order-of-jane", "3.00", tracking_id="backend", at=30),
        event("shipment", parcel, tracking_id="backend", at=31),
    ]


def bobs() -> list[Event]:
    view = {"sku": "cup", "name": "Cup", "price": "5.00"}
    return [
        identify("bob-phone", "bob", at=1),
        event("product_view", view, identity="bob", at=3),
        order("o-bob", "7.00", identity="bob", at=2),
        identify("jane-phone", "bob", at=50),
        page("jane-phone", identity="bob", at=51),
    ]


async def test_nothing_of_the_person_is_left_anywhere(opened):
    await opened.shop.send(*janes(), *bobs())
    bad = event("page_view", {"url": "https://shop.test/", "referrer": ""}, identity="jane-4711")
    bad.event_id = "not an id"
    unread = Event(event_id="x", tracking_id="other")
    unread.undecoded.json = '{"email": "jane@mail.example", "broken'
    unread.undecoded.rule_id = "json"
    taken = alias("bob", identity="jane-4711", at=60)
    shared = page("jane-phone", identity="bob")
    shared.event_id = "not an id either"
    statuses = await opened.statuses(bad, unread, taken, shared)
    assert statuses == [QUARANTINED, QUARANTINED, collector_pb2.EVENT_STATUS_CONFLICT, QUARANTINED]
    bob_before = await opened.shop.customer("bob")
    assert held(opened.url, *JANE)
    receipt = await opened.erase("jane@mail.example")
    assert held(opened.url, *JANE, "jane-too", "c-jane", "p-jane", "Townjane") == {}
    counted = {name: number for name, number in receipt.erased.items() if number}
    assert counted == {
        "events": 10, "event_keys": 8, "identities": 2, "tracking_links": 3, "alias_links": 1,
        "profile_changes": 1, "cart_changes": 1, "order_revisions": 1, "order_items": 1, "refunds": 1,
        "shipment_changes": 1, "quarantine": 3,
    }  # fmt: skip
    assert (receipt.anonymised_events, receipt.unlinked_events) == (1, 2)
    assert await opened.differences() == {}
    bob = await opened.shop.customer("bob")
    assert (bob.customer_id, bob.values) == (bob_before.customer_id, bob_before.values)
    with pytest.raises(NotFound):
        await opened.shop.customer("jane-4711")


async def test_the_number_of_an_order_erases_only_when_it_is_called_one(opened):
    await opened.shop.send(*janes())
    with pytest.raises(NotFound):
        await opened.erase("order-of-jane", dry_run=True)
    request = admin_pb2.EraseCustomerRequest(
        customer=reports_pb2.CustomerSelector(order_id="order-of-jane"), dry_run=True
    )
    assert (await opened.erasures.erase_customer(PROJECT, request)).erased["events"] == 10


@pytest.mark.parametrize(
    "text",
    [
        "1001,2026-03-01,jane@mail.example,Jayne",
        '1001;"JANE@Mail.Example";9.99',
        "Order of Jane <jane@mail.example>",
        "customer=jane-4711&total=9.99",
        "order-of-jane\t20.00\tDEU",
        '{"type": "ordr", "properties": {"order_id": "order-of-jane", "who": 1}}',
        '{"type": "x", "note": "call jane\\u0040mail.example back"}',
        '{"type": "x", "customer": ["JANE-4711"]}',
    ],
)
async def test_unreadable_text_that_names_the_person_goes_too_and_is_exported(opened, text):
    await opened.shop.send(*janes(), *bobs())
    unread, other = Event(event_id="x"), Event(event_id="y")
    unread.undecoded.json = text
    other.undecoded.json = "1002,mary-jane@mail.example,jane-47110,order-of-janet"
    assert await opened.statuses(unread, other) == [QUARANTINED, QUARANTINED]
    request = admin_pb2.ExportCustomerRequest(customer=reports_pb2.CustomerSelector(any="jane-4711"))
    lines = [
        json.loads(line)
        async for answer in Exports(opened.shop.pool).export_customer(PROJECT, request)
        for line in answer.lines
    ]
    [exported] = [line["event"] for line in lines if line["table"] == "quarantine"]
    assert exported["undecoded"]["json"] == text
    receipt = await opened.erase("jane-4711")
    assert receipt.erased["quarantine"] == 1
    assert list(held(opened.url, text)) == []
    assert list(held(opened.url, other.undecoded.json)) == ["quarantine"]


async def test_what_was_summed_up_of_the_person_goes_too(opened):
    recent = datetime.now(UTC) - timedelta(days=3)
    await opened.shop.send(page("jane-phone", at=recent), identify("jane-phone", "jane-4711", at=recent))
    async with opened.shop.pool.connection() as conn:
        await conn.execute("""UPDATE projects SET retention = '{"page_view": 1}'""")
    assert await remove_expired(opened.url)
    subject = tracking_subject("jane-phone")
    quarters = "SELECT count(*) FROM page_quarters WHERE subject = %s"
    with psycopg.connect(opened.url, autocommit=True) as connection:
        assert connection.execute(quarters, [subject]).fetchone() == (1,)
        await opened.erase("jane-4711")
        assert connection.execute(quarters, [subject]).fetchone() == (0,)


async def test_a_product_keeps_the_name_that_the_person_saw_last(opened):
    await opened.shop.send(*janes())
    await opened.erase("jane-4711")
    with psycopg.connect(opened.url) as connection:
        assert connection.execute("SELECT sku, name FROM products").fetchall() == [("mug", "Mug")]
    assert await opened.differences() == {}


async def test_without_kept_totals_the_reports_shrink(opened):
    await opened.shop.send(*janes(), *bobs())
    await opened.erase("jane-4711")
    [report] = await opened.shop.sales()
    assert (report.total.gross, report.total.refunds, report.total.orders) == ("7.00", "0", 1)


async def test_kept_totals_leave_every_sum_of_every_day_as_it_was(opened):
    await opened.shop.send(*janes(), *bobs())
    await opened.shop.send(order("order-of-jane", "18.00", identity="jane-4711", at=40))
    before = await opened.shop.sales(interval=reports_pb2.INTERVAL_DAY)
    receipt = await opened.erase("jane-4711", keep_order_totals=True)
    assert receipt.anonymised_events == 4
    after = await opened.shop.sales(interval=reports_pb2.INTERVAL_DAY)
    assert [_plain(each) for each in after] == [_plain(each) for each in before]
    assert held(opened.url, *JANE, "Townjane", "c-jane", "p-jane") == {}
    assert await opened.differences() == {}


async def test_a_refund_that_comes_after_the_erasure_is_one_of_the_order_that_was_kept(opened):
    own = refund("order-of-jane", "1.00", identity="jane-4711", at=32)
    before = [*janes(), own]
    await opened.shop.send(*before)
    await opened.erase("jane-4711", keep_order_totals=True)
    late = refund("order-of-jane", "4.00", identity="jane-4711", at=60)
    late.context.user_agent = "Jaynefirst"
    late.refund.line_items.add(sku="mug", price="4.00", qty=1)
    booked = refund("order-of-jane", "2.00", tracking_id="backend", at=61)
    for status in (ACCEPTED, DUPLICATE):
        assert await opened.statuses(_copy(late)) == [status]
        assert await opened.statuses(_copy(booked), _copy(booked)) == [status, DUPLICATE]
    # What was kept of the refunds before counts once, whoever sends it again.
    assert await opened.statuses(own) == [REJECTED]
    [report] = await opened.shop.sales()
    assert (report.total.gross, report.total.refunds, report.total.orders) == ("20.00", "10.00", 1)
    assert held(opened.url, *JANE, "p-jane") == {}
    assert await opened.differences() == {}
    other = _copy(late)
    other.refund.total_refund = "5.00"
    assert await opened.statuses(other) == [CONFLICT]
    assert held(opened.url, *JANE) == {}


async def test_a_refund_that_waits_in_quarantine_is_stripped_when_it_is_replayed(opened):
    waiting = refund("order-of-jane", "4.00", tracking_id="backend", at=60)
    waiting.refund.currency = "euro"
    await opened.shop.send(*janes())
    assert await opened.statuses(_copy(waiting)) == [QUARANTINED]
    await opened.erase("jane-4711", keep_order_totals=True)
    patch = '[{"op": "replace", "path": "/refund/currency", "value": "USD"}]'
    request = admin_pb2.ReplayQuarantineRequest(patch=patch)
    answer = await Repairs(opened.shop.pool).replay_quarantine(PROJECT, request)
    assert answer.accepted == 1
    assert held(opened.url, *JANE) == {}
    assert await opened.differences() == {}


@pytest.mark.parametrize("keep", [True, False])
async def test_what_else_comes_of_an_erased_order_is_rejected_whoever_sends_it(opened, keep):
    await opened.shop.send(*janes())
    await opened.erase("jane-4711", keep_order_totals=keep)
    parcel = {"order_id": "order-of-jane", "shipment_id": "p-2", "carrier": "dhl"}
    late = [
        order("order-of-jane", "19.00", tracking_id="backend", at=70),
        event("shipment", parcel, tracking_id="backend", at=71),
    ]
    if not keep:
        late.append(refund("order-of-jane", "1.00", tracking_id="backend", at=72))
    results = await opened.verdicts(*late)
    assert {(each.status, each.violations[0].rule_id) for each in results} == {(REJECTED, "privacy.erased")}
    assert held(opened.url, *JANE) == {}


def _copy(original: Event) -> Event:
    fresh = Event()
    fresh.CopyFrom(original)
    return fresh


def _plain(report: reports_pb2.SalesReport) -> str:
    for row in (*report.rows, report.total):
        row.ClearField("explain")
        # Nobody's order is a guest's, and nobody comes back.
        for name in ("known_customers", "repeat_customers", "guest_orders"):
            row.ClearField(name)
    return str(report)


async def test_what_arrives_later_of_the_person_is_rejected_and_kept_nowhere(opened):
    before = janes()
    await opened.shop.send(*before)
    receipt = await opened.erase("jane-4711")
    assert receipt.tombstones > 4
    profile = {"email": "JANE@mail.example", "first_name": "A", "last_name": "B"}
    invalid = page("jane-laptop")
    invalid.event_id = "no id"
    unread = Event(event_id="x")
    unread.undecoded.json = '{"type": "page_view", "identity": "jane-4711", "broken": tru'
    late = [
        *(each for each in before if each.tracking_id != "backend"),
        page("jane-phone", at=90),
        order("o-new", identity="jane-too", at=91),
        identify("new-phone", "jane-4711", at=92),
        identify("new-phone", "jane@mail.example", at=92),
        alias("jane-too", identity="bob", at=93),
        alias("bobby", tracking_id="jane-phone", at=94),
        event("customer_register", profile, identity="somebody", at=95),
        invalid,
        unread,
    ]
    results = await opened.verdicts(*late)
    assert [result.status for result in results] == [REJECTED] * len(late)
    assert {result.violations[0].rule_id for result in results} == {"privacy.erased"}
    assert held(opened.url, *JANE) == {}
    backend = [each for each in before if each.tracking_id == "backend"]
    assert await opened.statuses(*backend) == [DUPLICATE] * 2
    assert await opened.differences() == {}


async def test_another_who_uses_the_erased_device_is_kept_without_it(opened):
    await opened.shop.send(*janes())
    await opened.erase("jane-4711")
    placed = order("o-eve", identity="eve", tracking_id="jane-phone")
    assert await opened.statuses(placed, identify("jane-phone", "eve")) == [ACCEPTED] * 2
    assert held(opened.url, "jane-phone") == {}
    assert list((await opened.shop.customer("eve")).tracking_ids) == []
    assert await opened.statuses(page("jane-phone"), page("fresh-phone")) == [REJECTED, ACCEPTED]


async def test_the_repetition_of_a_rejected_event_in_one_request_is_rejected_too(opened):
    await opened.shop.send(*janes())
    await opened.erase("jane-4711")
    late = page("jane-phone")
    assert await opened.statuses(late, late, page("other")) == [REJECTED, REJECTED, ACCEPTED]


async def test_the_person_stays_out_beside_what_the_sandbox_knows_already(opened):
    known = page("tester", sandbox=True)
    await opened.shop.send(page("phone", identity="jane"), known)
    await opened.erase("jane")
    assert await opened.statuses(page("laptop", identity="jane"), known) == [REJECTED, DUPLICATE]


async def test_one_dataset_s_erasure_is_not_the_other_s(opened):
    await opened.shop.send(page("jane-phone"), page("jane-phone", sandbox=True))
    await opened.erase("jane-phone", sandbox=True)
    assert await opened.statuses(page("jane-phone", sandbox=True), page("jane-phone")) == [REJECTED, ACCEPTED]


async def test_a_dry_run_counts_and_changes_nothing(opened):
    await opened.shop.send(*janes())
    looked = await opened.erase("jane-4711", dry_run=True)
    assert await opened.statuses(page("jane-phone")) == [ACCEPTED]
    done = await opened.erase("jane-4711")
    assert looked.erased["events"] + 1 == done.erased["events"]
    assert looked.tombstones == done.tombstones


async def test_tombstones_cannot_be_recognised_without_their_salt(opened):
    await opened.shop.send(page("jane-phone"))
    await opened.shop.send(page("jane-phone", sandbox=True))
    await opened.erase("jane-phone")
    await opened.erase("jane-phone", sandbox=True)
    with psycopg.connect(opened.url) as connection:
        salts = connection.execute("SELECT length(salt) FROM tombstone_salts").fetchall()
    assert salts == [(32,)]


async def test_nothing_slips_in_while_the_person_is_being_erased(opened):
    await opened.shop.send(*janes())
    done = asyncio.Event()
    begun = asyncio.Barrier(4)

    async def go_on(number: int) -> set[int]:
        statuses: set[int] = set()
        while not done.is_set() or REJECTED not in statuses:
            statuses |= set(
                await opened.statuses(page("jane-phone"), order(f"o-{number}", identity="jane-too"))
            )
            if number < 10:
                await begun.wait()
            number += 10
        return statuses

    senders = [asyncio.ensure_future(go_on(number)) for number in range(3)]
    await begun.wait()
    await opened.erase("jane-4711")
    done.set()
    for statuses in await asyncio.gather(*senders):
        assert REJECTED in statuses
    assert held(opened.url, *JANE, "jane-too") == {}
    assert await opened.differences() == {}


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


# A counterexample is short already, and to shorten it takes minutes.
@settings(max_examples=either(4, 50), phases=[Phase.explicit, Phase.generate])
@given(events=histories(most=15), who=st.sampled_from(PEOPLE), keep=st.booleans(), seed=st.randoms())
def test_whatever_happened_a_rebuild_finds_the_tables_right_after_an_erasure(
    runner: asyncio.Runner, database_url: str, events, who, keep, seed
):
    async def erase_one() -> None:
        async with open_shop(database_url) as shop:
            opened = Opened(shop, Erasures(shop.pool), database_url)
            for request in batches([each for each in events if not each.sandbox], seed):
                await opened.statuses(*request)
            before = [_plain(each) for each in await shop.sales(include_sandbox=False)]
            try:
                person = await shop.customer(identity=who)
            except NotFound:
                return
            await opened.erase(who, keep_order_totals=keep)
            assert await opened.differences() == {}
            assert not held(database_url, *(f'"{name}"' for name in person.identities))
            if keep:
                assert [_plain(each) for each in await shop.sales(include_sandbox=False)] == before
            of_person = [each for each in events if each.identity in person.identities and not each.sandbox]
            assert set(await opened.statuses(*of_person)) <= {REJECTED}

    with psycopg.connect(database_url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition AND relname NOT LIKE '%yoyo%'"
        ).fetchall()
        for (table,) in tables:
            connection.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(table)))
    runner.run(erase_one())


async def test_an_export_has_every_row_that_an_erasure_removes(opened):
    await opened.shop.send(*janes(), *bobs())
    selector = reports_pb2.CustomerSelector(identity="jane-4711")
    request = admin_pb2.ExportCustomerRequest(customer=selector)
    lines = [
        json.loads(line)
        async for answer in Exports(opened.shop.pool).export_customer(PROJECT, request)
        for line in answer.lines
    ]
    tables = [line["table"] for line in lines]
    receipt = await opened.erase("jane-4711", dry_run=True)
    expected = {name: number for name, number in receipt.erased.items() if number and name != "event_keys"}
    # What others sent of the person's order is exported by its typed rows.
    expected["events"] = 8
    assert {name: tables.count(name) for name in set(tables)} == expected
    assert "bob-phone" not in json.dumps(lines)
    [registered] = [line for line in lines if line.get("type") == "customer_register"]
    assert registered["properties"]["email"] == "jane@mail.example"


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[tuple[Running, Shop]]:
    async with serve_shop(database_url) as opened:
        yield opened


async def test_a_person_is_exported_and_erased_by_call(served):
    server, shop = served
    await shop.send(*janes())
    key = server.key(KeyClass.ADMIN)
    who = reports_pb2.CustomerSelector(any="jane-4711")
    export = server.admin.ExportCustomer(admin_pb2.ExportCustomerRequest(customer=who), metadata=key)
    assert sum([len(answer.lines) async for answer in export]) > 10
    await server.admin.EraseCustomer(admin_pb2.EraseCustomerRequest(customer=who), metadata=key)
    call = collector_pb2.IdentifyRequest(event_id=page("x").event_id, tracking_id="new", identity="jane-4711")
    call.occurred_at.FromDatetime(datetime.now(UTC))
    error = await error_of(server.collector.Identify(call, metadata=server.key(KeyClass.SERVER)))
    assert "erased" in str(error.details())
