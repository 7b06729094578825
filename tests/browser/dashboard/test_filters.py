"""The bar above reports: filters, breakdowns, comparisons and attribution, which live in the address."""

import csv
import itertools
import json
from pathlib import Path

import pytest

from browser.dashboard.operator import PHONE, RECORD_CALLS, Dashboard, call
from running.running_service import Service
from shopalytic_server.domain.reports.dimensions import FITS

PAGES_OF_REPORTS = [report for report in FITS if report != "delivery"]


@pytest.fixture
def recorded(dashboard: Dashboard) -> Dashboard:
    """The dashboard, with its questions written down."""
    dashboard.visitor.before_pages(RECORD_CALLS)
    return dashboard


def scopes(dashboard: Dashboard, method: str) -> list[dict[str, object]]:
    return [json.loads(body)["scope"] for _, body in dashboard.asked(method)]


def choose(dashboard: Dashboard, label: str, value: str) -> None:
    """Chooses a value in the list with this label."""
    dashboard.visitor.until(
        f"""[...document.querySelectorAll('.field')].some((field) =>
            field.querySelector('span')?.textContent === {json.dumps(label)})"""
    )
    dashboard.visitor.run(f"""
        const field = [...document.querySelectorAll('.field')].find((each) =>
            each.querySelector('span')?.textContent === {json.dumps(label)}).querySelector('select');
        field.value = {json.dumps(value)};
        field.dispatchEvent(new Event('change', {{ bubbles: true }}))""")
    dashboard.settled()


@pytest.mark.parametrize("page", PAGES_OF_REPORTS)
def test_a_page_offers_the_dimensions_that_the_server_has_for_its_report(dashboard: Dashboard, page: str):
    dashboard.open(page, range="all")
    offered = dashboard.visitor.run("""
        return [...document.querySelectorAll('.field')]
            .filter((field) => field.querySelector('span')?.textContent === 'Break down by')
            .flatMap((field) => [...field.querySelectorAll('option')].map(({ value }) => value))""")
    assert {each for each in offered if each} == FITS[page]


@pytest.mark.parametrize("page", [page for page in PAGES_OF_REPORTS if FITS[page]])
def test_a_broken_down_page_is_answered_and_can_be_read(dashboard: Dashboard, page: str):
    state = [("by", "country"), ("by", "customer_type"), ("filter", "country!=FRA"), ("filter", "city~on")]
    query = "&".join(f"{name}={value}" for name, value in state)
    dashboard.resize(*PHONE)
    dashboard.open(f"{page}?range=365d&{query}")
    assert "does not take this question" not in dashboard.text()
    assert "Country is not France" in dashboard.text()
    assert dashboard.visitor.run("return document.documentElement.scrollWidth <= innerWidth")
    assert dashboard.accessibility() == []
    assert dashboard.console() == []


def test_a_row_of_a_breakdown_opens_as_a_filter(recorded: Dashboard, full_service: Service):
    recorded.open("sales", range="all", currency="USD", by="country")
    recorded.sees("Sales in USD by Country")
    recorded.press("United Kingdom")
    recorded.visitor.until("location.hash.includes('filter=country%3DGBR')")
    recorded.sees("Country is United Kingdom")
    recorded.settled()
    scope = {"currency": "USD", "filters": [{"dimension": "country", "values": ["GBR"]}]}
    answer = call(full_service, "ReportService/GetSalesReport", {"scope": scope})
    total = answer["reports"][0]["total"]["netSales"]
    assert recorded.tile("Net sales").replace("$", "").replace(",", "") == total


def test_a_filter_is_typed_stays_on_the_way_and_is_taken_away(recorded: Dashboard):
    recorded.open("sales", range="all")
    recorded.find("details.filters summary").click()
    field = recorded.find(".filter-form input")
    recorded.visitor.until("document.querySelector('.filter-form datalist option[value=\"United Kingdom\"]')")
    assert recorded.accessibility() == []
    recorded.press("Add the filter")
    recorded.sees("Give a value")
    field.send_keys("united kingdom\ue007")
    recorded.sees("Country is United Kingdom")
    for page in ("products", "carts", "overview"):
        recorded.go(page)
        recorded.sees("Country is United Kingdom")
        assert "filter=country%3DGBR" in recorded.hash()
    (filters,) = {
        json.dumps(scope["filters"])
        for scope in scopes(recorded, "GetFunnelReport") + scopes(recorded, "GetCartReport")
    }
    assert json.loads(filters) == [
        {"dimension": "country", "operator": "FILTER_OPERATOR_IS", "values": ["GBR"]}
    ]
    recorded.find("button[aria-label='Take away the filter Country is United Kingdom']").click()
    recorded.visitor.until("!location.hash.includes('filter')")


@pytest.mark.parametrize("state", ["", "?by=device", "?by=device&by=os&compare=2026-01-01..2026-01-05"])
def test_the_form_of_a_filter_lies_over_the_page(dashboard: Dashboard, state: str):
    dashboard.open(f"sales{state}")
    boxes = "document.querySelectorAll('details.filters')"
    for width, place in itertools.product((1280, 1000, PHONE[0]), range(2)):
        dashboard.resize(width, 900)
        dashboard.visitor.until(f"innerWidth === {width}")
        press = f"{boxes}[{place}].querySelector('summary').click()"
        dashboard.visitor.run(press)
        dashboard.visitor.until(f"{boxes}[{place}].querySelector('.filters-box select, .filters-box input')")
        left, right, begin, end = dashboard.visitor.run(f"""
            const box = {boxes}[{place}].querySelector('.filters-box').getBoundingClientRect();
            const page = document.querySelector('main').getBoundingClientRect();
            return [box.left, box.right, page.left, innerWidth]""")
        assert begin - 1 <= left
        assert left < right <= end
        dashboard.visitor.run(press)
        dashboard.visitor.until(f"!{boxes}[{place}].open")


def test_several_values_are_one_filter(recorded: Dashboard):
    recorded.open("sales?range=all&filter=country=GBR&filter=country=DEU&filter=coupon=")
    recorded.sees("Country is United Kingdom or Germany")
    recorded.sees("Coupon is not known")
    assert scopes(recorded, "GetSalesReport")[0]["filters"] == [
        {"dimension": "country", "operator": "FILTER_OPERATOR_ONE_OF", "values": ["GBR", "DEU"]},
        {"dimension": "coupon", "operator": "FILTER_OPERATOR_IS", "values": [""]},
    ]


def test_what_a_page_cannot_use_is_said_and_not_sent(recorded: Dashboard):
    recorded.open("traffic", filter="sku=MUG-1", segment="best")
    recorded.sees("SKU is MUG-1 (not used here)")
    recorded.sees("This report has no SKU: the filter is not used here, and stays for other pages.")
    (filters,) = {json.dumps(scope["filters"]) for scope in scopes(recorded, "GetTrafficReport")}
    assert [each["dimension"] for each in json.loads(filters)] == ["segment"]
    assert recorded.accessibility() == []
    recorded.go("overview")
    recorded.sees("SKU is not used for visitors, the way from view to order: they are shown whole.")
    recorded.go("customers")
    recorded.sees("This page is no report: the filter is not used here, and stays for other pages.")
    recorded.go("products")
    recorded.sees("SKU is MUG-1")
    assert "not used here" not in recorded.text()


def test_the_comparison_is_chosen_named_and_kept(recorded: Dashboard):
    recorded.open("sales", range="2026-03-02..2026-03-08", tz="UTC")
    choose(recorded, "Compare with", "last-year")
    recorded.sees("compared with Mar 3, 2025 – Mar 9, 2025")
    assert {str(scope["from"])[:10] for scope in scopes(recorded, "GetSalesReport")} >= {"2025-03-03"}
    recorded.go("carts")
    recorded.sees("compared with Mar 3, 2025 – Mar 9, 2025")
    choose(recorded, "Compare with", "none")
    recorded.visitor.until("!document.body.innerText.includes('compared with')")
    recorded.open("sales", range="2026-03-02..2026-03-08", compare="2026-01-01..2026-01-05", by="device")
    recorded.sees("compared with Jan 1, 2026 – Jan 5, 2026")
    # What compares nothing offers no comparison.
    recorded.open("funnel", by="device")
    recorded.sees("Break down by")
    assert "Compare with" not in recorded.text()


def test_the_attribution_is_sent_where_a_report_gives_credit(recorded: Dashboard):
    recorded.open("conversion", attribution="linear", by="channel")
    assert {scope.get("attribution") for scope in scopes(recorded, "GetConversionReport")} == {
        "ATTRIBUTION_LINEAR"
    }
    recorded.go("segments")
    assert {scope.get("attribution") for scope in scopes(recorded, "GetSegmentReport")} == {None}


def test_a_breakdown_is_saved_with_all_its_rows_and_exact_values(
    dashboard: Dashboard, full_service: Service, tmp_path: Path
):
    dashboard.open("sales?range=all&currency=USD&by=payment_type&by=sent_by")
    saved = dashboard.save("Sales in USD by Payment and Sender", tmp_path)
    *rows, total = list(csv.DictReader(saved.read_text("utf-8-sig").splitlines()))
    question = {"scope": {"currency": "USD", "breakdowns": ["payment_type", "sent_by"]}}
    report = call(full_service, "ReportService/GetSalesReport", question)["reports"][0]
    wanted = [
        (each["dimensions"]["payment_type"], each["dimensions"]["sent_by"], each["netSales"], each["tax"])
        for each in report["rows"]
    ]
    assert [(row["Payment"], row["Sender"], row["Net sales"], row["Tax"]) for row in rows] == wanted
    assert total["Net sales"] == report["total"]["netSales"]


def test_the_customers_of_a_segment_are_listed(dashboard: Dashboard):
    dashboard.open("segments", range="all")
    names = ("best", "loyal", "new", "promising", "needs attention", "at risk", "lost")
    shown = dashboard.visitor.until(
        """[...document.querySelectorAll('tbody tr')].map((row) =>
            [row.querySelector('a').innerText, row.querySelector('.number').innerText])"""
    )
    assert [name for name, _ in shown] == list(names)
    name, customers = next(each for each in shown if each[1] != "0")
    dashboard.press(name)
    dashboard.sees(f"Customers: {name}")
    listed = "[...document.querySelectorAll('section.card')].at(-1).querySelectorAll('tbody tr').length"
    dashboard.visitor.until(f"{listed} === {customers}")
    assert dashboard.accessibility() == []


def test_only_what_was_not_found_is_listed(dashboard: Dashboard):
    dashboard.open("searches")
    dashboard.sees("red mug")
    assert dashboard.tile("Searches") == "3"
    dashboard.find("input[type=checkbox]").click()
    dashboard.visitor.until("!document.body.innerText.includes('red mug')")
    dashboard.sees("nothing here")
