"""What the commands print of texts that strangers sent: a terminal and a spreadsheet take them for text."""

import csv
import io
import json
import unicodedata

import pytest

from running.running_service import Service, ask, folder

STEER = "\x1b[2J\x7f\x9b31m\u061c\u200b\u200e\u2028\u202e\u2066\ufeff"
FORMULA = '=HYPERLINK("https://evil.example";"x");=1+1'

LINES = [
    {"type": "customer_register", "identity": f"jane{STEER}", "occurred_at": "2026-01-01T10:00:00Z",
     "source": f"web{STEER}", "properties": {
         "email": "jane@example.com", "first_name": f"J{STEER}\r\nHEAD", "last_name": FORMULA}},
    {"type": "order", "identity": f"jane{STEER}", "occurred_at": "2026-01-02T10:00:00Z", "properties": {
        "order_id": f"G-1{STEER}", "cart_id": f"c{STEER}", "currency": "EUR", "total": "7", "subtotal": "7",
        "line_items": [{"sku": sku, "price": "7", "qty": 1} for sku in (FORMULA, f"A{STEER}")]}},
    {"type": "order", "tracking_id": f"t{STEER}", "occurred_at": "2026-01-02T10:00:00Z", "properties": {
        "order_id": "G-2", "cart_id": "c", "currency": f"x{STEER}", "total": "7", "subtotal": "7",
        f"other{STEER}": "x", "line_items": []}},
]  # fmt: skip
COMMANDS = [
    ("customer", "show", "jane@example.com"),
    ("customer", "events", "jane@example.com"),
    ("customer", "list"),
    ("quarantine", "list"),
    ("merges", "list"),
    ("report", "sales"),
    ("report", "products"),
    ("report", "products", "--csv"),
]


@pytest.fixture(scope="module")
def service():
    with folder() as path, Service(path) as running:
        lines = "".join(json.dumps(line) + "\n" for line in LINES).encode()
        imported = running.command("import", "-", stdin=lines)
        assert_harmless(imported)
        yield running


def assert_harmless(done):
    for text in (done.stdout, done.stderr):
        steering = {char for char in text if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}} - {"\n"}
        turning = {char for char in text if unicodedata.bidirectional(char) in BIDI}
        assert not steering | turning, text


BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_texts_of_strangers_do_not_steer_the_terminal(service, command):
    done = service.command(*command)
    assert done.returncode == 0, done.stderr
    assert_harmless(done)
    if "--csv" not in command:
        shown = service.command(*command, "--json")
        assert_harmless(shown)
        assert json.loads(shown.stdout)


def test_json_holds_the_very_text(service):
    shown = service.json("customer", "show", "jane@example.com")
    assert shown["identities"] == [f"jane{STEER}"]
    assert shown["profile"]["first_name"] == f"J{STEER}\r\nHEAD"


def test_what_is_held_of_a_person_is_exported_as_json_that_does_not_steer(service):
    done = service.command("customer", "export", "jane@example.com")
    assert_harmless(done)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row for row in rows if row.get("identity") == f"jane{STEER}"]


def test_csv_holds_no_formula(service):
    done = service.command("report", "products", "--csv")
    rows = {row["sku"]: row for row in csv.DictReader(io.StringIO(done.stdout))}
    assert rows["'" + FORMULA.replace(";=", ";'=")]["gross"] == "7"


@pytest.mark.parametrize(
    "arguments",
    [
        ("customer", "show", f"nobody{STEER}"),
        ("customer", f"show{STEER}"),
        (f"--x{STEER}",),
        ("customer", "events", "jane@example.com", "--page-token", f"x{STEER}"),
        ("report", "sales", "--from", f"x{STEER}"),
        ("import", f"/nowhere/{STEER}"),
        ("customer", "show", "x", "--target", f"x{STEER}:1"),
        ("customer", "show", "x", "--key", f"x{STEER}"),
    ],
    ids=str,
)
def test_mistakes_are_told_without_repeating_what_steers(service, arguments):
    done = service.command(*arguments) if not arguments[0].startswith("--") else ask(*arguments)
    assert done.returncode != 0
    assert_harmless(done)
    assert "Traceback" not in done.stderr
