"""Each page of the dashboard with data, without, failing and forbidden; dark, small, and for everybody."""

import pytest

from browser.dashboard.operator import PAGES, PHONE, Dashboard, call
from running.running_service import Service, folder

# Something on each page that only data brings about.
WITH_DATA = {
    "overview": ["$89.96", "Best products", "BOWL-2", "From view to order", "Today so far"],
    "customers": ["Ada Lovelace", "bob@shop.example"],
    "sales": ["$99.96", "$10.00", "$89.96", "Sales in USD"],
    "funnel": ["product view", "cart add", "Steps in numbers"],
    "products": ["MUG-1", "Blue mug", "BOWL-2", "Most often bought together"],
    "retention": ["Cohorts by month", "100%"],
    "carts": ["cart-left", "$29.97"],
    "fulfilment": ["dhl", "ups", "Carriers"],
    "traffic": ["blog.example", "google.com", "spring"],
    "conversion": ["Conversion rate", "Value per visit", "Over time, in USD"],
    "searches": ["red mug", "nothing here", "What was looked for"],
    "coupons": ["SPRING", "With a code and without"],
    "segments": ["Groups of customers", "at risk", "used to order often"],
    "lifetime": ["Value per head", "Customers by month of the first order"],
    "live": ["Listening"],
    "quarantine": ["invalid", "conflict"],
    "install": ["shopalytic.init(", "Events are stored already", "Waiting for the next event"],
    "import": ["Drop the files here", "Check the files"],
    "definitions": ["gross less refunds", "half-open"],
}
WITHOUT = {
    "overview": "Nothing has arrived yet",
    "customers": "No identified customers yet",
    "sales": "No sales in this range",
    "funnel": "Nobody took the first step",
    "products": "No products in this range",
    "retention": "Nobody ordered for the first time",
    "carts": "No carts in this range",
    "fulfilment": "No parcels in this range",
    "traffic": "No page views in this range",
    "conversion": "No visits and no orders in this range",
    "searches": "No searches in this range",
    "coupons": "No orders in this range",
    "segments": "Nobody has ordered before the end of this range",
    "lifetime": "Nobody ordered for the first time in this range",
    "live": "Nothing has arrived since you came here",
    "quarantine": "Nothing is in quarantine",
    "install": "Waiting for the next event",
    "import": "Drop the files here",
    "definitions": "gross less refunds",
}
# What needs nothing of the server cannot fail.
ASKING = [page for page in PAGES if page not in ("import", "definitions")]


def wide_parts(dashboard: Dashboard) -> list[str]:
    """What sticks out of the window at the side, but for what scrolls by itself."""
    return list(
        dashboard.visitor.run("""
            const inner = (node) => node.parentElement?.closest('.scroll, .nav, pre, dialog:not([open])');
            return [...document.querySelectorAll('body *')]
                .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 && !inner(node))
                .filter((node) => node.checkVisibility() && !node.closest('.skip'))
                .map((node) => node.outerHTML.slice(0, 150))""")
    )


@pytest.mark.parametrize("page", PAGES)
def test_a_page_with_data_shows_it_and_complains_of_nothing(dashboard: Dashboard, page: str):
    dashboard.open(page)
    for words in WITH_DATA[page]:
        dashboard.sees(words)
    assert dashboard.accessibility() == []
    assert dashboard.console() == []


@pytest.mark.parametrize("page", PAGES)
def test_a_dark_page_can_be_read(dashboard: Dashboard, page: str):
    dashboard.prefer("dark")
    dashboard.open(page)
    dashboard.sees(WITH_DATA[page][0])
    assert dashboard.visitor.run("return document.documentElement.dataset.theme") == "dark"
    assert dashboard.accessibility() == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_phone(dashboard: Dashboard, page: str):
    dashboard.resize(*PHONE)
    dashboard.open(page)
    dashboard.sees(WITH_DATA[page][0])
    assert dashboard.visitor.run("return document.documentElement.scrollWidth <= innerWidth")
    assert wide_parts(dashboard) == []
    assert dashboard.accessibility() == []


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_page_says_what_is_missing(empty_dashboard: Dashboard, page: str):
    empty_dashboard.open(page)
    empty_dashboard.sees(WITHOUT[page])
    assert empty_dashboard.accessibility() == []
    assert empty_dashboard.console() == []


@pytest.fixture(scope="module")
def cut_off():
    """A gateway whose collector is not there."""
    with folder() as place:
        service = Service(place)
        try:
            yield service.start_as("gateway", "--http-port", "0", "--collector", "127.0.0.1:1")
        finally:
            service.stop()


@pytest.mark.parametrize("page", ASKING)
def test_a_failing_page_says_so_and_offers_to_try_again(visitor, cut_off, page: str):
    dashboard = Dashboard(visitor, cut_off.ready["http_address"])
    dashboard.sign_in("shop_reports_" + "a" * 43)
    dashboard.open(page)
    dashboard.sees("The server cannot answer now")
    dashboard.sees("Try again")
    assert dashboard.accessibility() == []


@pytest.mark.parametrize("page", ASKING)
def test_a_key_that_may_not_read_is_told_so_on_each_page(
    dashboard: Dashboard, full_service: Service, page: str
):
    dashboard.sign_in(full_service.ready["keys"]["server"])
    dashboard.open(page)
    dashboard.sees("This key may not see this")
    assert dashboard.accessibility() == []
    dashboard.press("Sign in with another key")
    dashboard.sees("Sign in with a key of class reports")


def test_a_page_recovers_when_it_is_tried_again(visitor, full_service: Service):
    with folder() as place:
        gateway = Service(place).start_as("gateway", "--http-port", "0", "--collector", full_service.address)
        try:
            dashboard = Dashboard(visitor, gateway.ready["http_address"])
            dashboard.sign_in(full_service.ready["keys"]["reports"])
            dashboard.open("sales")
            dashboard.visitor.go_offline()
            dashboard.go("products")
            dashboard.sees("Try again")
            dashboard.visitor.go_online()
            dashboard.press("Try again")
            dashboard.sees("Blue mug")
        finally:
            gateway.stop()


def test_numbers_are_those_of_the_report_to_the_last_digit(dashboard: Dashboard, full_service: Service):
    dashboard.open("sales", currency="EUR")
    assert dashboard.tile("Total sales") == "€90,071,992,547,409.93"
    dashboard.open("sales", range="all")
    answer = call(full_service, "ReportService/GetSalesReport", {"scope": {"currency": "USD"}})
    total = answer["reports"][0]["total"]
    assert dashboard.tile("Total sales").replace("$", "").replace(",", "") == total["totalSales"]
    assert dashboard.tile("Net sales").replace("$", "").replace(",", "") == total["netSales"]
