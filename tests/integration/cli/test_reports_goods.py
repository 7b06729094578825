"""`shopalytic report products`, `carts` and `fulfilment`, and the same questions from Python."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from running.running_service import Service, folder
from shopalytic.reports import Reports


def line(kind: str, at: str, properties: dict[str, Any], who: str = "ann") -> dict[str, Any]:
    return {
        "type": kind,
        "properties": properties,
        "event_id": str(uuid4()),
        "occurred_at": at,
        "identity": who,
    }


MUG = {"sku": "mug", "price": "4.50", "qty": 2}
ORDER = {
    "order_id": "o1",
    "cart_id": "c1",
    "total": "12.00",
    "subtotal": "12.00",
    "line_items": [MUG, {"sku": "pot", "price": "3.00", "qty": 1}],
}
LINES = [
    line("product_view", "2026-01-05T10:00:00Z", {"sku": "mug", "name": "A mug", "price": "4.50"}),
    line("cart_add", "2026-01-05T10:01:00Z", {"cart_id": "c1", **MUG}),
    line("cart_add", "2026-01-06T10:01:00Z", {"cart_id": "c2", **MUG}, "bea"),
    line("order", "2026-01-05T10:02:00Z", ORDER),
    line(
        "shipment",
        "2026-01-05T20:00:00Z",
        {"order_id": "o1", "shipment_id": "p1", "carrier": "dhl", "date_shipped": "2026-01-05T16:32:00Z"},
    ),
]
RANGE = ("--from", "2026-01-01", "--to", "2026-03-01", "--time-zone", "UTC")


@pytest.fixture(scope="module")
def service():
    with folder() as path, Service(path) as running:
        text = "".join(json.dumps(each) + "\n" for each in LINES).encode()
        assert running.json("import", "-", stdin=text)["accepted"] == len(LINES)
        yield running


def test_products_are_told_with_what_is_bought_together(service):
    answer = service.json("report", "products", *RANGE, "--currency", "JPY")
    assert answer == {"currency": "JPY", "rows": [], "bought_together": [], "total_products": 0}
    [block] = service.json("report", "products", *RANGE)["reports"]
    assert [(row["sku"], row["name"], row["net"], row["view_to_order_rate"]) for row in block["rows"]] == [
        ("mug", "A mug", "9.00", "1.0000"),
        ("pot", "", "3.00", "0.0000"),
    ]
    assert block["bought_together"] == [{"sku": "mug", "other_sku": "pot", "orders": 1, "lift": "1.0000"}]
    behind = service.json("report", "events", block["rows"][0]["explain"])
    assert sorted(each["type"] for each in behind["events"]) == [
        "cart_add",
        "cart_add",
        "order",
        "product_view",
    ]


def test_carts_are_told_with_those_that_were_left(service):
    [block] = service.json("report", "carts", *RANGE)["reports"]
    assert (block["created"], block["ordered"], block["abandonment_rate"]) == (2, 1, "0.5000")
    assert [(cart["cart_id"], cart["value"], cart["created_at"]) for cart in block["carts"]] == [
        ("c2", "9.00", "2026-01-06T10:01:00Z")
    ]
    [patient] = service.json("report", "carts", *RANGE, "--abandoned-after", "8760")["reports"]
    assert patient["abandonment_rate"] == "0.0000"


def test_parcels_are_told_by_carrier(service):
    answer = service.json("report", "fulfilment", *RANGE, "--promised-days", "1")
    assert [row["carrier"] for row in answer["carriers"]] == ["dhl"]
    assert (answer["total"]["on_the_way"], answer["total"]["order_to_shipped_median"]) == (1, "6.50")


def test_a_range_alone_or_nothing_is_enough(service):
    for name in ("products", "carts", "fulfilment"):
        assert service.json("report", name, "--from", "2026-01-01", "--to", "2026-03-01")
        assert service.json("report", name)


@pytest.mark.parametrize(
    ("command", "last"),
    [
        (("products",), "return_rate"),
        (("products", "--table", "bought_together"), "lift"),
        (("carts",), "abandoned_value"),
        (("carts", "--table", "abandoned"), "identity"),
        (("fulfilment",), "refund_rate_after_late"),
    ],
)
def test_each_table_can_be_had_as_csv_and_for_people(service, command, last):
    rows = list(csv.reader(io.StringIO(service.command("report", *command, *RANGE, "--csv").stdout)))
    assert rows[0][-1] == last
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(rows[0])}
    assert last in service.command("report", *command, *RANGE).stdout


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("products", "--limit", "0"), "limit"),
        (("carts", "--abandoned-after", "8761"), "abandoned-after"),
        (("fulfilment", "--promised-days", "soon"), "promised-days"),
    ],
)
def test_what_cannot_be_asked_is_told(service, command, told):
    done = service.command("report", *command)
    assert done.returncode != 0
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_people_are_told_what_still_grows_and_what_is_left_out(service):
    done = service.command("report", "sales", "--from", "2026-01-01", "--by", "sku", "--breakdown-limit", "1")
    assert "Not finished: this range has not ended, so its numbers still grow." in done.stderr
    assert "Ask for more with --breakdown-limit." in done.stderr
    done = service.command("report", "sales", *RANGE)
    assert done.stderr == ""
    answer = service.json("report", "sales", "--from", "2026-01-01", "--currency", "EUR", "--json")
    assert answer["unfinished_since"] == "2026-01-01T00:00:00Z"
    compared = ("--from", "2026-01-01", "--compare", "last-year", "--same-time", "--json")
    answer = service.json("report", "sales", *compared)
    assert answer["compared"]["from"] == "2025-01-02T00:00:00Z"
    refused = service.command("report", "sales", "--same-time")
    assert "it needs compare" in refused.stderr


def test_python_asks_the_same_questions(service):
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    with Reports(service.address, service.ready["keys"]["reports"]) as reports:
        [products] = reports.products(limit=1, start=begin, end=end).reports
        assert [row.sku for row in products.rows] == ["mug"]
        [carts] = reports.carts(abandoned_after_hours=1, limit=1, start=begin, end=end).reports
        assert carts.abandoned == 1
        assert [each.type for each in reports.events(carts.explain).events] == ["cart_add"]
        parcels = reports.fulfilment(promised_days=1, start=begin, end=end)
        assert parcels.total.parcels == 1
