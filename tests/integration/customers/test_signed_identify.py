"""Signed identities from browsers, through the real server, store and gateway."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import grpc
import pytest

from shopalytic import sign_identity
from shopalytic.v1 import admin_pb2, collector_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.server import GatewayServer
from standins.gateway import fetch
from standins.rpc import Running, batch, error_of, fields_of, page_view, running, sentence_of

ACCEPTED = collector_pb2.EVENT_STATUS_ACCEPTED
REJECTED = collector_pb2.EVENT_STATUS_REJECTED


async def new_secret(shop: Running, *, end_previous: bool = False) -> str:
    request = admin_pb2.RotateIdentitySecretRequest(end_previous=end_previous)
    return str((await shop.admin.RotateIdentitySecret(request, metadata=shop.key(KeyClass.ADMIN))).secret)


async def demand(shop: Running) -> None:
    request = admin_pb2.UpdateProjectRequest(signed_identify=True)
    await shop.admin.UpdateProject(request, metadata=shop.key(KeyClass.ADMIN))


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


@pytest.fixture
async def secret(shop: Running) -> str:
    made = await new_secret(shop)
    await demand(shop)
    return made


def identify(identity: str, signature: str = "") -> Event:
    event = page_view(tracking_id="visitor-1")
    event.identify.identity = identity
    event.identity_signature = signature
    return event


def alias(identity: str, alias_signature: str, existing: str, identity_signature: str) -> Event:
    event = page_view(identity=existing)
    event.alias.identity = identity
    event.alias_signature, event.identity_signature = alias_signature, identity_signature
    return event


async def verdict(shop: Running, event: Event, key_class: KeyClass = KeyClass.BROWSER) -> Any:
    [result] = (await shop.collector.Track(batch(event), metadata=shop.key(key_class))).results
    return result


async def test_a_browser_s_identity_needs_its_own_valid_signature(shop: Running, secret: str) -> None:
    right = sign_identity(secret, "ann")
    assert (await verdict(shop, identify("ann", right))).status == ACCEPTED
    for wrong in ("", right[:-1], right.upper(), right + "0", sign_identity(secret, "bob"), "é" * 64):
        result = await verdict(shop, identify("ann", wrong))
        assert result.status == REJECTED, wrong
        [violation] = result.violations
        assert (violation.field, violation.rule_id) == ("identify.identity", "identity.signature")
        assert "sign_identity" in violation.message
    other = sign_identity("shop_identity_of_another_shop", "ann")
    assert (await verdict(shop, identify("ann", other))).status == REJECTED


async def test_every_event_that_carries_an_identity_needs_it_and_no_other(shop: Running, secret: str) -> None:
    assert (await verdict(shop, page_view())).status == ACCEPTED
    forged = page_view(identity="ann")
    result = await verdict(shop, forged)
    assert (result.status, result.violations[0].field) == (REJECTED, "identity")
    signed = page_view(identity="ann", identity_signature=sign_identity(secret, "ann"))
    assert (await verdict(shop, signed)).status == ACCEPTED


async def test_an_alias_needs_the_signatures_of_both_identities(shop: Running, secret: str) -> None:
    ann, new = sign_identity(secret, "ann"), sign_identity(secret, "ann@shop.example")
    assert (await verdict(shop, alias("ann@shop.example", new, "ann", ann))).status == ACCEPTED
    result = await verdict(shop, alias("ann@shop.example", ann, "ann", ann))
    assert (result.status, result.violations[0].field) == (REJECTED, "alias.identity")
    result = await verdict(shop, alias("ann@shop.example", new, "ann", new))
    assert (result.status, result.violations[0].field) == (REJECTED, "identity")


@pytest.mark.usefixtures("secret")
async def test_backends_need_no_signature(shop: Running) -> None:
    assert (await verdict(shop, identify("ann"), KeyClass.SERVER)).status == ACCEPTED


async def test_the_calls_identify_and_alias_are_denied_without_one(shop: Running, secret: str) -> None:
    request = collector_pb2.IdentifyRequest(event_id=str(uuid4()), tracking_id="t", identity="ann")
    request.occurred_at.GetCurrentTime()
    browser = shop.key(KeyClass.BROWSER)
    error = await error_of(shop.collector.Identify(request, metadata=browser))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert "signature" in sentence_of(error)
    request.identity_signature = sign_identity(secret, "ann")
    await shop.collector.Identify(request, metadata=browser)
    further = collector_pb2.AliasRequest(
        event_id=str(uuid4()), existing_identity="ann", identity="ann2", occurred_at=request.occurred_at
    )
    further.identity_signature = sign_identity(secret, "ann2")
    error = await error_of(shop.collector.Alias(further, metadata=browser))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    further.existing_identity_signature = sign_identity(secret, "ann")
    await shop.collector.Alias(further, metadata=browser)


async def test_the_newest_two_secrets_are_valid_or_only_the_newest(database_url: str) -> None:
    async with running(database_url) as shop:
        first, second = await new_secret(shop), await new_secret(shop)
        await demand(shop)
        for secret in (first, second):
            assert (await verdict(shop, identify("ann", sign_identity(secret, "ann")))).status == ACCEPTED
        third = await new_secret(shop)
        found = await shop.projects.get_project(shop.project.project_id)
        assert found.identity_secrets == (third, second)
        fourth = await new_secret(shop, end_previous=True)
        found = await shop.projects.get_project(shop.project.project_id)
        assert found.identity_secrets == (fourth,)
        assert fourth not in repr(found)


async def test_signatures_cannot_be_demanded_before_there_is_a_secret(shop: Running) -> None:
    error = await error_of(demand(shop))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [field for field, _ in fields_of(error)] == ["signed_identify"]


async def test_a_signature_is_no_part_of_the_event_that_is_kept(shop: Running, secret: str) -> None:
    event = identify("ann", sign_identity(secret, "ann"))
    await verdict(shop, event)
    unsigned = Event()
    unsigned.CopyFrom(event)
    unsigned.ClearField("identity_signature")
    await verdict(shop, unsigned, KeyClass.SERVER)
    [first], [second] = shop.writer.submitted
    assert first.fingerprint == second.fingerprint
    assert not first.event.HasField("identity_signature")


async def test_a_tag_s_request_carries_the_signature(
    shop: Running, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway = GatewayServer(GatewayOptions(port=0), f"127.0.0.1:{shop.port}")
    port = await gateway.start()
    try:
        events = [
            {"type": "identify", "properties": {"identity": "ann"}},
            {
                "type": "identify",
                "properties": {"identity": "ann"},
                "identity_signature": sign_identity(secret, "ann"),
            },
        ]
        body = json.dumps({"token": shop.secrets[KeyClass.BROWSER], "events": events}).encode()
        answer = await fetch(port, "POST", "/collect", body, {"content-type": "text/plain"})
    finally:
        await gateway.stop(1)
    assert [result["status"] for result in answer.json["results"]] == ["REJECTED", "ACCEPTED"]
    assert secret not in caplog.text


@pytest.mark.parametrize(("secret", "identity"), [("", "ann"), ("shop_identity_x", "")])
def test_nothing_is_not_signed(secret: str, identity: str) -> None:
    with pytest.raises(ValueError, match="give the project's identity secret"):
        sign_identity(secret, identity)


def test_a_signature_is_plain_hmac_so_that_any_language_can_make_it() -> None:
    # By `printf %s käse | openssl dgst -sha256 -hmac shop_identity_x`.
    known = "d4bba8ccc7258bcb45380071bb422940d6e48ae35f156071b98092bd713fc832"
    assert sign_identity("shop_identity_x", "käse") == known
