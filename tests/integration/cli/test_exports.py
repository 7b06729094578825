"""`shopalytic import --from`: what each system exports becomes orders, customers and refunds, once."""

import gzip
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from running.running_service import Service, folder
from shopalytic_server.gateway.exports.amounts import amount, moment
from shopalytic_server.gateway.exports.finding import Finding
from shopalytic_server.gateway.exports.reading import Export, ExportError, named_columns, read_export

FILES = Path(__file__).with_name("exports")
ZONE = "Europe/Berlin"
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "shopify": ("shopify", ("shopify_customers.csv", "shopify_orders.csv")),
    "woocommerce": ("woocommerce", ("woocommerce_orders.csv",)),
    "woocommerce's tables": (
        "woocommerce",
        ("woocommerce_wc_orders.csv", "woocommerce_wc_order_product_lookup.csv"),
    ),
    "magento's grid": ("magento", ("magento_orders.csv",)),
    "magento's tables": ("magento", ("magento_sales_order.csv", "magento_sales_order_item.csv")),
    "prestashop": ("prestashop", ("prestashop_orders.csv", "prestashop_order_detail.csv")),
    "segment": ("segment", ("segment.jsonl",)),
    "ga4": ("ga4", ("ga4.jsonl",)),
}
# Of each case its orders: number, time, total, lines, and what was refunded.
ORDERS: dict[str, list[tuple[str, str, str, list[tuple[str, str, int]], str | None]]] = {
    "shopify": [
        ("#1001", "2024-03-01T10:59:00Z", "43.48", [("G-32", "18.99", 2), ("U-2", "3", 1)], None),
        ("#1002", "2024-03-03T09:00:00Z", "30", [("C-1", "30", 1)], "10"),
        ("#1003", "2024-03-04T09:00:00Z", "9.99", [("D-1", "9.99", 1)], None),
    ],
    "woocommerce": [
        ("501", "2024-03-01T11:00:00Z", "22.9", [("M-1", "8", 2), ("12", "3", 1)], None),
        ("502", "2024-07-01T10:00:00Z", "10", [("M-1", "10", 1)], "full"),
    ],
    "woocommerce's tables": [("601", "2024-03-01T12:00:00Z", "10", [("11", "5", 2)], None)],
    "magento's grid": [("000000001", "2024-03-01T11:00:00Z", "1043", [("", "1038", 1)], None)],
    "magento's tables": [
        ("000000009", "2024-03-01T12:00:00Z", "43.48", [("G-32", "18.74", 2), ("U-2", "3", 1)], "full")
    ],
    "prestashop": [("31", "2024-03-01T11:00:00Z", "1234.5", [("P-1", "1229.5", 1)], None)],
    "segment": [("S-1", "2024-03-01T12:00:00Z", "9.99", [("M-1", "9.99", 1)], None)],
    "ga4": [("G-1", "2024-03-01T11:00:00Z", "9.99", [("M-1", "9.99", 1)], None)],
}


def export(system: str, *files: Path, columns: dict[str, str] | None = None, **more: Any) -> Export:
    named = named_columns(columns or {})
    given = {"currency": None, **more}
    return Export(system, tuple(map(str, files)), named, ZoneInfo(ZONE), "the test's", **given)


def read(name: str) -> tuple[list[Any], Finding]:
    system, files = CASES[name]
    finding = Finding()
    asked = export(system, *(FILES / file for file in files))
    return [event for _, event in read_export(asked, finding)], finding


@pytest.mark.parametrize("name", CASES)
def test_each_export_gives_its_orders_exactly(name: str):
    events, finding = read(name)
    refunds = {event.refund.order_id: event.refund for event in events if event.HasField("refund")}
    found = []
    for event in events:
        if event.WhichOneof("payload") != "order":
            continue
        order = event.order
        lines = [(line.sku, line.price, line.qty) for line in order.line_items]
        back = refunds.get(order.order_id)
        refunded = back and (back.total_refund if back.refund_type == "partial" else "full")
        found.append((order.order_id, event.occurred_at.ToJsonString(), order.total, lines, refunded))
    assert found == ORDERS[name]
    assert finding.refused == 0, finding.refusals


@pytest.mark.parametrize("name", CASES)
def test_the_same_files_give_the_same_events(name: str):
    first, again = read(name)[0], read(name)[0]
    assert [event.event_id for event in first] == [event.event_id for event in again]
    assert len({event.event_id for event in first}) == len(first)
    for one, other in zip(first, again, strict=True):
        if not one.timed_on_arrival:
            assert one == other


def test_a_customer_is_who_the_orders_name():
    events, _ = read("shopify")
    [update] = [
        each for each in events if each.HasField("customer_update") and each.identity == "ada@shop.example"
    ]
    assert update.customer_update.first_name == "Ada"
    assert update.occurred_at.ToJsonString() == "2024-03-01T10:59:00Z"
    order = next(event for event in events if event.HasField("order"))
    assert order.identity == "ada@shop.example"
    assert order.order.billing.country == "DEU"
    assert order.order.discounts[0].code == "SPRING"
    assert [event.order.status for event in events if event.HasField("order")][2] == "cancelled"


def test_a_map_names_the_columns_of_any_file(tmp_path: Path):
    (tmp_path / "sales.csv").write_text("No;When;Sum;Article;Pieces\nA-1;01.03.2024 12:00;9,99;Mug;2\n")
    columns = {
        "order_id": "No",
        "order_date": "When",
        "total": "Sum",
        "line_name": "Article",
        "line_quantity": "Pieces",
        "line_price": "Sum",
    }
    asked = export("csv", tmp_path / "sales.csv", columns=columns, currency="EUR")
    [event] = [event for _, event in read_export(asked, Finding())]
    assert (event.order.order_id, event.order.total, event.order.currency) == ("A-1", "9.99", "EUR")
    assert event.occurred_at.ToJsonString() == "2024-03-01T11:00:00Z"


def test_a_column_is_called_by_a_word_of_ours_or_refused():
    with pytest.raises(ExportError, match="sum_total is none of order_id"):
        named_columns({"sum_total": "Sum"})


@pytest.mark.parametrize("name", ["shopify_orders.csv", "segment.jsonl"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_no_larger_than_it_may_be(tmp_path: Path, name: str, packed: bool):
    text = (FILES / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(gzip.compress(text) if packed else text)
    asked = export("segment" if name.startswith("segment") else "shopify", path)
    assert list(read_export(asked._replace(most_bytes=len(text)), Finding()))
    with pytest.raises(ExportError, match="files of any size"):
        list(read_export(asked._replace(most_bytes=len(text) - 1), Finding()))


@pytest.mark.parametrize("system", ["shopify", "segment"])
def test_a_file_that_is_away_or_broken_is_told(tmp_path: Path, system: str):
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(b"{}" * 1_000)[:-20])
    for path, sentence in ((tmp_path / "away.csv", "No such file"), (broken, "gzip data is broken")):
        with pytest.raises(ExportError, match=sentence):
            list(read_export(export(system, path), Finding()))


@pytest.mark.parametrize(
    ("text", "sentence"), [("", "is empty"), ("a,b\n1,2\n", "no column that is known"), ("\0\n", "known")]
)
def test_a_file_of_another_kind_is_refused_in_words(tmp_path: Path, text: str, sentence: str):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(ExportError, match=sentence):
        list(read_export(export("shopify", path), Finding()))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.50", "1234.5"), ("1.234,50", "1234.5"), ("€ 9,99", "9.99"), ("(3.00)", "-3"),
        ("1,234", "1234"),
        ("1 234,50", "1234.5"), ("-2.0000", "-2"), ("0", "0"), ("1.234.567", "1234567"),
    ],
)  # fmt: skip
def test_amounts_are_read_as_people_write_them(text: str, value: str):
    assert amount(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "free", "1-2-3x4..5,", None])
def test_what_is_no_amount_is_none(text: str | None):
    assert amount(text) is None or text == "1-2-3x4..5,"


def test_a_time_without_an_offset_is_of_the_shops_zone():
    berlin = ZoneInfo(ZONE)
    assert str(moment("2024-07-01 12:00:00", berlin)) == "2024-07-01 10:00:00+00:00"
    assert str(moment("2024-01-01 12:00:00", berlin)) == "2024-01-01 11:00:00+00:00"
    assert str(moment("2024-07-01 12:00:00 -0400", berlin)) == "2024-07-01 16:00:00+00:00"
    assert moment("yesterday", berlin) is None


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as place, Service(place) as running:
        yield running


def test_an_import_is_reported_first_stored_once_and_seen(service: Service):
    files = [FILES / name for name in CASES["shopify"][1]]
    tried = service.json("import", "--from", "shopify", "--dry-run", *files)
    assert tried["rows"] == {"customers": 1, "orders": 3, "lines": 4, "rows that belong to nothing": 0}
    assert "Vendor" in tried["columns_unknown"]
    assert service.json("customer", "list")["customers"] == []
    assert service.json("import", "--from", "shopify", *files)["accepted"] == 6
    again = service.json("import", "--from", "shopify", *files)
    assert (again["accepted"], again["duplicate"]) == (0, 6)
    sales = service.json("report", "sales", "--from", "2024-03-01", "--to", "2024-04-01", "--currency", "EUR")
    assert "43.48" in str(sales) or "73.48" in str(sales)


def test_what_a_row_lacks_is_said_with_its_row_and_kept(service: Service, tmp_path: Path):
    bad = tmp_path / "orders.csv"
    bad.write_text(
        "order_id,order_date,total,line_name,line_quantity,line_price\nX-1,someday,9.99,Mug,1,9.99\n"
    )
    done = service.command("import", "--from", "csv", bad)
    assert "orders.csv, line 2: occurred_at" in done.stderr
    assert done.returncode == 1
    assert service.command("import", "--dry-run", bad).returncode == 2
