"""What an unreadable event says of itself: a browser's key gets no further by saying less."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic import sign_identity
from shopalytic.events.decoding import EVENT_TYPES, LATER_NAMES, DecodeError, undecoded_event
from shopalytic.v1.events_pb2 import Event, Undecoded
from shopalytic_server.domain.ingest.preparation import Prepared, prepare
from shopalytic_server.domain.ingest.undecoded import top_level, types_in
from shopalytic_server.domain.projects import BACKEND_EVENT_TYPES, DEFAULT_BROWSER_EVENT_TYPES, KeyClass
from shops.report_shop import PROJECT

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECRET = "shop_identity_x"
SHOP = replace(PROJECT, browser_event_types=DEFAULT_BROWSER_EVENT_TYPES)
SIGNING = replace(SHOP, signed_identify=True, identity_secrets=(SECRET,))
REFUND = {"order_id": "1001", "refund_type": "full"}

# What stands in the text besides the names that tell what it is, and makes it unreadable or ambiguous.
SPOILS = [
    '"zzz":1',
    '"properties":NaN',
    f'"properties":{"[" * 3000}{"]" * 3000}',
    f'"properties":{{"order_id":{"9" * 5000}}}',
    '"properties":"]}"',
    '"properties":["\\"]}"]',
    '"event_id":1,"event_id":2',
    '"occurred_at":"never"',
    '"properties":{"a":1,"a":2}',
    '"properties":{',
    '"properties":1e999999999999999999',
]


def sent(text: str, key_class: KeyClass = KeyClass.BROWSER, project: Any = SHOP, **fields: Any) -> Prepared:
    """The text as somebody sends it who calls the RPC by hand."""
    event = undecoded_event(text, DecodeError("", "nobody can read this"), now=NOW)
    for name, value in fields.items():
        setattr(event, name, value)
    return prepare(event, project=project, key_class=key_class, received_at=NOW, sent_at=NOW)


def rules(item: Prepared) -> set[str]:
    return {found.rule_id for found in item.violations}


@given(
    kind=st.sampled_from([*EVENT_TYPES, *LATER_NAMES]),
    spoils=st.lists(st.sampled_from(SPOILS), max_size=3),
    at=st.integers(0, 3),
    blanks=st.sampled_from(["", " ", "\n\t"]),
)
def test_what_says_its_type_is_judged_as_of_that_type_wherever_it_says_so(kind, spoils, at, blanks):
    parts = [*spoils]
    # After a part that never ends nothing can be read.
    if '"properties":{' in parts:
        at = min(at, parts.index('"properties":{'))
    parts.insert(at, f'"type":{blanks}"{kind}"')
    item = sent(f"{blanks}{{{(blanks + ',').join(parts)}{blanks}}}")
    allowed = LATER_NAMES.get(kind, kind) not in BACKEND_EVENT_TYPES
    assert item.rejected is not allowed, item.violations
    assert allowed or rules(item) == {"key.event_type"}


@pytest.mark.parametrize("key_class", [KeyClass.BROWSER, KeyClass.SERVER])
def test_what_is_readable_after_all_is_the_event_that_it_holds(key_class):
    text = json.dumps(
        {"type": "page_view", "event_id": "0" * 31 + "1", "properties": {"url": "https://a/", "referrer": ""}}
    )
    text = text.replace("0" * 31 + "1", "00000000-0000-4000-8000-000000000001")
    item = sent(text, key_class, tracking_id="visitor")
    assert (item.type, item.tracking_id, item.violations) == ("page_view", "visitor", ())
    assert item.event.event_id == "00000000-0000-4000-8000-000000000001"
    refund = sent(json.dumps({"type": "refund", "properties": REFUND}), key_class, tracking_id="visitor")
    assert refund.rejected is (key_class is KeyClass.BROWSER)
    assert refund.rejected or (refund.type, refund.violations) == ("refund", ())


@pytest.mark.parametrize(
    "twice", ['"type":"page_view","type":"cart_add"', '"properties":{"url":"a","url":"b"}']
)
def test_what_has_two_meanings_stays_unread(twice):
    item = sent('{"type":"page_view",' + twice + "}", KeyClass.SERVER)
    assert item.type == "undecoded"
    assert not item.rejected


def test_any_of_the_types_that_a_text_names_refuses_it():
    assert sent('{"type":"page_view","type":"refund"}').rejected
    assert types_in(top_level('{"type":"page_view","type":"refund"}')) == {"page_view", "refund"}


@given(
    st.text(max_size=40) | st.sampled_from(['{"type"', '{"type":', '{"', "{", "{]", '{"a":1}}', '{"a":[}'])
)
def test_any_text_can_be_looked_at(text):
    top_level(text)
    top_level("{" + text)
    top_level('{"type":' + text)


CLAIMS = [
    '{"type":"identify","properties":{"identity":"victim","zzz":1}}',
    '{"type":"alias","tracking_id":"t","properties":{"identity":"victim","zzz":1}}',
    '{"type":"order","identity":"victim","properties":{"zzz":1}}',
    '{"type":"customer_register","identity":"victim","properties":{"email":"victim@shop.test","zzz":1}}',
    '{"identity":"victim","type":["page_view"]}',
    '{"type":"page_view","identity":"me","identity":"victim","properties":{"zzz":1}}',
    '{"type":"identify","properties":{"identity":"victim"}}',
]


@pytest.mark.parametrize("text", CLAIMS)
def test_an_unsigned_identity_in_unreadable_text_is_refused(text):
    item = sent(text, project=SIGNING)
    assert item.rejected
    assert rules(item) == {"identity.signature"}
    assert not sent(text).rejected
    assert not sent(text, KeyClass.SERVER, SIGNING).rejected


def test_a_signed_one_is_kept_as_proved():
    good = sign_identity(SECRET, "ann")
    text = json.dumps(
        {"type": "identify", "identity_signature": good, "properties": {"identity": "ann", "z": 1}}
    )
    item = sent(text, project=SIGNING)
    assert not item.rejected
    assert set(item.proven) == {"ann"}


def test_an_identity_beside_unreadable_text_needs_its_signature_too():
    event = Event(event_id="x", identity="victim", undecoded=Undecoded(json="?", message="no"))
    item = prepare(event, project=SIGNING, key_class=KeyClass.BROWSER, received_at=NOW, sent_at=NOW)
    assert rules(item) == {"identity.signature"}


def test_the_text_of_a_public_key_does_not_say_where_its_sender_is():
    context = {"address": "192.0.2.7", "origin": "https://forged.test", "user_agent": "U"}
    text = json.dumps(
        {"type": "page_view", "context": context, "properties": {"url": "https://a/", "referrer": ""}}
    )
    for key_class, address in ((KeyClass.BROWSER, ""), (KeyClass.SERVER, "192.0.2.0")):
        item = sent(text, key_class, tracking_id="visitor")
        assert (item.event.context.address, item.event.context.user_agent) == (address, "U")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"type":"page_view","zzz":1}', ("zzz", "unknown_property")),
        ('{"type":"page_view","properties":{"url":1}}', ("page_view.url", "type")),
        ('{"type":"page_view","type":"page_view"}', ("", "json")),
        ("?", ("", "json")),
        ("[" * 3000, ("", "json")),
        ("[" * 30_000, ("", "json")),
        ('{"type":NaN}', ("", "json")),
        ('{"type":"order","properties":{"line_items":[' + "{}," * 80_000 + "{}]}}", ("", "json")),
        ('{"type":"page_view","properties":{"title":"\\ud83d"}}', ("page_view.title", "type")),
        (
            '{"type":"page_view","properties":{"title":"\\uDE00","url":"' + "x" * 20_000 + '"}}',
            ("page_view.title", "type"),
        ),
        ('{"type":"page_view","properties":{"\\ud83d":1}}', ("page_view.\\ud83d", "unknown_property")),
    ],
)
@pytest.mark.parametrize("key_class", [KeyClass.BROWSER, KeyClass.SERVER])
def test_the_reason_is_told_in_our_words(text, reason, key_class):
    [found] = sent(text, key_class).violations
    assert (found.field, found.rule_id) == reason
    assert found.message != "nobody can read this"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"type":"page_view","properties":{"url":"u","referrer":""}}', [("occurred_at", "required")]),
        (
            '{"type":"refund","properties":{"zzz":1}}',
            [("occurred_at", "required"), ("refund.zzz", "unknown_property")],
        ),
        ("{", [("occurred_at", "required"), ("", "json")]),
        (
            '{"type":"page_view","occurred_at":"2026-02-28T00:00:00Z","properties":{"url":"u","referrer":""}}',
            [],
        ),
    ],
)
def test_without_a_time_anywhere_it_is_the_time_that_is_missing(
    text: str, told: list[tuple[str, str]]
) -> None:
    event = Event(event_id="0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10", tracking_id="t")
    event.undecoded.json, event.undecoded.rule_id, event.undecoded.message = text, "json", "is no event"
    found = prepare(event, project=SHOP, key_class=KeyClass.SERVER, received_at=NOW, sent_at=None)
    assert [(each.field, each.rule_id) for each in found.violations] == told
