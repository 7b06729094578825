"""Every property of every kind of event: left out, at its limits, past them, and of a wrong type."""

import copy
import re
from typing import Any

import pytest

from laws.catalogue import EVENT_ID, OCCURRED_AT, PROPERTIES, Property
from laws.full_events import FULL
from shopalytic.events.decoding import EVENT_TYPES, DecodeError, decode_event
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.rules import properties, violations

ALL = [
    pytest.param(kind, each, id=f"{kind}.{each.path}") for kind, rows in PROPERTIES.items() for each in rows
]
REQUIRED = [param for param in ALL if param.values[1].required]
MISSING = object()
# Optional by themselves, but required with what else the full event has.
NEEDED_BY_THE_FULL_EVENT = {"order.total_discount", "refund.total_refund", "refund.subtotal_refund"}


def event_of(kind: str, changed: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": kind,
        "properties": FULL[kind] if changed is None else changed,
        "event_id": EVENT_ID,
        "occurred_at": OCCURRED_AT,
        "tracking_id": "browser-1",
    }


def with_value(kind: str, path: str, value: Any) -> dict[str, Any]:
    """The full event with one property changed, or removed for MISSING."""
    changed = copy.deepcopy(FULL[kind])
    *way, last = [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", path)]
    target: Any = changed
    for part in way:
        target = target[part]
    if value is MISSING:
        del target[last]
    else:
        target[last] = value
    return event_of(kind, changed)


def verdict(data: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found.field, found.rule_id) for found in violations(decode_event(data))]


def test_the_table_has_every_kind_and_every_property():
    assert tuple(PROPERTIES) == tuple(FULL) == EVENT_TYPES
    for kind, rows in PROPERTIES.items():
        fields = {
            f"{kind}.{name}" for name in Event.DESCRIPTOR.fields_by_name[kind].message_type.fields_by_name
        }
        assert {f"{kind}.{re.split('[.[]', each.path)[0]}" for each in rows} == fields
        assert {f"{kind}.{name}" for name in FULL[kind]} == fields


@pytest.mark.parametrize("kind", FULL)
def test_a_full_event_is_valid_and_read_back_as_it_was_sent(kind):
    event = decode_event(event_of(kind))
    assert violations(event) == []
    assert properties(event) == FULL[kind]


@pytest.mark.parametrize(("kind", "each"), REQUIRED)
def test_a_required_property_left_out_is_named(kind: str, each: Property):
    assert verdict(with_value(kind, each.path, MISSING)) == [(f"{kind}.{each.path}", "required")]
    assert verdict(with_value(kind, each.path, None)) == [(f"{kind}.{each.path}", "required")]


@pytest.mark.parametrize(("kind", "each"), REQUIRED)
def test_a_required_text_that_is_empty_counts_as_left_out(kind: str, each: Property):
    if "" in each.inside:
        assert verdict(with_value(kind, each.path, "")) == []
    elif isinstance(each.inside[0], str) and not each.path.endswith(("date_delivered", "qty")):
        assert verdict(with_value(kind, each.path, "")) == [(f"{kind}.{each.path}", "required")]


@pytest.mark.parametrize(
    ("kind", "each"),
    [param for param in ALL if not param.values[1].required and "[" not in param.values[1].path],
)
def test_an_optional_property_may_be_left_out(kind: str, each: Property):
    path = f"{kind}.{each.path}"
    found = [field for field, _ in verdict(with_value(kind, each.path, MISSING))]
    assert found == ([path] if path in NEEDED_BY_THE_FULL_EVENT else [])


@pytest.mark.parametrize(("kind", "each"), ALL)
def test_values_at_the_limits_are_valid(kind: str, each: Property):
    for value in each.inside:
        assert verdict(with_value(kind, each.path, value)) == [], value


@pytest.mark.parametrize(("kind", "each"), ALL)
def test_values_past_the_limits_are_named_with_their_rule(kind: str, each: Property):
    for value, rule in each.outside:
        assert (f"{kind}.{each.path}", rule) in verdict(with_value(kind, each.path, value)), value


@pytest.mark.parametrize(("kind", "each"), ALL)
def test_values_of_a_wrong_type_are_named_when_they_are_read(kind: str, each: Property):
    for value in each.wrong_types:
        with pytest.raises(DecodeError) as caught:
            decode_event(with_value(kind, each.path, value))
        assert (caught.value.field, caught.value.rule_id) == (f"{kind}.{each.path}", "type"), value


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("order", "line_items"),
        ("order", "discounts"),
        ("refund", "line_items"),
        ("product_view", "categories"),
    ],
)
def test_an_entry_of_a_list_of_a_wrong_type_is_named_with_its_place(kind, path):
    good = FULL[kind][path][0]
    for value in (None, 5, []):
        with pytest.raises(DecodeError) as caught:
            decode_event(with_value(kind, path, [good, value]))
        assert (caught.value.field, caught.value.rule_id) == (f"{kind}.{path}[1]", "type"), value


@pytest.mark.parametrize("kind", FULL)
def test_an_unknown_property_is_named(kind):
    with pytest.raises(DecodeError) as caught:
        decode_event(with_value(kind, "colour", "red"))
    assert (caught.value.field, caught.value.rule_id) == (f"{kind}.colour", "unknown_property")


def test_a_full_refund_needs_nothing_but_its_order():
    assert verdict(event_of("refund", {"order_id": "O-1", "refund_type": "full"})) == []


def test_a_partial_refund_needs_both_amounts():
    assert verdict(event_of("refund", {"order_id": "O-1", "refund_type": "partial"})) == [
        ("refund.total_refund", "total_refund.required_if_partial"),
        ("refund.subtotal_refund", "subtotal_refund.required_if_partial"),
    ]


def test_a_partial_refund_may_come_without_goods():
    amounts = {"total_refund": "5", "subtotal_refund": 0, "line_items": []}
    assert verdict(event_of("refund", {"order_id": "O-1", "refund_type": "partial", **amounts})) == []


def test_discounts_need_their_total():
    assert verdict(with_value("order", "total_discount", MISSING)) == [
        ("order.total_discount", "total_discount.required_with_discounts")
    ]


def test_the_nearest_carrier_is_named():
    for wrong, nearest in {
        "dhl-german": "dhl-germany",
        "DHL_Germany": "dhl-germany",
        "Royal Mail": "royal-mail",
    }.items():
        [found] = violations(decode_event(with_value("shipment", "carrier", wrong)))
        assert f"did you mean '{nearest}'?" in found.message


ENVELOPE = {
    "event_id": (
        ("0190B6F0-8C7E-7CC0-9D3A-5F1C2B7A4E10",),
        (("17", "string.pattern"), (None, "required")),
        (5, True, {}),
    ),
    "occurred_at": (
        ("0001-01-01", "1970-01-01", "2120-01-01", 1_714_564_800),
        ((None, "required"),),
        ("x", []),
    ),
    "tracking_id": (
        ("x", "é" * 200, "guest", "-1", 5),
        (("", "string.min_len"), ("é" * 201, "string.max_len"), ("null", "tracking_id.placeholder")),
        (5.5, True, []),
    ),
    "identity": (
        ("x", "é" * 200, 5),
        (
            ("", "string.min_len"),
            ("é" * 201, "string.max_len"),
            (0, "identity.placeholder"),
            (" Guest", "identity.placeholder"),
        ),
        (5.5, True, []),
    ),
    "source": (("x" * 100,), (("", "string.min_len"), ("x" * 101, "string.max_len")), (5, False, [])),
    "sandbox": ((True, False), (), ("true", 1, [])),
    "tie_breaker": ((0, 2**63 - 1, "17"), (), (2**63, "x", 1.5, True, [])),
    "context": (({}, {"screen_width": "100000", "automated": True}), (), ("x", 5, [])),
}


@pytest.mark.parametrize("name", ENVELOPE)
def test_the_envelope_has_the_same_strictness(name):
    inside, outside, wrong_types = ENVELOPE[name]
    for value in inside:
        assert verdict({**event_of("page_view"), name: value}) == [], value
    for value, rule in outside:
        assert (name, rule) in verdict({**event_of("page_view"), name: value}), value
    for value in wrong_types:
        with pytest.raises(DecodeError) as caught:
            decode_event({**event_of("page_view"), name: value})
        assert (caught.value.field, caught.value.rule_id) == (name, "type"), value


CONTEXT_LENGTHS = {
    **dict.fromkeys(["url", "referrer"], 8192),
    **dict.fromkeys(["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"], 500),
    **dict.fromkeys(["language", "time_zone", "library_name", "library_version"], 100),
    "user_agent": 2000,
    "address": 64,
}


@pytest.mark.parametrize("name", CONTEXT_LENGTHS)
def test_texts_of_the_context_have_limits(name):
    most = CONTEXT_LENGTHS[name]
    assert verdict({**event_of("page_view"), "context": {name: "é" * most}}) == []
    too_long = {**event_of("page_view"), "context": {name: "é" * (most + 1)}}
    assert verdict(too_long) == [(f"context.{name}", "string.max_len")]


@pytest.mark.parametrize("name", ["screen_width", "screen_height"])
def test_sizes_of_the_screen_have_limits(name):
    for value in (0, 100_000):
        assert verdict({**event_of("page_view"), "context": {name: value}}) == []
    for value in (-1, 100_001):
        assert verdict({**event_of("page_view"), "context": {name: value}}) == [
            (f"context.{name}", "int32.gte_lte")
        ]


def test_an_event_belongs_to_somebody():
    assert verdict({**event_of("page_view"), "tracking_id": None}) == [
        ("tracking_id", "tracking_id.or_identity")
    ]
    assert verdict({**event_of("page_view"), "tracking_id": None, "identity": "x"}) == []


def test_an_identify_has_one_identity():
    assert verdict({**event_of("identify"), "identity": "customer-17"}) == []
    assert verdict({**event_of("identify"), "identity": "customer-18"}) == [
        ("identity", "identity.same_as_identify")
    ]


def test_an_event_without_a_payload_is_named():
    assert ("payload", "required") in [(found.field, found.rule_id) for found in violations(Event())]
