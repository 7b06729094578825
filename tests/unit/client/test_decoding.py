"""Values and events from JSON-like data: what is forgiven, what is refused, and how it is named."""

import json
import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws.catalogue import EVENT_ID, OCCURRED_AT
from laws.full_events import FULL
from shopalytic.events.decoding import (
    EVENT_TYPES,
    DecodeError,
    decode_context,
    decode_event,
    decode_properties,
    decode_time,
    undecoded_event,
    uuid7,
)
from shopalytic.events.values import to_int, to_money, to_timestamp
from shopalytic.v1.events_pb2 import Order
from shopalytic.v1.rules import violations

HUGE = pytest.param(10**100_000, id="huge")
PAGE = {"type": "page_view", "properties": FULL["page_view"], "tracking_id": "browser-1"}


def refusal(data: Any) -> tuple[str, str]:
    with pytest.raises(DecodeError) as caught:
        decode_event(data)
    return caught.value.field, caught.value.rule_id


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9.99, "9.99"),
        (10, "10"),
        (0, "0"),
        (-0.0, "0"),
        (1e2, "100"),
        (Decimal("1E+2"), "100"),
        (Decimal("9.90"), "9.9"),
        (Decimal("9.990000000"), "9.99"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-4, "0.0001"),
        (-5, "-5"),
        ("9.990", "9.990"),
        (" 9,99 ", " 9,99 "),
        (Decimal("0E+999"), "0"),
    ],
)
def test_money_is_exact_and_text_is_left_as_it_is(value, text):
    assert to_money(value) == text


@pytest.mark.parametrize(
    "value",
    [
        float("inf"),
        float("nan"),
        Decimal("sNaN"),
        Decimal("-Infinity"),
        Decimal("1e400"),
        Decimal("1e-400"),
        HUGE,
        True,
    ],
)
def test_money_that_is_no_finite_amount_is_refused(value):
    with pytest.raises(DecodeError):
        to_money(value)


@given(st.decimals(min_value=0, max_value=10**14 - 1, places=4))
def test_any_amount_survives_as_a_number(amount):
    assert Decimal(to_money(amount)) == amount
    assert to_money(json.loads(str(amount), parse_float=Decimal)) == to_money(amount)


@pytest.mark.parametrize(
    ("value", "number"), [(2, 2), (2.0, 2), (Decimal("2.00"), 2), ("2", 2), ("007", 7), (-1, -1)]
)
def test_whole_numbers_come_in_several_forms(value, number):
    assert to_int(value) == number


@pytest.mark.parametrize(
    "value",
    [
        2.5,
        "2.0",
        "-1",
        "+1",
        " 1",
        "1_000",
        "٣",
        "²",
        "",
        True,
        None,
        HUGE,
        pytest.param("9" * 100_000, id="many digits"),
        Decimal("1e9999"),
        float("nan"),
    ],
)
def test_what_is_no_whole_number_is_refused_at_once(value):
    with pytest.raises(DecodeError):
        to_int(value)


NOON = datetime(2025, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "2025-05-01T12:00:00Z",
            "2025-05-01t12:00:00z",
            "2025-05-01 12:00:00.000Z",
            "2025-05-01T14:00:00+02:00",
        ),
        *(
            "2025-05-01T06:30:00-05:30",
            "1746100800",
            "1746100800.000",
            1746100800,
            1746100800.0,
            Decimal(1746100800),
        ),
        *(NOON, NOON.astimezone(timezone(timedelta(hours=9))), to_timestamp(NOON)),
    ],
)
def test_times_come_in_several_forms(value):
    assert decode_time("occurred_at", value).ToDatetime(UTC) == NOON


def test_a_plain_date_means_midnight_in_utc():
    for value in ("2025-05-01", date(2025, 5, 1)):
        assert decode_time("join_date", value).ToDatetime(UTC) == datetime(2025, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds", "nanos"),
    [
        ("2025-05-01T12:00:00.5Z", 1746100800, 500_000_000),
        ("2025-05-01T12:00:00.1234567899Z", 1746100800, 123_456_789),
        (1746100800.25, 1746100800, 250_000_000),
        (Decimal("1746100800.1234567899"), 1746100800, 123_456_789),
        (-0.25, -1, 750_000_000),
        ("-1.5", -2, 500_000_000),
        ("0." + "9" * 40, 0, 999_999_999),
    ],
)
def test_fractions_of_a_second_are_kept_and_never_rounded_up(value, seconds, nanos):
    found = decode_time("occurred_at", value)
    assert (found.seconds, found.nanos) == (seconds, nanos)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("2025-05-01T12:00:00", "offset"),
        (datetime(2025, 5, 1), "time zone"),  # noqa: DTZ001 - the point of it
        (1_746_100_800_000, "milliseconds"),
        ("1746100800000", "milliseconds"),
        ("2025-02-30", "exists"),
        ("2025-05-01T24:00:00Z", "RFC 3339"),
        ("2025-05-01T12:00:60Z", "exists"),
        ("2025-05-01T12:00:00+25:00", "offset"),
        ("9999-12-31T23:59:59-00:01", "9999"),
        ("٢٠٢٥-٠٥-٠١", "RFC 3339"),
        ("", "RFC 3339"),
        (float("nan"), "finite"),
        pytest.param(10**100_000, "9999", id="huge"),
        (Decimal("1e999999"), "9999"),
        (True, "true or false"),
        ({}, "an object"),
    ],
)
def test_what_is_no_time_is_refused_with_a_hint(value, hint):
    with pytest.raises(DecodeError, match=hint) as caught:
        decode_time("occurred_at", value)
    assert caught.value.field == "occurred_at"


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001 - hypothesis' way
def test_any_time_survives_as_text_and_as_datetime(moment):
    moment = moment.replace(tzinfo=UTC)
    assert decode_time("t", moment).ToDatetime(UTC) == moment
    assert decode_time("t", moment.isoformat()).ToDatetime(UTC) == moment


def test_null_is_absent():
    event = decode_event(
        {**PAGE, "identity": None, "context": None, "properties": {**FULL["page_view"], "title": None}}
    )
    assert not event.HasField("identity")
    assert not event.HasField("context")
    assert not event.page_view.HasField("title")


def test_later_names_mean_the_same_events():
    assert decode_properties("account_register", {}).DESCRIPTOR.name == "CustomerRegister"
    assert decode_properties("account_update", {}).DESCRIPTOR.name == "CustomerUpdate"
    assert decode_properties("shipment_update", {}).DESCRIPTOR.name == "ShipmentDelivered"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([], ("", "json")),
        ("page_view", ("", "json")),
        ({}, ("type", "required")),
        ({"type": None}, ("type", "required")),
        ({"type": 5}, ("type", "type")),
        ({"type": "pageview"}, ("type", "unknown_type")),
        ({"type": "undecoded"}, ("type", "unknown_type")),
        ({"type": "order", "property": {}}, ("property", "unknown_property")),
        (
            {"type": "order", "properties": {"billing": {"citi": "x"}}},
            ("order.billing.citi", "unknown_property"),
        ),
        (
            {"type": "order", "properties": {"line_items": [{}, {"qty": "x"}]}},
            ("order.line_items[1].qty", "type"),
        ),
        (
            {"type": "shipment_update", "properties": {"order_id": 5.5}},
            ("shipment_delivered.order_id", "type"),
        ),
        ({"type": "page_view", "properties": {"title": "\ud800"}}, ("page_view.title", "type")),
        (
            {"type": "page_view", "properties": {"\ud800\0": 1}},
            ("page_view.\\ud800\\x00", "unknown_property"),
        ),
        ({"type": "page_view", "properties": {7: 1}}, ("page_view.(a number)", "unknown_property")),
        ({"type": "page_view", "context": {"screen_width": "wide"}}, ("context.screen_width", "type")),
    ],
)
def test_an_error_names_the_field_and_the_rule(data, expected):
    assert refusal(data) == expected


def test_the_nearest_name_is_suggested():
    for data, hint in (
        ({"type": "pageview"}, "page_view"),
        ({"type": "Order"}, "order"),
        ({"type": "order", "properties": {"lineitems": []}}, "line_items"),
        ({"type": "order", "tracking": "x"}, "tracking_id"),
    ):
        with pytest.raises(DecodeError, match=f"did you mean '{hint}'"):
            decode_event(data)


def test_errors_do_not_repeat_what_was_sent():
    with pytest.raises(DecodeError) as caught:
        decode_event({"type": "customer_update", "properties": {"email": ["ada@example.com"]}})
    assert "ada" not in str(caught.value)


def test_properties_and_context_can_be_decoded_by_themselves():
    order = decode_properties("order", FULL["order"])
    assert isinstance(order, Order)
    assert order.total == "24.98"
    assert decode_context({"screen_width": "80"}).screen_width == 80
    with pytest.raises(DecodeError) as caught:
        decode_context({"screen": 1})
    assert caught.value.field == "context.screen"


def test_missing_id_and_time_are_filled_on_request_only():
    assert decode_event(PAGE).event_id == ""
    filled = decode_event(PAGE, fill=True, now=NOON)
    assert UUID(filled.event_id).version == 7
    assert filled.occurred_at.ToDatetime(UTC) == NOON
    assert violations(filled) == []
    given_both = {**PAGE, "event_id": EVENT_ID, "occurred_at": OCCURRED_AT}
    assert decode_event(given_both, fill=True).event_id == EVENT_ID


def test_filling_takes_the_clock_when_no_time_is_given():
    before = datetime.now(UTC)
    assert before <= decode_event(PAGE, fill=True).occurred_at.ToDatetime(UTC) <= datetime.now(UTC)


def test_uuids_carry_the_time_and_follow_each_other():
    before = time.time_ns() // 1_000_000
    made = [uuid7() for _ in range(1000)]
    assert len(set(made)) == 1000
    for text in made:
        parsed = UUID(text)
        assert (parsed.version, parsed.variant, str(parsed)) == (7, "specified in RFC 4122", text)
        assert before <= parsed.int >> 80 <= time.time_ns() // 1_000_000


ERROR = DecodeError("order.total", "must be a decimal", "type")


def test_an_unreadable_event_keeps_what_of_its_envelope_is_readable():
    envelope = {
        "event_id": EVENT_ID,
        "tracking_id": "b-1",
        "identity": "c-1",
        "source": "web",
        "sandbox": True,
    }
    event = undecoded_event(json.dumps(envelope), ERROR, now=NOON)
    assert {name: getattr(event, name) for name in envelope} == envelope
    assert event.occurred_at.ToDatetime(UTC) == NOON
    undecoded = event.undecoded
    assert (undecoded.field, undecoded.message, undecoded.rule_id) == (
        "order.total",
        "must be a decimal",
        "type",
    )
    assert undecoded.json == json.dumps(envelope)
    assert undecoded_event("…", ERROR, data=envelope).event_id == EVENT_ID


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "nonsense",
        "[]",
        pytest.param("[" * 100_000, id="deep"),
        "\ud800\0",
        '{"event_id": 5, "sandbox": "yes"}',
    ],
)
def test_an_unreadable_event_is_always_storable(raw):
    event = undecoded_event(raw, DecodeError("a\0", "b\ud800", "json"))
    assert event.tracking_id == "undecoded"
    assert not event.sandbox
    assert UUID(event.event_id).version == 7
    assert violations(event) == []
    assert "\0" not in event.undecoded.json
    event.SerializeToString()


def test_placeholders_in_an_unreadable_event_are_left_out():
    event = undecoded_event(
        '{"tracking_id": "null", "identity": "guest", "source": "", "event_id": "1"}', ERROR
    )
    assert (event.tracking_id, event.identity, event.source) == ("undecoded", "", "")
    assert violations(event) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(EVENT_TYPES).flatmap(
        lambda kind: st.fixed_dictionaries(
            {"type": st.just(kind)},
            optional={
                "properties": st.fixed_dictionaries({}, optional=dict.fromkeys(FULL[kind], json_values))
                | json_values,
                "event_id": json_values,
                "occurred_at": json_values,
                "context": json_values,
            },
        )
    )
)
def test_any_json_is_an_event_or_a_decode_error(data):
    try:
        event = decode_event(data)
    except DecodeError as refused:
        error = refused
    else:
        error = None
        assert event.WhichOneof("payload") == data["type"]
        violations(event)
    assert error is None or error.rule_id in {"type", "unknown_property"}
