"""Reading JSON bodies: what is strict, what is forgiven, and the text of each event kept as it was sent."""

import asyncio
import contextlib
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.gateway.collect.events import Sender, decode_events
from shopalytic_server.gateway.errors import CODES, Refusal
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.requests.bodies import is_zipped, unzipped
from shopalytic_server.gateway.requests.payload import (
    Payload,
    UnreadableEvent,
    payload_of,
    read_payload,
    scan,
)
from shopalytic_server.gateway.work import Work

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["type", "properties", "event_id", "occurred_at", "tracking_id", "identity", "context"]
)
EVENTS = st.dictionaries(NAMES, JSON | st.sampled_from(["page_view", "order", "cart_add"]), max_size=5)


@given(st.lists(EVENTS | JSON, min_size=1, max_size=5), st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_any_events_become_messages_one_for_one(events: list[object], ascii_only: bool, indent: object):
    text = json.dumps({"token": "k", "events": events}, ensure_ascii=ascii_only, indent=indent)  # type: ignore[arg-type]
    body = text.encode("utf-8")
    for payload in (read_payload(body), payload_of(body, scan(body))):
        check(payload, events)


def check(payload: Payload, events: list[object]) -> None:
    messages = asyncio.run(decode_events(payload, Sender("agent", None), Work()))
    assert len(messages) == len(events)
    for index, message in enumerate(messages):
        assert message.SerializeToString()
        assert message.WhichOneof("payload") is not None
        assert json.dumps(json.loads(payload.raw(index))) == json.dumps(events[index])


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_any_bytes_are_read_or_refused(body: bytes):
    with contextlib.suppress(Refusal):
        read_payload(unzip(body, 1_000) if is_zipped(body, None) else body)


def unzip(body: bytes, limit: int) -> bytes:
    return asyncio.run(unzipped(body, limit=limit, work=Work()))


@given(st.lists(st.binary(max_size=300_000), max_size=4), st.integers(0, 9), st.integers(-1, 1))
def test_whatever_was_zipped_in_any_members_is_unzipped_up_to_the_limit(
    parts: list[bytes], level: int, room: int
):
    plain = b"".join(parts)
    body = b"".join(gzip.compress(part, level) for part in parts)
    if room < 0 and plain:
        with pytest.raises(Refusal, match="larger than"):
            unzip(body, len(plain) - 1)
    else:
        assert unzip(body, len(plain) + max(room, 0)) == plain
    if body:
        with pytest.raises(Refusal, match="cut off"):
            unzip(body[:-1], len(plain) + 1)


def test_raw_texts_survive_white_space_and_hostile_neighbours():
    items = ['{"a" : NaN}', ' { "b":[1,{"c":"]}"}] }', '"x,y"', "1e5"]
    body = ' \n{ "x" : [ "events" ] , "events" :\t[ ' + " , ".join(items) + ' ] , "token":"k" } '
    payload = read_payload(body.encode())
    assert [payload.raw(index) for index in range(4)] == [item.strip() for item in items]
    assert isinstance(payload.event(0), UnreadableEvent)
    assert payload.token == "k"


def test_a_byte_order_mark_is_no_matter():
    assert read_payload(b'\xef\xbb\xbf{"token": "k", "events": [{}]}').token == "k"


def test_exactly_as_much_as_allowed_is_taken():
    assert unzip(gzip.compress(b"x" * 1_000), 1_000) == b"x" * 1_000
    with pytest.raises(Refusal, match="larger than 1,000 bytes"):
        unzip(gzip.compress(b"x" * 1_001), 1_000)


@pytest.mark.parametrize(
    "wrong",
    [
        {"collect_path": "collect"},
        {"collect_path": "/a b"},
        {"collect_path": "/healthz"},
        {"collect_path": "/shopalytic.js"},
        {"script_path": "/tag"},
        {"cookie_name": "a=b"},
        {"cors_origins": ("https://shop.example/",)},
        {"cors_origins": ("*",)},
    ],
)
def test_unusable_options_are_refused_by_name(wrong: dict[str, object]):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        GatewayOptions(**wrong)  # type: ignore[arg-type]


def test_every_code_that_may_be_repeated_is_503_at_collect():
    for row in CODES.values():
        repeatable = row.retry_after is not None
        assert (row.collect_status == 503) == repeatable
