"""Which web pages may call what."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.gateway.http.cors import collect_headers
from shopalytic_server.gateway.http.cors import preflight as preflight_headers
from standins.gateway import PAGE_VIEW, Answer, running_gateway

SHOP = "https://shop.example"
EVIL = "https://evil.example"
TOKEN = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"


def preflight(origin: str) -> dict[str, str]:
    return {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }


async def test_any_page_may_send_events_with_its_cookie_and_read_the_verdicts():
    async with running_gateway() as gateway:
        answer = await gateway.collect(PAGE_VIEW, headers={"origin": EVIL})
    assert answer.header("access-control-allow-origin") == EVIL
    assert answer.header("access-control-allow-credentials") == "true"
    assert answer.header("vary") == "Origin"
    assert answer.header("cross-origin-resource-policy") == "cross-origin"


async def test_refusals_can_be_read_too():
    async with running_gateway() as gateway:
        answer = await gateway.post(b"not json", {"origin": EVIL})
    assert answer.status == 400
    assert answer.header("access-control-allow-origin") == EVIL
    assert answer.header("access-control-expose-headers") == "retry-after"


async def test_the_preflight_of_collect_is_good_for_a_day():
    async with running_gateway() as gateway:
        answer = await gateway.request("OPTIONS", "/collect", None, preflight(EVIL))
    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("access-control-allow-origin") == EVIL
    assert answer.header("access-control-allow-methods") == "POST"
    assert "content-type" in (answer.header("access-control-allow-headers") or "")
    assert answer.header("access-control-max-age") == "86400"


TRACING = ("sentry-trace", "baggage", "traceparent", "tracestate", "x-datadog-trace-id", "newrelic")


async def asked(names: str, path: str = "/collect", **options: Any) -> Answer:
    headers = {**preflight(SHOP), "access-control-request-headers": names}
    async with running_gateway(**options) as gateway:
        return await gateway.request("OPTIONS", path, None, headers)


def allowed(answer: Answer) -> list[str]:
    return (answer.header("access-control-allow-headers") or "").split(", ")


@pytest.mark.parametrize("path", ["/collect", "/shopalytic.v1.CollectorService/Track"])
async def test_a_page_whose_calls_carry_headers_of_tracing_may_send(path: str):
    answer = await asked(", ".join(["content-type", *TRACING]), path, cors_origins=(SHOP,))
    assert answer.status == 204
    assert {"content-type", "authorization", *TRACING} <= set(allowed(answer))
    assert answer.header("vary") == "Origin, Access-Control-Request-Headers"


@pytest.mark.parametrize(
    "names",
    [
        "x y",
        "a\tb",
        "bad(name)",
        'q"uote',
        "caf\xe9",
        "x" * 101,
        ",".join(f"x-{number}" for number in range(101)),
    ],
)
async def test_what_are_no_names_of_headers_are_not_repeated(names: str):
    answer = await asked(names)
    assert answer.status == 204
    assert allowed(answer) == ["content-type", "content-encoding", "authorization"]


@given(st.lists(st.text(TOKEN, min_size=1, max_size=100), max_size=30))
def test_any_names_of_headers_are_allowed_once(names: list[str]):
    origin = (b"origin", SHOP.encode())
    headers = [origin, (b"access-control-request-headers", ",".join(names).encode())]
    scope = {"headers": headers}
    answer = dict(preflight_headers(scope, collect_headers(scope), b"POST", ("content-type",)))
    found = answer[b"access-control-allow-headers"].decode().split(", ")
    assert len(found) == len(set(found))
    assert set(found) == {"content-type", *(name.lower() for name in names)}


async def test_no_page_may_call_rpcs_unless_its_origin_is_allowed():
    path = "/shopalytic.v1.ReportService/GetCustomer"
    async with running_gateway(cors_origins=(SHOP,)) as gateway:
        for origin, allowed in ((SHOP, SHOP), (EVIL, None), ("null", None), (SHOP + ".evil.example", None)):
            asked = await gateway.request("OPTIONS", path, None, preflight(origin))
            called = await gateway.rpc(
                "ReportService/GetCustomer", b'{"customer": {"identity": "ada"}}', {"origin": origin}
            )
            assert asked.header("access-control-allow-origin") == allowed
            assert called.header("access-control-allow-origin") == allowed
            assert (asked.header("access-control-allow-headers") is None) == (allowed is None)
            assert called.header("vary") == "Origin"
            assert asked.header("vary") == "Origin, Access-Control-Request-Headers"


async def test_errors_of_rpcs_are_readable_for_allowed_origins():
    async with running_gateway(cors_origins=(SHOP,)) as gateway:
        answer = await gateway.rpc("ReportService/GetCustomer", b"{}", {"origin": SHOP})
        unreadable = await gateway.rpc("ReportService/GetCustomer", b"{", {"origin": SHOP})
    assert answer.status == 404
    assert answer.header("access-control-allow-origin") == SHOP
    assert unreadable.header("access-control-allow-origin") == SHOP


async def test_nothing_else_can_be_read_from_other_pages():
    async with running_gateway(cors_origins=(SHOP,)) as gateway:
        for path in ("/", "/healthz", "/readyz", "/metrics", "/nowhere"):
            answer = await gateway.get(path, origin=SHOP)
            assert answer.header("access-control-allow-origin") is None
            assert answer.header("cross-origin-resource-policy") == "same-origin"
