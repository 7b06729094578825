"""`shopalytic user` at a real service, and letters with links through a real mail server."""

import asyncio
import http.client
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from running.running_service import Service, folder
from shopalytic_server.domain.notifications.mail_server import MailServer
from shopalytic_server.domain.projects import Project
from shopalytic_server.notifications.mail import Mail
from shopalytic_server.people_service import LinkedInvitations
from standins.receivers import open_mailbox

PASSWORD = "correct horse battery"
SHOP = Project(1, "shop", "EUR", "UTC", frozenset(), datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as path, Service(path) as running:
        yield running


def post(service: Service, **body: str) -> tuple[int, dict[str, Any]]:
    address = urlsplit(service.ready["http_address"])
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    try:
        headers = {"content-type": "application/json"}
        connection.request("POST", "/sign-in", json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_person_is_added_listed_changed_reset_and_removed(service: Service) -> None:
    assert "Nobody yet" in service.command("user", "list").stdout
    added = service.json("user", "add", "Jane@Shop.example", "--role", "analyst")
    assert (added["email"], added["role"], added["has_password"]) == ("jane@shop.example", "analyst", False)
    address, _, link = added["link"]["address"].partition("/#choose-password=")
    assert address == service.ready["http_address"]
    status, told = post(service, link=link, password=PASSWORD)
    assert (status, told["role"]) == (200, "analyst")

    assert "is viewer from now on" in service.command("user", "role", "jane@shop.example", "viewer").stdout
    [listed] = service.json("user", "list")["users"]
    assert (listed["role"], listed["has_password"]) == ("viewer", True)
    [session] = service.json("user", "sessions")["sessions"]
    assert session["email"] == "jane@shop.example"

    reset = service.command("user", "reset", "jane@shop.example")
    assert "/#choose-password=" in reset.stdout
    assert post(service, email="jane@shop.example", password=PASSWORD)[0] == 401
    given = service.command(
        "user", "reset", "jane@shop.example", "--password-stdin", stdin=b"other horse now\n"
    )
    assert given.returncode == 0, given.stderr
    assert post(service, email="jane@shop.example", password="other horse now")[0] == 200
    assert "Sessions that end: 1." in service.command("user", "sign-out", "jane@shop.example").stdout

    assert "is removed" in service.command("user", "remove", "jane@shop.example").stdout
    assert service.json("user", "list")["users"] == []
    assert len(service.json("user", "list", "--removed")["users"]) == 1
    again = service.command("user", "remove", "jane@shop.example")
    assert again.returncode == 1
    assert "no person with this e-mail address" in again.stderr


def test_a_password_comes_from_standard_input_and_is_told_nowhere(service: Service) -> None:
    added = service.command(
        "user", "add", "joe@shop.example", "--role", "owner", "--password-stdin", stdin=PASSWORD.encode()
    )
    assert added.stdout == "joe@shop.example may sign in as owner.\n"
    status, told = post(service, email="JOE@shop.example", password=PASSWORD)
    assert (status, told["project"]) == (200, "default")
    weak = service.command(
        "user", "add", "jim@shop.example", "--role", "owner", "--password-stdin", stdin=b"secret1\n"
    )
    assert weak.returncode == 1
    assert "secret1" not in weak.stderr
    assert PASSWORD not in service.log()


def test_the_audit_log_tells_who_looked_and_who_changed_people(service: Service) -> None:
    service.command("user", "add", "ann@shop.example", "--role", "viewer")
    service.command("customer", "show", "Ada@Example.com")
    assert service.command("audit", "list", "--subject", "ada@example.com").stdout.count("GetCustomer") == 1
    [entry] = service.json("audit", "list", "--subject", "ann@shop.example")["entries"]
    assert entry["action"] == "AddUser"
    assert entry["actor"].startswith("admin key shop_admin_")
    first = service.json("audit", "list", "--limit", "1")
    more = service.json("audit", "list", "--limit", "1", "--page-token", first["next_page_token"])
    assert first["entries"] != more["entries"]


@pytest.mark.parametrize("email", ["jane", "@shop.example", "jane@", "a b@shop.example", "<j@shop.example>"])
def test_what_is_no_address_is_refused_in_a_sentence(service: Service, email: str) -> None:
    added = service.command("user", "add", email, "--role", "owner")
    assert added.returncode == 1
    assert "must be an e-mail address" in added.stderr
    assert "Traceback" not in added.stderr


async def test_a_link_goes_by_e_mail_where_the_service_knows_how() -> None:
    ends_at = datetime(2026, 3, 9, 12, tzinfo=UTC)
    async with open_mailbox() as mailbox:
        mail = Mail(MailServer.of(f"smtp://127.0.0.1:{mailbox.port}"), "analytics@shop.example")
        inviting = LinkedInvitations("https://analytics.shop.example/", mail)
        sent = await inviting.send(SHOP, "jane@shop.example", "tokenxyz", ends_at, is_new=True)
        assert (sent.mailed, sent.address, sent.failure) == (True, "", "")
        [letter] = mailbox.letters
        text = letter.get_body(("plain",)).get_content()
        assert "https://analytics.shop.example/#choose-password=tokenxyz" in text
        assert "2026-03-09 12:00 UTC" in text

        mailbox.answer = "550 no such person"
        refused = await inviting.send(SHOP, "jane@shop.example", "tokenxyz", ends_at, is_new=False)
        assert not refused.mailed
        assert refused.address.endswith("tokenxyz")
        assert refused.failure == "The mail server refused the address (550)."
        nowhere = await LinkedInvitations("", mail).send(SHOP, "j@shop.example", "t", ends_at, is_new=True)
        assert "--public-url" in nowhere.failure
    await asyncio.sleep(0)
