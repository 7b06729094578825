"""Webhooks: what is posted is signed, and goes nowhere that nobody meant."""

import hashlib
import hmac
import io
import logging
from ipaddress import ip_address

import pytest

from shopalytic.v1 import notifications_pb2 as pb
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.notifications.mail import NotTaken
from shopalytic_server.notifications.webhooks import SIGNATURE, Address, Webhooks
from shopalytic_server.process import logs
from shops.notified_shop import Desk
from standins.receivers import Hook

SECRET = "whsec_of_a_test"


async def post(webhooks: Webhooks, url: str) -> None:
    await webhooks.post(url, SECRET, "00000000-0000-4000-8000-000000000000", {"text": "Größe"})


async def test_what_is_posted_is_signed_with_its_time(hook: Hook) -> None:
    await post(Webhooks(to_private_addresses=True, clock=lambda: 1_700_000_000.9), hook.url)

    [(headers, body)] = hook.posted
    expected = hmac.new(SECRET.encode(), b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == f"t=1700000000,v1={expected}"
    assert headers["Content-Type"] == "application/json"
    assert hook.contents() == [{"text": "Größe"}]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "0.0.0.0",
        "2130706433",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
        "224.0.0.1",
        "100.64.0.1",
    ],
)
async def test_addresses_of_private_networks_are_not_called(host: str, hook: Hook) -> None:
    port = hook.url.split(":")[2].split("/")[0]

    with pytest.raises(NotTaken, match=r"private network|no address"):
        await post(Webhooks(to_private_addresses=False), f"http://{host}:{port}/hook")
    assert hook.posted == []


async def test_a_name_is_looked_up_once_so_that_it_cannot_change_its_meaning(hook: Hook) -> None:
    asked = []

    async def resolve(host: str, _port: int) -> list[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1")]

    url = hook.url.replace("127.0.0.1", "hook.shop.test")
    await post(Webhooks(to_private_addresses=True, resolve=resolve), url)

    assert asked == ["hook.shop.test"]
    [(headers, _)] = hook.posted
    assert headers["Host"].startswith("hook.shop.test:")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(hook: Hook, status: int) -> None:
    hook.status = status

    with pytest.raises(NotTaken, match=f"The webhook answered with status {status}"):
        await post(Webhooks(to_private_addresses=True), hook.url)
    assert len(hook.posted) == 1


@pytest.mark.parametrize(("status", "for_good"), [(404, True), (410, True), (429, False), (500, False)])
async def test_only_what_can_change_is_tried_again(hook: Hook, status: int, for_good: bool) -> None:
    hook.status = status

    with pytest.raises(NotTaken) as told:
        await post(Webhooks(to_private_addresses=True), hook.url)
    assert told.value.for_good is for_good


async def test_nobody_who_answers_is_told_in_our_words() -> None:
    with pytest.raises(NotTaken, match="cannot be reached"):
        await post(Webhooks(to_private_addresses=True), "http://127.0.0.1:9/hook")
    with pytest.raises(NotTaken, match="no address"):
        await post(Webhooks(to_private_addresses=True), "http://nobody.invalid/hook")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://[", "is none"),
        ("https://hook.test:port/", "is none"),
        ("https://hook.test:99999/", "is none"),
        ("https:///path", "is none"),
        ("https://user:secret@hook.test/", "must not have a user or password"),
    ],
)
async def test_an_address_that_cannot_be_called_is_refused_when_it_is_set(
    desk: Desk, url: str, told: str
) -> None:
    recipients = pb.Recipients(webhooks=["https://hook.test/", url])

    with pytest.raises(InvalidRequest, match=rf"digest.recipients.webhooks\[1\]: {told}"):
        await desk.ask(pb.SetDigestRequest(digest=pb.Digest(name="d", recipients=recipients)))
    with pytest.raises(NotTaken) as caught:
        await post(Webhooks(to_private_addresses=True), url)
    assert caught.value.for_good


async def test_the_log_has_no_address_of_a_webhook(hook: Hook) -> None:
    told = io.StringIO()
    logs.set_up("info", "plain", told)
    logging.getLogger("shopalytic").info("begun")

    await post(Webhooks(to_private_addresses=True), f"{hook.url}/secret-of-the-channel")

    assert "begun" in told.getvalue()
    assert "secret" not in told.getvalue()
