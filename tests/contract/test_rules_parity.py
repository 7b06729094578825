"""The generated checks against the reference validator: the same verdicts for any event."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from hypothesis import given, settings
from hypothesis import strategies as st
from protovalidate import Validator

from laws.full_events import FULL
from running.length import either
from shopalytic.events.decoding import decode_properties
from shopalytic.events.structs import parts, to_struct
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.rules import context_dict, properties, violations
from shopalytic_server.domain.events.prepared import JSONB_VERSION
from shopalytic_server.domain.ingest import preparation
from shopalytic_server.domain.ingest.preparation import Admitted, prepare_event
from shopalytic_server.domain.projects import KeyClass, Project

REFERENCE = Validator()
RULE_FAMILIES = ("string", "int32", "timestamp", "repeated", "required")

TEXTS = [
    *(
        "",
        " ",
        "a",
        "9.99",
        "0",
        "-1",
        "9.99999",
        "123456789012345",
        "1.",
        ".5",
        "EUR",
        "eur",
        "EURO",
        "ＥＵＲ",
    ),
    *(
        "full",
        "partial",
        "Full",
        "dhl",
        "dhl-germany",
        "DHL",
        "custom",
        "a@b",
        "a b@c",
        "a@b\n",
        "a\x0b@b",
        "@",
    ),
    *(
        "null",
        " NULL\t",
        "undefined\n",
        "[object Object]",
        "guest",
        "gueſt",
        "GUEﬆ",
        "id",
        "İd",
        "ıd",
        "user",
        "uſer",
    ),
    *(
        "\xa0null",
        "\x0bnone",
        "nan\x85",
        "N/A",
        "{{ user.id }}",
        "{{a\n}}",
        "${id}",
        "<%= id %>",
        "(not set)",
        "(not \u017fet)",
        "\u200b",
        "\ufeffnull\u2060",
        '"null"',
        "[object Undefined]",
        "[object \u017f\u212a]",
        "un\u212anown",
        "user_id",
        "u\u017ferid",
        "NOT_AUTHENTICATED",
        "000-00",
        "-",
        "--1",
        "false",
        "falſe",
        "email",
        "unknown",
        "anonymous",
    ),
    *(
        "0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10",
        "0190B6F0-8C7E-7CC0-9D3A-5F1C2B7A4E10",
        "0190b6f0-8c7e-7cc0-9d3a",
    ),
    *(
        "0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10\n",
        "０190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10",
        "9\n",
        "٣",
        "\0",
        "a\0b",
    ),
]
LENGTHS = [32, 64, 100, 200, 254, 500, 1000, 2000, 8192]
SECONDS = [631_152_000, 4_102_444_800, 0, 1_700_000_000, -(2**63), 2**63 - 1]

texts = st.one_of(
    st.sampled_from(TEXTS),
    st.builds(
        lambda n, more, c: c * (n + more),
        st.sampled_from(LENGTHS),
        st.sampled_from([-1, 0, 1]),
        st.sampled_from("aé😀"),
    ),
    st.text(max_size=8),
)
ints = st.one_of(
    st.sampled_from([0, 1, -1, 100_000, 100_001, 10**9, 10**9 + 1, 2**31 - 1, -(2**31)]), st.integers(-5, 5)
)
seconds = st.builds(
    lambda base, by: max(-(2**63), min(2**63 - 1, base + by)), st.sampled_from(SECONDS), st.integers(-4, 4)
)
finite_floats = st.floats(allow_nan=False, allow_infinity=False)
objects = st.dictionaries(
    texts,
    st.recursive(
        st.one_of(
            st.none(), st.booleans(), texts, st.integers(), st.floats(allow_nan=False, allow_infinity=False)
        ),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
        max_leaves=6,
    ),
    max_size=3,
)
nanos = st.sampled_from([0, 1, -1, 999_999_999, 10**9, -(10**9), 2**31 - 1, -(2**31)])


def value_of(field: Any) -> st.SearchStrategy[Any]:
    if field.type == FieldDescriptor.TYPE_STRING:
        return texts
    if field.type == FieldDescriptor.TYPE_BOOL:
        return st.booleans()
    if field.type == FieldDescriptor.TYPE_INT32:
        return ints
    if field.type == FieldDescriptor.TYPE_INT64:
        return st.integers(-(2**63), 2**63 - 1)
    if field.message_type.full_name == "google.protobuf.Timestamp":
        return st.fixed_dictionaries({"seconds": seconds, "nanos": nanos})
    if field.message_type.full_name == "google.protobuf.Struct":
        return objects.map(to_struct)
    return fields_of(field.message_type)


def fields_of(descriptor: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Any subset of a message's plain fields, each with any value."""
    payload = [field.name for oneof in descriptor.oneofs for field in oneof.fields if len(oneof.fields) > 1]
    choices = {
        field.name: st.lists(value_of(field), max_size=3) if field.is_repeated else value_of(field)
        for field in descriptor.fields
        if field.name not in payload
    }
    return st.fixed_dictionaries({}, optional=choices)


ENVELOPES = fields_of(Event.DESCRIPTOR)
PAYLOADS = {
    field.name: fields_of(field.message_type) for field in Event.DESCRIPTOR.oneofs_by_name["payload"].fields
}


def reference_verdict(event: Event) -> set[tuple[str, str]]:
    return {(path_of(each.proto), each.proto.rule_id) for each in REFERENCE.collect_violations(event)}


def path_of(violation: Any) -> str:
    """The path as our verdicts have it; a rule of a whole message names its field in its id."""
    path, last = "", ""
    for element in violation.field.elements if violation.field else ():
        last = element.field_name
        path += f".{last}" if path else last
        if element.subscript is not None:
            path += f"[{element.subscript.value}]"
    about = violation.rule_id.split(".")[0]
    if about not in RULE_FAMILIES and about != last:
        path += f".{about}" if path else about
    return path


def strings_with_nul(message: Message, path: str = "") -> set[str]:
    found = set()
    if isinstance(message, Struct):
        named = parts(message)
        return {f"{path}.{where}" for where, part in named if isinstance(part, str) and "\0" in part}
    for field, value in message.ListFields():
        name = f"{path}.{field.name}" if path else field.name
        items = (
            [(f"{name}[{i}]", item) for i, item in enumerate(value)] if field.is_repeated else [(name, value)]
        )
        for where, item in items:
            if isinstance(item, Message):
                found |= strings_with_nul(item, where)
            elif isinstance(item, str) and "\0" in item:
                found.add(where)
    return found


def assert_same_verdict(event: Event) -> None:
    ours = {(found.field, found.rule_id) for found in violations(event)}
    nul = {(path, "string.no_nul") for path in strings_with_nul(event)}
    assert ours == reference_verdict(event) | nul


@pytest.mark.parametrize("kind", PAYLOADS)
def test_payloads_are_judged_as_the_reference_judges_them(kind):
    @settings(max_examples=either(50, 500))
    @given(PAYLOADS[kind])
    def check(payload):
        assert_same_verdict(Event(**{kind: payload}))

    check()


@settings(max_examples=either(75, 500))
@given(ENVELOPES, st.sampled_from([{}, *({kind: {}} for kind in PAYLOADS), {"identify": {"identity": "a"}}]))
def test_envelopes_are_judged_as_the_reference_judges_them(envelope, payload):
    assert_same_verdict(Event(**envelope, **payload))


@settings(max_examples=either(50, 500))
@given(texts)
def test_placeholders_and_patterns_are_told_as_the_reference_tells_them(text):
    event = Event(identity=text, tracking_id=text)
    event.customer_update.email = text
    ours = {(f.field, f.rule_id) for f in violations(event) if f.rule_id != "string.no_nul"}
    assert ours == reference_verdict(event)


@pytest.mark.parametrize(
    ("kind", "field", "most"), [("order", "line_items", 2000), ("refund", "line_items", 2000)]
)
def test_long_lists_are_judged_as_the_reference_judges_them(kind, field, most):
    for count in (most, most + 1):
        event = Event()
        for _ in range(count):
            getattr(getattr(event, kind), field).add(sku="a", price="1", qty=1)
        assert {(f.field, f.rule_id) for f in violations(event)} == reference_verdict(event)


def test_a_list_of_mistakes_ends_after_a_hundred():
    event = Event()
    for _ in range(5000):
        event.order.line_items.add()
    found = violations(event)
    assert ("order.line_items", "repeated.max_items") in {(f.field, f.rule_id) for f in found}
    assert 100 <= len(found) < 130


PROJECT = Project(1, "shop", "EUR", "UTC", frozenset(), datetime(2026, 1, 1, tzinfo=UTC))
ADMITTED = Admitted("EUR", datetime(2099, 12, 30, tzinfo=UTC), project=PROJECT, key_class=KeyClass.SERVER)
JUDGED_LATER = (
    *("timestamp.not_in_future", "timestamp.not_before_1990"),
    *("event.max_bytes", "custom.properties.max_bytes"),
)
VALID_EVENT = {
    "event_id": "0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10",
    "occurred_at": {"seconds": 1_700_000_000},
    "tracking_id": "t",
}


def assert_one_pass_agrees(event: Event) -> None:
    """The quick way takes no event that breaks a rule, and both ways store the same of one that does not."""
    plain = prepare_event(event, ADMITTED)
    broken = violations(event)  # now without its signatures, which are checked before
    if event.HasField("undecoded") or any(each.rule_id in JUDGED_LATER for each in plain.violations):
        return
    assert list(plain.violations) == broken
    if broken:
        return
    assert plain.properties == properties(event)
    assert plain.properties_jsonb == JSONB_VERSION + orjson.dumps(properties(event))
    if event.HasField("context"):
        assert plain.context_jsonb == JSONB_VERSION + orjson.dumps(context_dict(event.context))
    with patch.object(preparation, "_read", return_value=None):
        assert prepare_event(event, ADMITTED) == plain


@pytest.mark.parametrize("kind", PAYLOADS)
def test_reading_in_one_pass_agrees_with_the_rules_on_payloads(kind):
    @settings(max_examples=either(50, 500))
    @given(PAYLOADS[kind])
    def check(payload):
        assert_one_pass_agrees(Event(**VALID_EVENT, **{kind: payload}))

    check()


@settings(max_examples=either(75, 500))
@given(ENVELOPES, st.sampled_from([{}, *({kind: {}} for kind in PAYLOADS), {"identify": {"identity": "a"}}]))
def test_reading_in_one_pass_agrees_with_the_rules_on_envelopes(envelope, payload):
    assert_one_pass_agrees(Event(**{**VALID_EVENT, **envelope}, **payload))
    # Alone a field is more often right.
    page_view = {"page_view": {"url": "u", "referrer": ""}}
    for name, value in envelope.items():
        assert_one_pass_agrees(Event(**{**VALID_EVENT, name: value}, **page_view))


@settings(max_examples=either(50, 500))
@given(fields_of(Event.DESCRIPTOR.fields_by_name["context"].message_type))
def test_reading_in_one_pass_agrees_with_the_rules_on_contexts(context):
    for name, value in context.items():
        assert_one_pass_agrees(
            Event(**VALID_EVENT, context={name: value}, page_view={"url": "u", "referrer": "r"})
        )


def test_every_kind_of_event_can_be_read_in_one_pass():
    for kind, given_properties in FULL.items():
        if kind == "undecoded":
            continue
        event = Event(**VALID_EVENT, source="web", context={"url": "u", "address": "10.0.0.0"})
        getattr(event, kind).CopyFrom(decode_properties(kind, given_properties))
        with patch.object(preparation, "_examine", side_effect=AssertionError(kind)):
            assert not prepare_event(event, ADMITTED).violations
