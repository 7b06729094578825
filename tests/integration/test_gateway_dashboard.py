"""The dashboard's page as the gateway serves it, and to whom it opens signed in."""

import asyncio
import os
import re
import subprocess
import sys
from typing import Any

import psutil
import pytest

from gateway_standins import running_gateway
from shopalytic_server.gateway import peers
from shopalytic_server.gateway.local_session import is_loopback
from shopalytic_server.gateway.options import LocalKeys
from shopalytic_server.gateway.static import static_folder

KEYS = LocalKeys(reports="shop_reports_secret", browser="shop_browser_public")
OWN_PAGE = {"sec_fetch_site": "same-origin"}
NOBODY = 65534

needs_build = pytest.mark.skipif(
    not (static_folder() / "dashboard" / "index.html").is_file(),
    reason="the dashboard is not built (make node)",
)
pytestmark = needs_build


async def session(options: dict[str, Any], headers: dict[str, str]):
    async with running_gateway(**{"local_keys": KEYS, **options}) as gateway:
        return await gateway.get("/session.json", **headers)


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


async def test_the_own_page_on_this_machine_gets_the_keys():
    answer = await session({}, OWN_PAGE)
    assert answer.json == {"reports_key": KEYS.reports, "browser_key": KEYS.browser}
    assert answer.header("cache-control") == "no-store"
    assert answer.header("access-control-allow-origin") is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {**OWN_PAGE, "host": "shop.example"},
        {**OWN_PAGE, "host": "127.0.0.1.shop.example:8080"},
        {**OWN_PAGE, "host": "localhost.shop.example"},
        {**OWN_PAGE, "x_forwarded_for": "127.0.0.1"},
        {**OWN_PAGE, "x_forwarded_host": "localhost"},
        {**OWN_PAGE, "x_real_ip": "127.0.0.1"},
        {**OWN_PAGE, "forwarded": "for=127.0.0.1"},
        {**OWN_PAGE, "via": "1.1 proxy"},
    ],
)
async def test_other_pages_names_and_proxies_get_nothing(headers: dict[str, str]):
    answer = await session({}, headers)
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("options", [{"host": "0.0.0.0"}, {"trusted_proxies": 1}, {"local_keys": None}])
async def test_a_gateway_that_others_can_reach_hands_out_nothing(options: dict[str, Any]):
    assert (await session(options, OWN_PAGE)).status == 204


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another account")
async def test_another_account_of_this_machine_gets_nothing():
    # What is imported later could not be read any more.
    script = """
import encodings.idna, os, sys, urllib.request
asked = urllib.request.Request(sys.argv[1], headers={"sec-fetch-site": "same-origin"})
urllib.request.urlopen(asked).close()
os.setuid(int(sys.argv[2]))
print(urllib.request.urlopen(asked).status)
"""
    async with running_gateway(local_keys=KEYS) as gateway:
        url = f"http://127.0.0.1:{gateway.port}/session.json"
        for account, status in ((0, "200"), (NOBODY, "204")):
            asking = await _run(script, url, str(account))
            assert asking == status


async def _run(script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", script, *arguments]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    return str(done.stdout).strip()


async def test_without_linux_tables_own_processes_are_looked_through(monkeypatch, tmp_path):
    monkeypatch.setattr(peers, "_LINUX_TABLES", (tmp_path / "tcp", tmp_path / "tcp6"))
    assert (await session({}, OWN_PAGE)).status == 200
    monkeypatch.setattr(psutil, "process_iter", lambda: iter(()))
    assert (await session({}, OWN_PAGE)).status == 204


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1"])
def test_names_of_this_machine(host: str):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "10.0.0.1", "localhost.", "example.org", "127.0.0.1.nip.io"]
)
def test_names_of_others(host: str):
    assert not is_loopback(host)
