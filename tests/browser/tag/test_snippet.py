"""The snippet: before and after the script, the script blocked, and pages that forbid inline scripts."""

import pytest

from browser.tag.scripted_shop import DIST, KEY, REPOSITORY, snippet

CALLS = [
    "shopalytic.track('cart_add', {cart_id: 'c1', sku: 's1', price: '9.99', qty: 1});",
    "shopalytic.identify('ann');",
    "shopalytic.alias('ann@example.com');",
    "shopalytic.track('customer_update', {first_name: 'Ann'});",
]


def test_calls_made_before_the_script_has_loaded_are_done_in_order(shop, visitor):
    shop.script_gate.clear()
    shop.add_page("/", *CALLS)
    visitor.visit(shop.url())
    assert visitor.run("return shopalytic.q.length") == 5
    shop.script_gate.set()
    shop.until_events(5)
    assert shop.types() == ["page_view", "cart_add", "identify", "alias", "customer_update"]
    assert [event.get("identity") for event in shop.events] == [None, None, "ann", "ann", "ann"]


def test_calls_made_after_the_script_has_loaded_are_done_in_order(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    visitor.run("\n".join(CALLS))
    shop.until_events(5)
    assert shop.types() == ["page_view", "cart_add", "identify", "alias", "customer_update"]


def test_calls_through_functions_taken_from_the_stub_still_arrive(shop, visitor):
    shop.add_page("/", "window.early = shopalytic.track;")
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    verdict = visitor.run("return early('customer_update', {first_name: 'Ann'})")
    assert verdict["status"] == "ACCEPTED"


def test_a_reset_before_the_script_has_loaded_is_done_at_its_place(shop, visitor):
    shop.add_page("/", "shopalytic.identify('ann');", "shopalytic.reset();", CALLS[0])
    visitor.visit(shop.url())
    shop.until_events(3)
    assert shop.types() == ["page_view", "identify", "cart_add"]
    assert "identity" not in shop.events[2]
    assert [sent.body.get("reset") for sent in shop.requests] == [None, True]


def test_a_blocked_script_leaves_every_call_harmless(shop, visitor):
    shop.script_missing = True
    shop.add_page("/", "window.verdict = shopalytic.track('customer_update', {first_name: 'Ann'});")
    visitor.visit(shop.url())
    assert visitor.run("return verdict")["violations"][0]["rule_id"] == "tag.blocked"
    later = visitor.run(
        "shopalytic.reset(); shopalytic.identify('ann'); return shopalytic.track('order', undefined)"
    )
    assert later["status"] == "REJECTED"
    assert shop.requests == []


def test_the_snippet_twice_loads_and_counts_once(shop, visitor):
    shop.add_page("/", f"{snippet('/shopalytic.js')}", f"shopalytic.init('{KEY}');")
    visitor.visit(shop.url())
    shop.until_events(1)
    assert visitor.run("return document.querySelectorAll('script[src]').length") == 1
    visitor.run("return shopalytic.track('customer_update', {first_name: 'Ann'})")
    assert shop.types() == ["page_view", "customer_update"]


def test_the_script_loaded_twice_counts_once(shop, visitor):
    shop.add_page("/", head="<script src='/shopalytic.js'></script><script src='/shopalytic.js'></script>")
    visitor.visit(shop.url())
    visitor.run("return shopalytic.track('customer_update', {first_name: 'Ann'})")
    assert shop.types() == ["page_view", "customer_update"]


def test_a_page_that_forbids_inline_scripts_uses_the_stub_as_a_file(shop, visitor):
    own, other = shop.url("", host="www.shop.test"), shop.url("", host="events.shop.test")
    shop.page_headers = {
        "content-security-policy": f"default-src 'none'; script-src {own} {other}; connect-src {other}"
    }
    shop.pages["/app.js"] = "shopalytic.identify('ann');"
    shop.pages["/"] = (
        "<!doctype html><title>Strict</title>"
        f"<script src='{other}/shopalytic-stub.js' data-token='{KEY}'"
        """ data-options='{"source": "strict"}'></script><script src='/app.js'></script>"""
    )
    visitor.visit(f"{own}/")
    shop.until_events(2)
    assert shop.types() == ["page_view", "identify"]
    assert {event["source"] for event in shop.events} == {"strict"}


def test_a_strict_page_without_the_permission_to_connect_keeps_working(shop, visitor):
    own, other = shop.url("", host="www.shop.test"), shop.url("", host="events.shop.test")
    shop.page_headers = {"content-security-policy": f"default-src 'none'; script-src {own} {other}"}
    shop.pages["/app.js"] = "window.ran = true;"
    shop.pages["/"] = (
        f"<!doctype html><script src='{other}/shopalytic-stub.js' data-token='{KEY}'></script>"
        "<script src='/app.js'></script>"
    )
    visitor.visit(f"{own}/")
    visitor.until("window.ran")
    visitor.until_kept(1)
    complaints = visitor.complaints()
    assert complaints
    assert all("connect-src" in line or "Content Security Policy" in line for line in complaints)


ELEMENTS = [
    "<div id=shopalytic></div>",
    "<form id=shopalytic><input name=q><input name=track><input name=version></form>",
    "<iframe name=shopalytic></iframe>",
    "<img name=currentScript><img name=referrer><img name=title>",
    "<script>var shopalytic;</script>",
    "<script>window.shopalytic = {theme: 'dark'};</script>",
]


@pytest.mark.parametrize("element", ELEMENTS)
def test_what_has_the_name_before_the_snippet_is_no_tag(shop, visitor, element):
    shop.add_page(
        "/", "window.verdict = shopalytic.track('customer_update', {first_name: 'A'});", head=element
    )
    visitor.visit(shop.url())
    shop.until_events(2)
    assert shop.types() == ["page_view", "customer_update"]
    assert visitor.run("return verdict")["status"] == "ACCEPTED"


def test_an_element_of_the_name_does_not_keep_the_script_from_starting_without_the_stub(shop, visitor):
    shop.pages["/"] = (
        "<!doctype html><div id=shopalytic></div><script src='/shopalytic.js'></script>"
        f"<script>shopalytic.init('{KEY}');</script>"
    )
    visitor.visit(shop.url())
    shop.until_events(1)


def test_the_snippet_and_the_files_may_be_modules(shop, visitor):
    other = shop.url("", host="127.0.0.1")
    init = f"shopalytic.init('{KEY}', {{source: 'module'}});"
    shop.pages["/snippet"] = (
        f"<!doctype html><script type=module>{snippet('/shopalytic.js')}\n{init}</script>"
    )
    shop.pages["/script"] = (
        f"<!doctype html><script type=module src='{other}/shopalytic.js'></script>"
        f"<script type=module>{init}</script>"
    )
    shop.pages["/stub"] = (
        f"<!doctype html><script type=module src='{other}/shopalytic-stub.js' data-token='{KEY}'></script>"
    )
    for count, path in enumerate(("/snippet", "/script", "/stub"), 1):
        visitor.visit(shop.url(path))
        shop.until_events(count)
    hosts = [sent.headers["host"].partition(":")[0] for sent in shop.requests]
    assert hosts == ["localhost", "127.0.0.1", "127.0.0.1"]


def test_a_script_that_cannot_know_its_address_says_so(shop, visitor):
    script = (DIST / "shopalytic.js").read_text()
    shop.pages["/"] = (
        f"<!doctype html><script>{script}</script><script>shopalytic.init('{KEY}');"
        "window.verdict = shopalytic.track('customer_update', {first_name: 'Ann'});</script>"
    )
    visitor.visit(shop.url())
    violation = visitor.run("return verdict")["violations"][0]
    assert (violation["rule_id"], violation["message"]) == ("tag.disabled", "no endpoint")
    assert shop.requests == []


@pytest.mark.parametrize("kind", ["text/javascript", "module"])
def test_a_page_that_wants_nonces_gives_its_own_to_the_script(shop, visitor, kind):
    shop.page_headers = {"content-security-policy": "default-src 'self'; script-src 'nonce-zorba'"}
    shop.pages["/"] = (
        f"<!doctype html><script type='{kind}' nonce=zorba>{snippet('/shopalytic.js')}\n"
        f"shopalytic.init('{KEY}');</script>"
    )
    visitor.visit(shop.url())
    shop.until_events(1)


@pytest.mark.parametrize("names", ["", "; trusted-types shopalytic", "; trusted-types other"])
def test_a_page_with_trusted_types_loads_the_script_if_it_may(shop, visitor, names):
    shop.page_headers = {"content-security-policy": f"require-trusted-types-for 'script'{names}"}
    shop.add_page("/", "window.verdict = shopalytic.track('customer_update', {first_name: 'Ann'});")
    visitor.visit(shop.url())
    verdict = visitor.run("return verdict")
    if "other" in names:
        assert verdict["violations"][0]["rule_id"] == "tag.blocked"
        assert "TrustedScriptURL" in verdict["violations"][0]["message"]
        assert all("Trusted" in line or "trusted" in line for line in visitor.complaints())
    else:
        assert verdict["status"] == "ACCEPTED"


def test_no_call_throws_or_rejects_whatever_it_is_given(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    rules = visitor.run("""
        const circle = {}; circle.self = circle;
        const trap = {get sku() { throw new Error('trap'); }};
        const given = [undefined, null, 5, 'text', Symbol('s'), circle, trap, window, document.body, () => 1];
        return (async () => {
            const rules = [];
            for (const value of given) {
                for (const verdict of [
                    await shopalytic.track('order', value), await shopalytic.track(value, {}),
                    await shopalytic.identify(value), await shopalytic.alias(value, value),
                ]) rules.push(verdict.violations[0]?.rule_id ?? verdict.status);
            }
            shopalytic.init(KEY = Symbol('key')); shopalytic.consent(circle); shopalytic.init();
            return rules;
        })()
    """)
    assert set(rules) <= {"ACCEPTED", "tag.failed"}
    assert rules.count("tag.failed") >= 3


def test_the_readme_has_the_snippet_that_the_build_makes():
    readme = (REPOSITORY / "clients" / "javascript" / "README.md").read_text()
    built = (DIST / "snippet.js").read_text().strip().replace("SCRIPT_URL", "https://YOUR-HOST/shopalytic.js")
    assert built in readme
