"""`shopalytic customer` and `report`, against a running service with a small shop's events."""

import csv
import json
from decimal import Decimal

import pytest

from running.running_service import Service, folder

LINES = [
    {"type": "page_view", "tracking_id": "phone", "occurred_at": "2026-01-01T10:00:00Z", "source": "web",
     "properties": {"url": "https://shop.example/", "referrer": ""}},
    {"type": "identify", "tracking_id": "phone", "occurred_at": "2026-01-01T11:00:00Z",
     "properties": {"identity": "jane"}},
    {"type": "customer_register", "identity": "jane", "occurred_at": "2026-01-01T11:01:00Z",
     "properties": {"email": "Jane@example.com", "first_name": "Jane", "last_name": "Doe"}},
    {"type": "order", "identity": "jane", "occurred_at": "2026-01-31T23:30:00Z", "properties": {
        "order_id": "G-1", "cart_id": "c", "currency": "GBP", "total": "10.10", "subtotal": "10.10",
        "line_items": [{"sku": "A", "price": "5.05", "qty": 2}]}},
    {"type": "order", "tracking_id": "stranger", "occurred_at": "2026-03-02T12:00:00Z", "properties": {
        "order_id": "G-2", "cart_id": "c", "currency": "GBP", "total": "0.05", "subtotal": "0.05",
        "line_items": [{"sku": "B", "price": "0.05", "qty": 1}]}},
    {"type": "refund", "identity": "jane", "occurred_at": "2026-03-03T12:00:00Z", "properties": {
        "order_id": "G-1", "refund_type": "partial", "total_refund": "1.10", "subtotal_refund": "1.10",
        "line_items": []}},
    {"type": "order", "identity": "jane", "occurred_at": "2026-03-04T12:00:00Z", "properties": {
        "order_id": "E-1", "cart_id": "c", "currency": "EUR", "total": "7", "subtotal": "7",
        "line_items": [{"sku": "A", "price": "7", "qty": 1}]}},
]  # fmt: skip
SALES = ("report", "sales", "--from", "2026-01-01", "--to", "2026-04-01")


@pytest.fixture(scope="module")
def service():
    with folder() as path, Service(path) as running:
        lines = "".join(json.dumps(line) + "\n" for line in LINES).encode()
        imported = running.json("import", "-", stdin=lines)
        assert imported["accepted"] == len(LINES)
        yield running


def money(value):
    """The amount without zeros at its end."""
    return format(Decimal(value).normalize(), "f")


@pytest.mark.parametrize("who", ["jane", "phone", "jane@example.com"])
def test_a_customer_is_found_by_each_name(service, who):
    shown = service.json("customer", "show", who)
    assert list(shown) == [
        "customer_id", "identities", "tracking_ids", "profile", "orders", "gross", "refunds", "net",
        "first_seen", "last_seen", "links", "last_order_at", "country", "rfm", "days_between_orders",
        "first_touch", "last_touch", "devices", "order_list",
    ]  # fmt: skip
    assert (shown["identities"], shown["tracking_ids"]) == (["jane"], ["phone"])
    assert shown["profile"] == {
        "email": "Jane@example.com",
        "first_name": "Jane",
        "last_name": "Doe",
        "join_date": "2026-01-01T11:01:00Z",
    }
    assert shown["orders"] == {"EUR": 1, "GBP": 1}
    assert {code: money(value) for code, value in shown["gross"].items()} == {"EUR": "7", "GBP": "10.1"}
    assert money(shown["refunds"]["GBP"]) == "1.1"
    assert {code: money(value) for code, value in shown["net"].items()} == {"EUR": "7", "GBP": "9"}
    assert (shown["first_seen"], shown["last_seen"]) == ("2026-01-01T10:00:00Z", "2026-03-04T12:00:00Z")
    [link] = shown["links"]
    assert (link["tracking_id"], link["identity"], link["kind"], link["owner"]) == (
        "phone",
        "jane",
        "identify",
        True,
    )


def test_a_customer_is_found_by_customer_id(service):
    shown = service.json("customer", "show", "jane")
    assert service.json("customer", "show", shown["customer_id"]) == shown


def test_nobody_is_told_as_such(service):
    done = service.command("customer", "show", "nobody")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_a_timeline_is_newest_first_and_paged(service):
    everything = service.json("customer", "events", "jane")
    assert everything["next_page_token"] == ""
    types = [event["type"] for event in everything["events"]]
    assert types == ["order", "refund", "order", "customer_register", "identify", "page_view"]
    paged, token = [], ""
    while True:
        page = service.json("customer", "events", "phone", "--limit", "4", "--page-token", token)
        paged += page["events"]
        if not (token := page["next_page_token"]):
            break
    assert paged == everything["events"]


def test_an_event_is_shown_as_it_was_sent(service):
    [order, *_] = service.json("customer", "events", "jane", "--type", "order")["events"]
    assert order["properties"] == LINES[6]["properties"]
    assert isinstance(order["properties"]["line_items"][0]["qty"], int)
    [view] = service.json("customer", "events", "jane", "--type", "page_view")["events"]
    assert (view["tracking_id"], view["source"], view["occurred_at"]) == (
        "phone",
        "web",
        "2026-01-01T10:00:00Z",
    )


def test_customers_are_listed(service):
    listed = service.json("customer", "list")
    assert [customer["identities"] for customer in listed["customers"]] == [["jane"]]
    assert listed["next_page_token"] == ""


def test_customers_are_searched_and_sorted(service):
    def listed(*flags):
        return [customer["identities"] for customer in service.json("customer", "list", *flags)["customers"]]

    assert listed("--search", "EXAMPLE", "--sort", "last-seen", "--min-orders", "2") == [["jane"]]
    assert listed("--min-net", "7", "--currency", "EUR", "--seen-after", "2026-03-01") == [["jane"]]
    for nobody in (["--search", "nobody"], ["--min-orders", "3"], ["--seen-before", "2026-03-01"]):
        assert listed(*nobody) == []


@pytest.mark.parametrize("who", ["G-1", "Jane Doe", "doe"])
def test_a_customer_is_found_by_order_and_by_a_name_that_one_has(service, who):
    shown = service.json("customer", "show", who, "--currency", "GBP")
    assert shown["identities"] == ["jane"]
    assert shown["rfm"]["currency"] == "GBP"


def test_a_list_says_how_long_it_is_and_in_which_currency(service):
    listed = service.json("customer", "list", "--sort", "net", "--currency", "EUR", "--ascending")
    assert (listed["total_customers"], listed["currency"]) == (1, "EUR")
    [jane] = listed["customers"]
    assert (jane["last_order_at"], jane["rfm"]["currency"]) == ("2026-03-04T12:00:00Z", "EUR")
    printed = service.command("customer", "list", "--currency", "EUR").stdout
    assert "Customers, 1 of 1, net and RFM in EUR" in printed


def test_lists_are_saved_whole_as_csv(service):
    def rows(*args):
        return list(csv.DictReader(service.command(*args, "--csv").stdout.splitlines()))

    [jane] = rows("customer", "list", "--sort", "rfm", "--currency", "GBP")
    assert (jane["identities"], jane["orders"], jane["currency"]) == ("jane", "2", "GBP")
    assert money(jane["net"]) == "9"
    assert [row["order"] for row in rows("customer", "orders", "jane")] == ["E-1", "G-1"]
    assert [row["order"] for row in rows("customer", "orders", "jane", "--limit", "1")] == ["E-1"]
    events = rows("customer", "events", "jane")
    assert [row["type"] for row in events] == [
        "order", "refund", "order", "customer_register", "identify", "page_view",
    ]  # fmt: skip
    assert json.loads(events[0]["properties"])["order_id"] == "E-1"
    assert [row["sku"] for row in rows("report", "products", "--currency", "GBP")] == ["A", "B"]


def test_orders_are_counted_and_paged(service):
    first = service.json("customer", "orders", "jane", "--limit", "1")
    assert first["total_orders"] == 2
    second = service.json(
        "customer", "orders", "jane", "--limit", "1", "--page-token", first["next_page_token"]
    )
    assert [each["order_id"] for each in (*first["orders"], *second["orders"])] == ["E-1", "G-1"]
    assert second["next_page_token"] == ""


def test_a_customers_page_has_orders_devices_and_touches(service):
    shown = service.json("customer", "show", "jane")
    assert [placed["order_id"] for placed in shown["order_list"]] == ["E-1", "G-1"]
    assert [device["tracking_id"] for device in shown["devices"]] == ["phone"]
    assert shown["first_touch"]["landing_page"] == "https://shop.example/"
    printed = service.command("customer", "show", "jane").stdout
    assert "G-1" in printed
    assert "first touch" in printed


def test_a_sales_report_can_be_csv_and_leads_to_its_events(service):
    lines = service.command(*SALES, "--interval", "month", "--currency", "GBP", "--csv").stdout.splitlines()
    assert lines[0].startswith("currency,start,orders,units,gross,refunds,net,customers,average_order,")
    assert [line.split(",")[:3] for line in lines[1:]] == [
        ["GBP", "2026-01-01T00:00:00Z", "1"],
        ["GBP", "2026-02-01T00:00:00Z", "0"],
        ["GBP", "2026-03-01T00:00:00Z", "1"],
    ]
    report = service.json(*SALES, "--interval", "month", "--currency", "GBP")
    found = service.json("report", "events", report["rows"][2]["explain"])["events"]
    assert [(row["type"], row["properties"]["order_id"]) for row in found] == [
        ("refund", "G-1"),
        ("order", "G-2"),
    ]
    nothing = service.json(*SALES, "--as-of", "2026-01-01")
    assert nothing["reports"] == []


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--json", "--csv"], "exclude each other"),
        (["--table", "nothing"], "has no table 'nothing'; it has sales"),
        (["--as-of", "2999-01-01"], "scope.as_of"),
    ],
)
def test_a_report_that_cannot_be_is_refused_with_a_sentence(service, flags, sentence):
    done = service.command(*SALES, *flags)
    assert done.returncode in (1, 2)
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_sales_report_has_a_row_for_every_month(service):
    report = service.json(*SALES, "--interval", "month", "--currency", "GBP")
    assert list(report) == ["currency", "rows", "total", "more_rows"]
    assert report["currency"] == "GBP"
    assert [row["start"] for row in report["rows"]] == [
        "2026-01-01T00:00:00Z",
        "2026-02-01T00:00:00Z",
        "2026-03-01T00:00:00Z",
    ]
    january, february, march = report["rows"]
    names = ("orders", "units", "customers")
    assert [january[name] for name in names] == [1, 2, 1]
    assert [money(january[name]) for name in ("gross", "refunds", "net")] == ["10.1", "0", "10.1"]
    assert january["average_order"] == "10.1000"
    assert [february[name] for name in names] == [0, 0, 0]
    assert february["average_order"] == "0.0000"
    assert [money(march[name]) for name in ("gross", "refunds", "net")] == ["0.05", "1.1", "-1.05"]
    assert [report["total"][name] for name in names] == [2, 3, 2]
    assert report["total"]["average_order"] == "5.0750"


def test_days_are_those_of_the_time_zone_asked_for(service):
    # Half past eleven in London's night is the next day in Berlin.
    dates = ("--from", "2026-02-01", "--to", "2026-02-02", "--interval", "day", "--currency", "GBP")
    berlin = service.json("report", "sales", *dates, "--time-zone", "Europe/Berlin")
    assert [(row["start"], row["orders"]) for row in berlin["rows"]] == [("2026-01-31T23:00:00Z", 1)]
    utc = service.json("report", "sales", *dates, "--time-zone", "UTC")
    assert [(row["start"], row["orders"]) for row in utc["rows"]] == [("2026-02-01T00:00:00Z", 0)]


BERLINS_FIRST = ("report", "sales", "--from", "2026-02-01", "--to", "2026-02-02", "--interval", "day")


def test_without_a_time_zone_the_projects_days_count(service):
    service.json("project", "update", "--time-zone", "Europe/Berlin")
    try:
        report = service.json(*BERLINS_FIRST, "--currency", "GBP")
        assert [(row["start"], row["orders"]) for row in report["rows"]] == [("2026-01-31T23:00:00Z", 1)]
        for key_class in ("reports", "admin"):
            key = service.ready["keys"][key_class]
            assert service.json(*BERLINS_FIRST, "--currency", "GBP", "--key", key) == report
    finally:
        service.json("project", "update", "--time-zone", "UTC")


def test_a_time_may_be_given_instead_of_a_date(service):
    start = ("report", "sales", "--currency", "GBP", "--from", "2026-01-31T23:00:00Z")
    assert service.json(*start, "--to", "2026-02-01T01:30:00+02:00")["total"]["orders"] == 0
    assert service.json(*start, "--to", "2026-02-01T01:30:01+02:00")["total"]["orders"] == 1


def test_a_range_that_ends_before_it_begins_is_told_once(service):
    done = service.command("report", "sales", "--from", "2026-02-01", "--to", "2026-01-01")
    assert done.returncode == 1
    assert done.stderr.count("scope.to") == 1


def test_without_a_currency_each_has_a_block(service):
    reports = service.json(*SALES)["reports"]
    assert [block["currency"] for block in reports] == ["EUR", "GBP"]


def test_a_currency_without_orders_has_an_empty_report(service):
    report = service.json(*SALES, "--interval", "month", "--currency", "JPY")
    assert (report["currency"], len(report["rows"]), report["total"]["orders"]) == ("JPY", 3, 0)


@pytest.mark.parametrize(
    "flags",
    [
        ["--from", "yesterday"],
        ["--from", "2026-02-30"],
        ["--to", "2026-01-01T00:00:00"],
        ["--interval", "year"],
        ["--time-zone", "Mars/Olympus"],
    ],
)
def test_flags_that_cannot_be_read_are_wrong_usage(service, flags):
    done = service.command("report", "sales", *flags)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_currency_that_is_none_is_named(service):
    done = service.command(*SALES, "--currency", "pounds")
    assert done.returncode == 1
    assert "currency" in done.stderr


def test_a_write_key_reads_nothing(service):
    done = service.command("customer", "show", "jane", "--key", service.ready["keys"]["server"])
    assert done.returncode == 1
    assert "reports or admin" in done.stderr


@pytest.mark.parametrize(
    "command",
    [("customer", "show", "jane"), ("customer", "events", "jane"), ("customer", "list"), SALES],
    ids=lambda command: " ".join(command[:2]),
)
def test_people_get_a_table(service, command):
    done = service.command(*command)
    assert done.returncode == 0
    assert "GBP" in done.stdout
    assert "{" not in done.stdout


def test_quarantine_is_listed_with_its_reasons(service):
    line = {"type": "page_view", "properties": {"url": "", "referrer": ""}, "tracking_id": "visitor-q"}
    line |= {"event_id": "00000000-0000-7000-8000-0000000000aa", "occurred_at": "2026-02-01T00:00:00Z"}
    service.command("import", "-", stdin=json.dumps(line).encode())
    [kept] = service.json("quarantine", "list", "--rule", "required")["events"]
    assert kept["status"] == "QUARANTINED"
    assert kept["violations"][0]["field"] == "page_view.url"
    assert kept["event"]["tracking_id"] == "visitor-q"
    assert "page_view.url" in service.command("quarantine", "list").stdout
