"""Repairing and replaying quarantine at the dashboard: what is right is stored, the rest says why not."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from browser.dashboard.operator import PHONE, Dashboard, call, event, needs_build, send
from browser.dashboard.shop import HOUR, order
from browser.dashboard.test_pages import wide_parts
from browser.visitor import Visitor
from running.running_service import Service, folder

ENTER, SPACE = "\ue007", " "


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A service for these tests alone: they empty its quarantine."""
    needs_build()
    with folder() as place, Service(place) as running:
        yield running


@pytest.fixture
def manager(visitor: Visitor, service: Service) -> Iterator[Dashboard]:
    """The page for somebody with an admin key, who leaves nothing in quarantine."""
    page = Dashboard(visitor, service.ready["http_address"])
    page.forget()
    page.sign_in(service.ready["keys"]["admin"])
    yield page
    # All become one and the same page view.
    patch = json.dumps([{"op": "add", "path": "", "value": VIEW}])
    call(service, "AdminService/ReplayQuarantine", {"patch": patch}, "admin")


VIEW = {
    "event_id": "0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10",
    "occurred_at": "2026-01-01T00:00:00Z",
    "tracking_id": "cleaned",
    "page_view": {"url": "https://shop.example/", "referrer": ""},
}


def broken_order(number: str, who: str) -> dict[str, Any]:
    """An order whose total nobody said."""
    return event(
        "order", {**order(number, "31.50", ("MUG-1", "31.50", 1)), "total": ""}, ago=HOUR, identity=who
    )


def parcel(number: int, **more: Any) -> dict[str, Any]:
    """A parcel by a carrier that nobody knows."""
    given = {"order_id": "q-parcels", "shipment_id": f"p{number}", "carrier": "dhll", **more}
    return event("shipment", given, ago=HOUR, tracking_id="backend")


def field(page: Dashboard, label: str, nth: int = 0) -> Any:
    """An input of the form, by its label; waited for."""
    page.visitor.until("""document.querySelector('form[aria-label="Repair"]')""")
    found = (
        f'(//form[@aria-label="Repair"]//label[span="{label}"]/*[self::input or self::textarea])[{nth + 1}]'
    )
    return page.visitor.driver.find_element("xpath", found)


def retype(page: Dashboard, label: str, text: str) -> None:
    """Puts another text into an input of the form."""
    entry = field(page, label)
    entry.clear()
    entry.send_keys(text)


def test_an_event_is_repaired_by_keyboard_and_then_in_the_timeline_and_the_report(manager, service):
    assert send(service, [broken_order("q-1", "quin")]) == ["QUARANTINED"]
    manager.open("quarantine")
    manager.find(".event summary").send_keys(ENTER)
    manager.sees('"order_id": "q-1"')
    button = manager.visitor.driver.find_element("xpath", '//button[.="Repair…"]')
    button.send_keys(ENTER)
    manager.visitor.until("document.activeElement.value === 'order.total'")
    retype(manager, "New value", "31.50")
    assert manager.accessibility() == []
    field(manager, "New value").send_keys(ENTER)
    manager.sees("1 event would be accepted. Nothing has been written yet.")
    assert '+     "total": "31.50",' in manager.text()
    assert manager.accessibility() == []
    assert len(call(service, "AdminService/ListQuarantine", {})["events"]) == 1
    manager.visitor.driver.find_element("xpath", '//button[.="Apply and replay"]').send_keys(SPACE)
    manager.sees("1 event was accepted and stored.")
    manager.sees("Nothing is in quarantine")
    manager.visitor.until("document.activeElement.innerText.includes('was accepted')")
    assert manager.accessibility() == []
    manager.press("quin")
    manager.sees("q-1")
    manager.sees("$31.50")
    manager.go("sales")
    assert manager.tile("Total sales") == "$31.50"
    assert manager.console() == []


def test_several_are_repaired_at_once_and_what_is_still_refused_says_why(manager, service):
    send(service, [parcel(1), parcel(2), parcel(3, order_id="")])
    manager.open("quarantine", rule="string.in")
    manager.find(".picks input[type=checkbox]").click()
    manager.sees("3 of 3 selected")
    manager.press("Repair selected…")
    retype(manager, "New value", "dhl")
    manager.press("Preview")
    manager.sees("2 events would be accepted. 1 event would still be refused.")
    manager.press("Apply and replay")
    manager.sees("2 events were accepted and stored. 1 event is still refused.")
    manager.sees("shipment.order_id")
    manager.sees("No event breaks this rule")
    [kept] = call(service, "AdminService/ListQuarantine", {})["events"]
    assert kept["event"]["shipment"]["carrier"] == "dhl"


def test_all_that_a_filter_finds_are_replayed_also_those_not_shown(manager, service):
    views = [
        event("page_view", {"url": "", "referrer": ""}, ago=HOUR, tracking_id=f"v{number}")
        for number in range(60)
    ]
    assert set(send(service, [*views, parcel(9)])) == {"QUARANTINED"}
    kept = call(service, "AdminService/ListQuarantine", {"pageSize": 2})["events"]
    reasons = [each["violations"][0] for each in kept]
    [rule, *_] = (each["ruleId"] for each in reasons if each["field"].startswith("page_view"))
    manager.open("quarantine", rule=rule)
    manager.find(".picks input[type=checkbox]").click()
    manager.press(f"Select all that break {rule}")
    manager.press("Replay selected")
    manager.sees("60 events are still refused.")
    manager.sees("and 50 more")
    manager.find(".picks input[type=checkbox]").click()
    manager.press(f"Select all that break {rule}")
    manager.press("Repair selected…")
    retype(manager, "New value", "https://shop.example/again")
    manager.press("Preview")
    manager.sees("60 events would be accepted.")
    manager.sees("40 more are not shown.")
    manager.press("Apply and replay")
    manager.sees("60 events were accepted and stored.")
    assert len(call(service, "AdminService/ListQuarantine", {})["events"]) == 1


def test_a_wrong_patch_is_told_beside_the_field(manager, service):
    send(service, [parcel(4)])
    manager.open("quarantine")
    manager.find(".event summary").click()
    manager.press("Repair…")
    manager.press("Preview")
    manager.sees("This needs a new value, or another field does.")
    retype(manager, "Field", "shipment.carrier.name")
    retype(manager, "New value", "x")
    manager.press("Preview")
    manager.sees("This cannot be: there are no fields in “shipment.carrier”.")
    assert manager.visitor.run("return document.querySelector('[aria-invalid=true]').value") == "x"
    assert manager.accessibility() == []
    retype(manager, "Field", "shipment.colour")
    manager.press("Preview")
    manager.sees("This does not fit: ")
    manager.sees("shipment.colour: is not a field of Shipment; it has order_id")
    manager.press("JSON Patch")
    for text, told in (
        ("[{", "The patch is no JSON; send a JSON Patch"),
        ('[{"op": "spam", "path": "/a"}]', "The patch [0].op must be one of add, remove"),
        (
            '[{"op": "remove", "path": "/order"}]',
            "The patch does not fit: [0] remove /order: there is no 'order' here.",
        ),
    ):
        retype(manager, "JSON Patch (RFC 6902)", text)
        manager.press("Preview")
        manager.sees(told)
        assert (
            manager.visitor.run("return document.querySelector('[aria-invalid=true]').tagName") == "TEXTAREA"
        )
    assert manager.accessibility() == []
    retype(
        manager, "JSON Patch (RFC 6902)", '[{"op": "replace", "path": "/shipment/carrier", "value": "ups"}]'
    )
    manager.press("Preview")
    manager.sees("1 event would be accepted.")


def test_what_is_applied_is_what_was_looked_at(manager, service):
    send(service, [parcel(5)])
    manager.open("quarantine")
    manager.find(".event summary").click()
    manager.press("Repair…")
    retype(manager, "New value", "dhl")
    manager.press("Preview")
    manager.sees("1 event would be accepted.")
    field(manager, "New value").send_keys("x")
    apply = manager.visitor.driver.find_element("xpath", '//button[.="Apply and replay"]')
    manager.visitor.until("!document.querySelector('.preview')")
    assert not apply.is_enabled()
    manager.press("Cancel")
    manager.visitor.until("document.activeElement.innerText === 'Repair…'")


def test_nothing_selected_is_said(manager, service):
    send(service, [parcel(6)])
    manager.open("quarantine")
    for button in ("Replay selected", "Repair selected…"):
        manager.press(button)
        manager.sees("Nothing is selected: tick the events that are meant.")
    assert manager.accessibility() == []
    assert len(call(service, "AdminService/ListQuarantine", {})["events"]) == 1


@pytest.mark.parametrize("button", ["Replay", "Repair…"])
def test_a_reports_key_is_told_which_key_it_takes(manager, service, button):
    send(service, [parcel(7)])
    manager.sign_in(service.ready["keys"]["reports"])
    manager.open("quarantine")
    manager.find(".event summary").click()
    manager.press(button)
    manager.sees("Repairing and replaying need a key of class admin.")
    assert manager.accessibility() == []
    manager.press("Sign in with another key")
    manager.find("input[name=key]").send_keys(service.ready["keys"]["admin"])
    manager.press("Sign in")
    manager.find(".event summary").click()
    manager.press("Repair…")
    manager.sees("New value")


def test_what_could_not_be_read_is_repaired_in_its_senders_own_words(manager, service):
    sent = {
        "type": "cart_add",
        "identity": "quin",
        "occurred_at": "2026-01-01T00:00:00Z",
        "properties": {"cart_id": "c-7", "sku": "MUG-1", "price": 3.25, "qty": "two"},
    }
    service.command("import", "-", stdin=json.dumps(sent).encode())
    manager.open("quarantine")
    manager.find(".event summary").click()
    manager.sees('"qty": "two"')
    manager.press("Repair…")
    retype(manager, "New value", "2")
    manager.press("Preview")
    manager.sees("1 event would be accepted.")
    manager.press("Apply and replay")
    manager.sees("1 event was accepted and stored.")


def test_the_form_fits_a_dark_phone(manager, service):
    send(service, [broken_order("q-phone", "quin"), parcel(8)])
    manager.prefer("dark")
    manager.resize(*PHONE)
    manager.open("quarantine")
    manager.find(".picks input[type=checkbox]").click()
    manager.press("Repair selected…")
    retype(manager, "New value", "dhl")
    manager.press("Preview")
    manager.sees("Nothing has been written yet.")
    assert manager.visitor.run("return document.documentElement.scrollWidth <= innerWidth")
    assert wide_parts(manager) == []
    assert manager.accessibility() == []


def test_a_replayed_event_is_told_to_who_watches(manager, service):
    send(service, [parcel(10)])
    manager.open("live")
    manager.sees("Listening")
    patch = '[{"op": "replace", "path": "/shipment/carrier", "value": "dhl"}]'
    assert call(service, "AdminService/ReplayQuarantine", {"patch": patch}, "admin")["accepted"] == 1
    manager.sees("q-parcels by dhl")


def test_what_a_browser_key_sent_is_trusted_only_when_somebody_says_so(manager, service):
    unread = {
        "tpye": "refund",
        "tracking_id": "visitor",
        "properties": {"order_id": "b-1", "refund_type": "full"},
    }
    body = json.dumps({"token": service.ready["keys"]["browser"], "events": [unread]}).encode()
    url = f"{service.ready['http_address']}/collect"
    asked = urllib.request.Request(url, body, {"content-type": "text/plain"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        assert json.load(answer)["results"][0]["status"] == "QUARANTINED"
    manager.open("quarantine")
    manager.sees("browser key")
    manager.find(".event summary").send_keys(ENTER)
    manager.press("Repair…")
    manager.press("JSON Patch")
    retype(manager, "JSON Patch (RFC 6902)", '[{"op": "move", "from": "/tpye", "path": "/type"}]')
    manager.press("Preview")
    manager.sees("1 event would still be refused.")
    manager.sees("may not be sent with a browser key")
    manager.find("form .tick:not(.change-row *) input").click()
    manager.press("Preview")
    manager.sees("1 event would be accepted.")
    assert manager.accessibility() == []
    assert wide_parts(manager) == []
    manager.press("Apply and replay")
    manager.sees("1 event was accepted and stored.")
    assert manager.console() == []
