"""The generated checks as their callers use them: paths, messages, and messages as plain dicts."""

import json

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from laws.catalogue import CARRIERS
from laws.full_events import FULL
from shopalytic.events.checking import not_listed
from shopalytic.events.decoding import decode_event
from shopalytic.events.timestamps import timestamp_text
from shopalytic.events.violations import Violation
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.rules import MONEY_FIELDS, context_dict, properties, violations


def event(kind: str, changes: dict | None = None, **envelope) -> Event:
    data = {"type": kind, "properties": FULL[kind] | (changes or {}), "tracking_id": "browser-1", **envelope}
    return decode_event(data, fill=True)


def messages(checked: Event) -> dict[str, str]:
    return {found.field: found.message for found in violations(checked)}


def test_a_violation_is_a_plain_tuple_of_path_rule_and_message():
    [found] = violations(event("identify", {"identity": ""}))
    assert found == Violation("identify.identity", "required", "is required")


def test_messages_say_what_to_do_and_never_repeat_the_value():
    secret = "ada@example.com "
    found = messages(event("customer_update", {"email": secret, "first_name": secret * 20}))
    assert found == {
        "customer_update.email": "must be an e-mail address: one @ with text on both sides, and no spaces",
        "customer_update.first_name": "must be at most 200 characters; this has 320",
    }


def test_milliseconds_are_recognised():
    checked = event("page_view")
    checked.occurred_at.seconds = 1_746_100_800_000
    assert "milliseconds" in messages(checked)["occurred_at"]


def test_a_short_list_of_choices_is_spelled_out():
    found = messages(event("refund", {"refund_type": "half"}))
    assert found["refund.refund_type"] == "must be one of 'full', 'partial'"


@pytest.mark.parametrize(
    ("sent", "nearest"),
    [
        ("dhl-german", "dhl-germany"),
        ("UPS", "ups"),
        ("royal mail", "royal-mail"),
        ("fed_ex", "fedex"),
        ("austria-post", "australia-post"),
    ],
)
def test_the_nearest_code_of_a_long_list_is_named(sent, nearest):
    assert not_listed(sent, frozenset(CARRIERS)) == f"is not in the list of codes; did you mean {nearest!r}?"


def test_an_empty_event_breaks_every_rule_of_the_envelope():
    assert [(found.field, found.rule_id) for found in violations(Event())] == [
        ("tracking_id", "tracking_id.or_identity"),
        ("event_id", "required"),
        ("occurred_at", "required"),
        ("payload", "required"),
    ]


@pytest.mark.parametrize("kind", FULL)
def test_a_plain_dict_is_what_protobuf_writes_as_json(kind):
    checked = event(
        kind, context={"url": "https://shop.example", "screen_width": 0, "referrer": "", "automated": False}
    )
    as_json = MessageToDict(checked, preserving_proto_field_name=True)
    assert properties(checked) == as_json[kind]
    assert context_dict(checked.context) == as_json["context"]
    json.dumps(properties(checked))


def test_absent_fields_are_absent_from_the_dict():
    assert properties(Event()) == {}
    assert properties(event("page_view", {"logged_in": None, "page_type": None, "title": None})) == {
        "url": FULL["page_view"]["url"],
        "referrer": FULL["page_view"]["referrer"],
    }


@given(
    st.integers(-62_135_596_800, 253_402_300_799), st.integers(0, 999_999).map(lambda micros: micros * 1000)
)
def test_times_are_written_as_protobuf_writes_them(seconds, nanos):
    moment = Timestamp(seconds=seconds, nanos=nanos)
    assert timestamp_text(moment) == moment.ToJsonString()


@pytest.mark.parametrize(
    ("seconds", "nanos", "text"),
    [
        (0, 999, "1970-01-01T00:00:00Z"),
        (0, 1_999, "1970-01-01T00:00:00.000001Z"),
        (0, -1, "1969-12-31T23:59:59.999999Z"),
        (0, 1_500_000_000, "1970-01-01T00:00:01.500Z"),
        (2**62, 0, str(2**62)),
        (-(2**62), -5, str(-(2**62))),
    ],
)
def test_times_that_no_valid_event_has_do_not_fail(seconds, nanos, text):
    assert timestamp_text(Timestamp(seconds=seconds, nanos=nanos)) == text


def test_money_fields_are_those_with_money_in_the_catalogue():
    assert {"Order.total", "LineItem.price", "Discount.value", "Refund.tax_refund"} <= MONEY_FIELDS
    assert not any(name.endswith(("currency", "sku", "_id")) for name in MONEY_FIELDS)
