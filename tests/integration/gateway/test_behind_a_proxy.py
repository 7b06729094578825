"""The gateway behind real proxies, set up by the very recipes of docs/how-to/behind-a-proxy.md."""

import asyncio
import os
import re
import shutil
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from running.certificates import Pair, make_pair
from standins.gateway import KEY, Gateway, running_gateway

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "how-to" / "behind-a-proxy.md").read_text()
PROXIES = ("nginx", "caddy")
EVENTS = (
    b'{"token": "%s", "events": [{"type": "page_view", "properties": {"url": "/", "referrer": ""}}]}'
    % KEY.encode()
)
PAGE = {"Host": "stats.shop.example", "Origin": "https://www.shop.example", "Content-Type": "text/plain"}


def recipe(name: str) -> str:
    found = re.search(rf"<!-- test: {name} -->\n```\w+\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def nginx(folder: Path, server: str) -> list[str]:
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; master_process off; pid {folder}/pid; error_log {folder}/log; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{server} }}\n"
    )
    return ["nginx", "-p", str(folder), "-e", f"{folder}/log", "-c", f"{folder}/nginx.conf"]


def nginx_of_the_guide(folder: Path, pair: Pair, port: int, gateway_port: int) -> list[str]:
    server = recipe("nginx").replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    server = server.replace("/etc/ssl/stats.shop.example.pem", str(pair.certificate))
    server = server.replace("/etc/ssl/stats.shop.example.key", str(pair.key))
    return nginx(folder, server.replace(":8080", f":{gateway_port}"))


def caddy_of_the_guide(folder: Path, pair: Pair, port: int, gateway_port: int) -> list[str]:
    server = recipe("caddy").replace("stats.shop.example {", f"https://stats.shop.example:{port} {{", 1)
    server = server.replace(":8080", f":{gateway_port}")
    tls = f"tls {pair.certificate} {pair.key}\n bind 127.0.0.1\n"
    head, brace, rest = server.partition("{\n")
    options = "{\n admin off\n auto_https disable_redirects\n default_sni stats.shop.example\n}\n"
    (folder / "Caddyfile").write_text(options + head + brace + tls + rest)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


GUIDED = {"nginx": nginx_of_the_guide, "caddy": caddy_of_the_guide}


@asynccontextmanager
async def running(command: list[str], folder: Path, port: int) -> AsyncIterator[None]:
    """A proxy that listens."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not here; the packages of Debian have it")
    environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "output").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=output, stderr=output, env=environment
        )
    try:
        async with asyncio.timeout(120):
            while True:
                assert process.returncode is None, (folder / "output").read_text()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except ConnectionError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait_for(process.wait(), 120)


class Browser:
    """Sends as a page's browser would, to a proxy."""

    def __init__(self, url: str, trust: ssl.SSLContext | None = None) -> None:
        self._url = url
        self._trust = trust

    async def post(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, bytes]:
        """Status, headers and body of the answer."""
        request = urllib.request.Request(self._url + path, body, {**PAGE, **(headers or {})})
        return await asyncio.to_thread(self._post, request)

    def _post(self, request: urllib.request.Request) -> tuple[int, Any, bytes]:
        try:
            with urllib.request.urlopen(request, timeout=120, context=self._trust) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()


@asynccontextmanager
async def guided(name: str, folder: Path) -> AsyncIterator[tuple[Gateway, Browser]]:
    """A proxy by the guide, in front of a gateway that believes it."""
    pair = make_pair(folder, "shop")
    trust = ssl.create_default_context(cafile=str(pair.certificate))
    port = free_port()
    async with (
        running_gateway(trusted_proxies=1) as gateway,
        running(GUIDED[name](folder, pair, port, gateway.port), folder, port),
    ):
        yield gateway, Browser(f"https://127.0.0.1:{port}", trust)


@pytest.mark.parametrize("name", PROXIES)
async def test_host_scheme_and_address_come_through(name: str, tmp_path: Path) -> None:
    invented = {"X-Forwarded-For": "6.6.6.6", "Forwarded": "for=6.6.6.6;host=evil.example;proto=http"}
    async with guided(name, tmp_path) as (gateway, browser):
        for headers in ({}, invented):
            status, answered, _ = await browser.post("/collect", EVENTS, headers)
            assert status == 200
            assert "Domain=shop.example; Secure" in answered["set-cookie"]
            assert gateway.collector.events[-1].context.address == "127.0.0.0"


@pytest.mark.parametrize("name", PROXIES)
async def test_calls_as_large_as_they_may_be_come_through(name: str, tmp_path: Path) -> None:
    async with guided(name, tmp_path) as (_, browser):
        call = "/shopalytic.v1.CollectorService/Track"
        body = b"{}" + b" " * 4_000_000
        status, _, _ = await browser.post(call, body, {"Content-Type": "application/json"})
        assert status == 200


async def test_the_refusal_of_a_body_comes_through_nginx(tmp_path: Path) -> None:
    async with guided("nginx", tmp_path) as (_, browser):
        status, headers, body = await browser.post("/collect", b"x" * 3_000_000)
    assert (status, b"too_large" in body) == (413, True)
    assert headers["access-control-allow-origin"] == PAGE["Origin"]


async def test_a_proxy_that_says_nothing_gets_a_cookie_that_browsers_keep(tmp_path: Path) -> None:
    port = free_port()
    async with running_gateway() as gateway:
        server = f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://collector; }} }}"
        upstream = f"upstream collector {{ server 127.0.0.1:{gateway.port}; }}"
        async with running(nginx(tmp_path, upstream + server), tmp_path, port):
            _, headers, _ = await Browser(f"http://127.0.0.1:{port}").post("/collect", EVENTS)
    cookie = headers["set-cookie"]
    assert cookie.startswith("shopalytic_id=")
    assert "Domain" not in cookie
