"""What the client says about its settings and the events it is given, before anything is sent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shopalytic import Client, InvalidEvent, Violation
from shopalytic.events.building import EventBuilder
from shopalytic.sending.batching import MAX_EVENT_BYTES
from shopalytic.v1.collector_pb2 import TrackRequest
from shopalytic.v1.events_pb2 import Context, Event, Order, PageView

PAGE = {"url": "https://shop.example/", "referrer": ""}


def built(kind: str = "page_view", properties: Any = None, **envelope: Any) -> Event:
    """The event that would be queued."""
    arguments = dict.fromkeys(
        ("identity", "tracking_id", "event_id", "occurred_at", "context", "source", "sandbox")
    )
    arguments |= {"tracking_id": "device-1"} | envelope
    event_id, chunk = EventBuilder("web", False).build(
        kind, PAGE if properties is None else properties, **arguments
    )
    (event,) = TrackRequest.FromString(chunk).events
    assert event.event_id == event_id
    return event


def refusals(*arguments: Any, **envelope: Any) -> set[tuple[str, str]]:
    with pytest.raises(InvalidEvent) as caught:
        built(*arguments, **envelope)
    assert isinstance(caught.value, ValueError)
    return {(violation.field, violation.rule_id) for violation in caught.value.violations}


def test_an_event_gets_an_id_and_the_time_of_the_call() -> None:
    before = time.time_ns() // 1000
    first, second = built(), built()
    assert first.event_id != second.event_id
    assert first.event_id[14] == "7"
    assert before <= first.occurred_at.ToMicroseconds() <= time.time_ns() // 1000
    assert (first.source, first.sandbox, first.tracking_id) == ("web", False, "device-1")


def test_what_the_caller_gives_is_kept() -> None:
    event = built(
        event_id="0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10",
        occurred_at=datetime(2025, 5, 1, 12, tzinfo=UTC),
        identity="anna",
        source="ios",
        sandbox=True,
        context={"utm_source": "newsletter", "screen_width": 800},
    )
    assert event.event_id == "0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10"
    assert event.occurred_at.ToJsonString() == "2025-05-01T12:00:00Z"
    assert (event.identity, event.source, event.sandbox) == ("anna", "ios", True)
    assert event.context == Context(utm_source="newsletter", screen_width=800)
    assert built(context=event.context).context == event.context
    assert built(occurred_at=event.occurred_at).occurred_at == event.occurred_at


def test_properties_are_a_dict_or_the_payload_message() -> None:
    assert built("page_view", PageView(url="u", referrer="")).page_view.url == "u"
    order = {"order_id": 7, "cart_id": "c", "total": 9.99, "subtotal": "9.99"}
    lines = [{"sku": "s", "price": 9.99, "qty": "1"}]
    assert built("order", order | {"order_id": "7", "line_items": lines}).order.total == "9.99"
    register = {"email": "a@b.example", "first_name": "A", "last_name": "B"}
    assert built("account_register", register).WhichOneof("payload") == "customer_register"
    assert built("order", order | {"line_items": lines}).order.order_id == "7"
    assert refusals("order", order | {"order_id": 7.5, "line_items": lines}) == {("order.order_id", "type")}


def test_a_message_must_be_the_payload_of_the_type() -> None:
    assert refusals("page_view", Order()) == {("type", "type")}
    assert refusals("page_view", Event()) == {("type", "type")}


@pytest.mark.parametrize(
    ("arguments", "envelope", "expected"),
    [
        (("page_vew", PAGE), {}, {("type", "unknown_type")}),
        (("page_view", {**PAGE, "titel": "x"}), {}, {("page_view.titel", "unknown_property")}),
        (("page_view", {"url": ""}), {}, {("page_view.url", "required"), ("page_view.referrer", "required")}),
        (("page_view", PAGE), {"tracking_id": None}, {("tracking_id", "tracking_id.or_identity")}),
        (("page_view", PAGE), {"tracking_id": 7}, {("tracking_id", "type")}),
        (("page_view", PAGE), {"identity": 7, "source": b"web"}, {("identity", "type"), ("source", "type")}),
        (("page_view", PAGE), {"identity": "guest"}, {("identity", "identity.placeholder")}),
        (("page_view", PAGE), {"event_id": "7"}, {("event_id", "string.pattern")}),
        (("page_view", PAGE), {"occurred_at": "yesterday"}, {("occurred_at", "type")}),
        (("page_view", PAGE), {"occurred_at": "2099-01-01"}, {("occurred_at", "timestamp.not_in_future")}),
        (("page_view", PAGE), {"context": {"utm": "x"}}, {("context.utm", "unknown_property")}),
        (("page_view", PAGE), {"identity": "half \ud800"}, {("identity", "type")}),
    ],
)
def test_a_mistake_is_named_by_field_and_rule(
    arguments: tuple[Any, ...], envelope: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    assert refusals(*arguments, **envelope) == expected


def test_an_event_may_have_as_many_bytes_as_the_contract_says_and_not_one_more() -> None:
    line = {"sku": "s" * 200, "price": "1", "qty": 1}
    order: dict[str, Any] = {"order_id": "o", "cart_id": "c" * 120, "total": "1", "subtotal": "1"}

    def sized(padding: int) -> Event:
        last = {"sku": "s" * padding, "price": "1", "qty": 1}
        return built("order", order | {"line_items": [line] * 1_241 + [last]}, occurred_at="2025-05-01")

    largest = max(padding for padding in range(1, 128) if fits(sized, padding))
    assert sized(largest).ByteSize() == MAX_EVENT_BYTES
    with pytest.raises(InvalidEvent, match="262,145 bytes; the limit is 262,144") as caught:
        sized(largest + 1)
    assert caught.value.violations[0].rule_id == "event.max_bytes"


def fits(sized: Callable[[int], Event], padding: int) -> bool:
    try:
        sized(padding)
    except InvalidEvent:
        return False
    return True


def test_the_message_of_an_invalid_event_tells_what_to_do() -> None:
    error = InvalidEvent([Violation("order.total", "required", "is required"), Violation("", "x", "is odd")])
    assert str(error) == "order.total: is required (required); event: is odd (x)"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"key": None, "strict": True}, "A key is needed"),
        ({"key": "two words"}, "has a character that no key has"),
        ({"key": "line\n"}, "has a character that no key has"),
        ({"batch_size": 1_001}, "a request takes 1 to 1,000 events"),
        ({"batch_size": 0}, "a request takes 1 to 1,000 events"),
        ({"overflow": "forget"}, "choose one of block, drop_oldest, error"),
        ({"max_queue": 0}, "must be at least 1"),
        ({"timeout": 0}, "must be more than 0 seconds"),
        ({"linger": -1}, "must not be negative"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_a_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        Client(**{"key": "k", **settings})
    assert "two words" not in str(caught.value)


def test_address_and_key_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPALYTIC_KEY", "from-the-environment")
    monkeypatch.setenv("SHOPALYTIC_TARGET", "collector.example:50051")
    endpoint = Client()._endpoint
    assert (endpoint.target, endpoint.key) == ("collector.example:50051", "from-the-environment")
    given = Client("other:1", "given")._endpoint
    assert (given.target, given.key) == ("other:1", "given")
    assert "given" not in repr(given)


def run_python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


def test_messages_and_rules_do_not_load_grpc() -> None:
    done = run_python("import sys, shopalytic, shopalytic.v1.rules\nassert 'grpc' not in sys.modules")
    assert done.returncode == 0, done.stderr


def test_the_client_needs_nothing_of_the_server() -> None:
    done = run_python(
        "import sys\nfrom shopalytic import AsyncClient, Client\nfound = set(sys.modules)\n"
        "server = {'click', 'google.rpc', 'orjson', 'protovalidate', 'psycopg', 'shopalytic_server'}\n"
        "assert not found & server, found & server"
    )
    assert done.returncode == 0, done.stderr


def test_the_command_without_the_server_says_how_to_get_it() -> None:
    done = run_python(
        "import sys\nsys.modules['click'] = None\nfrom shopalytic.__main__ import main\nsys.exit(main())"
    )
    assert done.returncode == 2
    assert done.stderr == (
        "The shopalytic command needs the server's packages, and click is not installed: "
        'pip install "shopalytic[server]"\n'
    )


def test_a_payload_is_checked_as_strictly_when_its_envelope_is_known() -> None:
    builder = EventBuilder("web", False)
    nothing = dict.fromkeys(("event_id", "occurred_at", "context", "source", "sandbox"))

    def build(kind: str, properties: Any, identity: str | None = "anna") -> tuple[str, bytes]:
        return builder.build(kind, properties, identity, "device-1", **nothing)

    build("page_view", PAGE)
    for kind, properties, field in (
        ("page_view", {"url": "", "referrer": ""}, "page_view.url"),
        ("cart_add", {"cart_id": "c", "sku": "s", "price": "1,5", "qty": 1}, "cart_add.price"),
        ("identify", {"identity": "berta"}, "identity"),
    ):
        with pytest.raises(InvalidEvent) as caught:
            build(kind, properties)
        assert [violation.field for violation in caught.value.violations] == [field]
    for identity in ("guest", ""):
        with pytest.raises(InvalidEvent):
            build("page_view", PAGE, identity)


@pytest.mark.parametrize("length", [0, 900, 1_000, 1_100, 8_000])
def test_a_chunk_is_a_request_with_the_event_whatever_its_size(length: int) -> None:
    event = built(properties=PAGE | {"url": "https://shop.example/" + "x" * length})
    assert len(event.page_view.url) == 21 + length


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_makes_other_ids_than_its_parent() -> None:
    code = """
import os
from shopalytic.events import decoding
decoding.time.time_ns = lambda: 1_700_000_000_000_000_000
decoding.uuid7()
reader, writer = os.pipe()
if not os.fork():
    os.write(writer, decoding.uuid7().encode())
    os._exit(0)
os.wait()
assert os.read(reader, 36).decode() != decoding.uuid7()
"""
    subprocess.run([sys.executable, "-c", code], check=True)
