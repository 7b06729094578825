"""Any JSON object as a custom event's properties: what is kept of it, and what is refused where."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic.events.decoding import DecodeError, decode_event
from shopalytic.events.structs import struct_dict, to_struct
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.rules import violations

NUMBERS = st.integers(-(2**53), 2**53) | st.floats(-9, 9)
OBJECTS = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.one_of(
            st.none(), st.booleans(), st.text(max_size=5), st.integers(-(2**53), 2**53), st.floats(-9, 9)
        ),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"inner": value}
    return value


@given(OBJECTS)
def test_an_object_is_kept_as_it_was(value):
    kept = struct_dict(to_struct(value))
    assert kept == value
    assert json.dumps(kept)


@given(OBJECTS)
def test_an_object_is_the_same_event_in_whatever_order_its_names_stand(value):
    turned = dict(reversed(value.items()))
    assert len({to_struct(each).SerializeToString(deterministic=True) for each in (value, turned)}) == 1


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        (2**53, 2**53),
        (2**53 + 1, "9007199254740993"),
        (-(10**20), "-100000000000000000000"),
        (Decimal("0.10"), 0.1),
        (1e300, str(10**300)[:1] + format(Decimal(repr(1e300)), "f")[1:]),
        (-0.0, 0),
    ],
)
def test_a_whole_number_that_a_float_would_change_is_kept_as_its_digits(number, kept):
    assert struct_dict(to_struct({"n": number})) == {"n": kept}


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (nested(17), ".".join(["inner"] * 16)),
        ({"many": [1] * 5_000}, "many[4999]"),
        ({"n": [0, float("nan")]}, "n[1]"),
        ({"n": Decimal("1e500")}, "n"),
        ({"n": Decimal("1e-500")}, "n"),
        ({"half": "\ud800"}, "half"),
        ({"a": {"b": object()}}, "a.b"),
        ({1: "x"}, ""),
    ],
)
def test_what_json_or_the_contract_cannot_hold_is_named_with_its_path(value, path):
    with pytest.raises(DecodeError) as caught:
        decode_event({"type": "custom", "properties": {"name": "x", "properties": value}})
    assert caught.value.field == f"custom.properties{path and '.'}{path}"


def test_what_is_sent_over_grpc_is_named_too():
    event = Event(tracking_id="t")
    event.custom.name = "x"
    event.custom.properties.update({"a\0b": 1, "list": ["\0", {"n": float("inf")}]})
    found = {(each.field, each.rule_id) for each in violations(event) if each.field.startswith("custom")}
    assert found == {
        ("custom.properties.a\\x00b", "string.no_nul"),
        ("custom.properties.list[0]", "string.no_nul"),
        ("custom.properties.list[1].n", "double.finite"),
    }


def test_the_deepest_object_can_be_sent():
    event = Event()
    event.custom.properties.CopyFrom(to_struct(nested(16)))
    assert Event.FromString(event.SerializeToString()) == event
