"""The tracking cookie: who gets which, on which host, and what retries and resets do."""

import uuid

import pytest

from standins.gateway import KEY, PAGE_VIEW, running_gateway

NAME = "shopalytic_id"
KNOWN = "0198c0de-1111-7000-8000-000000000001"


async def test_a_new_visitor_gets_a_cookie_and_the_events_its_id():
    async with running_gateway() as gateway:
        answer = await gateway.collect(PAGE_VIEW, PAGE_VIEW, headers={"host": "www.shop.example"})
        events = gateway.collector.events
    tracking_id = answer.json["tracking_id"]
    assert answer.cookie == {
        NAME: tracking_id,
        "max-age": str(400 * 24 * 3600),
        "path": "/",
        "samesite": "Lax",
        "domain": "shop.example",
    }
    assert [event.tracking_id for event in events] == [tracking_id, tracking_id]
    assert uuid.UUID(tracking_id)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("shop.example", "shop.example"),
        ("a.b.shop.example:8443", "shop.example"),
        ("www.shop.co.uk", "shop.co.uk"),
        ("WWW.Shop.Co.UK.", "shop.co.uk"),
        ("co.uk", None),
        ("github.io", None),
        ("ada.github.io", "ada.github.io"),
        ("shop.ada.github.io", "ada.github.io"),
        ("localhost:8080", None),
        ("127.0.0.1:8080", None),
        ("[::1]:8080", None),
        ("a.localtest", "a.localtest"),
        ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
        ("bad host;domain=evil", None),
        ("..", None),
        ("", None),
    ],
)
async def test_the_domain_is_the_shops_own_and_never_a_public_suffix(host: str, domain: str | None):
    async with running_gateway() as gateway:
        answer = await gateway.collect(PAGE_VIEW, headers={"host": host})
    assert answer.status == 200
    assert answer.cookie.get("domain") == domain
    assert NAME in answer.cookie


SITE = {"sec-fetch-site": "same-site"}


@pytest.mark.parametrize(
    ("headers", "domain"),
    [
        # A proxy replaced Host, and nobody says what it was.
        ({"host": "cluster.local", "origin": "https://www.shop.example"}, None),
        ({"host": "cluster.local", "referer": "https://www.shop.example/a"}, None),
        ({"host": "cluster.local", "origin": "https://www.shop.example:8443", **SITE}, "shop.example"),
        ({"host": "cluster.local", "origin": "http://localhost:3000", **SITE}, None),
        # The page is of another site than we are.
        ({"host": "stats.vendor.example", "origin": "https://www.shop.example"}, None),
        ({"host": "notshop.example", "origin": "https://www.shop.example"}, None),
        ({"host": "shop.example", "origin": "https://notshop.example"}, None),
        ({"host": "shop.example", "origin": "null"}, None),
        ({"host": "a.github.io", "origin": "https://b.github.io"}, None),
        ({"host": "stats.shop.example", "origin": "https://www.shop.example"}, "shop.example"),
        ({"host": "stats.shop.example", "origin": "https://shop.example"}, "shop.example"),
        ({"host": "stats.shop.example"}, "shop.example"),
    ],
)
async def test_a_domain_that_the_page_is_not_under_is_never_set(headers: dict[str, str], domain: str | None):
    async with running_gateway() as gateway:
        answer = await gateway.collect(PAGE_VIEW, headers=headers)
    assert answer.cookie.get("domain") == domain
    assert NAME in answer.cookie


@pytest.mark.parametrize(
    "told",
    [
        {"x-forwarded-host": "stats.shop.example", "x-forwarded-proto": "https"},
        {"forwarded": 'for=203.0.113.9;proto=https;host="stats.shop.example:443"'},
    ],
)
async def test_a_trusted_proxy_says_what_host_was_asked(told: dict[str, str]):
    headers = {"host": "cluster.local", "origin": "https://www.shop.example", **told}
    async with running_gateway(trusted_proxies=1) as gateway:
        cookie = (await gateway.collect(PAGE_VIEW, headers=headers)).cookie
    assert cookie["domain"] == "shop.example"
    assert "secure" in cookie
    async with running_gateway() as gateway:
        cookie = (await gateway.collect(PAGE_VIEW, headers=headers)).cookie
    assert "domain" not in cookie
    assert "secure" not in cookie


async def test_sub_domains_can_be_kept_apart():
    async with running_gateway() as gateway:
        headers = {"host": "www.shop.example"}
        answer = await gateway.collect(PAGE_VIEW, headers=headers, cross_subdomain_cookie=False)
    assert "domain" not in answer.cookie


async def test_a_known_visitor_keeps_the_id_and_the_cookie_is_refreshed():
    async with running_gateway() as gateway:
        headers = {"cookie": f"other=1; {NAME}={KNOWN}; x=y"}
        answer = await gateway.collect(PAGE_VIEW, headers=headers, tracking_id="another-id-than-the-cookies")
        (event,) = gateway.collector.events
    assert answer.json["tracking_id"] == answer.cookie[NAME] == event.tracking_id == KNOWN


@pytest.mark.parametrize(
    "value", ["", "short", "x" * 65, "0198c0de 1111 7000", "<script>alert(1)<", "%00" * 8]
)
async def test_an_invalid_cookie_is_replaced(value: str):
    async with running_gateway() as gateway:
        answer = await gateway.collect(PAGE_VIEW, headers={"cookie": f"{NAME}={value}"})
    assert answer.cookie[NAME] == answer.json["tracking_id"] != value


async def test_of_two_cookies_the_valid_one_counts():
    async with running_gateway() as gateway:
        answer = await gateway.collect(PAGE_VIEW, headers={"cookie": f"{NAME}=bad; {NAME}={KNOWN}"})
    assert answer.json["tracking_id"] == KNOWN


async def test_an_events_own_tracking_id_is_never_overwritten():
    own = {**PAGE_VIEW, "tracking_id": "device-of-the-till"}
    async with running_gateway() as gateway:
        await gateway.collect(own, PAGE_VIEW, headers={"cookie": f"{NAME}={KNOWN}"})
        assert [event.tracking_id for event in gateway.collector.events] == ["device-of-the-till", KNOWN]


async def test_without_a_cookie_the_tags_proposal_counts_then_the_first_events_id():
    own = {**PAGE_VIEW, "tracking_id": KNOWN}
    async with running_gateway() as gateway:
        proposed = await gateway.collect(PAGE_VIEW, tracking_id="0198c0de-2222-7000-8000-000000000002")
        carried = await gateway.collect(own, PAGE_VIEW)
        nonsense = await gateway.collect(PAGE_VIEW, tracking_id="; Domain=evil.example")
    assert proposed.cookie[NAME] == "0198c0de-2222-7000-8000-000000000002"
    assert carried.cookie[NAME] == KNOWN
    assert uuid.UUID(nonsense.cookie[NAME])


async def test_a_first_request_repeated_because_its_answer_was_lost_makes_the_same_visitor():
    event = {**PAGE_VIEW, "event_id": str(uuid.uuid4())}
    async with running_gateway() as gateway:
        first = await gateway.collect(event)
        again = await gateway.collect({**event, "event_id": event["event_id"].upper()})
        other_visitor = await gateway.collect({**event, "event_id": str(uuid.uuid4())})
        other_shop = await gateway.collect(event, token=KEY.replace("0", "1"))
    assert first.json["tracking_id"] == again.json["tracking_id"]
    ids = {answer.json["tracking_id"] for answer in (first, other_visitor, other_shop)}
    assert len(ids) == 3


async def test_no_cookie_is_set_for_those_who_refuse_it():
    async with running_gateway() as gateway:
        anonymous = await gateway.collect(PAGE_VIEW, cookie=False)
        named = await gateway.collect({**PAGE_VIEW, "identity": "ada"}, cookie=False)
        first, second = gateway.collector.events
    assert anonymous.header("set-cookie") is None
    assert named.header("set-cookie") is None
    assert first.tracking_id == anonymous.json["tracking_id"]
    assert not second.HasField("tracking_id")


async def test_a_reset_makes_another_visitor_with_and_without_events():
    async with running_gateway() as gateway:
        headers = {"cookie": f"{NAME}={KNOWN}"}
        bare = await gateway.collect(headers=headers, reset=True)
        with_event = await gateway.collect(PAGE_VIEW, headers=headers, reset=True)
        proposed = await gateway.collect(headers=headers, reset=True, tracking_id="0198c0de-3333-7000")
        (event,) = gateway.collector.events
    assert bare.json["results"] == []
    ids = [answer.cookie[NAME] for answer in (bare, with_event, proposed)]
    assert KNOWN not in ids
    assert len(set(ids)) == 3
    assert event.tracking_id == ids[1]
    assert ids[2] == "0198c0de-3333-7000"


@pytest.mark.parametrize("signal", ["dnt", "sec-gpc"])
async def test_a_bare_reset_of_a_visitor_who_asks_for_privacy_ends_the_cookie(signal: str):
    async with running_gateway() as gateway:
        asks = {signal: "1"}
        known = await gateway.collect(headers={"cookie": f"{NAME}={KNOWN}", **asks}, reset=True)
        new = await gateway.collect(headers=asks, reset=True)
        # Whether the project respects the signal, the verdict on an event tells.
        event = await gateway.collect(PAGE_VIEW, headers=asks, tracking_id=known.json["tracking_id"])
    assert known.cookie["max-age"] == "0"
    assert known.json["tracking_id"] != KNOWN
    assert new.header("set-cookie") is None
    assert event.cookie[NAME] == known.json["tracking_id"]


async def test_secure_follows_the_scheme_that_a_trusted_proxy_says():
    headers = {"x-forwarded-proto": "https"}
    async with running_gateway() as gateway:
        assert "secure" not in (await gateway.collect(PAGE_VIEW, headers=headers)).cookie
    async with running_gateway(trusted_proxies=1) as gateway:
        assert "secure" in (await gateway.collect(PAGE_VIEW, headers=headers)).cookie
        assert "secure" not in (await gateway.collect(PAGE_VIEW)).cookie


async def test_the_cookie_can_be_renamed():
    async with running_gateway(cookie_name="visitor") as gateway:
        answer = await gateway.collect(PAGE_VIEW, headers={"cookie": f"visitor={KNOWN}"})
    assert answer.cookie["visitor"] == KNOWN


async def test_the_picture_uses_the_same_cookie():
    async with running_gateway() as gateway:
        path = f"/collect.gif?token={KEY}&url=https://shop.example/"
        answer = await gateway.get(path, cookie=f"{NAME}={KNOWN}", host="www.shop.example")
    assert answer.cookie[NAME] == KNOWN
    assert answer.cookie["domain"] == "shop.example"
