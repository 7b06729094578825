"""The dashboard's page as the gateway serves it, and to whom it opens signed in."""

import json
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.access.sign_in import (
    ADDRESS_SECONDS,
    RANDOM_BYTES,
    SESSION_SECONDS,
    Purpose,
    opened,
    seal,
)
from shopalytic_server.gateway.access.local_session import is_loopback
from shopalytic_server.gateway.options import LocalKeys
from shopalytic_server.gateway.pages.static import static_folder
from standins.gateway import Answer, Gateway, running_gateway

KEYS = LocalKeys(reports="shop_reports_secret", browser="shop_browser_public")
OWN_PAGE = {"sec-fetch-site": "same-origin"}

needs_build = pytest.mark.skipif(
    not (static_folder() / "dashboard" / "index.html").is_file(),
    reason="the dashboard is not built (make node)",
)
pytestmark = needs_build


async def test_the_page_may_load_only_from_here_and_be_framed_by_nobody():
    async with running_gateway() as gateway:
        answer = await gateway.get("/")
    assert answer.header("content-type") == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in answer.header("content-security-policy").split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("cross-origin-resource-policy") == "same-origin"
    assert answer.header("access-control-allow-origin") is None


async def test_the_page_is_asked_for_anew_and_its_parts_never():
    async with running_gateway() as gateway:
        page = await gateway.get("/")
        assert page.header("cache-control") == "no-cache"
        again = await gateway.get("/", if_none_match=page.header("etag"))
        assert (again.status, again.body) == (304, b"")
        parts = re.findall(r"/assets/[\w.-]+", page.body.decode())
        assert {part.rpartition(".")[2] for part in parts} == {"js", "css"}
        for part in parts:
            answer = await gateway.get(part)
            assert answer.status == 200
            assert answer.header("cache-control") == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path", ["/assets", "/assets/", "/assets/nothing.js", "/assets/../static.py", "/index.html"]
)
async def test_nothing_else_is_served(path: str):
    async with running_gateway() as gateway:
        assert (await gateway.get(path)).status == 404


async def test_the_page_knows_where_the_tag_is():
    async with running_gateway(script_path="/t/x.js") as gateway:
        page = (await gateway.get("/")).body
    assert b'content="/t/x.js"' in page
    assert b"/shopalytic.js" not in page


async def post(gateway: Gateway, text: str, headers: dict[str, str] = OWN_PAGE) -> Answer:
    """What the page does with the pass of an address."""
    return await gateway.request("POST", "/session.json", json.dumps({"token": text}).encode(), headers)


def passed(now: float | None = None, key: str = KEYS.reports, purpose: Purpose = Purpose.ADDRESS) -> str:
    """A pass as `shopalytic dashboard` makes it."""
    return seal(key, purpose, time.time() if now is None else now, secrets.token_bytes(RANDOM_BYTES))


async def test_an_address_signs_in_once_and_its_cookie_from_then_on():
    async with running_gateway(local_keys=KEYS) as gateway:
        text = passed()
        first, second = await post(gateway, text), await post(gateway, text)
        name = f"shopalytic_dashboard_{gateway.port}"
        cookie = first.cookie
        session = {"cookie": f"other=1; {name}={cookie[name]}"}
        again = [
            await gateway.request("GET", "/session.json", None, {**OWN_PAGE, **session}) for _ in range(2)
        ]
        without = await gateway.request("GET", "/session.json", None, OWN_PAGE)
        ended = await gateway.request("DELETE", "/session.json", None, {**OWN_PAGE, **session})
    assert first.json == {"reports_key": KEYS.reports, "browser_key": KEYS.browser}
    assert {"httponly", "samesite", "max-age", "path"} <= set(cookie)
    assert cookie["samesite"] == "Strict"
    assert first.header("cache-control") == "no-store"
    assert first.header("access-control-allow-origin") is None
    assert second.error == (403, "permission_denied")
    assert second.header("set-cookie") is None
    assert [answer.json for answer in again] == [first.json] * 2
    assert (without.status, without.body) == (204, b"")
    assert (ended.status, ended.cookie["max-age"]) == (204, "0")


@pytest.mark.parametrize(
    "make",
    [
        lambda: passed(time.time() - ADDRESS_SECONDS - 1),
        lambda: passed(time.time() - 60),  # before this gateway began
        lambda: passed(time.time() + 3_600),
        lambda: passed(key="shop_reports_other"),
        lambda: passed(purpose=Purpose.SESSION),
        lambda: passed()[:-1],
        lambda: "",
        lambda: "é" * 46,
        lambda: "A" * 46,
        lambda: "A" * 900,
    ],
)
async def test_what_is_no_fresh_pass_of_this_key_signs_nobody_in(make: Callable[[], str]):
    async with running_gateway(local_keys=KEYS) as gateway:
        assert (await post(gateway, make())).error == (403, "permission_denied")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"token": 5}', b"[" * 900, b"\xff"])
async def test_what_is_no_pass_at_all_is_refused(body: bytes):
    async with running_gateway(local_keys=KEYS) as gateway:
        answer = await gateway.request("POST", "/session.json", body, OWN_PAGE)
    assert answer.error == (400, "invalid_argument")


async def test_a_session_ends_after_its_time_and_is_no_address():
    async with running_gateway(local_keys=KEYS) as gateway:
        name = f"shopalytic_dashboard_{gateway.port}"
        for value, status in (
            (passed(time.time() - 5, purpose=Purpose.SESSION), 200),
            (passed(time.time() - SESSION_SECONDS - 1, purpose=Purpose.SESSION), 204),
            (passed(), 204),
            ("", 204),
        ):
            headers = {**OWN_PAGE, "cookie": f"{name}={value}"}
            assert (await gateway.request("GET", "/session.json", None, headers)).status == status


@given(st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES), st.integers(0, 2**40), st.data())
def test_a_pass_opens_as_it_was_sealed_and_not_when_anything_of_it_changed(
    random: bytes, millis: int, data: st.DataObject
):
    text = seal("key", Purpose.ADDRESS, millis / 1_000, random)
    found = opened("key", Purpose.ADDRESS, text)
    assert found is not None
    assert (round(found.made_at * 1_000), found.random) == (millis, random)
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_"))
    changed = text[:at] + letter + text[at + 1 :]
    other = opened("key", Purpose.ADDRESS, changed)
    # The last letter holds bits that say nothing.
    assert changed == text or other is None or at == len(text) - 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {**OWN_PAGE, "host": "shop.example"},
        {**OWN_PAGE, "host": "127.0.0.1.shop.example:8080"},
        {**OWN_PAGE, "host": "localhost.shop.example"},
        {**OWN_PAGE, "x-forwarded-for": "127.0.0.1"},
        {**OWN_PAGE, "x-forwarded-host": "localhost"},
        {**OWN_PAGE, "x-real-ip": "127.0.0.1"},
        {**OWN_PAGE, "forwarded": "for=127.0.0.1"},
        {**OWN_PAGE, "via": "1.1 proxy"},
    ],
)
async def test_other_pages_names_and_proxies_get_nothing_and_use_nothing_up(headers: dict[str, str]):
    async with running_gateway(local_keys=KEYS) as gateway:
        text = passed()
        answer = await post(gateway, text, headers)
        session = passed(purpose=Purpose.SESSION)
        cookie = {"cookie": f"shopalytic_dashboard_{gateway.port}={session}"}
        known = await gateway.request("GET", "/session.json", None, {**headers, **cookie})
        assert (await post(gateway, text)).status == 200
    assert (answer.status, answer.body, known.status) == (204, b"", 204)


@pytest.mark.parametrize("options", [{"host": "0.0.0.0"}, {"trusted_proxies": 1}, {"local_keys": None}])
async def test_a_gateway_that_others_can_reach_hands_out_nothing(options: dict[str, Any]):
    async with running_gateway(**{"local_keys": KEYS, **options}) as gateway:
        assert (await post(gateway, passed())).status == 204


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1"])
def test_names_of_this_machine(host: str):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "10.0.0.1", "localhost.", "example.org", "127.0.0.1.nip.io"]
)
def test_names_of_others(host: str):
    assert not is_loopback(host)
