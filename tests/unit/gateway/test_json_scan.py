"""Laws of the look at JSON that counts before anything is read, with json.loads as the judge."""

import json
from collections import deque
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.gateway.requests.json_scan import (
    MAX_DEPTH,
    MAX_PARTS,
    Malformed,
    Scanner,
    Spans,
    TooMany,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.text() | st.just("events"), JSON, max_size=5)
FORMS = st.sampled_from(
    [{}, {"indent": 1}, {"indent": "\t", "ensure_ascii": False}, {"separators": (",", ":")}]
)
WINDOW = 65_536


def scan(data: bytes, limit: int | None = None, max_parts: int = 400_000) -> Spans:
    scanner = Scanner(data, "events", lambda _name: limit, max_parts)
    for _ in scanner.steps():
        pass
    return scanner.parts


@given(OBJECTS, FORMS)
def test_each_part_of_any_object_is_found_where_it_is(value: dict[str, Any], form: Any):
    data = json.dumps(value, **form).encode()
    parts = scan(data)

    def read(part: Any) -> Any:
        return json.loads(data[part.start : part.end])

    found = {name: read(part) for name, part in parts.members.items()}
    if parts.items is not None:
        found["events"] = [read(part) for part in parts.items]
    assert json.dumps(found, sort_keys=True) == json.dumps(value, sort_keys=True)


@given(OBJECTS, FORMS, st.data())
def test_what_was_cut_or_spoiled_anywhere_is_told_or_has_its_parts_inside(
    value: dict[str, Any], form: Any, data: st.DataObject
):
    body = json.dumps(value, **form).encode()
    at = data.draw(st.integers(0, len(body)))
    broken = data.draw(
        st.sampled_from([body[:at], body[:at] + b"\xff" + body[at:], body[:at] + body[at + 1 :]])
    )
    try:
        parts = scan(broken)
    except Malformed:
        return
    places = [*parts.members.values(), *(parts.items or [])]
    assert all(0 < part.start < part.end < len(broken) for part in places)


@pytest.mark.parametrize("size", [1, WINDOW - 2, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW])
@pytest.mark.parametrize("unit", ["a", "\\n", "\\\\", '\\"', "é", "[", ","])
def test_strings_of_any_length_end_where_they_end(unit: str, size: int):
    body = f'{{"a": "{unit * (size // len(unit))}", "events": [{{"x": "{unit * size}"}}, 1]}}'.encode()
    parts = scan(body)
    assert body[parts.members["a"].end : parts.members["a"].end + 2] == b", "
    assert [body[part.start : part.end][-1:] for part in parts.items or []] == [b"}", b"1"]


@pytest.mark.parametrize("many", [0, 1, 999, 1_000])
def test_as_many_items_as_allowed_are_found_and_one_more_is_told(many: int):
    body = b'{"events":[%s]}' % b",".join([b"{}"] * many)
    assert len(scan(body, 1_000).items or []) == many
    if many:
        with pytest.raises(TooMany, match="events: has more than"):
            scan(body, many - 1)


@given(st.integers(1, 3 * MAX_DEPTH))
def test_depth_is_told_of_the_part_that_is_too_deep_alone(depth: int):
    deep = b"[" * depth + b"]" * depth
    first, second = scan(b'{"events": [%s, {"a": [1]}]}' % deep).items or []
    assert (first.fault is not None) == (depth > MAX_DEPTH)
    assert second.fault is None
    assert first.end - first.start == 2 * depth


def _many(count: int) -> bytes:
    return b"[%s]" % b",".join([b"{}"] * count)


def test_the_number_of_lists_and_objects_is_bounded_in_each_part_and_if_asked_in_all():
    many = _many(MAX_PARTS)
    [first, second] = scan(b'{"events": [%s, {}]}' % many).items or []
    assert first.fault is not None
    assert second.fault is None
    with pytest.raises(Malformed, match="too many"):
        scan(b'{"a": %s, "events": [%s]}' % (_many(60), _many(60)), max_parts=100)


@pytest.mark.parametrize("value", [b"[" * 900_000, b'{"a": [%s]}' % (b"[]," * 900_000), b'{"a":' * 500_000])
def test_where_nothing_else_is_of_use_a_value_that_must_not_be_read_ends_the_scan_at_once(value: bytes):
    steps = Scanner(b'{"a": 1, "scope": %s' % value, "", lambda _name: None).steps()
    # Each is a millisecond's work.
    with pytest.raises(Malformed, match=r"a value (is nested|has) more than"):
        deque(islice(steps, 20))


def test_a_value_among_others_is_passed_if_an_event_can_be_as_long_and_no_longer_one():
    as_long = b"[%s]" % (b"[]," * 87_000)[:-1]
    [first, second] = scan(b'{"events": [%s, {}]}' % as_long).items or []
    assert first.fault is not None
    assert second.fault is None
    with pytest.raises(Malformed, match="too many"):
        scan(b'{"events": [%s, {}]}' % (b"[%s]" % (b"[]," * 100_000)[:-1]))


@pytest.mark.parametrize("item", [b"1", b'""', b"{}"])
def test_a_list_without_a_number_of_its_own_has_one_too(item: bytes):
    with pytest.raises(TooMany, match="unknown: has more than 50,000 items"):
        scan(b'{"unknown": [%s]}' % b",".join([item] * 1_000_000), None)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "[]",
            "{",
            '{"a"',
            '{"a":',
            '{"a":1',
            '{"a":1,}',
            '{"a":1}}',
            '{"a":[1}',
            '{"a":{]}',
            '{"a" 1}',
        ),
        *(
            '{"a":1,"a":2}',
            '{"events":[],"events":[]}',
            '{"events":[1 2]}',
            '{"events":[,]}',
            '{"events":[1,]}',
        ),
        *(
            '{"a":"',
            '{"a":"\\',
            '{"a',
            '{"a\\":1}',
            '{"\\ud8":1}',
            "{}x",
            "{1:1}",
            '{"a" 1}',
            '{"events":[1,]}',
        ),
    ],
)
def test_what_is_no_object_is_told_with_its_place(text: str):
    with pytest.raises(Malformed, match="line 1, column"):
        scan(text.encode())
