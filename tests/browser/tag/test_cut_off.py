"""Requests that are cut off on their way, or never answered: in parts, by other means, not for ever."""

import itertools

import pytest

from browser.tag.scripted_shop import Reply, accept, refuse

TRACK = "shopalytic.track('customer_update', {first_name: 'Ann'})"


def names(events):
    return [event["properties"].get("first_name") for event in events if event["type"] == "customer_update"]


def track(name):
    return f"shopalytic.track('customer_update', {{first_name: '{name}'}});"


def answered_twice(requests):
    """The ids that were answered more than once, in whatever request."""
    ids = [id_ for sent in requests if sent.answered for id_ in sent.ids]
    return {id_ for id_ in ids if ids.count(id_) > 1}


@pytest.mark.parametrize("status", [413, 408, None], ids=["too large", "too slow", "no answer"])
def test_a_batch_that_is_cut_off_is_sent_in_parts(shop, visitor, status):
    def cut_off(sent):
        if len(sent.events) <= 2:
            return accept(sent)
        return Reply(status) if status else None

    shop.behave = cut_off
    shop.add_page("/", *[track(f"{n}") for n in range(7)])
    visitor.visit(shop.url())
    shop.until_stored(8)
    assert names(shop.stored) == [f"{n}" for n in range(7)]
    failed = [tuple(sent.ids) for sent in shop.requests if not sent.answered]
    assert failed
    # Of its own accord a browser repeats a request after a 408, or when a connection ends without an answer.
    assert status != 413 or len(set(failed)) == len(failed)
    assert answered_twice(shop.requests) == set()


def test_an_event_that_does_not_fit_even_alone_ends_with_a_verdict(shop, visitor):
    def too_large(sent):
        large = any(len(event["properties"].get("first_name", "")) > 100 for event in sent.events)
        return Reply(413, {}, {"error": {"message": "Too large."}}) if large else accept(sent)

    shop.behave = too_large
    shop.add_page("/", track("Ann"), f"window.verdict = {track('x' * 200)[:-1]};", track("Bob"))
    visitor.visit(shop.url())
    verdict = visitor.run("return verdict")
    assert (verdict["status"], verdict["violations"][0]["rule_id"]) == ("REJECTED", "http.413")
    shop.until_stored(3)
    assert names(shop.stored) == ["Ann", "Bob"]
    assert (
        visitor.run("return shopalytic.track('customer_update', {first_name: 'Eve'})")["status"] == "ACCEPTED"
    )


def test_an_event_that_is_always_too_slow_ends_with_a_verdict(shop, visitor):
    # The pauses between the attempts are not what is looked at.
    visitor.before_pages("""
        const set = window.setTimeout;
        window.setTimeout = (work, delay, ...more) => set(work, Math.min(delay, 30_000) / 10, ...more);
        const now = Date.now, start = now();
        Date.now = () => start + (now() - start) * 10;
    """)
    shop.behave = refuse(408)
    shop.add_page("/", f"window.verdict = {TRACK};", options="{autotrack: false}")
    visitor.visit(shop.url())
    assert visitor.run("return verdict")["violations"][0]["rule_id"] == "http.408"


def test_the_browsers_own_fetch_is_tried_where_the_pages_gets_no_answer(shop, visitor):
    tracing = """<script>
        const send = window.fetch;
        window.fetch = (url, init) => send(url, {...init, headers: {'sentry-trace': '1'}});
    </script>"""
    endpoint = shop.url("", host="127.0.0.1")
    shop.add_page("/", f"window.verdict = {TRACK};", options=f"{{endpoint: '{endpoint}'}}", head=tracing)
    visitor.visit(shop.url())
    assert visitor.run("return verdict")["status"] == "ACCEPTED"
    # This shop allows no further headers.
    assert shop.preflights
    assert shop.types() == ["page_view", "customer_update"]
    assert visitor.run("return document.querySelectorAll('iframe').length") == 0
    assert all("preflight" in line for line in visitor.complaints())


def test_a_fetch_of_the_pages_own_that_never_ends_is_given_up(shop, visitor):
    visitor.before_pages("""
        const set = window.setTimeout;
        window.setTimeout = (work, delay, ...more) => set(work, Math.min(delay, 200), ...more);
    """)
    endless = "<script>window.fetch = () => new Promise(() => {});</script>"
    shop.add_page("/", f"window.verdict = {TRACK};", head=endless)
    visitor.visit(shop.url())
    assert visitor.run("return verdict")["status"] == "ACCEPTED"


def test_where_nothing_is_ever_answered_attempts_become_rare(shop, visitor):
    visitor.before_pages("""
        window.delays = [];
        const set = window.setTimeout;
        window.setTimeout = (work, delay, ...more) => {
            if (delay > 500 && delay < 30_000) delays.push(delay);
            return set(work, Math.min(delay, 20), ...more);
        };
        const now = Date.now;
        Date.now = () => now() + 1000 * delays.reduce((sum, delay) => sum + delay / 1000, 0);
        window.fetch = () => Promise.reject(new TypeError('refused'));
    """)
    shop.add_page("/", TRACK + ";")
    visitor.visit(shop.url())
    visitor.until("delays.length >= 4")
    delays = visitor.run("return delays")
    assert all(later > 1.5 * earlier for earlier, later in itertools.pairwise(delays[:4]))


FAST = """
    const set = window.setTimeout;
    window.setTimeout = (work, delay, ...more) => set(work, Math.min(delay, 30_000) / 20, ...more);
    const now = Date.now, start = now();
    Date.now = () => start + (now() - start) * 20;
"""


def test_events_whose_connection_is_always_cut_do_not_keep_later_ones_waiting(shop, visitor):
    # The pauses between the attempts are not what is looked at.
    visitor.before_pages(FAST)
    cut = {"x" * 200, "y" * 200}

    def cut_off(sent):
        return None if cut & set(names(sent.events)) else accept(sent)

    shop.behave = cut_off
    shop.add_page("/", *[track(name) for name in ("Ann", "x" * 200, "y" * 200, "Bob")])
    visitor.visit(shop.url())
    shop.until_stored(3)
    assert names(shop.stored) == ["Ann", "Bob"]
    assert (
        visitor.run("return shopalytic.track('customer_update', {first_name: 'Eve'})")["status"] == "ACCEPTED"
    )
    # They are not given up: a line that fails looks just like that.
    shop.behave = accept
    shop.until_stored(6)
    assert set(names(shop.stored)) == {"Ann", "Bob", "Eve", *cut}
    assert answered_twice(shop.requests) == set()


def test_nothing_goes_before_a_reset_that_is_cut_off(shop, visitor):
    visitor.before_pages(FAST)
    resets = []

    def cut_off(sent):
        resets.append(sent.body.get("reset"))
        return accept(sent) if resets.count(True) > 4 or True not in resets else None

    shop.behave = cut_off
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until_stored(1)
    visitor.run(f"shopalytic.reset(); {TRACK}")
    shop.until_stored(2)
    after = [sent for sent in shop.requests if "customer_update" in [event["type"] for event in sent.events]]
    first = next(sent for sent in shop.requests if sent.answered and sent.body.get("reset"))
    assert all(sent.at >= first.at for sent in after if not sent.body.get("reset"))
    assert after[-1].body["tracking_id"] == first.body["tracking_id"]
