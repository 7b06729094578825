"""Each option of `init`, and the visitor's wish not to be followed."""

import pytest

from browser.tag.scripted_shop import COOKIE, KEY, accept, refuse

TRACK = "shopalytic.track('customer_update', {first_name: 'Ann'})"
GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
DNT = "Object.defineProperty(Navigator.prototype, 'doNotTrack', {get: () => '1'})"


def test_disabled_sends_nothing_stores_nothing_and_sets_no_cookie(shop, visitor):
    shop.add_page("/", f"window.verdict = {TRACK};", options="{disabled: true}")
    visitor.visit(shop.url())
    verdict = visitor.run("return verdict")
    assert verdict["status"] == "REJECTED"
    assert verdict["violations"][0]["rule_id"] == "tag.disabled"
    visitor.run("shopalytic.identify('ann'); shopalytic.reset(); history.pushState({}, '', '/a')")
    visitor.visit(shop.url("/elsewhere"))
    assert shop.requests == []
    assert visitor.run("return localStorage.length") == 0
    assert visitor.cookies(shop.url()) == {}


def test_consent_given_later_counts_the_page_from_then_on(shop, visitor):
    shop.add_page("/", options="{disabled: true}")
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    visitor.run(f"shopalytic.init('{KEY}', {{}})")
    shop.until_events(1)
    assert shop.types() == ["page_view"]


def test_consent_taken_back_stops_at_once(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until_stored(1)
    visitor.run(f"{TRACK}; shopalytic.init('{KEY}', {{disabled: true}}); history.pushState({{}}, '', '/a')")
    visitor.visit(shop.url("/elsewhere"))
    assert shop.types() == ["page_view"]


def test_source_labels_every_event(shop, visitor):
    shop.add_page("/", TRACK + ";", options="{source: 'web'}")
    visitor.visit(shop.url())
    assert [event["source"] for event in shop.until_events(2)] == ["web", "web"]


def test_debug_prints_each_call_and_the_verdict_on_it(shop, visitor):
    visitor.before_pages("window.lines = []; console.log = (...said) => lines.push(JSON.stringify(said))")
    shop.add_page("/", TRACK + ";", options="{debug: true}")
    visitor.visit(shop.url())
    visitor.until("lines.length === 4")
    lines = visitor.run("return lines.map((line) => JSON.parse(line))")
    assert [line[:3] for line in lines if line[2] == "customer_update"] == [
        ["shopalytic", "track", "customer_update"],
        ["shopalytic", "track", "customer_update"],
    ]
    assert lines[-1][4]["status"] == "ACCEPTED"


def test_the_first_event_that_is_not_accepted_is_a_warning_with_the_reason(shop, visitor):
    visitor.before_pages("window.warned = []; console.warn = (...said) => warned.push(JSON.stringify(said))")
    violation = {"field": "order.total", "rule_id": "required", "message": "Give a value."}

    def quarantine(sent):
        reply = accept(sent)
        for result, event in zip(reply.body["results"], sent.events, strict=True):
            if event["type"] == "order":
                result.update(status="QUARANTINED", violations=[violation])
        return reply

    shop.behave = quarantine
    shop.add_page("/", TRACK + ";")
    visitor.visit(shop.url())
    shop.until_stored(2)
    visitor.until("shopalytic.version")
    for _ in range(2):
        visitor.run("return shopalytic.track('order', {})")
    assert visitor.run("return warned.map((line) => JSON.parse(line))") == [
        ["shopalytic", "QUARANTINED", violation]
    ]


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_a_warning_with_the_reason(shop, visitor, status):
    visitor.before_pages("window.warned = []; console.warn = (...said) => warned.push(JSON.stringify(said))")
    shop.behave = refuse(status)
    shop.add_page("/", TRACK + ";")
    visitor.visit(shop.url())
    visitor.until("window.warned.length")
    visitor.run(f"return {TRACK}")
    (line,) = visitor.run("return warned")
    assert f"http.{status}" in line
    assert "The test refuses this." in line


def test_a_refusal_that_the_visitor_wished_is_no_warning(shop, visitor):
    visitor.before_pages("window.warned = []; console.warn = (...said) => warned.push(said)")

    def respect(sent):
        reply = accept(sent)
        violation = {"field": "context.privacy_signal", "rule_id": "privacy.signal", "message": "asked"}
        for result in reply.body["results"]:
            result.update(status="REJECTED", violations=[violation])
        return reply

    shop.behave = respect
    shop.add_page("/")
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    visitor.run(f"return {TRACK}")
    assert visitor.run("return warned") == []


def test_without_debug_the_console_stays_silent(shop, visitor):
    visitor.before_pages("window.lines = []; console.log = (...said) => lines.push(said)")
    shop.add_page("/")
    visitor.visit(shop.url())
    visitor.run(f"return {TRACK}")
    assert visitor.run("return lines") == []


def test_sandbox_marks_events_and_sends_each_at_once(shop, visitor):
    shop.add_page("/", options="{sandbox: true}")
    visitor.visit(shop.url())
    shop.until_stored(1)
    # A batch would wait for 100 ms, as what is kept does in any case; this one waits no time at all.
    visitor.run(
        "window.delays = []; const set = setTimeout;"
        "window.setTimeout = (work, delay) => { delays.push(delay); return set(work, delay); }"
    )
    visitor.run(f"return {TRACK}")
    assert 0 in visitor.run("return delays")
    assert [event["sandbox"] for event in shop.events] == [True, True]


def test_cross_subdomain_cookie_is_passed_on(shop, visitor):
    shop.add_page("/", options="{cross_subdomain_cookie: false}")
    shop.add_page("/default")
    visitor.visit(shop.url())
    shop.until_stored(1)
    visitor.visit(shop.url("/default"))
    shop.until_stored(2)
    said = {sent.events[-1]["properties"]["url"]: sent.body for sent in shop.requests}
    assert said[shop.url()]["cross_subdomain_cookie"] is False
    assert "cross_subdomain_cookie" not in said[shop.url("/default")]


def test_endpoint_says_where_events_go(shop, visitor):
    shop.add_page("/", options=f"{{endpoint: '{shop.url('/behind/a/proxy')}'}}")
    visitor.visit(shop.url())
    shop.until_events(1)
    assert shop.requests[0].path == f"/behind/a/proxy/collect?token={KEY}"


def test_without_an_endpoint_events_go_to_where_the_script_came_from(shop, visitor):
    away = shop.url("/folder/shopalytic.js", host="127.0.0.1")
    shop.add_page("/", head=f"<script src='{away}'></script>")
    visitor.visit(shop.url())
    shop.until_events(1)
    assert shop.requests[0].path == f"/folder/collect?token={KEY}"
    assert shop.requests[0].headers["host"].startswith("127.0.0.1:")


@pytest.mark.parametrize("signal", [GPC, DNT], ids=["global privacy control", "do not track"])
def test_privacy_signals_are_honoured_where_the_shop_says_so(shop, visitor, signal):
    visitor.before_pages(signal)
    shop.add_page("/asked", f"window.verdict = {TRACK};", options="{respect_privacy_signals: true}")
    shop.add_page("/not-asked")
    visitor.visit(shop.url("/asked"))
    assert visitor.run("return verdict")["violations"][0]["rule_id"] == "tag.disabled"
    assert shop.requests == []
    assert COOKIE not in visitor.cookies(shop.url())
    visitor.visit(shop.url("/not-asked"))
    shop.until_events(1)


def test_visitors_without_a_signal_are_counted_where_the_shop_honours_them(shop, visitor):
    shop.add_page("/", options="{respect_privacy_signals: true}")
    visitor.visit(shop.url())
    shop.until_events(1)


def test_a_browser_driven_by_a_program_is_labelled(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until_events(1)
    visitor.before_pages("Object.defineProperty(Navigator.prototype, 'webdriver', {get: () => false})")
    visitor.visit(shop.url())
    shop.until_events(2)
    assert [event["context"]["automated"] for event in shop.events] == [True, False]
