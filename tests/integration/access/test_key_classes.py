"""What came with which class of key: remembered with each event, and never taken for more."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import psycopg
import pytest

from laws.ingest_answers import A, Q, prepared, stored, words
from shopalytic import sign_identity
from shopalytic.events.decoding import DecodeError, undecoded_event
from shopalytic.v1 import admin_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.projects import DEFAULT_BROWSER_EVENT_TYPES, KeyClass
from shops.report_shop import Shop, event, open_shop, page, refund
from shops.served_shop import serve_shop
from standins.rpc import Running, batch, error_of, fields_of


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield replace(
            opened, project=replace(opened.project, browser_event_types=DEFAULT_BROWSER_EVENT_TYPES)
        )


@pytest.mark.parametrize(("key_class", "kept"), [(KeyClass.BROWSER, "browser"), (KeyClass.SERVER, None)])
@pytest.mark.parametrize("many", [False, True])
async def test_events_remember_the_class_of_their_key(shop, database_url, key_class, kept, many):
    person = {"email": "a@shop.test", "first_name": "Ann", "last_name": "Smith"}
    events = [page("T"), event("customer_register", person, tracking_id="T")]
    events += [page(f"T{number}") for number in range(300 * many)]
    results = await shop.writer.submit(prepared(shop, *events, key_class=key_class))
    assert set(words(list(results))) == {A}
    rows = stored(database_url, "SELECT DISTINCT type, key_class, identity_signed FROM events ORDER BY 1")
    assert rows == [("customer_register", kept, None), ("page_view", kept, None)]


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Running]:
    async with serve_shop(database_url) as (server, _):
        yield server


def unread(text: str) -> Event:
    return undecoded_event(text, DecodeError("", "nobody can read this"))


async def statuses(server: Running, *events: Event, by: KeyClass = KeyClass.BROWSER) -> list[str]:
    return words(list((await server.collector.Track(batch(*events), metadata=server.key(by))).results))


async def replay(server: Running, patch: Any = None, **fields: Any) -> tuple[int, int]:
    """How many were accepted and how many not."""
    request = admin_pb2.ReplayQuarantineRequest(patch=json.dumps(patch) if patch else "", **fields)
    answer = await server.admin.ReplayQuarantine(request, metadata=server.key(KeyClass.ADMIN))
    return answer.accepted, answer.failed + answer.unpatched


async def kept(server: Running) -> list[admin_pb2.QuarantinedEvent]:
    answer = await server.admin.ListQuarantine(
        admin_pb2.ListQuarantineRequest(), metadata=server.key(KeyClass.REPORTS)
    )
    return list(answer.events)


async def demand(server: Running) -> str:
    """Lets the project demand signatures; returns the secret."""
    admin = server.key(KeyClass.ADMIN)
    made = await server.admin.RotateIdentitySecret(admin_pb2.RotateIdentitySecretRequest(), metadata=admin)
    await server.admin.UpdateProject(admin_pb2.UpdateProjectRequest(signed_identify=True), metadata=admin)
    return str(made.secret)


# Texts that say less of themselves than they hold, and the repair that brings it out.
HIDDEN = [
    ('{"tpye":"refund","properties":{"order_id":"1","refund_type":"full"}}', "/tpye", "refund"),
    ('{"tpye":"identify","properties":{"identity":"victim"}}', "/tpye", "identify"),
    ('{"type":{"a":1},"tracking_id":"t","properties":{"identity":"victim"}}', "/type", "alias"),
    ('{"type":"order","identity":{"id":"victim"},"properties":{}}', "/identity", "victim"),
    ('{"type":"customer_register","identity":["victim"],"properties":{}}', "/identity", "victim"),
]
ORDER = {
    "order_id": "1001",
    "cart_id": "c",
    "total": "1",
    "subtotal": "1",
    "line_items": [{"sku": "a", "price": "1", "qty": 1}],
}
PERSON = {"email": "victim@shop.test", "first_name": "Ann", "last_name": "Smith"}


@pytest.mark.parametrize(("text", "path", "value"), HIDDEN)
async def test_a_replay_gives_a_browser_s_event_no_more_than_its_key_may(
    served, database_url, text, path, value
):
    await demand(served)
    assert await statuses(served, unread(text)) == [Q]
    patch = [{"op": "remove", "path": path}, {"op": "add", "path": "/type", "value": value}]
    if path != "/tpye":
        patch = [{"op": "replace", "path": path, "value": value}]
    if '"properties":{}' in text:
        properties = ORDER if "order" in text else PERSON
        patch.append({"op": "replace", "path": "/properties", "value": properties})
    [before] = await kept(served)
    assert before.key_class == admin_pb2.KEY_CLASS_BROWSER
    assert before.key_id
    assert await replay(served) == (0, 1)
    assert await replay(served, patch) == (0, 1)
    assert await kept(served) == [before]
    assert stored(database_url, "SELECT type FROM events") == []
    # The operator has looked at it.
    assert await replay(served, patch, quarantine_ids=[before.quarantine_id], as_server=True) == (1, 0)
    assert stored(database_url, "SELECT key_class FROM events") == [(None,)]
    assert await kept(served) == []


async def test_what_a_signature_proved_once_is_believed_at_the_replay_and_nothing_else(served, database_url):
    secret = await demand(served)
    event = page("T", identity="ann")
    event.identity_signature = sign_identity(secret, "ann")
    event.page_view.url = ""
    assert await statuses(served, event) == [Q]
    to_bob = [{"op": "replace", "path": "/identity", "value": "bob"}]
    url = [{"op": "add", "path": "/page_view/url", "value": "https://shop.test/"}]
    assert await replay(served, to_bob + url) == (0, 1)
    assert await replay(served, url) == (1, 0)
    rows = stored(database_url, "SELECT identity, key_class, identity_signed FROM events")
    assert rows == [("ann", "browser", True)]


async def test_rows_from_before_count_as_a_browser_s(served, database_url):
    broken = refund("o1", identity="ann")
    broken.refund.refund_type = "some"
    assert await statuses(served, broken, by=KeyClass.SERVER) == [Q]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE quarantine"
            "   SET key_class = NULL, key_id = NULL, address_level = NULL, signed_identities = NULL"
        )
    [row] = await kept(served)
    assert (row.key_class, row.key_id) == (admin_pb2.KEY_CLASS_BROWSER, "")
    full = [{"op": "replace", "path": "/refund/refund_type", "value": "full"}]
    assert await replay(served, full) == (0, 1)
    assert await replay(served, full, quarantine_ids=[row.quarantine_id], as_server=True) == (1, 0)


async def test_a_server_s_event_is_replayed_as_a_server_s(served):
    broken = refund("o1", identity="ann")
    broken.refund.refund_type = "some"
    assert await statuses(served, broken, by=KeyClass.SERVER) == [Q]
    assert [row.key_class for row in await kept(served)] == [admin_pb2.KEY_CLASS_SERVER]
    assert await replay(served, [{"op": "replace", "path": "/refund/refund_type", "value": "full"}]) == (1, 0)


async def test_nobody_vouches_for_events_unseen(served):
    error = await error_of(
        served.admin.ReplayQuarantine(
            admin_pb2.ReplayQuarantineRequest(as_server=True), metadata=served.key(KeyClass.ADMIN)
        )
    )
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert fields_of(error) == [("as_server", "AS_SERVER_NAMED")]


async def test_what_fails_as_a_server_s_still_is_its_sender_s(served):
    assert await statuses(served, unread('{"tpye":"refund"}')) == [Q]
    [before] = await kept(served)
    assert await replay(served, quarantine_ids=[before.quarantine_id], as_server=True) == (0, 1)
    assert await kept(served) == [before]
