"""What somebody else already has: emails, identities and parcels go to whom they came from first."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from laws.ingest_answers import A, C, D, answers, rules, send, stored, words
from shopalytic.v1 import collector_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.errors import NotFound
from shops.report_shop import Shop, alias, event, identify, open_shop, page


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def register(email: str, **envelope: Any) -> Event:
    properties = {"email": email, "first_name": "Ann", "last_name": "Smith"}
    return event("customer_register", properties, **envelope)


def update(**envelope: Any) -> Event:
    names = ("email", "first_name", "last_name")
    properties = {name: envelope.pop(name) for name in names if name in envelope}
    return event("customer_update", properties, **envelope)


def parcel(shipment_id: str, order_id: str, **envelope: Any) -> Event:
    properties = {"order_id": order_id, "shipment_id": shipment_id, "carrier": "dhl"}
    return event("shipment", properties, identity="ann", **envelope)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("email", ["ann@shop.test", "ANN@Shop.Test"])
async def test_an_email_that_another_customer_has_refuses_the_whole_event(
    shop, database_url, email, together
):
    first, second = register("ann@shop.test", identity="ann"), register(email, identity="bob", at=9)
    if together:
        [_, result] = await answers(shop, first, second)
    else:
        await send(shop, first)
        [result] = await answers(shop, second)
    assert words([result]) == [C]
    assert rules(result) == [("customer_register.email", "email.taken")]
    assert stored(database_url, "SELECT event_id, status FROM quarantine") == [(second.event_id, C)]
    assert stored(database_url, "SELECT email FROM profiles") == [("ann@shop.test",)]
    with pytest.raises(NotFound):
        await shop.customer("bob")


async def test_an_update_with_anothers_email_changes_nothing_else_either(shop):
    await shop.send(register("ann@shop.test", identity="ann"), register("bob@shop.test", identity="bob"))
    [result] = await answers(shop, update(email="ann@shop.test", first_name="Bob", identity="bob", at=9))
    assert words([result]) == [C]
    assert rules(result) == [("customer_update.email", "email.taken")]
    profile = (await shop.customer("bob")).profile
    assert (profile.email, profile.first_name) == ("bob@shop.test", "Ann")


async def test_ones_own_email_is_no_clash(shop):
    assert await send(shop, register("a@shop.test", identity="ann")) == [A]
    assert await send(shop, update(email="A@shop.test", identity="ann", at=5)) == [A]


async def test_the_email_of_a_joined_device_is_ones_own(shop):
    assert await send(shop, register("a@shop.test", tracking_id="T")) == [A]
    assert await send(shop, update(email="a@shop.test", identity="ann")) == [C]
    await shop.send(identify("T", "ann", at=5))
    assert await send(shop, update(email="a@shop.test", identity="ann", at=6)) == [A]


async def test_devices_joined_in_the_same_request_are_one_customer(shop):
    events = [
        register("a@shop.test", tracking_id="T"),
        identify("T", "ann", at=5),
        update(email="a@shop.test", identity="ann", at=6),
    ]
    assert await send(shop, *events) == [A, A, A]


async def test_an_email_that_its_customer_gave_up_is_free_again(shop):
    await shop.send(register("a@shop.test", identity="ann"))
    assert await send(shop, update(email="a@shop.test", identity="bob", at=5)) == [C]
    await shop.send(update(email="new@shop.test", identity="ann", at=6))
    assert await send(shop, register("a@shop.test", identity="bob", at=7)) == [A]
    assert (await shop.customer("a@shop.test")).identities == ["bob"]


async def test_an_email_given_up_within_the_request_is_free_in_it(shop):
    events = [
        register("a@shop.test", identity="ann"),
        update(email="new@shop.test", identity="ann", at=6),
        register("a@shop.test", identity="bob", at=7),
    ]
    assert await send(shop, *events) == [A, A, A]


async def test_the_sandbox_has_emails_of_its_own(shop):
    assert await send(shop, register("a@shop.test", identity="ann")) == [A]
    assert await send(shop, register("a@shop.test", identity="bob", sandbox=True)) == [A]


@pytest.mark.parametrize("together", [False, True])
async def test_a_refused_event_may_come_again_and_is_judged_again(shop, database_url, together):
    clash = register("a@shop.test", identity="bob", at=5)
    await shop.send(register("a@shop.test", identity="ann"))
    if together:
        assert await send(shop, clash, clash) == [C, C]
    else:
        assert [*await send(shop, clash), *await send(shop, clash)] == [C, C]
    assert len(stored(database_url, "SELECT FROM quarantine")) == 1
    await shop.send(update(email="new@shop.test", identity="ann", at=6))
    assert await send(shop, clash) == [A]


@pytest.mark.parametrize("by", [{"identity": "ann"}, {"tracking_id": "T"}])
async def test_an_alias_that_another_customer_used_before_is_refused(shop, by):
    await shop.send(identify("T", "ann"), page("T2", identity="bob", at=1))
    [result] = await answers(shop, alias("bob", at=5, **by))
    assert words([result]) == [C]
    assert rules(result) == [("alias.identity", "alias.identity_taken")]
    assert (await shop.customer("ann")).identities == ["ann"]
    assert (await shop.customer("bob")).identities == ["bob"]


async def test_an_alias_that_nobody_used_before_is_joined_with_all_that_came_later(shop):
    await shop.send(page("T2", identity="ann@work", at=9), page("T3", identity="ann", at=1))
    [result] = await answers(shop, alias("ann@work", identity="ann", at=5))
    assert words([result]) == [A]
    assert result.link.outcome == collector_pb2.LINK_OUTCOME_LINKED
    assert sorted((await shop.customer("ann@work")).identities) == ["ann", "ann@work"]


async def test_a_repeated_alias_is_known(shop):
    await shop.send(alias("ann@work", identity="ann", at=5))
    [result] = await answers(shop, alias("ann@work", identity="ann", at=6))
    assert words([result]) == [A]
    assert result.link.outcome == collector_pb2.LINK_OUTCOME_ALREADY_LINKED


@pytest.mark.parametrize("together", [False, True])
async def test_a_parcels_id_belongs_to_one_order(shop, database_url, together):
    first, second = parcel("p", "o1"), parcel("p", "o2", at=1)
    if together:
        [_, result] = await answers(shop, first, second)
    else:
        await send(shop, first)
        [result] = await answers(shop, second)
    assert words([result]) == [C]
    assert rules(result) == [("shipment.shipment_id", "shipment_id.conflict")]
    assert stored(database_url, "SELECT shipment_id, order_id FROM shipments") == [("p", "o1")]
    delivered = {"order_id": "o1", "shipment_id": "p", "date_delivered": "2026-03-05T00:00:00Z"}
    assert await send(shop, event("shipment_delivered", delivered, identity="ann", at=2)) == [A]


async def test_the_id_of_a_refused_event_is_free_for_another(shop):
    await shop.send(parcel("p", "o1"))
    refused = parcel("p", "o2", at=1)
    assert await send(shop, refused) == [C]
    assert await send(shop, page("T", event_id=refused.event_id)) == [A]
    assert await send(shop, page("T", event_id=refused.event_id)) == [D]
