"""The routes without events: probes, metrics, files, the front page, and everything that is not there."""

import gzip
import logging
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route, Router

from shopalytic_server.gateway.http.http_server import HttpServer
from shopalytic_server.gateway.http.middleware import Middleware
from shopalytic_server.gateway.metrics import Metrics
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.pages import static
from shopalytic_server.gateway.pages.static import StaticFile, StaticRoute, tag_script
from standins.gateway import KEY, PAGE_VIEW, fetch, running_gateway

SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
NO_TAG = tag_script("/shopalytic.js", "/collect") is None
needs_tag = pytest.mark.skipif(NO_TAG, reason="the browser tag is not built")


async def test_alive_says_ok_whatever_the_collector_does():
    async with running_gateway() as gateway:
        gateway.health.serving = False
        answer = await gateway.get("/healthz")
    assert (answer.status, answer.json) == (200, {"status": "ok"})


async def test_ready_follows_the_collector():
    async with running_gateway() as gateway:
        assert (await gateway.get("/readyz")).status == 200
        gateway.health.serving = False
        cannot = await gateway.get("/readyz")
        assert cannot.error == (503, "unavailable")
        await gateway.grpc_server.stop(None)
        away = await gateway.get("/readyz")
        assert away.error == (503, "unavailable")
        assert away.header("retry-after") == "2"
        assert cannot.body != away.body


async def test_metrics_count_requests_verdicts_batches_and_commits():
    unreadable = {"type": "page_view", "properties": 5}
    async with running_gateway() as gateway:
        await gateway.collect(PAGE_VIEW, PAGE_VIEW, unreadable)
        await gateway.post(b"not json")
        answer = await gateway.get("/metrics")
    lines = answer.body.decode().splitlines()
    assert answer.header(
        "content-type",
    ).startswith("text/plain")  # type: ignore[union-attr]
    for line in (
        'shopalytic_gateway_requests_total{route="collect",status="200"} 1.0',
        'shopalytic_gateway_requests_total{route="collect",status="400"} 1.0',
        'shopalytic_gateway_verdicts_total{status="ACCEPTED",type="page_view"} 2.0',
        'shopalytic_gateway_verdicts_total{status="QUARANTINED",type="undecoded"} 1.0',
        "shopalytic_gateway_quarantined_total 1.0",
        "shopalytic_gateway_duplicates_total 0.0",
        "shopalytic_gateway_queue_events 0.0",
        "shopalytic_gateway_batch_events_sum 3.0",
        "shopalytic_gateway_commit_seconds_count 1.0",
    ):
        assert line in lines


async def test_an_unknown_path_cannot_make_new_series():
    async with running_gateway() as gateway:
        for path in ("/a", "/b", "/shopalytic.v1.X/Y", "/shopalytic.v1.X/Z"):
            await gateway.get(path)
        text = (await gateway.get("/metrics")).body.decode()
    assert 'requests_total{route="unknown",status="404"} 2.0' in text
    assert 'requests_total{route="rpc",status="405"} 2.0' in text


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/collect/",
        "/collect/x",
        "/static/",
        "/static/shopalytic.js",
        "/shopalytic.d.ts",
        "/../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v1/nothing",
        "/.env",
        "//",
    ],
)
async def test_there_is_nothing_else(path: str):
    async with running_gateway() as gateway:
        answer = await gateway.get(path)
    assert answer.error == (404, "not_found")


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nowhere", "/collect", "/collect.gif"])
async def test_every_answer_has_the_security_headers(path: str):
    async with running_gateway() as gateway:
        answer = await gateway.get(path)
    for name, value in SECURITY.items():
        assert answer.header(name) == value
    assert answer.header("server") is None


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics"])
async def test_probes_take_get_and_head_only(path: str):
    async with running_gateway() as gateway:
        assert (await gateway.request("HEAD", path)).status == 200
        assert (await gateway.request("HEAD", path)).body == b""
        assert (await gateway.post(b"{}", path=path)).error == (405, "method_not_allowed")


async def test_the_front_page_says_what_this_is():
    async with running_gateway() as gateway:
        answer = await gateway.get("/")
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert b"<title>Shopalytic</title>" in answer.body


async def test_the_contract_can_be_downloaded():
    async with running_gateway() as gateway:
        answer = await gateway.get("/shopalytic.v1.binpb")
    assert answer.body == (files("shopalytic") / "shopalytic.v1.binpb").read_bytes()


@needs_tag
async def test_the_tag_is_cached_shortly_by_its_name_and_for_ever_by_its_version():
    async with running_gateway() as gateway:
        plain = await gateway.get("/shopalytic.js")
        version = (plain.header("etag") or "").strip('W/"')
        versioned = await gateway.get(f"/shopalytic.{version}.js")
        outdated = await gateway.get("/shopalytic.0123456789abcdef.js")
    assert plain.header("content-type") == "text/javascript; charset=utf-8"
    assert plain.header("cache-control") == "public, max-age=300"
    assert versioned.header("cache-control") == "public, max-age=31536000, immutable"
    assert outdated.header("cache-control") == "public, max-age=300"
    assert plain.body == versioned.body == outdated.body
    assert plain.header("access-control-allow-origin") == "*"
    assert plain.header("cross-origin-resource-policy") == "cross-origin"


@needs_tag
async def test_the_tag_is_not_sent_again_to_those_who_have_it():
    async with running_gateway() as gateway:
        etag = (await gateway.get("/shopalytic.js")).header("etag")
        known = await gateway.get("/shopalytic.js", if_none_match=f'"old", {etag}')
        other = await gateway.get("/shopalytic.js", if_none_match='"old"')
    assert (known.status, known.body) == (304, b"")
    assert other.status == 200


@needs_tag
async def test_the_tag_is_zipped_for_those_who_can_read_it():
    async with running_gateway() as gateway:
        plain = await gateway.get("/shopalytic.js", accept_encoding="gzip;q=0")
        zipped = await gateway.get("/shopalytic.js", accept_encoding="br, gzip")
    assert plain.header("content-encoding") is None
    assert zipped.header("content-encoding") == "gzip"
    assert gzip.decompress(zipped.body) == plain.body
    assert zipped.header("vary") == "Accept-Encoding"


@needs_tag
async def test_a_renamed_tag_sends_to_the_renamed_path():
    async with running_gateway(script_path="/assets/lib/s.js", collect_path="/in/box") as gateway:
        script = await gateway.get("/assets/lib/s.js")
        stub = await gateway.get("/assets/lib/s-stub.js")
        assert (await gateway.get("/shopalytic.js")).status == 404
    # The tag sends beside its script, and browsers resolve the dots.
    assert b"/../../in/box?token=" in script.body
    assert b'"/collect"' not in script.body
    assert stub.status == 200


async def test_a_build_without_the_tag_says_so(tmp_path):
    missing = StaticFile.load(tmp_path / "shopalytic.js", b"text/javascript")
    assert missing is None
    route = StaticRoute("script", missing, "No tag here.")
    server = HttpServer(Middleware(Router([Route("/x.js", route)]), Metrics(), 1_000), GatewayOptions(port=0))
    port = await server.start()
    try:
        answer = await fetch(port, "GET", "/x.js")
    finally:
        await server.stop(5)
    assert answer.error == (404, "not_found")
    assert answer.json["error"]["message"] == "No tag here."


@pytest.mark.parametrize("options", [{"host": "0.0.0.0"}, {"trusted_proxies": 1}])
async def test_metrics_that_others_can_reach_need_a_key(options: dict[str, Any]):
    async with running_gateway(**options) as gateway:
        assert (await gateway.get("/metrics")).error == (401, "unauthenticated")
        gateway.admission.unknown = {KEY.replace("0", "x")}
        wrong = await gateway.get("/metrics", authorization=f"Bearer {KEY.replace('0', 'x')}")
        assert wrong.error == (401, "unauthenticated")
        assert (await gateway.get("/metrics", authorization=f"Bearer {KEY}")).status == 200
        assert (KEY, "shopalytic.v1.ReportService") in gateway.admission.asked


async def test_metrics_that_came_through_a_proxy_need_a_key():
    async with running_gateway() as gateway:
        assert (await gateway.get("/metrics", x_forwarded_for="192.0.2.1")).status == 401
        assert (await gateway.get("/metrics")).status == 200


@pytest.mark.parametrize("is_there", [False, True])
async def test_a_tag_that_cannot_be_served_is_told_once_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_there: bool
) -> None:
    if is_there:
        (tmp_path / "shopalytic.js").mkdir()
    monkeypatch.setattr(static, "static_folder", lambda: tmp_path)
    with caplog.at_level(logging.WARNING):
        async with running_gateway(script_path="/t/own.js") as gateway:
            for _ in range(3):
                assert (await gateway.get("/t/own.js")).status == 404
    [line] = [each.getMessage() for each in caplog.records if "[no_tag]" in each.getMessage()]
    assert "pages that ask for /t/own.js get 404" in line
