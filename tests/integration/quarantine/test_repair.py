"""Repairing and replaying quarantine: what is right is stored once, the rest stays with its new reasons."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from shopalytic.events.decoding import DecodeError, decode_event, undecoded_event
from shopalytic.v1 import admin_pb2, collector_pb2, reports_pb2
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import START, Shop, alias, event, order, page
from shops.served_shop import serve_shop
from standins.rpc import Running, error_of, fields_of

ACCEPTED = collector_pb2.EVENT_STATUS_ACCEPTED
CONFLICT = collector_pb2.EVENT_STATUS_CONFLICT
QUARANTINED = collector_pb2.EVENT_STATUS_QUARANTINED
DUPLICATE = collector_pb2.EVENT_STATUS_DUPLICATE
TO_DHL = [{"op": "replace", "path": "/shipment/carrier", "value": "dhl"}]


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[tuple[Running, Shop]]:
    async with serve_shop(database_url) as opened:
        yield opened


async def replay(server: Running, patch: Any = None, **fields: Any) -> admin_pb2.ReplayQuarantineResponse:
    request = admin_pb2.ReplayQuarantineRequest(**fields)
    if patch is not None:
        request.patch = patch if isinstance(patch, str) else json.dumps(patch)
    return await server.admin.ReplayQuarantine(request, metadata=server.key(KeyClass.ADMIN))


async def kept(server: Running) -> list[admin_pb2.QuarantinedEvent]:
    request = admin_pb2.ListQuarantineRequest()
    answer = await server.admin.ListQuarantine(request, metadata=server.key(KeyClass.ADMIN))
    return list(answer.events)


def counts(answer: admin_pb2.ReplayQuarantineResponse) -> tuple[int, int, int, int]:
    return answer.accepted, answer.duplicates, answer.failed, answer.unpatched


def parcel(number: int, carrier: str = "dhll") -> Any:
    given = {"order_id": "o1", "shipment_id": f"p{number}", "carrier": carrier}
    return event("shipment", given, tracking_id="backend")


async def test_a_patch_repairs_what_a_filter_chooses_and_it_is_stored_under_its_own_id(served, database_url):
    server, shop = served
    broken = [parcel(number) for number in range(3)]
    other = page("t1")
    other.page_view.url = ""
    await shop.send(*broken, other, expected=[QUARANTINED] * 4)
    looked = await replay(server, TO_DHL, rule_id="string.in", dry_run=True)
    assert counts(looked) == (3, 0, 0, 0)
    assert len(await kept(server)) == 4
    done = await replay(server, TO_DHL, rule_id="string.in")
    looked.ClearField("previews")
    assert done == looked
    assert {result.event_id for result in done.results} == {each.event_id for each in broken}
    assert [each.event.event_id for each in await kept(server)] == [other.event_id]
    assert counts(await replay(server, TO_DHL, rule_id="string.in")) == (0, 0, 0, 0)
    selector = reports_pb2.CustomerSelector(tracking_id="backend")
    listed = await shop.reports.list_customer_events(
        shop.project, reports_pb2.ListCustomerEventsRequest(customer=selector)
    )
    assert len(listed.events) == 3
    assert not any((await rebuild(database_url, check=True)).differences.values())


async def test_what_still_fails_stays_as_repaired_with_its_new_reasons_and_its_time_of_arrival(served):
    server, shop = served
    broken = parcel(1)
    broken.shipment.order_id = ""
    await shop.send(broken, expected=[QUARANTINED])
    [before] = await kept(server)
    assert counts(await replay(server, TO_DHL)) == (0, 0, 1, 0)
    [after] = await kept(server)
    assert [found.rule_id for found in after.violations] == ["required"]
    assert after.event.shipment.carrier == "dhl"
    assert after.received_at == before.received_at
    assert counts(await replay(server)) == (0, 0, 1, 0)
    assert [each.quarantine_id for each in await kept(server)] == [after.quarantine_id]


async def test_what_was_refused_is_accepted_when_the_reason_is_gone(served):
    server, shop = served
    profile = {"email": "a@mail.example", "first_name": "A", "last_name": "B"}
    await shop.send(event("customer_register", profile, identity="ann", at=1))
    second = event("customer_register", profile, identity="anna", at=2)
    await shop.send(second, expected=[CONFLICT])
    assert counts(await replay(server, rule_id="email.taken")) == (0, 0, 1, 0)
    await shop.send(alias("anna", identity="ann", at=0))
    assert counts(await replay(server, rule_id="email.taken")) == (1, 0, 0, 0)
    assert await kept(server) == []
    await shop.send(second, expected=[DUPLICATE])


async def test_an_event_that_its_sender_has_corrected_meanwhile_leaves_quarantine(served):
    server, shop = served
    broken = parcel(1)
    await shop.send(broken, expected=[QUARANTINED])
    broken.shipment.carrier = "dhl"
    await shop.send(broken)
    assert counts(await replay(server, TO_DHL)) == (0, 1, 0, 0)
    assert await kept(server) == []


async def test_a_patch_that_does_not_fit_leaves_the_event_alone(served):
    server, shop = served
    await shop.send(parcel(1), expected=[QUARANTINED])
    before = await kept(server)
    test_fails = [{"op": "test", "path": "/shipment/carrier", "value": "other"}]
    no_such_field = [{"op": "add", "path": "/shipment/nonsense", "value": 1}]
    for patch in (test_fails, no_such_field, [{"op": "remove", "path": "/nothing"}]):
        assert counts(await replay(server, patch)) == (0, 0, 0, 1)
    assert await kept(server) == before


async def test_a_look_ahead_shows_each_event_after_the_repair_or_why_the_patch_does_not_fit(served):
    server, shop = served
    right, wrong, other = parcel(1), parcel(2), page("t1")
    wrong.shipment.order_id = ""
    other.page_view.url = ""
    await shop.send(right, wrong, other, expected=[QUARANTINED] * 3)
    ids = {each.event.event_id: each.quarantine_id for each in await kept(server)}
    answer = await replay(server, TO_DHL, dry_run=True)
    assert counts(answer) == (1, 0, 1, 1)
    found = {each.quarantine_id: each for each in answer.previews}
    for sent, status in ((right, ACCEPTED), (wrong, QUARANTINED)):
        preview = found[ids[sent.event_id]]
        sent.shipment.carrier = "dhl"
        assert (preview.event, preview.result.status, preview.misfit) == (sent, status, "")
    misfit = found[ids[other.event_id]]
    assert misfit.misfit == "[0] replace /shipment/carrier: there is no 'shipment' here"
    assert not misfit.HasField("event")
    assert not misfit.HasField("result")
    assert list((await replay(server, TO_DHL)).previews) == []


async def test_a_look_ahead_at_many_shows_the_first_and_counts_all(served):
    server, shop = served
    await shop.send(*[parcel(number) for number in range(30)], expected=[QUARANTINED] * 30)
    answer = await replay(server, TO_DHL, dry_run=True)
    assert counts(answer) == (30, 0, 0, 0)
    assert len(answer.previews) == 20


@pytest.mark.parametrize("patch", ["{", "{}", '[{"op": "spam", "path": ""}]'])
async def test_what_is_no_patch_is_refused(served, patch):
    error = await error_of(replay(served[0], patch))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [field for field, _ in fields_of(error)] == ["patch"]


async def test_json_that_could_not_be_read_is_repaired_in_its_own_form(served):
    server, shop = served
    data = {"type": "cart_add", "tracking_id": "t1", "event_id": "0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10",
            "occurred_at": START.isoformat(),
            "properties": {"cart_id": "c", "sku": "s", "price": 9.99, "qty": "two"}}  # fmt: skip
    with pytest.raises(DecodeError) as caught:
        decode_event(data)
    await shop.send(undecoded_event(json.dumps(data), caught.value, data=data), expected=[QUARANTINED])
    patch = [{"op": "replace", "path": "/properties/qty", "value": 2}]
    assert counts(await replay(server, patch, type="undecoded")) == (1, 0, 0, 0)
    [stored] = (await shop.events("t1")).events
    assert (stored.properties["qty"], stored.properties["price"]) == (2, "9.99")
    assert stored.event_id == data["event_id"]


async def test_two_who_replay_at_once_store_it_once(served):
    server, shop = served
    await shop.send(*[parcel(number) for number in range(20)], expected=[QUARANTINED] * 20)
    answers = await asyncio.gather(*(replay(server, TO_DHL) for _ in range(4)))
    assert sum(answer.accepted for answer in answers) == 20
    assert sum(answer.failed for answer in answers) == 0
    assert await kept(server) == []


async def test_one_event_is_shown_and_one_that_is_not_there_is_not_found(served):
    server, shop = served
    broken = parcel(1)
    await shop.send(broken, order("o1", identity="ann"), expected=[QUARANTINED, 1])
    [listed] = await kept(server)
    ask = server.admin.GetQuarantinedEvent
    key = server.key(KeyClass.REPORTS)
    request = admin_pb2.GetQuarantinedEventRequest(quarantine_id=listed.quarantine_id)
    assert (await ask(request, metadata=key)).event == listed
    request.quarantine_id = "0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10"
    error = await error_of(ask(request, metadata=key))
    assert error.code() is grpc.StatusCode.NOT_FOUND
