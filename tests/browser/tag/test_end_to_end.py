"""The tag, the gateway, the collector and PostgreSQL together: what a shop sees of its visitors."""

import json

import pytest

from browser.tag.scripted_shop import COOKIE, REPOSITORY
from browser.tag.site import Site
from browser.visitor import Visitor
from running.running_service import Service
from shopalytic.v1 import admin_pb2, events_pb2
from shopalytic.v1.admin_pb2_grpc import AdminServiceStub

VECTORS = REPOSITORY / "tests" / "vectors"
KINDS = {
    field.name
    for field in events_pb2.Event.DESCRIPTOR.oneofs_by_name["payload"].fields
    if field.name != "undecoded"
}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def site(shop, service):
    return Site(shop, service)


def see(sku):
    return f"return shopalytic.track('product_view', {{sku: '{sku}', name: 'Thing', price: 9.99}})"


def test_two_browsers_and_one_identity_are_one_customer_with_both_histories(site, visitor):
    site.add_page("/")
    visitor.visit(site.url("/"))
    assert visitor.run(see("at-home"))["status"] == "ACCEPTED"
    with Visitor() as elsewhere:
        elsewhere.visit(site.url("/"))
        elsewhere.run(see("at-work"))
        elsewhere.run("return shopalytic.identify('two-browsers')")
        assert site.skus("two-browsers") == ["at-work"]
        # From here on the past of this browser is the customer's too.
        visitor.run("return shopalytic.identify('two-browsers')")
        tracking_ids = {site.tracking_id(visitor), site.tracking_id(elsewhere)}
        assert elsewhere.complaints() == []
    customer = site.customer("two-browsers")
    assert set(customer["tracking_ids"]) == tracking_ids
    assert len(tracking_ids) == 2
    assert sorted(site.skus("two-browsers")) == ["at-home", "at-work"]
    assert len(site.events("two-browsers", "page_view")) == 2


def test_an_order_in_the_browser_is_the_customers_who_signs_in_later(site, visitor):
    site.add_page("/")
    visitor.visit(site.url("/"))
    verdict = visitor.run("""return shopalytic.track('order', {
        order_id: 'o-browser', cart_id: 'c-browser', total: 19.98, subtotal: '19.98',
        line_items: [{sku: 's', price: 9.99, qty: 2}], currency: 'EUR', order_date: new Date(),
    })""")
    assert verdict["status"] == "ACCEPTED"
    visitor.run("return shopalytic.identify('buyer')")
    customer = site.customer("buyer")
    assert customer["orders"] == {"EUR": 1}
    assert customer["gross"] == {"EUR": "19.98"}


def test_after_reset_the_next_person_at_the_computer_is_somebody_else(site, visitor):
    site.add_page("/")
    visitor.visit(site.url("/"))
    visitor.run("shopalytic.identify('first-person')")
    visitor.run(see("of-the-first"))
    first = site.tracking_id(visitor)
    visitor.run("shopalytic.reset()")
    visitor.run(see("of-nobody-yet"))
    visitor.run("shopalytic.identify('second-person')")
    visitor.run(see("of-the-second"))
    assert site.tracking_id(visitor) != first
    assert site.skus("first-person") == ["of-the-first"]
    assert site.skus("second-person") == ["of-nobody-yet", "of-the-second"]
    assert site.customer("first-person")["customer_id"] != site.customer("second-person")["customer_id"]


def test_without_reset_two_people_at_one_computer_stay_apart_by_their_identities(site, visitor):
    site.add_page("/")
    visitor.visit(site.url("/"))
    visitor.run("shopalytic.identify('owner')")
    visitor.run(see("of-the-owner"))
    visitor.run("shopalytic.identify('guest-of-owner')")
    visitor.run(see("of-the-guest"))
    assert site.skus("owner") == ["of-the-owner"]
    assert site.skus("guest-of-owner") == ["of-the-guest"]


def test_sub_domains_share_one_visitor(site, visitor):
    site.add_page("/", host="www.shop.test")
    site.add_page("/pay", host="pay.shop.test")
    visitor.visit(site.url("/", host="www.shop.test"))
    visitor.run(see("seen"))
    visitor.visit(site.url("/pay", host="pay.shop.test"))
    visitor.run("return shopalytic.identify('across')")
    assert site.skus("across") == ["seen"]
    assert site.customer("across")["tracking_ids"] == [site.tracking_id(visitor, "pay.shop.test")]
    cookie = visitor.cookies(site.gateway("www.shop.test"))[COOKIE]
    assert cookie["domain"] == ".shop.test"
    assert cookie["sameSite"] == "Lax"
    assert cookie["expires"] > 0


def test_without_the_shared_cookie_each_sub_domain_has_its_own_visitor(site, visitor):
    apart = "{cross_subdomain_cookie: false}"
    site.add_page("/", host="www.shop.test", options=apart)
    site.add_page("/pay", host="pay.shop.test", options=apart)
    visitor.visit(site.url("/", host="www.shop.test"))
    visitor.run(see("seen"))
    visitor.visit(site.url("/pay", host="pay.shop.test"))
    visitor.run("return shopalytic.identify('apart')")
    assert site.skus("apart") == []
    assert site.tracking_id(visitor, "www.shop.test") != site.tracking_id(visitor, "pay.shop.test")
    assert visitor.cookies(site.gateway("www.shop.test"))[COOKIE]["domain"] == "www.shop.test"


def test_a_page_left_during_a_send_is_stored_once(site, visitor):
    site.add_page("/", "shopalytic.identify('leaves-early');")
    site.add_page("/next")
    visitor.visit(site.url("/"))
    visitor.until("shopalytic.version")
    visitor.run("""
        shopalytic.track('product_view', {sku: 'last-look', name: 'Thing', price: 1});
        location.assign('/next');
    """)
    visitor.until("location.pathname === '/next' && shopalytic.version")
    visitor.run(see("on-the-next-page"))
    assert site.skus("leaves-early") == ["last-look", "on-the-next-page"]
    assert len(site.events("leaves-early", "page_view")) == 2


def test_a_strict_policy_needs_the_gateway_and_nothing_inline(site, visitor):
    gateway = site.gateway("www.shop.test")
    own = site.url("")
    policy = f"default-src 'none'; script-src {own} {gateway}; connect-src {gateway}"
    site.pages.page_headers = {"content-security-policy": policy}
    site.pages.pages["/app.js"] = "window.verdict = shopalytic.identify('strict');"
    site.pages.pages["/"] = (
        f"<!doctype html><title>Strict</title><script src='{gateway}/shopalytic-stub.js'"
        f" data-token='{site.key}'></script><script src='/app.js'></script>"
    )
    visitor.visit(site.url("/"))
    assert visitor.run("return verdict")["status"] == "ACCEPTED"
    assert [view["properties"]["title"] for view in site.events("strict", "page_view")] == ["Strict"]


def test_a_page_whose_calls_carry_headers_of_tracing_is_served(site, visitor):
    trace = "{'sentry-trace': 'a-b-1', baggage: 'k=v', traceparent: '00-1-2-01'}"
    patched = (
        "<script>const plain = window.fetch; window.fetch = (url, init) =>"
        f" plain(url, {{...init, headers: {{...init?.headers, ...{trace}}}}});</script>"
    )
    site.add_page("/", head=patched)
    visitor.visit(site.url("/"))
    assert visitor.run(see("traced"))["status"] == "ACCEPTED"
    assert site.skus(site.tracking_id(visitor)) == ["traced"]


LONG = "p" * 8100
EMOJI = "%F0%9F%98%80"


@pytest.mark.parametrize(
    ("query", "title"),
    [
        (f"utm_campaign={'c' * 499}{EMOJI}", "T" * 999 + "😀"),
        (f"utm_campaign={'c' * 500}{EMOJI}&utm_term={EMOJI * 501}", "😀" * 1001),
        (f"utm_source=s&long={LONG}{EMOJI * 10}", "cut off by the shop \ud83d"),
        (f"utm_source=%ff%F0%9F&long={LONG}{'%C3%A4' * 30}", "\u2028 \0"),
    ],
)
def test_whatever_the_address_and_the_title_the_page_is_counted(site, visitor, query, title):
    site.add_page("/", "window.verdict = shopalytic.identify('reader');")
    visitor.visit(site.url(f"/?{query}"))
    visitor.run(f"document.title = {json.dumps(title)}")
    assert visitor.run("return verdict")["status"] == "ACCEPTED"
    verdict = visitor.run("return shopalytic.track('product_view', {sku: 's', name: 'n', price: 1})")
    assert verdict["status"] == "ACCEPTED", verdict
    view = site.events("reader", "page_view")[-1]
    assert view["properties"]["url"].startswith(site.url(f"/?{query[:11]}"))


ODD = {
    "order_date": "new Date('x')",
    "total": "NaN",
    "total_tax": "Infinity",
    "total_shipping": "() => 1",
    "total_discount": "-Infinity",
    "subtotal": "10n ** 30n",
    "line_items": "[undefined]",
    "billing": "NaN",
    "order_id": "() => 1",
    "payment_type": "Object(1)",
}


@pytest.mark.parametrize("field", ODD)
def test_a_value_that_json_does_not_know_is_named_by_the_verdict(site, visitor, field):
    site.add_page("/")
    visitor.visit(site.url("/"))
    verdict = visitor.run(f"""return shopalytic.track('order', {{
        order_id: 'odd', cart_id: 'c', total: 24.98, subtotal: '19.98',
        line_items: [{{sku: 's', price: 9.99, qty: 2}}], {field}: {ODD[field]},
    }})""")
    assert verdict["status"] == "QUARANTINED", verdict
    assert any(violation["field"].startswith(f"order.{field}") for violation in verdict["violations"]), (
        verdict
    )


def test_numbers_and_times_of_other_kinds_are_taken_for_what_they_are(site, visitor):
    site.add_page("/")
    visitor.visit(site.url("/"))
    verdict = visitor.run("""return shopalytic.track('order', {
        order_id: 'kinds', cart_id: 'c', total: {toJSON: () => '24.98'}, subtotal: '19.98',
        line_items: [{sku: 's', price: 9.99, qty: 2n}], order_date: new Date(1772445600250),
    })""")
    assert verdict["status"] == "ACCEPTED", verdict


def test_a_wrong_key_is_told_to_the_caller(site, visitor):
    site.key = "shop_browser_" + "x" * 43
    site.add_page("/")
    visitor.visit(site.url("/"))
    verdict = visitor.run(see("never"))
    assert verdict["status"] == "REJECTED"
    assert verdict["violations"][0]["rule_id"] == "http.401"


def test_types_that_the_project_keeps_from_browsers_are_refused_by_name(site, visitor):
    site.add_page("/")
    visitor.visit(site.url("/"))
    verdict = visitor.run("return shopalytic.track('refund', {order_id: 'o', refund_type: 'full'})")
    assert (verdict["status"], verdict["violations"][0]["rule_id"]) == ("REJECTED", "key.event_type")


def test_another_identity_that_the_tag_does_not_remember_is_taken_after_one_that_it_does(site, visitor):
    site.add_page("/")
    visitor.visit(site.url("/"))
    assert visitor.run("return shopalytic.identify('plain-one')")["status"] == "ACCEPTED"
    assert visitor.run("return shopalytic.identify('+49 170 5550')")["status"] == "ACCEPTED"


def vectors():
    """The shared vectors but those about the envelope, which the tag makes itself."""
    for file in sorted(VECTORS.glob("*.json")):
        for vector in json.loads(file.read_text()) if file.stem != "envelope" else ():
            about_properties = all(v["field"].startswith(file.stem) for v in vector.get("violations", ()))
            if about_properties:
                yield file.stem, vector


def allow_browsers_everything(service, visitor):
    """Changes the project's setting, and waits until the collector has noticed."""
    every = sorted({kind for kind, _ in vectors()})
    update = admin_pb2.UpdateProjectRequest(browser_event_types=admin_pb2.EventTypes(types=every))
    with service.channel() as channel:
        AdminServiceStub(channel).UpdateProject(update, metadata=service.metadata("admin"))
    trial = "shopalytic.track('refund', {order_id: 'trial', refund_type: 'full'})"
    visitor.run(f"""return (async () => {{
        while ((await {trial}).status === 'REJECTED') await new Promise((next) => setTimeout(next, 50));
    }})()""")
    return every


def summary(verdict):
    """A verdict without what the envelope adds: an identity of the page beside a refused one."""
    fields = {violation["field"] for violation in verdict.get("violations", ())}
    return verdict["status"], sorted(fields - {"identity"})


def test_every_kind_of_event_gets_the_verdict_that_the_vectors_say(site, service, visitor):
    cases = [vector for _, vector in vectors()]
    calls = [[case["event"]["type"], case["event"]["properties"]] for case in cases]
    site.pages.pages["/calls.js"] = f"window.calls = {json.dumps(calls)};"
    site.add_page("/", head="<script src='/calls.js'></script>", options="{autotrack: false}")
    visitor.visit(site.url("/"))
    assert set(allow_browsers_everything(service, visitor)) == KINDS
    verdicts = visitor.run(
        "return Promise.all(calls.map(([type, properties]) => shopalytic.track(type, properties)))"
    )
    told = [(case["name"], *summary(verdict)) for case, verdict in zip(cases, verdicts, strict=True)]
    assert told == [(case["name"], *summary(case)) for case in cases]
