"""The tag on pages where other scripts have changed the language's own objects, with the real service."""

import os
import random

import psycopg
import pytest

from browser.tag.foreign_scripts import disturbances
from browser.tag.scripted_shop import snippet
from browser.tag.site import Site
from running.running_service import Service

ROUNDS = int(os.environ.get("FOREIGN_SCRIPTS_ROUNDS", "8"))
ORDER_TIME = "2026-03-02T10:00:00.250Z"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def site(shop, service):
    return Site(shop, service)


def page(site, number, before, after):
    """A page with other scripts before and after the snippet, that tells the verdict in its title."""
    source = site.gateway("www.shop.test", "/shopalytic.js")
    order = f"""{{
        order_id: 'order-{number}', cart_id: 'c', total: 24.98, subtotal: '19.98', currency: 'EUR',
        line_items: [{{sku: 'a "b" \\\\ \\n c', price: 9.99, qty: 2}}], order_date: bought,
        discounts: [{{code: 'Ünïcode €', value: 1}}], total_discount: 1,
    }}"""
    return f"""<!doctype html><title>page</title>
        <script>const bought = new Date('{ORDER_TIME}'); {" ".join(before)}</script>
        <script>{snippet(source)}
            shopalytic.init('{site.key}', {{source: 'round-{number}'}});
        </script>
        <script>{" ".join(after)}</script>
        <script>
            (async () => {{
                const verdict = await shopalytic.track('order', {order});
                document.title = 'verdict ' + verdict.status;
            }})();
        </script>"""


def test_whatever_other_scripts_have_changed_events_are_stored_as_they_are(site, service, visitor):
    seed = int(os.environ.get("FOREIGN_SCRIPTS_SEED", random.randrange(10**9)))
    rounds = {f"{seed}-{n}": disturbances(seed + n) for n in range(ROUNDS)}
    for number, scripts in rounds.items():
        half = len(scripts) // 2
        path = f"/{number}"
        site.pages.pages[path] = page(site, number, scripts[:half], scripts[half:])
        visitor.visit(site.url(path))
        try:
            assert visitor.until_title("verdict ") == "verdict ACCEPTED"
        except AssertionError as error:
            error.add_note(
                "\n".join([f"FOREIGN_SCRIPTS_SEED={seed} plays the same again; {number}:", *scripts])
            )
            raise
    # The browser tells of each request with another's header that an older server did not allow.
    assert [line for line in visitor.complaints() if "preflight" not in line] == []
    with psycopg.connect(service.ready["database_url"]) as store:
        query = "SELECT source, type, properties FROM events WHERE source LIKE %s"
        found = store.execute(query, [f"round-{seed}-%"]).fetchall()
    views = {source for source, kind, _ in found if kind == "page_view"}
    orders = {source: properties for source, kind, properties in found if kind == "order"}
    expected = {f"round-{number}" for number in rounds}
    assert views == expected
    assert set(orders) == expected
    for order in orders.values():
        assert order["order_date"].startswith("2026-03-02T10:00:00.25")
        assert order["line_items"] == [{"sku": 'a "b" \\ \n c', "price": "9.99", "qty": 2}]
        assert order["discounts"] == [{"code": "Ünïcode €", "value": "1"}]
        assert (order["total"], order["subtotal"]) == ("24.98", "19.98")
