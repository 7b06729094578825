"""The shared vectors, read by the decoder and judged by the generated checks."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shopalytic.events.decoding import EVENT_TYPES, DecodeError, decode_event, undecoded_event
from shopalytic.events.timestamps import timestamp_text
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.rules import context_dict, properties, violations

FOLDER = Path(__file__).resolve().parents[1] / "vectors"
VECTORS = {
    path.stem: json.loads(path.read_text(), parse_float=Decimal) for path in sorted(FOLDER.glob("*.json"))
}


def vectors(*statuses: str) -> pytest.MarkDecorator:
    """Parametrizes a test with the vectors that expect one of these statuses."""
    chosen = [
        pytest.param(each, id=f"{name}: {each['name']}")
        for name, rows in VECTORS.items()
        for each in rows
        if each["status"] in statuses
    ]
    return pytest.mark.parametrize("vector", chosen)


def as_stored(event: Event) -> dict[str, Any]:
    """The event in the form that the vectors' `stored` has."""
    stored: dict[str, Any] = {
        "type": event.WhichOneof("payload"),
        "properties": properties(event),
        "event_id": event.event_id,
        "occurred_at": timestamp_text(event.occurred_at),
    }
    stored |= {
        name: getattr(event, name) for name in ("tracking_id", "identity", "source") if event.HasField(name)
    }
    if event.sandbox:
        stored["sandbox"] = True
    if event.HasField("tie_breaker"):
        stored["tie_breaker"] = event.tie_breaker
    if event.HasField("context"):
        stored["context"] = context_dict(event.context)
    return stored


@vectors("ACCEPTED")
def test_a_valid_event_is_read_as_the_vector_says(vector):
    event = decode_event(vector["event"])
    assert violations(event) == []
    assert as_stored(event) == vector["stored"]


@vectors("QUARANTINED")
def test_an_invalid_event_is_refused_as_the_vector_says(vector):
    try:
        found = violations(decode_event(vector["event"]))
    except DecodeError as error:
        found = [error.violation]
    assert [{"field": each.field, "rule_id": each.rule_id} for each in found] == vector["violations"]


@vectors("ACCEPTED", "QUARANTINED")
def test_what_cannot_be_read_can_still_be_sent_to_quarantine(vector):
    text = json.dumps(vector["event"], default=str)
    event = undecoded_event(text, DecodeError("somewhere", "something"))
    assert violations(event) == []
    assert event.undecoded.json == text
    Event.FromString(event.SerializeToString())


def test_there_are_vectors_of_every_kind_and_of_every_rule():
    assert set(VECTORS) == {*EVENT_TYPES, "envelope"}
    for kind in EVENT_TYPES:
        assert len([each for each in VECTORS[kind] if each["status"] == "ACCEPTED"]) >= 2
    rules = {
        each["rule_id"] for rows in VECTORS.values() for row in rows for each in row.get("violations", ())
    }
    assert rules == {
        *("required", "type", "unknown_property", "unknown_type"),
        *("string.min_len", "string.max_len", "string.pattern", "string.in", "string.no_nul"),
        *("int32.gte_lte", "timestamp.gte_lt", "repeated.max_items"),
        *(
            "tracking_id.or_identity",
            "tracking_id.placeholder",
            "identity.placeholder",
            "identity.same_as_identify",
        ),
        *("total_discount.required_with_discounts", "total_refund.required_if_partial"),
        *("subtotal_refund.required_if_partial", "sku.or_name", "qty.required_without_quantity"),
    }


def test_no_two_vectors_have_the_same_event_id():
    ids = [each["event"]["event_id"] for rows in VECTORS.values() for each in rows]
    assert len(ids) == len(set(ids))
