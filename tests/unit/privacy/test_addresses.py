"""Network addresses: what is kept of one at each level, whichever way an event is judged."""

import ipaddress
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest.preparation import Prepared, prepare
from shopalytic_server.domain.privacy.addresses import AddressLevel, kept
from shopalytic_server.domain.projects import EVENT_TYPES, KeyClass, Project

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROJECT = Project(1, "shop", "EUR", "UTC", frozenset(EVENT_TYPES), NOW)
NONE, TRUNCATED, FULL = AddressLevel.NONE, AddressLevel.TRUNCATED, AddressLevel.FULL
ADDRESSES = [
    ("203.0.113.77", "203.0.113.0", "203.0.113.77"),
    ("203.0.113.77:4711", "203.0.113.0", "203.0.113.77"),
    ("2001:db8:1234:5678::1", "2001:db8:1234::", "2001:db8:1234:5678::1"),
    ("2001:DB8:1234:5678:0::1%eth0", "2001:db8:1234::", "2001:db8:1234:5678::1"),
    ("::ffff:203.0.113.77", "203.0.113.0", "203.0.113.77"),
    ("unknown", None, None),
    ("203.0.113", None, None),
    ("Main street 5", None, None),
    ("\0", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("address", "truncated", "full"), ADDRESSES)
def test_a_level_keeps_so_much_and_nothing_that_is_no_address(
    address: str, truncated: str | None, full: str | None
) -> None:
    assert [kept(address, level) for level in (NONE, TRUNCATED, FULL)] == [None, truncated, full]


@given(address=st.ip_addresses(), level=st.sampled_from(AddressLevel), then=st.sampled_from(AddressLevel))
def test_of_two_levels_the_stricter_wins(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, level: AddressLevel, then: AddressLevel
) -> None:
    strictness = [NONE, TRUNCATED, FULL]
    first = kept(str(address), level)
    both = None if first is None else kept(first, then)
    assert both == kept(str(address), min(level, then, key=strictness.index))


def view(address: str | None, **more: Any) -> Event:
    payload = more or {"page_view": {"url": "https://shop.example/", "referrer": ""}}
    event = Event(
        event_id="0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10",
        tracking_id="visitor-1",
        context={"language": "de", "address": address},
        **payload,
    )
    event.occurred_at.FromDatetime(NOW)
    return event


def prepared(event: Event, level: AddressLevel) -> Prepared:
    return prepare(
        event, project=PROJECT, key_class=KeyClass.SERVER, received_at=NOW, sent_at=None, addresses=level
    )


@pytest.mark.parametrize("level", AddressLevel)
@pytest.mark.parametrize("address", [each[0] for each in ADDRESSES] + ["x" * 65])
@pytest.mark.parametrize("slow", [False, True], ids=["read", "examined"])
def test_an_event_has_it_everywhere_or_nowhere(address: str, level: AddressLevel, slow: bool) -> None:
    event = view(address)
    if slow:
        # Upper case is put right where events are looked at closely.
        event.event_id = event.event_id.upper()
    item = prepared(event, level)
    assert item.violations == ()
    context = json.loads((item.context_jsonb or b"\x01")[1:])
    assert context.get("address") == kept(address, level)
    assert item.event.context.HasField("address") == ("address" in context)
    assert item.event.context.address == context.get("address", "")
    without = view(None)
    assert item.fingerprint == prepared(without, level).fingerprint


@pytest.mark.parametrize(
    ("level", "left"),
    [(NONE, None), (TRUNCATED, "203.0.113.0"), (FULL, "203.0.113.77")],
)
def test_what_is_kept_for_repair_has_no_more_of_it(level: AddressLevel, left: str | None) -> None:
    broken = view("203.0.113.77")
    broken.page_view.url = ""
    item = prepared(broken, level)
    assert item.violations
    assert (item.event.context.address or None) == left
    text = '{"a": "203.0.113.x", "context": {"address" : "203.0.113.77"}, "address": "Main street 5", "broken'
    unread = view(None, undecoded={"json": text, "field": "", "message": "cannot be read", "rule_id": "json"})
    item = prepared(unread, level)
    assert item.event.undecoded.json == text.replace('"203.0.113.77"', json.dumps(left))
