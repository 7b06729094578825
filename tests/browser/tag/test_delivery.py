"""How events get to the endpoint: batches, failures, pages that end, and several tabs."""

import itertools

from browser.tag.scripted_shop import Reply, accept, always, hang_up, refuse

TRACK = "shopalytic.track('customer_update', {first_name: 'Ann'})"


def names(events):
    return [event["properties"].get("first_name") for event in events if event["type"] == "customer_update"]


def track(name):
    return f"shopalytic.track('customer_update', {{first_name: '{name}'}});"


def answered_twice(requests):
    """The ids that were answered more than once, in whatever request."""
    ids = [id_ for sent in requests if sent.answered for id_ in sent.ids]
    return {id_ for id_ in ids if ids.count(id_) > 1}


def test_events_of_a_moment_go_in_one_request_of_plain_text_without_a_preflight(shop, visitor):
    endpoint = shop.url("", host="127.0.0.1")
    shop.add_page("/", track("Ann"), track("Bob"), options=f"{{endpoint: '{endpoint}'}}")
    visitor.visit(shop.url())
    shop.until_events(3)
    (request,) = shop.requests
    assert request.headers["content-type"].startswith("text/plain")
    assert request.headers["origin"] == shop.url("")
    assert [event["type"] for event in request.events] == ["page_view", "customer_update", "customer_update"]
    assert shop.preflights == []


def test_track_gives_the_verdict_of_the_server(shop, visitor):
    violation = {"field": "order.total", "rule_id": "required", "message": "give a value"}

    def quarantine(sent):
        reply = accept(sent)
        for result in reply.body["results"]:
            result.update(status="QUARANTINED", violations=[violation])
        return reply

    shop.behave = quarantine
    shop.add_page("/")
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    verdict = visitor.run("return shopalytic.track('order', {order_id: 'o1'})")
    assert verdict == {
        "event_id": shop.events[-1]["event_id"],
        "status": "QUARANTINED",
        "violations": [violation],
    }


def test_an_event_is_sent_as_it_was_when_it_was_tracked(shop, visitor):
    shop.add_page("/", "const item = {first_name: 'Ann'}; shopalytic.track('customer_update', item);")
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    visitor.run(
        "const item = {first_name: 'Bob'}; shopalytic.track('customer_update', item); item.first_name = 'Eve'"
    )
    shop.until_events(3)
    assert names(shop.events) == ["Ann", "Bob"]


def test_ids_and_times_tell_the_order_of_events_of_one_moment(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    visitor.run(f"for (let i = 0; i < 50; i++) {TRACK}")
    events = shop.until_events(51)
    for earlier, later in itertools.pairwise(events):
        assert earlier["event_id"] < later["event_id"]
        assert earlier["occurred_at"] < later["occurred_at"]
    assert all(event["event_id"][14] == "7" for event in events)


def test_no_request_is_larger_than_browsers_send_from_a_page_that_ends(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    visitor.run("""
        const first_name = '\\u20ac'.repeat(2000);
        for (let i = 0; i < 40; i++) shopalytic.track('customer_update', {first_name});
    """)
    shop.until_stored(41)
    assert max(sent.size for sent in shop.requests) < 60_000
    assert len(shop.requests) > 4


def test_an_event_that_is_larger_than_that_still_arrives_alone(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    visitor.run(f"""
        {track("Ann")}
        const line = {{sku: 'a'.repeat(90), price: 1, qty: 1}};
        shopalytic.track('order', {{line_items: Array(2000).fill(line)}});
        {track("Bob")}
    """)
    shop.until_stored(4)
    (large,) = [sent for sent in shop.requests if sent.size > 60_000]
    assert [event["type"] for event in large.events] == ["order"]


def test_requests_outlive_their_page(shop, visitor):
    visitor.before_pages("""
        const send = window.fetch;
        window.fetch = (url, options) => { window.outlives = options.keepalive; return send(url, options); };
    """)
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until_stored(1)
    assert visitor.run("return outlives") is True


def test_what_waits_when_the_page_is_hidden_is_sent_at_once(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until_stored(1)
    # Frozen timers: only hiding can send this.
    visitor.run(f"window.setTimeout = () => 1; {track('Ann')}")
    visitor.new_tab()
    shop.until_stored(2)
    assert names(shop.events) == ["Ann"]


def test_a_page_left_during_a_send_loses_nothing_and_doubles_nothing(shop, visitor):
    shop.add_page("/")
    shop.add_page("/next")
    visitor.visit(shop.url())
    shop.until_stored(1)
    shop.answer_gate.clear()
    visitor.run(track("under way"))
    shop.until_events(2)
    visitor.run(track("waiting"))
    visitor.visit(shop.url("/next"))
    shop.until(lambda: "waiting" in names(shop.events), "what waited when the page was left")
    shop.answer_gate.set()
    shop.until_stored(4)
    assert sorted(names(shop.stored)) == ["under way", "waiting"]
    bodies = {}
    for event in shop.events:
        bodies.setdefault(event["event_id"], []).append(
            {**event, "tracking_id": event.get("tracking_id", shop.requests[0].body["tracking_id"])}
        )
    assert all(body == same[0] for same in bodies.values() for body in same)
    assert len({sent.body["tracking_id"] for sent in shop.requests}) == 1


def test_a_page_left_while_the_endpoint_is_away_is_made_up_for_by_the_next(shop, visitor):
    shop.add_page("/", track("Ann"))
    shop.add_page("/next")
    shop.behave = hang_up
    visitor.visit(shop.url())
    shop.until(lambda: len(shop.requests) >= 1, "an attempt")
    visitor.visit(shop.url("/next"))
    shop.behave = accept
    shop.until_stored(3)
    assert [event["type"] for event in shop.stored] == ["page_view", "customer_update", "page_view"]
    first_ids = shop.requests[0].ids
    assert [event["event_id"] for event in shop.stored][:2] == first_ids
    visitor.until_kept(0)


def test_a_send_that_fails_when_its_page_is_gone_is_made_up_for_by_a_later_page(shop, visitor):
    shop.add_page("/")
    shop.add_page("/next")
    visitor.visit(shop.url())
    shop.until_stored(1)
    shop.answer_gate.clear()
    shop.behave = hang_up
    visitor.run(track("under way"))
    shop.until_events(2)
    visitor.run(track("waiting"))
    visitor.visit(shop.url("/elsewhere"))
    shop.until(lambda: "waiting" in names(shop.events), "what waited when the page was left")
    shop.behave = accept
    shop.answer_gate.set()
    visitor.visit(shop.url("/next"))
    shop.until_stored(4)
    assert sorted(names(shop.stored)) == ["under way", "waiting"]


def test_a_tab_that_was_only_hidden_does_not_send_again_what_was_answered(shop, visitor):
    shop.add_page("/")
    tab = visitor.tab
    visitor.visit(shop.url())
    shop.until_stored(1)
    shop.answer_gate.clear()
    visitor.run(track("Ann"))
    shop.until_events(2)
    visitor.new_tab()
    shop.answer_gate.set()
    shop.until_stored(2)
    visitor.look_at(tab)
    visitor.until_kept(0)
    visitor.run("window.dispatchEvent(new Event('online'))")
    visitor.run(f"return {TRACK}")
    assert answered_twice(shop.requests) == set()


def test_an_endpoint_that_never_answers_is_given_up_and_asked_again(shop, visitor):
    visitor.before_pages("""
        const set = window.setTimeout;
        window.setTimeout = (work, delay, ...more) => set(work, Math.min(delay, 200), ...more);
    """)
    shop.answer_gate.clear()
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until(lambda: len(shop.requests) >= 2, "a second attempt")
    shop.answer_gate.set()
    assert shop.requests[1].ids == shop.requests[0].ids


def test_a_failed_send_is_repeated_by_the_same_page_with_the_same_ids(shop, visitor):
    shop.behave = refuse(500)
    shop.answer_gate.clear()
    shop.add_page("/", f"window.verdict = {TRACK};")
    visitor.visit(shop.url())
    shop.until(lambda: len(shop.requests) >= 1, "an attempt")
    # The event is about the page as it was.
    visitor.run("document.title = 'Another title'")
    shop.behave = accept
    shop.answer_gate.set()
    assert visitor.run("return verdict")["status"] == "ACCEPTED"
    assert shop.requests[-1].ids == shop.requests[0].ids
    assert shop.requests[-1].events == shop.requests[0].events


def test_an_answer_that_is_not_the_servers_counts_as_a_failure(shop, visitor):
    shop.behave = always(Reply(200, {}, {"portal": "please sign in"}))
    shop.add_page("/", track("Ann"))
    visitor.visit(shop.url())
    shop.until(lambda: len(shop.requests) >= 1, "an attempt")
    visitor.until_kept(2)
    shop.behave = accept
    visitor.run("dispatchEvent(new Event('online'))")
    shop.until(lambda: len(shop.requests) >= 2, "a second attempt")
    assert shop.requests[1].ids == shop.requests[0].ids


def test_what_happens_offline_is_sent_when_the_browser_is_back_online(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until_stored(1)
    visitor.go_offline()
    visitor.run(f"window.verdicts = Promise.all([{track('Ann')[:-1]}, {track('Bob')[:-1]}])")
    visitor.until_kept(2)
    assert len(shop.requests) == 1
    visitor.go_online()
    assert [verdict["status"] for verdict in visitor.run("return verdicts")] == ["ACCEPTED", "ACCEPTED"]
    assert names(shop.stored) == ["Ann", "Bob"]
    assert answered_twice(shop.requests) == set()


def test_the_pause_that_the_server_asks_for_is_kept_to(shop, visitor):
    for status, seconds in ((503, 2), (429, 1)):
        shop.requests.clear()
        shop.behave = refuse(status, retry_after=str(seconds))
        shop.add_page(f"/{status}", track("Ann"))
        shop.add_page(f"/{status}/next")
        visitor.visit(shop.url(f"/{status}"))
        shop.until(lambda: len(shop.requests) >= 1, "an attempt")
        visitor.until("Object.keys(localStorage).some((key) => /until/.test(key))")
        shop.behave = accept
        # Neither more events, nor the page's end, nor the next page break the silence.
        visitor.run(track("Bob"))
        visitor.visit(shop.url(f"/{status}/next"))
        shop.until_stored(4)
        assert shop.requests[1].at - shop.requests[0].at >= 0.95 * seconds
        assert names(shop.stored) == ["Ann", "Bob"]
        visitor.until_answered()


def test_what_the_server_will_never_take_is_not_sent_again(shop, visitor):
    for status in (400, 401, 403):
        shop.requests.clear()
        shop.behave = refuse(status)
        shop.add_page(f"/{status}", f"window.verdict = {TRACK};")
        visitor.visit(shop.url(f"/{status}"))
        verdict = visitor.run("return verdict")
        assert verdict["status"] == "REJECTED"
        assert verdict["violations"] == [
            {"field": "", "rule_id": f"http.{status}", "message": "The test refuses this."}
        ]
        assert visitor.kept() == []
        shop.behave = accept
        visitor.run(f"return {TRACK}")
        assert answered_twice(shop.requests) == set()
        assert not set(shop.requests[0].ids) & set(shop.requests[1].ids)


def test_two_tabs_do_not_send_the_same_kept_events_twice(shop, visitor):
    shop.add_page("/")
    shop.behave = refuse(503, retry_after="2")
    visitor.visit(shop.url())
    shop.until(lambda: len(shop.requests) >= 1, "an attempt")
    visitor.until("Object.keys(localStorage).some((key) => /until/.test(key))")
    visitor.run("for (let i = 0; i < 20; i++) " + track("Ann"))
    # Hidden, the first tab keeps what it may not send; both tabs then wait for the same moment.
    visitor.new_tab()
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    shop.behave = accept
    shop.until_stored(22)
    visitor.run(f"return {TRACK}")
    assert answered_twice(shop.requests) == set()


def test_two_tabs_that_come_online_together_share_the_kept_events(shop, visitor):
    shop.add_page("/")
    first = visitor.tab
    visitor.visit(shop.url())
    shop.until_stored(1)
    second = visitor.new_tab()
    visitor.visit(shop.url())
    shop.until_stored(2)
    for tab in (first, second):
        visitor.look_at(tab)
        visitor.go_offline()
        visitor.run("for (let i = 0; i < 10; i++) " + track(tab))
    visitor.until_kept(20)
    for tab in (first, second):
        visitor.look_at(tab)
        visitor.go_online()
    shop.until_stored(22)
    for tab in (first, second):
        visitor.look_at(tab)
        visitor.run(f"return {TRACK}")
    assert answered_twice(shop.requests) == set()


def test_what_a_hidden_tab_has_under_way_is_not_taken_for_lost_by_another(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until_stored(1)
    shop.answer_gate.clear()
    visitor.run(track("Ann"))
    shop.until_events(2)
    visitor.new_tab()
    visitor.visit(shop.url())
    # The second tab wants what the first keeps while its request is unanswered, and has to wait.
    visitor.until("navigator.locks.query().then(({pending}) => pending.length === 1)")
    assert len(visitor.kept()) == 1
    shop.answer_gate.set()
    shop.until_stored(3)
    visitor.run(f"return {TRACK}")
    assert answered_twice(shop.requests) == set()
    assert names(shop.events) == ["Ann", "Ann"]


def test_kept_events_are_bounded_in_number_the_newest_stay(shop, visitor):
    shop.behave = hang_up
    shop.add_page("/")
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    visitor.run("for (let i = 0; i < 1100; i++) shopalytic.track('customer_update', {first_name: `${i}`});")
    visitor.visit(shop.url("/elsewhere"))
    visitor.until_kept(1000)
    kept = visitor.kept()
    assert kept[-1]["properties"]["first_name"] == "1099"


def test_a_page_that_nobody_sees_leaves_the_kept_events_where_they_are(shop, visitor):
    """A page that was left lives on for a moment, and what it took would end with it."""
    shop.behave = hang_up
    shop.add_page("/", track("Ann"))
    visitor.visit(shop.url())
    shop.until(lambda: len(shop.requests) >= 1, "an attempt")
    visitor.visit(shop.url("/elsewhere"))
    visitor.until_kept(2)
    kept = visitor.kept()
    shop.requests.clear()
    shop.behave = accept
    hidden = "Object.defineProperty(document, 'hidden', {get: () => !window.seen});"
    shop.add_page("/next", track("Bob"), head=f"<script>{hidden}</script>")
    visitor.visit(shop.url("/next"))
    shop.until_stored(1)
    assert names(shop.events) == ["Bob"]
    assert visitor.kept() == kept
    visitor.run("window.seen = true; window.dispatchEvent(new Event('visibilitychange'))")
    # The page view of this page, too.
    shop.until_stored(4)
    visitor.until_kept(0)
    assert names(shop.events) == ["Bob", "Ann"]


def test_kept_events_are_bounded_in_age(shop, visitor):
    shop.behave = hang_up
    shop.add_page("/", track("old"))
    visitor.visit(shop.url())
    shop.until(lambda: len(shop.requests) >= 1, "an attempt")
    visitor.visit(shop.url("/elsewhere"))
    visitor.run("""
        for (const key of Object.keys(localStorage).filter((key) => /[.]0/.test(key))) {
            const eightDaysAgo = '0' + (Date.now() - 8 * 86400e3).toString(16);
            const id = eightDaysAgo.slice(0, 8) + '-' + eightDaysAgo.slice(8) + key.slice(-23);
            localStorage[key.slice(0, -36) + id] = localStorage[key];
            delete localStorage[key];
        }""")
    shop.requests.clear()
    shop.behave = accept
    shop.add_page("/next", track("new"))
    visitor.visit(shop.url("/next"))
    shop.until_stored(2)
    assert names(shop.events) == ["new"]
    assert visitor.kept() == []
