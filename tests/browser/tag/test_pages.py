"""Page views: which pages are counted, when, and with what."""

import pytest

from browser.tag.scripted_shop import KEY


def views(shop):
    # What a page could not see answered comes again, with its id.
    events = {event["event_id"]: event for event in shop.events}.values()
    return [event["properties"] for event in events if event["type"] == "page_view"]


def paths(shop):
    return [view["url"].partition(shop.url(""))[2] for view in views(shop)]


def test_a_page_is_counted_with_its_title_referrer_and_all_that_is_known_of_it(shop, visitor):
    link = "<a id='on' href='/offer?utm_source=mail&utm_campaign=spring&utm_id=7'>on</a>"
    shop.add_page("/", head=link)
    shop.add_page("/offer")
    visitor.visit(shop.url())
    shop.until_events(1)
    visitor.run("document.getElementById('on').click()")
    (first, second) = shop.until_events(2)
    assert first["properties"] == {"url": shop.url(), "referrer": "", "title": "Page /"}
    url = shop.url("/offer?utm_source=mail&utm_campaign=spring&utm_id=7")
    assert second["properties"] == {"url": url, "referrer": shop.url(), "title": "Page /offer"}
    known = visitor.run("""
        return {
            language: navigator.language, screen_width: screen.width, screen_height: screen.height,
            time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        }""")
    assert second["context"] == {
        "url": url,
        "referrer": shop.url(),
        "utm_source": "mail",
        "utm_campaign": "spring",
        "library_name": "shopalytic-js",
        "library_version": "0.1.0",
        "automated": True,
        **known,
    }


def test_in_page_navigation_is_counted_with_the_page_before_as_referrer(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until_events(1)
    visitor.run("history.pushState({}, '', '/a')")
    shop.until_events(2)
    visitor.run("history.replaceState({}, '', '/b')")
    shop.until_events(3)
    visitor.run("history.back()")
    shop.until_events(4)
    visitor.run("history.forward()")
    shop.until_events(5)
    assert paths(shop) == ["/", "/a", "/b", "/", "/b"]
    referrers = [view["referrer"].partition(shop.url(""))[2] for view in views(shop)]
    assert referrers == ["", "/", "/a", "/b", "/"]


SEARCH = "for (const q of ['s', 'sh', 'sho']) history.replaceState({}, '', `/search?q=${q}`)"


def test_a_search_as_one_types_is_one_page(shop, visitor):
    shop.add_page("/search")
    visitor.visit(shop.url("/search"))
    shop.until_events(1)
    visitor.run(SEARCH)
    visitor.run("history.pushState({}, '', '/search?page=2'); history.pushState({}, '', '/p/1?from=search')")
    shop.until_events(2)
    assert paths(shop) == ["/search", "/p/1?from=search"]
    assert views(shop)[1]["referrer"] == shop.url("/search?page=2")


def test_each_query_is_a_page_where_the_shop_wants_that(shop, visitor):
    shop.add_page("/search", options="{autotrack: 'query'}")
    visitor.visit(shop.url("/search"))
    shop.until_events(1)
    visitor.run(SEARCH)
    shop.until_events(4)
    assert paths(shop) == ["/search", "/search?q=s", "/search?q=sh", "/search?q=sho"]


def test_a_route_in_the_fragment_is_a_page_by_its_path(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url("/#/a?x=1"))
    shop.until_events(1)
    visitor.run("history.pushState({}, '', '/#/a?x=2'); history.pushState({}, '', '/#!b')")
    shop.until_events(2)
    assert paths(shop) == ["/#/a?x=1", "/#!b"]


WITHOUT_NAVIGATION_API = "Object.defineProperty(window, 'navigation', {value: undefined});"
WITH_AN_ELEMENT = f"delete window.navigation; {WITHOUT_NAVIGATION_API.replace('undefined', 'document.body')}"


@pytest.mark.parametrize("before", ["", WITHOUT_NAVIGATION_API, WITH_AN_ELEMENT])
def test_every_way_to_navigate_counts_once(shop, visitor, before):
    head = f"<script>window.push = history.pushState.bind(history); {before}</script>"
    shop.add_page("/", head=f"<body>{head}")
    visitor.visit(shop.url())
    shop.until_events(1)
    visitor.run("history.pushState({}, '', '/a')")
    shop.until_events(2)
    visitor.run("history.replaceState({}, '', '/b')")
    shop.until_events(3)
    visitor.run("history.back()")
    shop.until_events(4)
    assert paths(shop) == ["/", "/a", "/b", "/"]


def test_routers_on_the_navigation_api_and_a_push_state_from_before_the_tag_count_once(shop, visitor):
    shop.add_page("/", head="<script>window.push = history.pushState.bind(history);</script>")
    visitor.visit(shop.url())
    shop.until_events(1)
    visitor.run("""
        navigation.addEventListener('navigate', (event) => {
            if (event.canIntercept) event.intercept({handler: async () => {}});
        });
        return navigation.navigate('/routed').finished.then(() => true)
    """)
    shop.until_events(2)
    visitor.run("push({}, '', '/kept')")
    shop.until_events(3)
    visitor.run("return shopalytic.track('customer_update', {first_name: 'Ann'})")
    assert paths(shop) == ["/", "/routed", "/kept"]


def test_navigation_to_the_same_url_is_not_counted_again(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until_events(1)
    visitor.run("history.pushState({n: 1}, '', location.href); history.replaceState({n: 2}, '')")
    visitor.run("history.pushState({}, '', '/end')")
    shop.until_events(2)
    assert paths(shop) == ["/", "/end"]


def test_a_jump_within_the_page_is_no_view_but_a_route_in_the_fragment_is(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until_events(1)
    visitor.run("location.hash = 'reviews'")
    visitor.until("location.hash === '#reviews'")
    visitor.run("location.hash = '#/cart'")
    shop.until_events(2)
    assert paths(shop) == ["/", "/#/cart"]


def test_a_title_set_after_the_navigation_is_the_one_that_is_sent(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until_events(1)
    visitor.until_answered()
    visitor.run("history.pushState({}, '', '/a'); setTimeout(() => (document.title = 'Set later'))")
    shop.until_events(2)
    assert views(shop)[1]["title"] == "Set later"


def test_the_wrapped_history_still_does_what_the_page_asks(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    visitor.run("history.pushState({a: 1}, '', '/a')")
    assert visitor.run("return [history.state, location.pathname]") == [{"a": 1}, "/a"]


def test_a_page_opened_in_the_background_counts_when_it_is_seen(shop, visitor):
    shop.add_page("/")
    shop.add_page("/later", "shopalytic.track('customer_update', {first_name: 'Ann'});")
    visitor.visit(shop.url())
    shop.until_events(1)
    visitor.open_in_background(shop.url("/later"))
    shop.until(lambda: "customer_update" in shop.types(), "the hidden page's own event")
    assert paths(shop) == ["/"]
    visitor.look_at(visitor.driver.window_handles[-1])
    shop.until(lambda: paths(shop) == ["/", "/later"], "the view of the page that is seen now")


def test_a_page_prepared_ahead_sends_nothing_until_it_is_seen(shop, visitor):
    rules = '{"prerender": [{"urls": ["/next"], "eagerness": "immediate"}]}'
    shop.add_page("/", head=f"<script type='speculationrules'>{rules}</script>")
    shop.add_page("/next", "shopalytic.track('customer_update', {first_name: document.prerendering});")
    visitor.visit(shop.url())
    shop.until(lambda: shop.served.count("/shopalytic.js") == 2, "the prepared page's own script")
    # Two batches of a visible page, one after the other: the prepared one has had its time to send.
    for _ in range(2):
        visitor.run("return shopalytic.track('customer_update', {first_name: 'Bob'})")
    assert shop.types() == ["page_view", "customer_update", "customer_update"]
    visitor.run("document.querySelector('a').click()")
    shop.until(lambda: paths(shop) == ["/", "/next"], "the view of the page that is seen now")
    names = [e["properties"]["first_name"] for e in shop.events if e["type"] == "customer_update"]
    assert names == ["Bob", "Bob", True]


def test_a_return_from_the_back_forward_cache_counts_once(shop, visitor):
    shop.add_page("/", "window.sameDocument = true;")
    shop.add_page("/next")
    visitor.visit(shop.url())
    shop.until_stored(1)
    visitor.run("window.sameDocument = 'kept'")
    # A page with a request under way is not cached.
    visitor.until_answered()
    visitor.visit(shop.url("/next"))
    shop.until_stored(2)
    visitor.go_back()
    shop.until_stored(3)
    assert visitor.run("return sameDocument") == "kept"
    visitor.run("return shopalytic.track('customer_update', {first_name: 'Ann'})")
    assert paths(shop) == ["/", "/next", "/"]
    assert [view["referrer"] for view in views(shop)] == ["", "", ""]


def test_autotrack_false_leaves_page_views_to_the_shop(shop, visitor):
    shop.add_page("/", options="{autotrack: false}")
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    visitor.run("history.pushState({}, '', '/a')")
    visitor.run(f"return shopalytic.track('page_view', {{url: '{KEY}', referrer: '', page_type: 'cart'}})")
    assert [view.get("page_type") for view in views(shop)] == ["cart"]


def test_very_long_addresses_and_titles_do_not_cost_the_event(shop, visitor):
    shop.add_page("/", head="<script>document.title = 'T'.repeat(5000)</script>")
    visitor.visit(shop.url(f"/?utm_source={'s' * 900}#{'x' * 9000}"))
    (event,) = shop.until_events(1)
    assert len(event["properties"]["title"]) == 1000
    assert len(event["context"]["url"]) == 8192
    assert event["properties"]["url"] == event["context"]["url"]
    assert len(event["context"]["utm_source"]) == 500
