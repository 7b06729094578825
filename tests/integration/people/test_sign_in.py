"""/sign-in at a real gateway: who gets a session, and which requests its cookie counts for."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from shopalytic_server.domain.access.people import Role
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.pages.sign_in import MOST_FAILURES
from shopalytic_server.gateway.server import GatewayServer
from standins.gateway import Answer, fetch
from standins.people import PASSWORD, add_user
from standins.rpc import Running, running

JANE = "jane@shop.example"
JSON = {"content-type": "application/json"}
OWN = {**JSON, "sec-fetch-site": "same-origin"}
GET_PROJECT = "/shopalytic.v1.AdminService/GetProject"


@dataclass
class Site:
    """A gateway in front of a server."""

    shop: Running
    port: int

    async def sign_in(self, headers: dict[str, str] | None = None, **body: Any) -> Answer:
        given = body or {"email": JANE, "password": PASSWORD}
        return await fetch(self.port, "POST", "/sign-in", json.dumps(given).encode(), headers or OWN)

    async def call(self, cookie: str, **headers: str) -> int:
        sent = {**JSON, "cookie": cookie, **{name.replace("_", "-"): each for name, each in headers.items()}}
        return (await fetch(self.port, "POST", GET_PROJECT, b"{}", sent)).status


@asynccontextmanager
async def open_site(database_url: str, **options: Any) -> AsyncIterator[Site]:
    async with running(database_url) as shop:
        gateway = GatewayServer(GatewayOptions(port=0, **options), f"127.0.0.1:{shop.port}")
        port = await gateway.start()
        try:
            yield Site(shop, port)
        finally:
            await gateway.stop(1)


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    async with open_site(database_url) as site:
        yield site


def cookie_of(answer: Answer) -> str:
    return answer.header("set-cookie").partition(";")[0]


async def test_a_session_is_a_cookie_that_no_script_and_no_other_site_has(site: Site) -> None:
    await add_user(site.shop, JANE, Role.SUPPORT)
    answer = await site.sign_in()
    assert answer.status == 200
    told = json.loads(answer.body)
    assert (told["email"], told["role"], told["project"]) == (JANE, "support", "shop")
    assert "ReportService/GetCustomer" in told["calls"]
    assert "token" not in told
    attributes = answer.header("set-cookie").split("; ")[1:]
    assert attributes == ["Max-Age=604800", "Path=/", "HttpOnly", "SameSite=Strict"]
    assert answer.header("cache-control") == "no-store"
    assert await site.call(cookie_of(answer), sec_fetch_site="same-origin") == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://[broken"},
    ],
)
async def test_a_session_counts_for_no_other_page(site: Site, headers: dict[str, str]) -> None:
    await add_user(site.shop, JANE, Role.OWNER)
    cookie = cookie_of(await site.sign_in())
    assert await site.call(cookie) == 200
    assert await site.call(cookie, **headers) == 401
    sent = {**JSON, **{name.replace("_", "-"): each for name, each in headers.items()}}
    assert (await site.sign_in(sent)).status == 403


async def test_behind_tls_the_cookie_is_the_hosts_own(database_url: str) -> None:
    async with open_site(database_url, trusted_proxies=1) as site:
        await add_user(site.shop, JANE, Role.OWNER)
        proxy = {
            "x-forwarded-for": "198.51.100.7",
            "x-forwarded-proto": "https",
            "x-forwarded-host": "shop.example",
        }
        answer = await site.sign_in({**JSON, **proxy, "origin": "https://shop.example"})
        assert answer.header("set-cookie").startswith("__Host-shopalytic_session=")
        assert answer.header("set-cookie").endswith("; Secure")
        cookie = cookie_of(answer)
        named = {name.replace("-", "_"): value for name, value in proxy.items()}
        assert await site.call(cookie, **named, origin="https://shop.example") == 200
        assert await site.call(cookie, **named, origin="https://other.shop.example") == 401


async def test_who_has_signed_in_is_told_until_they_sign_out(site: Site) -> None:
    await add_user(site.shop, JANE, Role.VIEWER)
    assert (await fetch(site.port, "GET", "/sign-in")).status == 204
    cookie = {"cookie": cookie_of(await site.sign_in())}
    who = await fetch(site.port, "GET", "/sign-in", headers=cookie)
    assert json.loads(who.body)["email"] == JANE
    out = await fetch(site.port, "DELETE", "/sign-in", headers={**cookie, "sec-fetch-site": "same-origin"})
    assert out.status == 204
    assert "Max-Age=0" in out.header("set-cookie")
    # At once, and not only when what is remembered has grown old.
    assert (await fetch(site.port, "GET", "/sign-in", headers=cookie)).status == 204
    refused = await fetch(site.port, "POST", GET_PROJECT, b"{}", {**JSON, **cookie})
    assert (refused.status, json.loads(refused.body)["message"]) == (
        401,
        "The session has ended; sign in again.",
    )


async def test_a_wrong_password_says_no_more_than_that(site: Site) -> None:
    await add_user(site.shop, JANE, Role.OWNER)
    bodies = set()
    for email in (JANE, "nobody@shop.example"):
        answer = await site.sign_in(email=email, password="another horse")
        assert answer.status == 401
        assert answer.header("set-cookie") is None
        bodies.add(answer.body)
    assert len(bodies) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"email": "a@b.c"}',
        b'{"email": 1, "password": "x"}',
        b'{"email": "a@b.c", "password": "x", "role": "owner"}',
        b'{"email": "\\ud800", "password": "x"}',
        b'{"email": "a@b.c", "password": "' + b"x" * 4_000 + b'"}',
        b"[" * 2_900,
        b"\xff\xfe",
    ],
)
async def test_a_body_that_cannot_be_used_is_refused(site: Site, body: bytes) -> None:
    assert (await fetch(site.port, "POST", "/sign-in", body, OWN)).status in (400, 413)


@pytest.mark.parametrize("text", ["\0", "\0@\0", "a\0@shop.example"])
async def test_a_nul_signs_nobody_in(site: Site, text: str) -> None:
    assert (await site.sign_in(email=text, password=PASSWORD)).status in (400, 401)
    assert (await site.sign_in(email=JANE, password=text)).status in (400, 401)
    assert (await site.sign_in(link=text, password=PASSWORD)).status in (400, 403)


async def test_only_json_signs_in(site: Site) -> None:
    await add_user(site.shop, JANE, Role.OWNER)
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert (await site.sign_in({**OWN, "content-type": kind})).status == 415


async def test_an_address_tries_a_bounded_number_of_times(site: Site) -> None:
    await add_user(site.shop, JANE, Role.OWNER)
    # Of accounts that differ, so that none of them is what is counted.
    statuses = [
        (await site.sign_in(email=f"{each}@shop.example", password=PASSWORD)).status
        for each in range(MOST_FAILURES)
    ]
    assert set(statuses) == {401}
    refused = await site.sign_in()
    assert refused.status == 429
    assert int(refused.header("retry-after")) > 0


async def test_a_link_chooses_the_password_and_signs_in(site: Site) -> None:
    invited = await add_user(site.shop, JANE, Role.ANALYST, password=None)
    link = invited.link.address.partition("#choose-password=")[2]
    weak = await site.sign_in(link=link, password="short")
    assert weak.status == 400
    assert "12" in json.loads(weak.body)["error"]["message"]
    chosen = await site.sign_in(link=link, password=PASSWORD)
    assert chosen.status == 200
    assert await site.call(cookie_of(chosen)) == 200
    again = await site.sign_in(link=link, password=PASSWORD)
    assert again.status == 403


async def test_the_password_is_changed_by_who_has_signed_in(site: Site) -> None:
    await add_user(site.shop, JANE, Role.ANALYST)
    cookie = cookie_of(await site.sign_in())
    new = "another horse battery"
    without = await site.sign_in(password=PASSWORD, new_password=new)
    assert without.status == 401
    changed = await site.sign_in({**OWN, "cookie": cookie}, password=PASSWORD, new_password=new)
    assert changed.status == 200
    assert (await site.sign_in()).status == 401
    assert (await site.sign_in(email=JANE, password=new)).status == 200


async def test_a_key_goes_before_a_session(site: Site) -> None:
    await add_user(site.shop, JANE, Role.OWNER)
    cookie = cookie_of(await site.sign_in())
    assert await site.call(cookie, authorization="Bearer shop_admin_" + "x" * 43) == 401
