"""`shopalytic reconcile`: a shop's own list of orders against a running service."""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from running.running_service import Service, folder
from shopalytic.v1 import reports_pb2, reports_pb2_grpc

STORED = [("R-1", "10.00", "2026-05-01T10:00:00Z"), ("R-2", "20.50", "2026-05-02T10:00:00Z"),
          ("R-3", "7", "2026-05-03T10:00:00Z")]  # fmt: skip


def event(order_id: str, total: str, at: str) -> dict[str, Any]:
    lines = [{"sku": "A", "price": total, "qty": 1}]
    details = {"order_id": order_id, "cart_id": "c", "total": total, "subtotal": total, "line_items": lines}
    return {"type": "order", "identity": "jane", "occurred_at": at, "properties": details}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as path, Service(path) as running:
        send(running, *STORED)
        yield running


def send(service: Service, *orders: tuple[str, str, str]) -> None:
    lines = "".join(json.dumps(event(*order)) + "\n" for order in orders).encode()
    assert service.json("import", "-", stdin=lines)["accepted"] == len(orders)


def book(
    path: Path, rows: Sequence[Sequence[str]], head: Sequence[str] = ("Order ID", "Total", "Date")
) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def test_a_list_that_agrees_is_equal(service: Service, tmp_path: Path) -> None:
    found = service.json(
        "reconcile", book(tmp_path / "b.csv", [*STORED[:2], ("R-3", "7.0000", "2026-05-03 10:00")])
    )
    assert found == {
        "columns": {"id": "Order ID", "total": "Total", "time": "Date"},
        "time_zone": "UTC",
        "currency": None,
        "equal": 3,
        "erased": 0,
        "missing": [],
        "extra": [],
        "different": [],
    }


def test_what_is_missing_extra_and_different_is_told_and_ends_with_1(
    service: Service, tmp_path: Path
) -> None:
    rows = [("R-1", "10.01", "2026-05-01T10:00:00Z"), ("R-3", "7", "2026-05-03T12:00:00+02:00"),
            ("R-9", "5", "2026-05-03T11:00:00Z")]  # fmt: skip
    done = service.command("reconcile", book(tmp_path / "b.csv", rows), "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert [each["order_id"] for each in found["missing"]] == ["R-9"]
    assert [each["order_id"] for each in found["extra"]] == ["R-2"]
    [other] = found["different"]
    assert (other["fields"], other["listed"]["total"], other["stored"]["total"]) == (
        ["total"],
        "10.01",
        "10.00",
    )
    told = service.command("reconcile", tmp_path / "b.csv").stdout
    assert "1 orders are equal, 1 missing, 1 extra, 1 different." in told


def test_an_order_at_another_time_is_different_and_not_missing(service: Service, tmp_path: Path) -> None:
    path = book(tmp_path / "b.csv", [("R-1", "10", "2026-03-01T10:00:00Z")])
    found = json.loads(service.command("reconcile", path, "--json").stdout)
    assert (found["missing"], [each["fields"] for each in found["different"]]) == ([], [["time"]])


def test_missing_orders_are_backfilled_once_and_the_shops_own_event_wins(
    service: Service, tmp_path: Path
) -> None:
    rows = [("B-1", "30", "2026-06-01T10:00:00Z", "ada"), ("B-2", "40.25", "2026-06-02T10:00:00Z", "")]
    path = book(tmp_path / "b.csv", rows, ("name", "amount", "created at", "customer"))
    for verdict in ("accepted", None):
        found = service.json("reconcile", path, "--backfill")
        assert found.get("backfilled") == ({verdict: 2} if verdict else None)
    assert service.json("reconcile", path)["equal"] == 2
    assert service.json("customer", "show", "ada")["orders"] == {"USD": 1}
    # The real event comes after all, with what the list did not know.
    send(service, ("B-1", "31", "2026-06-01T10:00:00Z"))
    found = json.loads(service.command("reconcile", path, "--json").stdout)
    assert [each["stored"]["total"] for each in found["different"]] == ["31"]
    [order] = service.json("customer", "show", "jane")["order_list"][:1]
    assert (order["order_id"], order["lines"][0]["sku"]) == ("B-1", "A")


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([("R-1", "10,00", "2026-05-01")], "Line 2: the total '10,00' is not an amount"),
        ([("R-1", "١٠", "2026-05-01")], "is not an amount"),
        ([("R-1", "10", "yesterday")], "Line 2: the time 'yesterday' is not one"),
        ([("", "10", "2026-05-01")], "Line 2: the order id must have 1 to 200"),
        ([STORED[0], ("R-1", "11", "2026-05-01")], "Line 3: the order 'R-1' stands in the list twice"),
    ],
)
def test_a_wrong_line_is_named(service: Service, tmp_path: Path, rows: Any, sentence: str) -> None:
    done = service.command("reconcile", book(tmp_path / "b.csv", rows))
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_header_says_which_option_names_the_column(service: Service, tmp_path: Path) -> None:
    path = book(tmp_path / "b.csv", STORED, ("Bestellung", "Summe", "Datum"))
    assert "--id-column" in service.command("reconcile", path).stderr
    named = ("--id-column", "Bestellung", "--total-column", "Summe", "--time-column", "Datum")
    assert service.json("reconcile", path, *named)["equal"] == 3


def test_pages_of_orders_go_on_where_they_ended(service: Service) -> None:
    from shopalytic import Reports

    with Reports(service.address, service.ready["keys"]["reports"]) as reports:
        first = reports.orders(page_size=2)
        second = reports.orders(page_size=2, page_token=first.next_page_token)
        everything = reports.orders()
    names = [order.order_id for order in (*first.orders, *second.orders)]
    assert names == [order.order_id for order in everything.orders][:4]
    assert names[:3] == ["R-1", "R-2", "R-3"]


def test_the_orders_of_who_was_erased_are_neither_missing_nor_extra(service: Service, tmp_path: Path) -> None:
    for number, keep in enumerate(("--keep-order-totals", None), 1):
        placed = event(f"E-{number}", "5", f"2025-01-0{number}T10:00:00Z") | {"identity": f"gone-{number}"}
        assert service.json("import", "-", stdin=json.dumps(placed).encode())["accepted"] == 1
        service.json("customer", "erase", f"gone-{number}", "--yes", *filter(None, [keep]))
    rows = [("E-1", "5", "2025-01-01T10:00:00Z"), ("E-2", "5", "2025-01-02T10:00:00Z")]
    found = service.json("reconcile", book(tmp_path / "b.csv", rows), "--backfill")
    counted = {name: found[name] for name in ("equal", "erased", "missing", "extra", "different")}
    assert counted == {"equal": 0, "erased": 2, "missing": [], "extra": [], "different": []}
    told = service.command("reconcile", book(tmp_path / "b.csv", rows))
    assert "2 more are of customers who were erased." in told.stdout


def orders_of(service: Service, *order_ids: str) -> dict[str, tuple[str, str, str]]:
    """Total, currency and time of stored orders."""
    request = reports_pb2.ListOrdersRequest(order_ids=order_ids, page_size=100)
    with service.channel() as channel:
        answer = reports_pb2_grpc.ReportServiceStub(channel).ListOrders(
            request, metadata=service.metadata("reports")
        )
    return {
        each.order_id: (each.total, each.currency, each.ordered_at.ToJsonString()) for each in answer.orders
    }


def test_shopifys_own_list_is_read_as_it_is(service: Service, tmp_path: Path) -> None:
    head = ("Name", "Email", "Financial Status", "Currency", "Total", "Lineitem name", "Created at", "Id")
    rows = [
        ("#1001", "ada@shop.example", "paid", "EUR", "30.00", "Mug", "2026-07-01 12:00:00 +0200", "5501"),
        ("#1001", "ada@shop.example", "", "", "", "Cup", "", ""),
        ("#1002", "", "paid", "GBP", "7.50", "Mug", "2026-07-02 12:00:00 UTC", "5502"),
    ]
    found = service.json("reconcile", book(tmp_path / "b.csv", rows, head), "--backfill")
    assert found["columns"] == {
        "id": "Name", "total": "Total", "time": "Created at", "currency": "Currency", "customer": "Email",
    }  # fmt: skip
    assert found["backfilled"] == {"accepted": 2}
    assert orders_of(service, "#1001", "#1002") == {
        "#1001": ("30.00", "EUR", "2026-07-01T10:00:00Z"),
        "#1002": ("7.50", "GBP", "2026-07-02T12:00:00Z"),
    }


@pytest.mark.parametrize(
    ("head", "currency"),
    [
        (("Order Number", "Order Total", "Order Date", "Order Currency"), "EUR"),
        (("order_id", "total", "date", "Currency used"), "EUR"),
        (("Order ID", "Total (EUR)", "Date"), "EUR"),
        (("Order ID", "Order Total SEK", "Date"), "SEK"),
        (("Order ID", "Total [£]", "Date"), "GBP"),
    ],
)
def test_a_currency_in_a_columns_name_is_never_passed_over(
    service: Service, tmp_path: Path, head: tuple[str, ...], currency: str
) -> None:
    order_id = "x".join(head)[:27]
    row = (order_id, "12.00", "2026-08-01 10:00", "eur")[: len(head)]
    # Orders of the other lists are extra ones, which end the command with 1.
    done = service.command("reconcile", book(tmp_path / "b.csv", [row], head), "--backfill", "--json")
    assert json.loads(done.stdout)["backfilled"] == {"accepted": 1}
    assert orders_of(service, order_id)[order_id][1] == currency


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (("Order ID", "Total ($)", "Date"), "--currency"),
        (("Order ID", "Total EUR USD", "Date"), "--currency"),
        (("Order ID", "Total", "Date", "Shop Currency", "Presentment Currency"), "--currency-column"),
    ],
)
def test_a_currency_that_a_list_leaves_open_is_asked_for(
    service: Service, tmp_path: Path, head: tuple[str, ...], told: str
) -> None:
    path = book(
        tmp_path / "b.csv", [("open-1", "12.00", "2026-08-01 10:00", "USD", "EUR")[: len(head)]], head
    )
    done = service.command("reconcile", path, "--backfill")
    assert done.returncode == 1
    assert told in done.stderr
    assert orders_of(service, "open-1") == {}


def test_times_without_an_offset_are_of_the_projects_zone(service: Service, tmp_path: Path) -> None:
    service.json("project", "update", "--time-zone", "America/New_York")
    try:
        path = book(tmp_path / "b.csv", [("zone-1", "5", "2026-07-04 09:00")])
        done = service.command("reconcile", path, "--backfill")
        assert "Times without an offset are in America/New_York." in done.stderr
        assert "id from 'Order ID'" in done.stderr
        assert orders_of(service, "zone-1")["zone-1"][2] == "2026-07-04T13:00:00Z"
    finally:
        service.json("project", "update", "--time-zone", "UTC")


@pytest.fixture(scope="module")
def shops() -> Iterator[Service]:
    """A shop and its branch in France number their orders apart."""
    with folder() as path, Service(path) as running:
        running.json("project", "update", "--order-number-group", "shop-fr,till-fr")
        told = [
            {**event("1001", "10.00", "2026-05-01T10:00:00Z"), "source": "web"},
            {**event("1001", "20.00", "2026-05-02T10:00:00Z"), "source": "shop-fr"},
            {**event("1002", "30.00", "2026-05-03T10:00:00Z"), "source": "till-fr"},
        ]
        lines = "".join(json.dumps(each) + "\n" for each in told).encode()
        assert running.json("import", "-", stdin=lines)["accepted"] == 3
        yield running


FRENCH = [("1001", "20.00", "2026-05-02T10:00:00Z"), ("1002", "30.00", "2026-05-03T10:00:00Z")]


def test_a_list_is_compared_with_the_orders_that_its_source_numbers(shops: Service, tmp_path: Path) -> None:
    ours = book(tmp_path / "ours.csv", [("1001", "10.00", "2026-05-01T10:00:00Z")])
    assert shops.json("reconcile", ours, "--from", "2026-05-01", "--to", "2026-06-01")["equal"] == 1
    theirs = book(tmp_path / "theirs.csv", FRENCH)
    for source in ("shop-fr", "till-fr"):
        found = shops.json("reconcile", theirs, "--source", source)
        assert (found["equal"], found["missing"], found["extra"]) == (2, [], [])
    done = shops.command("reconcile", theirs, "--source", "shop-de")
    assert (done.returncode, "Groups of order numbers have: shop-fr, till-fr." in done.stderr) == (2, True)


def test_a_backfill_sends_no_orders_that_another_numbering_has(shops: Service, tmp_path: Path) -> None:
    theirs = book(tmp_path / "theirs.csv", [*FRENCH, ("1003", "40.00", "2026-05-04T10:00:00Z")])
    done = shops.command("reconcile", theirs, "--backfill")
    assert done.returncode == 1
    assert "Say with --source whose list this is; nothing was sent." in done.stderr
    found = shops.json("reconcile", theirs, "--source", "shop-fr", "--backfill")
    assert (found["equal"], found["backfilled"]) == (2, {"accepted": 1})
    assert shops.json("reconcile", theirs, "--source", "till-fr")["equal"] == 3
    [report] = shops.json("report", "sales")["reports"]
    assert (report["total"]["orders"], report["total"]["total_sales"]) == (4, "100.00")
