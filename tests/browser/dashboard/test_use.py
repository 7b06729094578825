"""What people do at the dashboard: sign in, search, drill, export, watch, and share what they see."""

import csv
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from browser.dashboard.operator import RECORD_CALLS, Dashboard, call, event, send
from browser.dashboard.shop import DAY, page
from browser.tag.scripted_shop import PATIENCE_SECONDS
from browser.visitor import Visitor
from running.running_service import Service, folder

SIZE_LIMIT = 150_000


@pytest.fixture
def recorded(dashboard: Dashboard) -> Dashboard:
    """The dashboard, with its questions written down."""
    dashboard.visitor.before_pages(RECORD_CALLS)
    return dashboard


def test_an_address_signs_in_once_and_a_reload_stays_signed_in(
    dashboard: Dashboard, full_service: Service, visitor: Visitor
):
    visitor.forget_everything()
    dashboard.open()
    dashboard.sees("Sign in with a key of class reports")
    dashboard.sees("prints an address that signs you in without a key")
    printed = full_service.command("dashboard").stdout.strip()
    assert printed.startswith(f"{dashboard.address}/#sign-in=")
    visitor.visit(printed)
    dashboard.sees("Net sales")
    assert "sign-in" not in visitor.run("return location.href")
    visitor.driver.refresh()
    dashboard.sees("Net sales")
    assert visitor.run("return sessionStorage.length + localStorage.length + document.cookie.length") == 0
    visitor.forget_everything()
    dashboard.open()
    visitor.visit(printed)
    dashboard.sees("has signed in before or is too old")
    assert dashboard.accessibility() == []
    assert any("403" in line["message"] for line in visitor.driver.get_log("browser"))
    visitor.visit(full_service.command("dashboard").stdout.strip())
    dashboard.sees("Net sales")


def test_signing_out_lasts_and_a_reports_key_opens_it_again(dashboard: Dashboard, full_service: Service):
    dashboard.open("sales")
    dashboard.press("Sign out")
    dashboard.sees("Sign in with a key of class reports")
    dashboard.visitor.driver.refresh()
    dashboard.sees("Sign in with a key of class reports")
    assert dashboard.accessibility() == []
    dashboard.find("input[name=key]").send_keys(full_service.ready["keys"]["reports"])
    dashboard.press("Sign in")
    dashboard.sees("Sales in USD")
    assert dashboard.visitor.run("return localStorage.getItem('shopalytic.key')") is None


def test_a_remembered_key_is_there_in_another_tab(dashboard: Dashboard, full_service: Service):
    dashboard.open()
    dashboard.press("Sign out")
    dashboard.find("input[name=key]").send_keys(full_service.ready["keys"]["admin"])
    dashboard.find("input[name=remember]").click()
    dashboard.press("Sign in")
    dashboard.sees("Net sales")
    dashboard.visitor.new_tab()
    dashboard.open("sales")
    dashboard.sees("Sales in USD")
    kept = dashboard.visitor.run("return localStorage.getItem('shopalytic.key')")
    assert kept == full_service.ready["keys"]["admin"]


@pytest.mark.parametrize(
    ("key_class", "words"),
    [("", "This key is not valid"), ("browser", "may not read reports"), ("server", "may not read reports")],
)
def test_other_keys_are_refused_with_the_reason(dashboard, full_service, key_class, words):
    dashboard.open()
    dashboard.press("Sign out")
    dashboard.find("input[name=key]").send_keys(full_service.ready["keys"].get(key_class, "shop_reports_no"))
    dashboard.press("Sign in")
    dashboard.sees(words)


def test_a_key_that_ends_while_it_is_used_leads_to_the_sign_in(dashboard: Dashboard, full_service: Service):
    made = call(full_service, "AdminService/CreateKey", {"keyClass": "KEY_CLASS_REPORTS"}, "admin")["key"]
    dashboard.sign_in(made["secret"])
    dashboard.open("sales")
    dashboard.sees("Sales in USD")
    call(full_service, "AdminService/RevokeKey", {"keyId": made["key"]["keyId"]}, "admin")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "revoked" not in dashboard.text() and time.monotonic() < deadline:
        if "Sales in USD" in dashboard.text():
            dashboard.press("Refresh")
        time.sleep(0.5)
    assert "This key is not valid, or it was revoked." in dashboard.text()


def test_a_customer_is_found_as_one_types_and_shown_whole(dashboard: Dashboard):
    dashboard.open("customers")
    dashboard.sees("Bob Builder")
    dashboard.find("input[type=search]").send_keys("lovel")
    dashboard.visitor.until("!document.body.innerText.includes('Bob Builder')")
    assert "q=lovel" in dashboard.hash()
    dashboard.press("Ada Lovelace")
    dashboard.sees("Why this is one customer")
    for words in ("€90,071,992,547,409.93", "$44.96", "card-77", "Chrome", "1001", "2 × Blue mug", "spring"):
        dashboard.sees(words)
    dashboard.sees("identify named “ada” on the device “ada-phone”, which joined it with all its past.")
    dashboard.sees("alias gave “ada” the further identity “card-77”.")
    dashboard.sees("Mugs")
    assert dashboard.accessibility() == []
    dashboard.press("← All customers")
    dashboard.sees("Bob Builder")
    assert dashboard.console() == []


def test_a_visitor_nobody_named_is_found_by_id(dashboard: Dashboard):
    dashboard.open("customers", q="visitor-7")
    dashboard.sees("No customer found for “visitor-7”")
    dashboard.press("Look up “visitor-7” as an id")
    dashboard.sees("Anonymous visitor")
    dashboard.sees("Home")


def test_somebody_unknown_is_told_so(dashboard: Dashboard):
    dashboard.open("customers/nobody-at-all")
    dashboard.sees("Nothing was found")


def test_a_country_is_found_by_its_name_and_what_is_none_is_told_so(dashboard: Dashboard):
    dashboard.open("customers")
    dashboard.sees("Bob Builder")
    field = dashboard.find("input[list=list-country]")
    field.send_keys("Germania\ue007")
    dashboard.sees("No country is called so")
    assert dashboard.accessibility() == []
    assert field.get_property("value") == "Germania"
    field.clear()
    field.send_keys("united kingdom\ue007")
    dashboard.visitor.until("location.hash.includes('country=GBR')")
    dashboard.sees("Bob Builder")
    field.clear()
    field.send_keys("DE\ue007")
    dashboard.sees("No customer fits these filters")


def test_an_unknown_address_is_told_so(dashboard: Dashboard):
    dashboard.open("nowhere")
    dashboard.sees("There is no page “nowhere”")
    assert dashboard.accessibility() == []


def test_one_day_is_drawn_by_the_hour(recorded: Dashboard):
    recorded.open("traffic", range="yesterday", tz="UTC")
    recorded.visitor.until("document.querySelector('.readout').innerText.includes(':00')")
    questions = [json.loads(body) for _, body in recorded.asked("GetTrafficReport")]
    assert {each["interval"] for each in questions} == {"INTERVAL_HOUR"}
    assert len(questions) == 2


def test_a_number_leads_to_its_events_and_back(dashboard: Dashboard):
    dashboard.open("sales")
    dashboard.find(".tile .explain").click()
    dashboard.sees("Events behind “Net sales”")
    drawer = "document.querySelector('dialog').innerText"
    for words in ("1001", "1002", "2002: partial $10.00"):
        dashboard.visitor.until(f"{drawer}.includes({json.dumps(words)})")
    assert "2001" not in dashboard.visitor.run(f"return {drawer}")
    assert dashboard.accessibility() == []
    address = dashboard.visitor.run("return location.href")
    dashboard.escape()
    dashboard.visitor.until("!document.querySelector('dialog') && !location.hash.includes('explain')")
    dashboard.visitor.visit("about:blank")
    dashboard.visitor.visit(address)
    dashboard.sees("Events behind “Net sales”")
    dashboard.sees("2002: partial $10.00")
    dashboard.press("Close")
    dashboard.visitor.until("!document.querySelector('dialog')")


def test_a_cell_of_the_heat_map_leads_to_its_orders(dashboard: Dashboard):
    dashboard.open("retention")
    dashboard.find(".heat .explain").click()
    dashboard.visitor.until("document.querySelector('dialog .kind.order')")


def test_what_is_seen_is_saved_as_csv_with_exact_values(dashboard, full_service, tmp_path):
    dashboard.open("products")
    saved = dashboard.save_by("Export CSV", tmp_path)
    rows = list(csv.DictReader(saved.read_text("utf-8-sig").splitlines()))
    scope = {"from": (_midnight() - 27 * DAY).isoformat(), "to": (_midnight() + DAY).isoformat()}
    answer = call(full_service, "ReportService/GetProductReport", {"scope": {**scope, "currency": "USD"}})
    wanted = [(row["sku"], row["netSales"]) for row in answer["reports"][0]["rows"]]
    assert [(row["SKU"], row["Net sales"]) for row in rows] == wanted
    first, last = _midnight() - 27 * DAY, _midnight()
    assert saved.name == f"products USD {first:%Y-%m-%d} to {last:%Y-%m-%d}.csv"


def test_products_are_sorted_by_the_server(dashboard: Dashboard, full_service: Service):
    scope = {
        "from": (_midnight() - 27 * DAY).isoformat(),
        "to": (_midnight() + DAY).isoformat(),
        "currency": "USD",
    }
    question = {"scope": scope, "orderBy": "PRODUCT_ORDER_VIEWS"}
    answer = call(full_service, "ReportService/GetProductReport", question)
    wanted = [row["sku"] for row in answer["reports"][0]["rows"]]
    dashboard.open("products")
    dashboard.find("th .sort")
    dashboard.press("Views")
    dashboard.visitor.until("location.href.includes('sort=views')")
    dashboard.visitor.until(
        "document.querySelector('th[aria-sort=descending]')?.textContent.includes('Views')"
    )
    first = "document.querySelector('tbody tr td').textContent.trim()"
    dashboard.visitor.until(f"{first} === {wanted[0]!r}")


def test_events_appear_as_they_are_stored_until_paused(dashboard: Dashboard, full_service: Service):
    dashboard.open("live")
    dashboard.sees("Listening")
    assert send(full_service, [_view("Now-1")]) == ["ACCEPTED"]
    dashboard.sees("Now-1")
    dashboard.press("Pause")
    dashboard.sees("Paused")
    assert send(full_service, [_view("Now-2")]) == ["ACCEPTED"]
    dashboard.press("Resume")
    dashboard.sees("Listening")
    assert send(full_service, [_view("Now-3")]) == ["ACCEPTED"]
    dashboard.sees("Now-3")
    assert "Now-2" not in dashboard.text()
    dashboard.find(".event summary").click()
    dashboard.sees("event id")
    assert dashboard.accessibility() == []


def test_the_live_view_comes_back_after_the_connection_was_lost(visitor, full_service: Service):
    with folder() as place:
        gateway = Service(place)
        options = ["gateway", "--collector", full_service.address, "--http-port"]
        address = gateway.start_as(*options, "0").ready["http_address"]
        dashboard = Dashboard(visitor, address)
        dashboard.sign_in(full_service.ready["keys"]["reports"])
        dashboard.open("live")
        dashboard.sees("Listening")
        assert gateway.stop() == 0
        dashboard.sees("Try again")
        gateway.start_as(*options, address.rpartition(":")[2])
        dashboard.sees("Listening")
        assert send(full_service, [_view("Back-again")]) == ["ACCEPTED"]
        dashboard.sees("Back-again")
        gateway.stop()


def test_quarantine_gives_the_reasons(dashboard: Dashboard):
    dashboard.open("quarantine")
    dashboard.sees("order.total")
    dashboard.sees("conflict")
    dashboard.find(".event summary").click()
    dashboard.visitor.until("document.querySelector('.event[open] pre')")
    assert dashboard.accessibility() == []


def test_no_report_is_asked_twice_for_the_same_view(recorded: Dashboard):
    recorded.open("overview")
    recorded.sees("Best products")
    asked = recorded.asked()
    assert len(asked) == len(set(asked))
    for name in ("sales", "traffic", "funnel", "overview", "sales"):
        recorded.go(name)
    again = [(name, body) for name, body in recorded.asked() if name != "session.json"]
    assert len(again) == len(set(again))
    before = len(again)
    recorded.press("Refresh")
    recorded.visitor.until(f"window.asked.length > {before}")


def test_the_first_view_is_small_and_comes_from_here_alone(dashboard: Dashboard):
    dashboard.open()
    loaded = dashboard.visitor.run("""
        return [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .map(({ name, encodedBodySize, initiatorType }) => [name, encodedBodySize, initiatorType])""")
    assert all(name.startswith(dashboard.address) for name, _, _ in loaded if not name.startswith("data:"))
    assert 0 < sum(size for _, size, kind in loaded if kind != "fetch") < SIZE_LIMIT


def test_the_address_holds_the_state(recorded: Dashboard):
    recorded.open(
        "sales", range="2026-03-01..2026-03-31", tz="Europe/Berlin", source="checkout", interval="week"
    )
    questions = [json.loads(body) for _, body in recorded.asked("GetSalesReport")]
    (question,) = [each for each in questions if each["scope"]["from"].startswith("2026-02-28")]
    # The clocks change within the range.
    assert question["scope"]["from"] == "2026-02-28T23:00:00Z"
    assert question["scope"]["to"] == "2026-03-31T22:00:00Z"
    assert question["scope"]["timeZone"] == "Europe/Berlin"
    assert question["scope"]["source"] == "checkout"
    assert question["interval"] == "INTERVAL_WEEK"
    recorded.press("Month")
    recorded.visitor.until("location.hash.includes('interval=month')")
    recorded.go("products")
    assert "range=2026-03-01" in recorded.hash()
    assert "tz=Europe/Berlin" in recorded.hash()
    recorded.visitor.go_back()
    recorded.visitor.until("location.hash.includes('interval=month')")


def test_the_definition_of_a_number_is_one_press_away_by_keyboard(dashboard: Dashboard):
    dashboard.open("sales")
    button = dashboard.find(".tile .define-button")
    button.send_keys("\ue007")
    dashboard.sees("gross_sales less discounts less returns, exact decimal; may be")
    assert dashboard.accessibility() == []
    dashboard.escape()
    dashboard.visitor.until("!document.querySelector('.define-box:popover-open')")
    button.send_keys("\ue007")
    dashboard.press("All definitions")
    dashboard.sees("One interval's sales.")


def test_the_keyboard_reaches_the_content_first(dashboard: Dashboard):
    dashboard.open("sales")
    dashboard.find("body").send_keys("\ue004")
    assert dashboard.visitor.run("return document.activeElement.innerText") == "Skip to the content"
    dashboard.visitor.driver.switch_to.active_element.send_keys("\ue007")
    assert dashboard.visitor.run("return document.activeElement.id") == "main"


def test_the_chosen_colours_stay(dashboard: Dashboard):
    dashboard.open()
    dashboard.press("Dark")
    dashboard.open("sales")
    assert dashboard.visitor.run("return document.documentElement.dataset.theme") == "dark"
    dashboard.press("Light")
    assert dashboard.visitor.run("return document.documentElement.dataset.theme") == "light"


def _view(title: str) -> dict[str, object]:
    return event("page_view", page(title), ago=timedelta(), tracking_id="live-visitor")


def _midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def test_the_keyboard_goes_to_pages_moves_the_range_and_finds_customers(dashboard: Dashboard):
    dashboard.open("sales", range="2026-03-01..2026-03-07")
    dashboard.sees("Mar 1, 2026 – Mar 7, 2026")
    dashboard.find("body").send_keys("gp")
    dashboard.visitor.until("location.hash.startsWith('#/products')")
    dashboard.find("body").send_keys("\ue012")  # arrow to the left
    dashboard.visitor.until("location.hash.includes('range=2026-02-22..2026-02-28')")
    dashboard.find("body").send_keys("/")
    box = dashboard.find(".command input")
    box.send_keys("1001")
    dashboard.sees("Order or parcel")
    assert dashboard.accessibility() == []
    box.send_keys("\ue007")
    dashboard.visitor.until("location.hash.startsWith('#/customers/')")
    dashboard.visitor.until("document.querySelector('.person')?.innerText")
    # What is typed into a field goes to nobody else.
    dashboard.go("customers")
    dashboard.find(".search input").send_keys("gs/")
    dashboard.visitor.until("location.hash.includes('q=gs')")
    assert not dashboard.visitor.run("return document.querySelector('.command')")
