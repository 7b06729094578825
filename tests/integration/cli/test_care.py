"""`shopalytic merges`, `quarantine` and `customer export|erase`, against a running service."""

import json

import pytest

from running.running_service import Service, folder

LINES = [
    {"type": "page_view", "tracking_id": "phone", "occurred_at": "2026-01-01T10:00:00Z",
     "properties": {"url": "https://shop.example/", "referrer": ""}},
    {"type": "identify", "tracking_id": "phone", "occurred_at": "2026-01-01T11:00:00Z",
     "properties": {"identity": "jane"}},
    {"type": "order", "identity": "jane", "occurred_at": "2026-01-31T23:30:00Z", "properties": {
        "order_id": "G-1", "cart_id": "c", "currency": "GBP", "total": "10.10", "subtotal": "10.10",
        "line_items": [{"sku": "A", "price": "5.05", "qty": 2}]}},
]  # fmt: skip


@pytest.fixture(scope="module")
def service():
    with folder() as path, Service(path) as running:
        lines = "".join(json.dumps(line) + "\n" for line in LINES).encode()
        assert running.json("import", "-", stdin=lines)["accepted"] == len(LINES)
        yield running


def test_merges_are_listed_and_undone_and_a_person_exported_and_erased(service):
    listed = service.json("merges", "list", "--customer", "jane")
    assert listed["total_merges"] == 1
    [merge] = listed["merges"]
    assert "Merges, 1 of 1" in service.command("merges", "list", "--customer", "jane").stdout
    assert (merge["tracking_id"], merge["identity"], merge["state"]) == ("phone", "jane", "joined")
    looked = service.json("merges", "undo", merge["merge_id"], "--dry-run")
    assert [each["identities"] for each in looked["customers"]] == [["jane"], []]
    assert service.json("customer", "show", "phone")["identities"] == ["jane"]
    undone = service.json("merges", "undo", merge["merge_id"])
    assert undone["merge"]["state"] == "undone"
    assert service.json("customer", "show", "phone")["identities"] == []

    lines = service.command("customer", "export", "jane").stdout.splitlines()
    assert {json.loads(line)["table"] for line in lines} == {
        "events", "identities", "tracking_links", "undone_merges", "order_revisions", "order_items",
    }  # fmt: skip
    asked = service.command("customer", "erase", "jane", stdin=b"n\n")
    assert (asked.returncode, "cannot be undone" in asked.stderr) == (1, True)
    receipt = service.json("customer", "erase", "jane", "--yes", "--keep-order-totals")
    assert (receipt["erased"]["events"], receipt["anonymised_events"]) == (2, 1)
    assert service.command("customer", "show", "jane").returncode == 1
    sales = ("report", "sales", "--from", "2026-01-01", "--to", "2026-02-01", "--currency", "GBP")
    assert "10.10" in json.dumps(service.json(*sales))


def test_quarantine_is_shown_repaired_and_replayed(service):
    given = {"order_id": "o", "shipment_id": "p", "carrier": "dhll"}
    envelope = {"tracking_id": "backend", "occurred_at": "2026-01-01T10:00:00Z"}
    line = {"type": "shipment", **envelope, "properties": given}
    service.command("import", "-", stdin=json.dumps(line).encode())
    [kept] = service.json("quarantine", "list", "--rule", "string.in")["events"]
    assert json.loads(service.command("quarantine", "show", kept["quarantine_id"]).stdout) == kept
    assert service.command("quarantine", "replay").returncode == 2
    assert service.json("quarantine", "replay", "--all")["failed"] == 1
    patch = '[{"op": "replace", "path": "/shipment/carrier", "value": "dhl"}]'
    choice = ("quarantine", "repair", "--rule", "string.in", "--set", patch)
    assert service.json(*choice, "--dry-run")["accepted"] == 1
    assert service.json(*choice)["accepted"] == 1
    assert service.json("quarantine", "list")["events"] == []
