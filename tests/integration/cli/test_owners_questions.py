"""What an owner asks on Monday morning, each with one command."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from running.running_service import Service, folder
from shopalytic.reports import Reports

MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
WEEK = ("--from", "2026-03-09", "--to", "2026-03-16", "--time-zone", "UTC")


def line(kind: str, day: int, properties: dict[str, Any], who: str, **more: Any) -> dict[str, Any]:
    at = MONDAY + timedelta(days=day, hours=10)
    return {
        "type": kind,
        "properties": properties,
        "event_id": str(uuid4()),
        "occurred_at": at.isoformat(),
        "identity": who,
        **more,
    }


def visit(day: int, who: str, page: str, **context: str) -> dict[str, Any]:
    given = {"url": f"https://shop.test{page}", "referrer": ""}
    return line("page_view", day, given, who, context=context)


def order(day: int, who: str, number: str, country: str, total: str, **more: Any) -> dict[str, Any]:
    lines = [{"sku": "mug", "price": total, "qty": 1}]
    given = {"order_id": number, "cart_id": number, "total": total, "subtotal": total, "line_items": lines}
    address = {"city": "X", "zipcode": "1", "country": country}
    return line("order", day, given | {"shipping": address} | more, who)


LINES = [
    visit(-364, "ann", "/"),
    order(-364, "ann", "o0", "DEU", "30"),
    visit(-5, "ann", "/sale", utm_source="news", utm_medium="email", utm_campaign="spring"),
    order(-5, "ann", "o1", "DEU", "20"),
    visit(1, "ann", "/"),
    order(1, "ann", "o2", "DEU", "50", discounts=[{"code": "VIP", "value": "5"}], total_discount="5"),
    visit(2, "bea", "/sale", utm_source="google", utm_medium="cpc", utm_campaign="mugs"),
    order(2, "bea", "o3", "AUT", "70"),
    visit(3, "cat", "/sale"),
    line("cart_add", 3, {"cart_id": "left", "sku": "mug", "price": "120", "qty": 1}, "cat"),
    line("search", 2, {"query": " Blue  MUG", "results": 0}, "bea"),
    line("search", 2, {"query": "blue mug", "results": 3}, "bea"),
    line("search", 3, {"query": "teapot", "results": 0}, "cat"),
    line("refund", 4, {"order_id": "o3", "refund_type": "full"}, "bea"),
]


@pytest.fixture(scope="module")
def service():
    with folder() as path, Service(path) as running:
        text = "".join(json.dumps(each) + "\n" for each in LINES).encode()
        assert running.json("import", "-", stdin=text)["accepted"] == len(LINES)
        yield running


def sales(service: Service, *options: str) -> Any:
    return service.json("report", "sales", *WEEK, "--currency", "USD", *options)


def test_how_was_last_week_against_the_week_before_and_last_year(service):
    block = sales(service, "--compare", "previous")
    assert (block["total"]["gross"], block["total"]["previous"]["gross"]) == ("120", "20")
    assert block["compared"] == {"from": "2026-03-02T00:00:00Z", "to": "2026-03-09T00:00:00Z"}
    block = sales(service, "--compare", "last-year")
    assert (block["total"]["previous"]["gross"], block["compared"]["from"]) == ("30", "2025-03-10T00:00:00Z")
    block = sales(service, "--compare", "2026-03-03..2026-03-05")
    assert block["total"]["previous"]["orders"] == 1


def test_which_campaign_brings_customers_who_come_back(service):
    answer = service.json("report", "lifetime", "--by", "utm_campaign", "--currency", "USD")
    worth = {row["dimensions"]["utm_campaign"]: row for row in answer["rows"]}
    assert (worth["mugs"]["customers"], worth["mugs"]["net_of_refunds"]) == (1, "0")
    assert (worth[""]["orders"], worth[""]["repeat_customers"], worth[""]["value_per_head"]) == (
        3,
        1,
        "100.0000",
    )


def test_which_products_are_returned_most(service):
    [block] = service.json("report", "products", *WEEK, "--sort", "refunds")["reports"]
    assert [(row["sku"], row["returns"]) for row in block["rows"]] == [("mug", "70")]


def test_what_people_search_for_and_do_not_find(service):
    answer = service.json("report", "searches", *WEEK, "--currency", "USD")
    rows = {row["query"]: row for row in answer["rows"]}
    assert {query: (row["searches"], row["without_results"]) for query, row in rows.items()} == {
        "blue mug": (2, 1),
        "teapot": (1, 1),
    }
    assert (rows["blue mug"]["orders"], rows["blue mug"]["total_sales"]) == (1, "70")
    assert (answer["total"]["searches"], answer["total"]["visitors"]) == (3, 2)
    # The same rows; a token names its range, and that an open one ends now.
    ever = service.json("report", "searches", "--currency", "USD")["rows"]
    assert [{**row, "explain": ""} for row in ever] == [{**row, "explain": ""} for row in answer["rows"]]
    answer = service.json("report", "searches", *WEEK, "--without-results", "--by", "channel", "--limit", "1")
    assert [(row["query"], row["dimensions"]) for row in answer["rows"]] == [
        ("blue mug", {"channel": "paid search"})
    ]
    assert answer["more_rows"] == 1


def test_what_carts_over_100_were_left_as_a_file(service):
    told = service.command(
        "report", "carts", *WEEK, "--min-value", "100", "--table", "abandoned", "--csv"
    ).stdout
    assert [row["cart_id"] for row in csv.DictReader(io.StringIO(told))] == ["left"]


def test_revenue_by_country_device_and_coupon(service):
    block = sales(service, "--by", "country")
    assert {row["dimensions"]["country"]: row["gross"] for row in block["rows"]} == {"AUT": "70", "DEU": "50"}
    block = sales(service, "--by", "coupon", "--by", "country", "--filter", "coupon!=")
    assert [(row["dimensions"], row["gross"]) for row in block["rows"]] == [
        ({"country": "DEU", "coupon": "VIP"}, "50")
    ]
    [coupons] = service.json("report", "coupons", *WEEK)["reports"]
    assert [(row["coupon"], row["orders"], row["discounts"]) for row in coupons["rows"]] == [("VIP", 1, "5")]


def test_conversion_by_landing_page(service):
    answer = service.json("report", "conversion", *WEEK, "--by", "landing_page", "--currency", "USD")
    rows = {row["dimensions"]["landing_page"]: row for row in answer["rows"]}
    sale = rows["https://shop.test/sale"]
    assert (sale["sessions"], sale["carts"], sale["orders"], sale["value_per_visit"]) == (2, 1, 2, "60.0000")
    told = service.command("report", "conversion", *WEEK, "--by", "landing_page", "--csv").stdout
    assert {row["carts"] for row in csv.DictReader(io.StringIO(told))} == {"0", "1"}


def test_which_channel_gets_the_credit(service):
    for attribution, gross in (("last", "50"), ("last-non-direct", "0"), ("first", "50")):
        block = sales(service, "--filter", "channel=direct", "--attribution", attribution)
        assert block["total"]["gross"] == gross, attribution
    block = sales(service, "--by", "channel", "--attribution", "linear")
    assert {row["dimensions"]["channel"]: row["gross"] for row in block["rows"]} == {
        "paid search": "70",
        "direct": "33.34",
        "e-mail": "16.66",
    }


def test_who_is_about_to_leave(service):
    answer = service.json("report", "segments", "--list", "lost")
    assert sum(row["customers"] for row in answer["rows"]) == answer["total"]["customers"] == 2
    assert {row["segment"] for row in answer["rows"]} >= {"best", "loyal", "at risk", "lost"}


def test_csv_has_the_dimensions_as_columns(service):
    told = service.command(
        "report", "sales", *WEEK, "--by", "country", "--compare", "previous", "--csv"
    ).stdout
    rows = {row["country"]: row for row in csv.DictReader(io.StringIO(told))}
    assert (rows["DEU"]["gross"], rows["DEU"]["previous_gross"]) == ("50", "20")


def test_the_same_from_python(service):
    with Reports(service.address, service.ready["keys"]["reports"]) as reports:
        [report] = reports.sales(
            start=MONDAY,
            end=MONDAY + timedelta(days=7),
            filters=["country=DEU"],
            by=["customer_type"],
            compare="previous",
            attribution="last",
        ).reports
    assert [(row.dimensions["customer_type"], row.orders, row.previous.orders) for row in report.rows] == [
        ("returning", 1, 1)
    ]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--filter", "country"), "is no filter"),
        (("--by", "colour"), "is no dimension"),
        (("--compare", "yesterday"), "is none of previous, last-year"),
        (("--segment", "rich"), "is no segment"),
        (("--by", "city", "--by", "sku", "--by", "os"), "breakdowns"),
    ],
)
def test_what_is_wrong_is_said(service, option, said):
    told = service.command("report", "sales", *WEEK, *option)
    assert told.returncode != 0
    assert said in told.stderr
