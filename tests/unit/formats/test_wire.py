"""What is counted on the bytes of a request, compared with what the parser makes of them."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic.v1.collector_pb2 import TrackRequest
from shopalytic.v1.events_pb2 import Custom, Event
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.formats import wire
from shopalytic_server.domain.ingest import native
from shopalytic_server.gateway.services import methods_of, published_files
from shopalytic_server.rpc.ingest import batches

REQUESTS: list[Any] = sorted({method.request for method in methods_of(published_files()).values()}, key=str)
FILTER = reports_pb2.ListOrdersRequest


@pytest.fixture(autouse=True, scope="module")
def python_cuts() -> Iterator[None]:
    """The native core cuts requests by itself; here Python does, which reads what the core leaves to it."""
    was = native.is_in_use()
    native.use("off")
    yield
    native.use("on" if was else "off")


def lists_of(message: Descriptor, seen: set[str]) -> list[Any]:
    """Every list that a request can have, at any depth."""
    if message.full_name in seen or message.full_name.startswith("google."):
        return []
    seen.add(message.full_name)
    found = [field for field in message.fields if field.is_repeated]
    for field in message.fields:
        if field.message_type is not None:
            found += lists_of(field.message_type, seen)
    return found


@pytest.mark.parametrize("request_type", REQUESTS, ids=lambda each: each.DESCRIPTOR.name)
def test_the_contract_says_of_every_list_of_a_request_how_long_it_may_be(request_type: Any) -> None:
    for field in lists_of(request_type.DESCRIPTOR, set()):
        assert wire.max_items(field), field.full_name
        # Numbers may come packed, of which the count is not on the outside.
        assert field.message_type is not None or field.cpp_type == field.CPPTYPE_STRING, field.full_name


def test_the_limits_are_those_of_the_contract() -> None:
    fields = TrackRequest.DESCRIPTOR.fields_by_name
    assert (wire.max_items(fields["events"]), wire.max_items(fields["deliveries"])) == (1_000, 100)
    assert wire.max_items(fields["sent_at"]) is None


@given(st.integers(0, 1_200), st.text(max_size=3))
def test_a_list_is_refused_exactly_past_its_limit(count: int, entry: str) -> None:
    data = FILTER(order_ids=[entry] * count).SerializeToString()
    if count <= 1_000:
        wire.check_values(data, FILTER.DESCRIPTOR)
        return
    with pytest.raises(InvalidRequest) as refused:
        wire.check_values(data, FILTER.DESCRIPTOR)
    [violation] = refused.value.violations
    assert (violation.field, violation.rule_id) == ("order_ids", "repeated.max_items")


def test_a_list_within_a_list_is_named_by_its_place() -> None:
    step = reports_pb2.FunnelStep(event_type="order")
    request = admin_pb2.UpdateProjectRequest(allowed_origins=admin_pb2.Origins(origins=["x"] * 101))
    with pytest.raises(InvalidRequest) as refused:
        wire.check_values(request.SerializeToString(), request.DESCRIPTOR)
    assert refused.value.violations[0].field == "allowed_origins.origins"
    funnel = reports_pb2.GetFunnelReportRequest(steps=[step] * 11)
    with pytest.raises(InvalidRequest):
        wire.check_values(funnel.SerializeToString(), funnel.DESCRIPTOR)


@given(st.binary(max_size=60), st.sampled_from(REQUESTS))
def test_what_the_parser_takes_can_be_counted_or_is_of_groups(data: bytes, request_type: Any) -> None:
    try:
        request_type.FromString(data)
    except DecodeError:
        return
    try:
        wire.check_values(data, request_type.DESCRIPTOR)
    except (DecodeError, InvalidRequest):
        kinds = {byte & 7 for byte in data}
        assert kinds & {3, 4}


def test_values_of_no_list_are_bounded_too() -> None:
    data = b"\x12\x00" * (wire.MAX_VALUES + 1)
    with pytest.raises(InvalidRequest) as refused:
        wire.check_values(data, FILTER.DESCRIPTOR)
    assert refused.value.violations[0].rule_id == "request.max_values"


@pytest.mark.parametrize(
    "data", [b"\x12\x00" * 9_000, b"\xa2\x38\x03\x0a\x01a" * 3_000, b"\x12\x02\x12\x00" * 5_000]
)
def test_values_are_counted_in_steps_whoever_knows_their_fields(data: bytes) -> None:
    counted = sum(1 for _ in wire.records(data, 0, len(data)))
    assert sum(1 for _ in wire.checking_values(data, FILTER.DESCRIPTOR)) >= counted // 200


events = st.builds(
    lambda name, size: Event(event_id=name, source="s" * size), st.text(max_size=5), st.integers(0, 3_000)
)


@given(st.lists(events, max_size=30), st.booleans(), st.integers(0, 3))
def test_a_request_read_in_pieces_is_the_same_as_one_read_whole(
    sent: list[Event], timed: bool, deliveries: int
) -> None:
    request = TrackRequest(events=sent)
    if timed:
        request.sent_at.seconds = 5
    for number in range(deliveries):
        request.deliveries.add(instance=f"process-{number}")
    assert in_pieces(request.SerializeToString()).request == request


def read(data: bytes) -> batches.Batch:
    async def in_turns() -> batches.Batch:
        return await batches.read_batch(data, batches.Turns())

    return asyncio.run(in_turns())


def in_pieces(data: bytes) -> batches.Batch:
    whole, batches._WHOLE_BYTES = batches._WHOLE_BYTES, 0
    try:
        return read(data)
    finally:
        batches._WHOLE_BYTES = whole


@given(st.binary(max_size=60))
def test_bytes_in_pieces_are_read_or_refused_as_the_parser_does(data: bytes) -> None:
    try:
        whole = TrackRequest.FromString(data)
    except DecodeError:
        with pytest.raises((DecodeError, InvalidRequest)):
            in_pieces(data)
        return
    try:
        assert in_pieces(data).request == whole
    except DecodeError:
        assert {byte & 7 for byte in data} & {3, 4}


def test_of_an_event_that_is_too_large_the_id_alone_is_read() -> None:
    request = TrackRequest(events=[Event(event_id="a"), Event(event_id="b"), Event(event_id="c")])
    request.events[1].page_view.url = "u" * 300_000
    batch = read(request.SerializeToString())
    assert [event.event_id for event in batch.request.events] == ["a", "b", "c"]
    request.events[1].page_view.url = "u" * 400_000
    batch = read(request.SerializeToString())
    assert [event.event_id for event in batch.request.events] == ["a", "b", "c"]
    assert {place: each.rule_id for place, each in batch.unread.items()} == {1: "event.max_bytes"}


@pytest.mark.parametrize("record", [b"\x0a\x00", b"\x1a\x00", b"\x22\x00", b"\x12\x00"])
def test_four_megabytes_of_tiny_values_are_refused(record: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read(record * (2 * 1024 * 1024))


def order(items: int, size: int = 0) -> Event:
    event = Event(event_id="a")
    for _ in range(items):
        event.order.line_items.add(sku="n" * size)
    return event


@pytest.mark.parametrize("others", [0, 200])
@pytest.mark.parametrize(
    ("items", "size", "is_read"), [(2_000, 60, True), (4_990, 0, True), (5_001, 0, False)]
)
def test_an_event_with_far_too_many_entries_is_not_parsed(
    others: int, items: int, size: int, is_read: bool
) -> None:
    before = [Event(event_id="x", source="s" * 300)] * others
    sent = [*before, order(items, size), Event(event_id="z")]
    batch = read(TrackRequest(events=sent).SerializeToString())
    assert [event.event_id for event in batch.request.events] == [event.event_id for event in sent]
    found = {place: (each.field, each.rule_id) for place, each in batch.unread.items()}
    assert found == ({} if is_read else {others: ("order.line_items", "repeated.max_items")})
    assert not is_read or list(batch.request.events) == sent


# Values of no list, of unknown fields, and payloads that take each other's place.
@pytest.mark.parametrize(
    "dense",
    [
        *(b"\x0a\x00", b"\x52\x00", b"\x52\x00\x5a\x00", b"\x08\x01", b"\xfa\x7f\x00"),
        b"\x6a\x06\xfa\x01\x00\xf2\x01\x00",
    ],
)
def test_values_beside_the_lists_of_an_event_are_bounded(dense: bytes) -> None:
    event = dense * (120_000 // len(dense))
    batch = read(TrackRequest(events=[order(1)]).SerializeToString() + b"\x0a" + length(event) + event)
    assert [each.rule_id for each in batch.unread.values()] == ["event.max_values"]
    assert batch.unread.keys() == {1}


def length(data: bytes) -> bytes:
    return bytes([len(data) & 127 | 128, len(data) >> 7 & 127 | 128, len(data) >> 14])


@given(st.lists(events, max_size=30), st.binary(max_size=6))
def test_a_large_event_is_found_wherever_it_stands(sent: list[Event], after: bytes) -> None:
    data = TrackRequest(events=sent).SerializeToString()
    assert not batches._has_large_event(data)
    large = Event(source="s" * 11_000).SerializeToString()
    assert batches._has_large_event(data + b"\x0a" + length(large) + large + after)


def counted(event: bytes) -> tuple[bool, int]:
    """Whether an event has too many values, and in how many steps that was found."""
    steps, counting = 0, wire.is_dense(event, 0, len(event), Event.DESCRIPTOR, 5_000)
    while True:
        try:
            next(counting)
        except StopIteration as found:
            return found.value[0], steps
        steps += 1


def struct_of(depth: int) -> Event:
    event = Event()
    struct = event.custom.properties
    for _ in range(depth):
        struct = struct.fields["a"].struct_value
    return event


def test_what_is_too_deep_to_be_read_is_told_at_a_look_and_what_is_wide_in_steps():
    assert counted(struct_of(20).SerializeToString())[0] is False
    deep = b""
    while len(deep) < 200_000:
        deep = _nested(5, _nested(1, _nested(2, deep)))
    number = Event.DESCRIPTOR.fields_by_name["custom"].number
    properties = Custom.DESCRIPTOR.fields_by_name["properties"].number
    is_too_much, steps = counted(_nested(number, _nested(properties, _nested(1, _nested(2, deep)))))
    assert is_too_much
    assert steps < 5
    wide = Event()
    for place in range(4_900):
        wide.custom.properties[str(place)] = place
    is_too_much, steps = counted(wide.SerializeToString())
    assert not is_too_much
    assert steps > 20


def _nested(number: int, data: bytes) -> bytes:
    length, size = b"", len(data)
    while size > 127:
        length += bytes((size & 127 | 128,))
        size >>= 7
    tag = number << 3 | 2
    start = bytes((tag,)) if tag < 128 else bytes((tag & 127 | 128, tag >> 7))
    return start + length + bytes((size,)) + data
