"""Which web pages may call what."""

from gateway_standins import PAGE_VIEW, running_gateway

SHOP = "https://shop.example"
EVIL = "https://evil.example"


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
