"""The snippet: before and after the script, the script blocked, and pages that forbid inline scripts."""

from browser.scripted_shop import DIST, KEY, REPOSITORY, snippet

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


def test_the_readme_has_the_snippet_that_the_build_makes():
    readme = (REPOSITORY / "clients" / "javascript" / "README.md").read_text()
    built = (DIST / "snippet.js").read_text().strip().replace("SCRIPT_URL", "https://YOUR-HOST/shopalytic.js")
    assert built in readme
