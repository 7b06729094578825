"""Errors of JSON requests: the path of what is wrong, in our words, and never a library's."""

import json
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from shopalytic.v1.collector_pb2 import TrackRequest
from shopalytic_server.domain.formats.json_faults import fault_in

ORDER = {
    "orderId": "1",
    "total": "9.99",
    "subtotal": "9.99",
    "lineItems": [{"sku": "S", "price": "9.99", "qty": 1}],
}


def request(**order: Any) -> dict[str, Any]:
    event = {"eventId": "x", "occurredAt": "2025-05-01T12:00:00Z", "identity": "ada"}
    return {"events": [event | {"order": ORDER}, event | {"order": {**ORDER, **order}}]}


@pytest.mark.parametrize(
    ("wrong", "path", "words"),
    [
        ({"total": 9.99}, "events[1].order.total", 'money is text here, such as "9.99"'),
        ({"orderId": 7}, "events[1].order.order_id", "must be text, not a number"),
        ({"lineItems": {}}, "events[1].order.line_items", "must be a list, not an object"),
        ({"line_items": [{"qty": "two"}]}, "events[1].order.line_items[0].qty", "must be a whole number"),
        ({"lineItems": [{"qty": 1.5}]}, "events[1].order.line_items[0].qty", "without a fraction"),
        ({"lineItems": [7]}, "events[1].order.line_items[0]", "must be an object, not a number"),
        ({"totl": "1"}, "events[1].order.totl", "is not a field of Order"),
        ({"orderDate": "yesterday"}, "events[1].order.order_date", "must be a time"),
    ],
)
def test_the_first_fault_is_told_with_its_path(wrong: dict[str, Any], path: str, words: str):
    found = fault_in(request(**wrong), TrackRequest.DESCRIPTOR)
    assert found is not None
    assert found[0] == path
    assert words in found[1]


def test_what_can_be_read_has_no_fault():
    assert fault_in(request(), TrackRequest.DESCRIPTOR) is None
    both = {"events": [{"order": ORDER, "identify": {"identity": "ada"}}]}
    assert fault_in(both, TrackRequest.DESCRIPTOR) is not None


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(
        [2**31, -(2**31) - 1, 2**63, 1e30, "1", " 1", "1e2", "\ud800", "2025-05-01T12:00:00Z", "2025-05-01"]
    )
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
NAMES = [
    "order",
    "total",
    "lineItems",
    "qty",
    "eventId",
    "sandbox",
    "occurredAt",
    "custom",
    "properties",
    "context",
]
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=200)
@given(value=st.fixed_dictionaries({"events": st.lists(VALUES, max_size=2)}))
def test_a_fault_is_found_in_whatever_protobufs_own_reader_refuses_and_in_nothing_else(value: Any):
    found = fault_in(value, TrackRequest.DESCRIPTOR)
    try:
        json_format.ParseDict(json.loads(json.dumps(value)), TrackRequest()).SerializeToString()
    except (json_format.ParseError, ValueError, UnicodeError):
        assert found is not None
        assert found[0].startswith("events")
    else:
        # Of nothing in a list or a text it makes an empty object.
        assert found is None or found[1] in ("must be an object, not a list", "must be an object, not text")
