"""Browsers that refuse storage or cookies: it costs persistence and nothing else."""

import pytest

from browser.tag.scripted_shop import accept, hang_up, refuse
from browser.visitor import COOKIES_BLOCKED, Visitor

DENIED = """
    const denied = {get() { throw new DOMException('denied', 'SecurityError'); }};
    Object.defineProperty(window, 'localStorage', denied);
"""
ABSENT = "Object.defineProperty(window, 'localStorage', {value: null})"
FULL = """
    const full = new Proxy({}, {set() { throw new DOMException('full', 'QuotaExceededError'); }});
    Object.defineProperty(window, 'localStorage', {value: full});
"""
TRACK = "shopalytic.track('customer_update', {first_name: 'Ann'})"


@pytest.mark.parametrize("storage", [DENIED, ABSENT, FULL], ids=["denied", "absent", "full"])
def test_a_refused_storage_costs_only_persistence(shop, visitor, storage):
    visitor.before_pages(storage)
    shop.behave = refuse(500)
    shop.add_page("/", "shopalytic.identify('ann');", f"window.verdict = {TRACK};")
    visitor.visit(shop.url())
    shop.until(lambda: len(shop.requests) >= 1, "an attempt")
    shop.behave = accept
    # Again at once, instead of after a second.
    visitor.run("dispatchEvent(new Event('online'))")
    assert visitor.run("return verdict")["status"] == "ACCEPTED"
    assert shop.requests[-1].events == shop.requests[0].events
    assert shop.events[-1]["identity"] == "ann"
    visitor.run(f"return {TRACK}")
    assert len({sent.body["tracking_id"] for sent in shop.requests}) == 1


def test_a_browser_that_blocks_all_cookies_is_one_visitor_for_as_long_as_the_page_lives(shop):
    with Visitor(COOKIES_BLOCKED) as careful:
        shop.add_page("/", TRACK + ";")
        careful.visit(shop.url())
        shop.until_stored(2)
        refused = "try { return localStorage && false; } catch (error) { return error.name; }"
        assert careful.run(refused) == "SecurityError"
        careful.run("shopalytic.identify('ann')")
        careful.run(f"return {TRACK}")
        assert len({sent.body["tracking_id"] for sent in shop.requests}) == 1
        assert all("cookie" not in sent.headers for sent in shop.requests)
        assert careful.complaints() == []


def test_a_sandboxed_frame_without_storage_or_locks_still_delivers(shop, visitor):
    shop.add_page("/inner", TRACK + ";")
    shop.pages["/"] = "<!doctype html><iframe sandbox='allow-scripts' src='/inner'></iframe>"
    visitor.visit(shop.url())
    shop.until_stored(2)
    assert shop.types() == ["page_view", "customer_update"]


def test_a_browser_without_locks_still_sends_what_was_kept(shop, visitor):
    visitor.before_pages("Object.defineProperty(Navigator.prototype, 'locks', {value: undefined})")
    shop.behave = hang_up
    shop.add_page("/", TRACK + ";")
    visitor.visit(shop.url())
    shop.until(lambda: len(shop.requests) >= 1, "an attempt")
    visitor.visit(shop.url("/elsewhere"))
    shop.behave = accept
    visitor.visit(shop.url())
    shop.until_stored(4)


def test_a_kept_event_that_something_else_has_spoilt_does_not_stop_the_others(shop, visitor):
    shop.behave = hang_up
    shop.add_page("/", TRACK + ";")
    visitor.visit(shop.url())
    shop.until(lambda: len(shop.requests) >= 1, "an attempt")
    visitor.visit(shop.url("/elsewhere"))
    visitor.run("""
        const [first] = Object.keys(localStorage).filter((key) => /[.]0/.test(key));
        localStorage[first] = '{';
    """)
    shop.behave = accept
    shop.add_page("/next")
    visitor.visit(shop.url("/next"))
    shop.until_stored(2)
    assert [event["type"] for event in shop.stored] in (
        ["customer_update", "page_view"],
        ["page_view", "page_view"],
    )
