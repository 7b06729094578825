"""Looking customers up: who they are, what they own, what they are worth."""

from collections.abc import AsyncIterator
from itertools import permutations
from uuid import uuid4

import pytest

from shopalytic.v1 import collector_pb2, reports_pb2
from shopalytic_server.domain.errors import InvalidRequest, NotFound, StoreUnavailable
from shopalytic_server.storage.database.connections import open_pool
from shopalytic_server.storage.database.reading import reading
from shopalytic_server.storage.reports import Reports
from shopalytic_server.storage.reports.answering import FactReports
from shops.report_shop import ACCEPTED, Shop, alias, event, identify, open_shop, order, page, refund

CONFLICT = collector_pb2.EVENT_STATUS_CONFLICT


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def register(email: str, *, first: str = "Ada", last: str = "L", at: float = 0, **envelope):
    return event(
        "customer_register", {"email": email, "first_name": first, "last_name": last}, at=at, **envelope
    )


def update(*, at: float, identity: str | None = None, tracking_id: str | None = None, **fields: str):
    return event("customer_update", fields, at=at, identity=identity, tracking_id=tracking_id)


def money(customer: reports_pb2.Customer) -> dict[str, tuple[int, str, str, str]]:
    return {
        value.currency: (value.orders, value.gross, value.refunds, value.net) for value in customer.values
    }


async def test_an_anonymous_visitor_is_a_customer_of_their_own(shop):
    await shop.send(page("t1"), order("o1", "9.90", tracking_id="t1", at=60))
    found = await shop.customer(tracking_id="t1")
    assert (list(found.identities), list(found.tracking_ids), list(found.links)) == ([], ["t1"], [])
    assert money(found) == {"EUR": (1, "9.90", "0", "9.90")}
    assert found.last_seen.seconds - found.first_seen.seconds == 60
    assert await shop.customer(customer_id=found.customer_id) == found
    assert await shop.customer("t1") == found
    assert not (await shop.customers()).customers


PARCEL = {"order_id": "o1", "shipment_id": "p-1", "carrier": "dhl", "tracking_number": "JJD 0003"}


@pytest.mark.parametrize(
    ("by", "named"),
    [("o1", "order_id"), ("p-1", "parcel"), ("JJD 0003", "parcel")],
)
async def test_support_finds_a_customer_by_an_order_or_a_parcel(shop, by, named):
    await shop.send(
        identify("t1", "ann"),
        order("o1", "9.90", tracking_id="t1", at=5),
        order("o2", "5.00", tracking_id="stranger", at=6),
        event("shipment", PARCEL, tracking_id="backend", at=7),
    )
    for selector in ({named: by}, {"any": by}):
        assert (await shop.customer(**selector)).identities == ["ann"]
    assert (await shop.customer(order_id="o2")).tracking_ids == ["stranger"]
    with pytest.raises(NotFound, match="order number or parcel number"):
        await shop.customer("nothing")
    with pytest.raises(NotFound, match="No customer has this order id"):
        await shop.customer(order_id="JJD 0003")


async def test_who_is_called_like_an_order_comes_before_it(shop):
    await shop.send(page(identity="o1"), order("o1", "9.90", identity="ann", at=5))
    assert (await shop.customer("o1")).identities == ["o1"]


@pytest.mark.parametrize(
    "by",
    [
        {"identity": "t1"},
        {"tracking_id": "ann"},
        {"tracking_id": "device-of-ann"},
        {"email": "nobody@shop.test"},
        {"customer_id": "6aca00af-22be-4fc8-83ca-2b6fadf00610"},
        {"any": "f53372a0-57d8-4f95-986f-a77595e77340"},
    ],
    ids=str,
)
async def test_who_is_not_there_is_not_found(shop, by):
    await shop.send(page("t1"), page(identity="ann"), page("device-of-ann", identity="ann"))
    with pytest.raises(NotFound, match=r"No customer has this .*"):
        await shop.customer(**by)


async def test_a_visitor_who_is_identified_brings_their_past_along_at_once(shop):
    await shop.send(page("t1"), order("o1", "5.00", tracking_id="t1", at=1), page("t2", at=-50))
    anonymous = await shop.customer("t1")
    await shop.send(order("o2", "7.50", identity="ann", at=2))
    await shop.send(identify("t1", "ann", at=10), identify("t2", "ann", at=11))
    ann = await shop.customer(identity="ann")
    assert money(ann) == {"EUR": (2, "12.50", "0", "12.50")}
    assert list(ann.tracking_ids) == ["t1", "t2"]
    assert ann.last_seen.seconds - ann.first_seen.seconds == 61
    for name in ("t1", "t2", anonymous.customer_id, ann.customer_id):
        assert await shop.customer(name) == ann


async def test_the_links_say_which_call_joined_what(shop):
    first, second = str(uuid4()), str(uuid4())
    await shop.send(
        identify("t1", "ann", event_id=first),
        alias("ann@work", identity="ann", at=5, event_id=second),
        alias("ann@phone", tracking_id="t2", at=6),
    )
    assert [
        (link.kind, link.identity, link.tracking_id, link.existing_identity, link.owner)
        for link in (await shop.customer("ann")).links
    ] == [("identify", "ann", "t1", "", True), ("alias", "ann@work", "", "ann", True)]
    assert [link.event_id for link in (await shop.customer("ann")).links] == [first, second]
    [phone] = (await shop.customer("t2")).links
    assert (phone.kind, phone.identity, phone.tracking_id, phone.owner) == ("alias", "ann@phone", "t2", True)


async def test_two_customers_that_an_alias_joins_are_found_under_both_old_ids(shop):
    await shop.send(
        identify("t1", "ann", at=20), order("o1", "1.00", identity="ann", at=21),
        identify("t2", "bea", at=30), order("o2", "2.00", tracking_id="t2", at=31),
    )  # fmt: skip
    ann, bea = await shop.customer("ann"), await shop.customer("bea")
    assert ann.customer_id != bea.customer_id
    await shop.send(alias("bea", identity="ann", at=10))
    joined = await shop.customer("ann")
    assert list(joined.identities) == ["ann", "bea"]
    assert list(joined.tracking_ids) == ["t1", "t2"]
    assert money(joined) == {"EUR": (2, "3.00", "0", "3.00")}
    for name in (ann.customer_id, bea.customer_id, "bea", "t2"):
        assert await shop.customer(name) == joined
    assert [each.customer_id for each in (await shop.customers()).customers] == [joined.customer_id]


async def test_on_a_shared_computer_the_second_person_stays_apart(shop):
    await shop.send(page("t1"), identify("t1", "ann", at=1), identify("t1", "bea", at=2))
    await shop.send(
        order("o1", tracking_id="t1", at=3), order("o2", "3.00", tracking_id="t1", identity="bea", at=4)
    )
    ann, bea = await shop.customer("ann"), await shop.customer("bea")
    assert (list(ann.tracking_ids), list(bea.tracking_ids)) == (["t1"], [])
    assert (money(ann)["EUR"][1], money(bea)["EUR"][1]) == ("10.00", "3.00")
    assert [link.owner for link in ann.links] == [True]
    assert [link.owner for link in bea.links] == [False]
    assert await shop.customer("t1") == ann


async def test_a_further_identity_of_the_owner_does_not_share_the_computer(shop):
    await shop.send(identify("t1", "ann"), alias("ann2", identity="ann", at=1), identify("t1", "ann2", at=2))
    assert [link.owner for link in (await shop.customer("ann")).links] == [True, True, True]


@pytest.mark.parametrize("order_of_arrival", list(permutations(range(3)))[::2])
async def test_the_profile_has_the_latest_of_each_field_over_all_devices(shop, order_of_arrival):
    changes = [
        register("ann@shop.test", first="Anne", last="Ash", tracking_id="t1"),
        update(at=10, identity="ann", first_name="Ann"),
        update(at=20, tracking_id="t2", last_name="Birch"),
    ]
    await shop.send(identify("t1", "ann", at=50), identify("t2", "ann", at=51))
    for index in order_of_arrival:
        await shop.send(changes[index])
    profile = (await shop.customer("ann")).profile
    assert (profile.email, profile.first_name, profile.last_name) == ("ann@shop.test", "Ann", "Birch")
    assert profile.join_date == changes[0].occurred_at


async def test_a_profile_that_nobody_told_is_empty(shop):
    await shop.send(page(identity="ann"))
    assert not (await shop.customer("ann")).profile.ListFields()


async def test_an_email_finds_whoever_has_it_now(shop):
    await shop.send(register("Ann@Shop.test", identity="ann"), register("t9@shop.test", tracking_id="t9"))
    assert list((await shop.customer(email="ann@SHOP.test")).identities) == ["ann"]
    assert list((await shop.customer("T9@shop.test")).tracking_ids) == ["t9"]
    await shop.send(update(at=10, identity="ann", email="ann@new.test"))
    with pytest.raises(NotFound):
        await shop.customer(email="ann@shop.test")
    assert list((await shop.customer(email="ann@new.test")).identities) == ["ann"]
    await shop.send(register("ann@shop.test", identity="bea", at=20))
    assert list((await shop.customer(email="ann@shop.test")).identities) == ["bea"]


async def test_joining_a_device_with_a_newer_email_retires_the_older_one(shop):
    await shop.send(
        register("old@shop.test", identity="ann"), register("new@shop.test", tracking_id="t1", at=9)
    )
    await shop.send(identify("t1", "ann", at=20))
    assert list((await shop.customer(email="new@shop.test")).identities) == ["ann"]
    with pytest.raises(NotFound):
        await shop.customer(email="old@shop.test")


async def test_any_prefers_customer_id_then_identity_then_tracking_id_then_email(shop):
    await shop.send(
        page(identity="x"), page("x", at=1), page("y@s.test"), register("y@s.test", identity="ann")
    )
    assert list((await shop.customer("x")).identities) == ["x"]
    assert list((await shop.customer("y@s.test")).tracking_ids) == ["y@s.test"]
    some_id = (await shop.customer("x")).customer_id
    await shop.send(page(identity=some_id))
    assert list((await shop.customer(some_id)).identities) == ["x"]
    assert list((await shop.customer(identity=some_id)).identities) == [some_id]


async def test_amounts_of_several_currencies_stay_apart(shop):
    await shop.send(
        order("o1", "10.1", identity="ann"),
        order("o2", "0.0005", identity="ann"),
        order("o3", "5", identity="ann", currency="USD"),
        refund("o3", "1.25", identity="ann", at=5),
        refund("o1", "0.1", currency="GBP", identity="ann", at=6),
    )
    assert money(await shop.customer("ann")) == {
        "EUR": (2, "10.1005", "0", "10.1005"),
        "GBP": (0, "0", "0.1", "-0.1"),
        "USD": (1, "5", "1.25", "3.75"),
    }


async def test_a_refund_is_the_customers_who_ordered_whoever_sent_it(shop):
    await shop.send(order("o1", identity="ann"), refund("o1", "4.00", identity="backoffice", at=9))
    assert money(await shop.customer("ann")) == {"EUR": (1, "10.00", "4.00", "6.00")}
    assert money(await shop.customer("backoffice")) == {}


async def test_a_refund_without_its_order_is_the_senders_until_the_order_is_known(shop):
    await shop.send(refund("o1", "4.00", identity="backoffice", at=9), refund("o2", identity="ann", at=9))
    assert money(await shop.customer("backoffice")) == {"EUR": (0, "0", "4.00", "-4.00")}
    assert money(await shop.customer("ann")) == {}, "a full refund waits for its order"
    await shop.send(order("o1", identity="ann"), order("o2", "3.00", identity="ann"))
    assert money(await shop.customer("backoffice")) == {}
    assert money(await shop.customer("ann")) == {"EUR": (2, "13.00", "7.00", "6.00")}


async def test_an_order_that_was_changed_counts_once_for_whom_it_says_last(shop):
    await shop.send(order("o1", "10.00", identity="ann"), order("o1", "8.00", identity="bea", at=9))
    assert money(await shop.customer("ann")) == {}
    assert money(await shop.customer("bea")) == {"EUR": (1, "8.00", "0", "8.00")}


async def test_first_and_last_seen_do_not_depend_on_what_was_already_known(shop):
    await shop.send(page("t1", at=5), page(identity="ann", at=6))
    await shop.identify_call("t1", "ann", at=10)
    before = await shop.customer("ann")
    await shop.identify_call("t1", "ann", at=99)
    await shop.send(identify("t1", "ann", at=200))
    assert await shop.customer("ann") == before
    assert before.last_seen.seconds - before.first_seen.seconds == 5
    await shop.identify_call("t1", "ann", at=2)
    earlier = await shop.customer("ann")
    assert before.first_seen.seconds - earlier.first_seen.seconds == 3


async def test_who_was_only_linked_was_seen_at_the_link(shop):
    await shop.send(identify("t1", "ann", at=7))
    ann = await shop.customer("t1")
    assert ann.first_seen == ann.last_seen == ann.links[0].occurred_at


async def test_sandbox_customers_are_apart(shop):
    await shop.send(order("o1", "1.00", identity="ann"), order("o1", "2.00", identity="ann", sandbox=True))
    await shop.send(page("t1", sandbox=True), page(identity="zoe"))
    assert money(await shop.customer("ann"))["EUR"][1] == "1.00"
    assert money(await shop.customer("ann", sandbox=True))["EUR"][1] == "2.00"
    with pytest.raises(NotFound):
        await shop.customer("t1")
    assert (await shop.customer("t1", sandbox=True)).tracking_ids == ["t1"]
    assert len((await shop.customers()).customers) == 2
    assert len((await shop.customers(sandbox=True)).customers) == 1


async def test_pages_of_customers_have_each_of_them_once_and_whole(shop):
    for number in range(11):
        name = f"c{number}"
        await shop.send(
            identify(f"t{number}", name), order(f"o{number}", f"{number}.50", identity=name, at=1),
            refund(f"o{number}", "0.25", identity=name, at=2), alias(f"a{number}", identity=name, at=3),
        )  # fmt: skip
    listed, sizes, token = [], [], ""
    while True:
        answer = await shop.customers(page_size=4, page_token=token)
        listed += answer.customers
        sizes.append(len(answer.customers))
        token = answer.next_page_token
        if not token:
            break
    assert sizes == [4, 4, 3]
    assert [each.customer_id for each in listed] == sorted({each.customer_id for each in listed})
    for each in listed:
        whole = await shop.customer(each.customer_id)
        assert len(whole.links) == 2
        for name in ("links", "orders", "devices", "first_touch", "last_touch"):
            whole.ClearField(name)
        assert each == whole


async def test_a_last_page_that_is_full_has_no_token(shop):
    await shop.send(*(page(identity=f"c{number}") for number in range(4)))
    answer = await shop.customers(page_size=4)
    assert (len(answer.customers), answer.next_page_token) == (4, "")


async def test_a_token_that_is_damaged_or_another_lists_is_refused(shop):
    await shop.send(*(page(identity=f"c{number}") for number in range(5)))
    token = (await shop.customers(page_size=2)).next_page_token
    wrong = [token[:-1], token + "A", token[::-1], "A" + token[1:], "x", "ü", "=", " " + token, token + "="]
    for bad in wrong:
        with pytest.raises(InvalidRequest, match="page_token: is not a token of this list"):
            await shop.customers(page_size=2, page_token=bad)
    for call in (
        shop.customers(page_size=2, page_token=token, sandbox=True),
        shop.events("c1", page_token=token),
    ):
        with pytest.raises(InvalidRequest):
            await call
    assert (await shop.customers(page_size=3, page_token=token)).customers


async def test_a_report_sees_one_moment_of_the_store(shop):
    count = "SELECT count(*) AS n FROM events"
    async with reading(shop.pool) as snapshot:
        await snapshot.fetch(count)
        await shop.send(page("t1"))
        assert await snapshot.fetch_one(count) == {"n": 0}
    async with reading(shop.pool) as snapshot:
        assert await snapshot.fetch_one(count) == {"n": 1}


async def test_refused_events_show_nowhere(shop):
    await shop.send(register("ann@shop.test", identity="ann"))
    taken = register("ann@shop.test", first="Bea", identity="bea", at=5)
    await shop.send(page(identity="bea"), taken, expected=[ACCEPTED, CONFLICT])
    bea = await shop.customer("bea")
    assert not bea.profile.ListFields()
    assert bea.first_seen == bea.last_seen


async def test_a_store_that_is_away_is_said_so(shop):
    pool = await open_pool("postgresql://postgres@127.0.0.1:1/none")
    try:
        with pytest.raises(StoreUnavailable):
            await Reports(pool, FactReports(pool)).answer(shop.project, reports_pb2.ListCustomersRequest())
    finally:
        await pool.close()
