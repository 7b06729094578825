"""What users of other tools really send: times in every form, PHP's lists, ids and objects that are none."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from shopalytic.events.decoding import DecodeError, decode_event
from shopalytic.v1.rules import violations
from shopalytic_server.domain.formats.strict_json import read
from shopalytic_server.gateway.compatibility.message import Message, Numbering, namespace_of
from shopalytic_server.gateway.compatibility.tools import ga4, posthog, segment
from shopalytic_server.gateway.compatibility.translation import Translated, translate
from shopalytic_server.gateway.compatibility.values import moment

HERE = namespace_of("1")
WHEN = "2026-03-01T10:00:00Z"
PRODUCTS = [
    {"product_id": "P-1", "sku": "G-32", "name": "Monopoly", "price": 18.99, "quantity": 2, "position": 3},
    {"product_id": "P-2", "name": "UNO", "price": 3, "quantity": 1},
]
ITEMS = [
    {"item_id": "G-32", "item_name": "Monopoly", "item_category": "Games", "price": 18.99, "quantity": 2},
    {"item_id": "P-2", "item_name": "UNO", "price": 3},
]


def exact(value: Any) -> Any:
    """The value as the gateway reads it out of JSON."""
    return read(json.dumps(value))


def track(name: str, properties: dict[str, Any], **more: Any) -> Message:
    item = {"event": name, "properties": properties, "userId": "ada", "timestamp": WHEN, **more}
    return segment.read_message(exact(item), "track", {})


def made(message: Message, namespace: UUID = HERE) -> list[Translated]:
    Numbering(namespace).identify(message)
    return translate(message, namespace)


def only(message: Message) -> dict[str, Any]:
    found = made(message)
    assert len(found) == 1
    return found[0].event


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-11-01T10:00:00.123456789Z", "2026-11-01T10:00:00.123456789Z"),
        ("2026-11-01T10:00:00+0100", "2026-11-01T09:00:00Z"),
        ("2026-11-01T10:00:00+01", "2026-11-01T09:00:00Z"),
        ("2026-11-01 10:00:00", "2026-11-01T10:00:00Z"),
        ("2026-11-01T10:00Z", "2026-11-01T10:00:00Z"),
        ("20261101T100000Z", "2026-11-01T10:00:00Z"),
        ("Sun, 01 Nov 2026 10:00:00 GMT", "2026-11-01T10:00:00Z"),
        ("Sun Nov 01 2026 10:00:00 GMT+0100 (CET)", "2026-11-01T09:00:00Z"),
        (1793527200, "2026-11-01T10:00:00Z"),
        (1793527200123, "2026-11-01T10:00:00.123000Z"),
        ("1793527200123", "2026-11-01T10:00:00.123000Z"),
        (1793527200123456, "2026-11-01T10:00:00.123456Z"),
        # A day of the project's own, which the contract knows.
        ("2026-11-01", "2026-11-01"),
        ("soon", "soon"),
        ("9999-12-31T23:59:59-0100", "9999-12-31T23:59:59-0100"),
        (True, True),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_read_in_the_forms_that_senders_write(sent: Any, kept: Any):
    assert moment(exact(sent)) == kept


@pytest.mark.parametrize(
    "products",
    [{"0": PRODUCTS[0], "2": PRODUCTS[1]}, list(PRODUCTS), {"7": PRODUCTS[0], "9": PRODUCTS[1]}],
)
def test_a_list_with_gaps_is_phps_object_by_number(products: Any):
    made_of = only(track("Order Completed", {"order_id": "1", "total": 9, "products": products}))
    assert [line["sku"] for line in made_of["properties"]["line_items"]] == ["G-32", "P-2"]


def test_one_product_may_stand_without_its_list():
    given = {"order_id": "1", "total": 9, "products": PRODUCTS[0]}
    assert len(only(track("Order Completed", given))["properties"]["line_items"]) == 1


@pytest.mark.parametrize("products", ["[]", ["a", "b"], 7])
def test_what_is_no_list_of_products_is_left_for_the_contract_to_judge(products: Any):
    given = {"order_id": "1", "total": 9, "products": products}
    assert only(track("Order Completed", given))["properties"]["line_items"] == products


@pytest.mark.parametrize("properties", [[1, 2], "text", 7, True])
def test_properties_that_are_no_object_are_not_dropped_in_silence(properties: Any):
    item = {"type": "track", "event": "Quiz Done", "userId": "ada", "properties": exact(properties)}
    [event] = made(segment.read_message(item, None, {}))
    with pytest.raises(DecodeError, match="must be an object") as caught:
        decode_event(event.event, fill=True)
    assert caught.value.field == "custom.properties"
    [order] = made(segment.read_message({**item, "event": "Order Completed"}, None, {}))
    assert "properties" in order.left_out


@pytest.mark.parametrize("empty", [[], "", None, {}])
def test_an_empty_list_is_phps_empty_object(empty: Any):
    item = {
        "type": "track",
        "event": "x",
        "userId": "a",
        "properties": empty,
        "context": empty,
        "traits": empty,
    }
    message = segment.read_message(item, None, {})
    assert (message.misshapen, message.unused) == (None, ())


def test_ids_that_are_none_and_context_that_is_no_object_are_told():
    item = {"type": "track", "event": "x", "userId": {"id": 1}, "anonymousId": True, "context": "web"}
    assert segment.read_message(item, None, {}).unused == ("userId", "anonymousId", "context")
    item = {"event": "x", "properties": {"distinct_id": {}, "$set": "x"}}
    assert posthog.read_message(item, None, {}).unused == ("distinct_id", "$set")
    request = {"client_id": {}, "user_id": "guest", "user_properties": {"tier": {"value": "gold"}}}
    assert ga4.read_event({"name": "x"}, None, request).unused == ("client_id", "user_id", "user_properties")


def test_an_id_that_is_too_long_is_refused_and_makes_nobody_of_the_sender():
    event = only(segment.read_message({"type": "track", "event": "x", "userId": "x" * 500}, None, {}))
    assert [each.field for each in violations(decode_event(event, fill=True))] == ["identity"]


def test_googles_client_ids_that_look_like_numbers_stay_as_they_are_written():
    message = ga4.read_event({"name": "x"}, None, {"client_id": Decimal("1234567890.1687000000")})
    assert message.tracking_id == "1234567890.1687000000"


def test_googles_request_says_where_and_by_what_its_events_were_made():
    request = {
        "client_id": "1.2",
        "user_agent": "Shop/1",
        "user_location": {"city": "Berlin", "country_id": "DE", "region_id": "DE-BE"},
        "device": {"language": "de", "screen_resolution": "390x844"},
    }
    context = ga4.read_event({"name": "x", "params": {"session_id": "1"}}, None, request).context
    assert context == {
        "user_agent": "Shop/1",
        "language": "de",
        "screen_width": 390,
        "screen_height": 844,
        "country": "DEU",
        "region": "DE-BE",
        "city": "Berlin",
    }


def test_a_place_named_in_words_is_no_countrys_code():
    item = {"type": "track", "context": {"location": {"country": "Germany", "city": "Berlin"}}}
    assert segment.read_message(item, None, {}).context == {"city": "Berlin"}


def test_posthogs_browser_tells_how_long_an_event_waited_in_place_of_its_time():
    assert posthog.read_message({"event": "x", "offset": 5_000}, None, {}).age == 5
    for offset in (-1, 10**12, "soon", None):
        assert posthog.read_message({"event": "x", "offset": offset}, None, {}).age is None


def test_posthogs_id_for_deduplication_counts_where_there_is_no_other():
    given = {"event": "x", "properties": {"$insert_id": "i-1"}}
    assert posthog.read_message(given, None, {}).sent_id == "i-1"


def test_what_is_given_back_may_be_written_as_less_than_nothing():
    refund = only(track("Order Refunded", {"order_id": "1", "total": -9.99, "tax": 1}))["properties"]
    assert (refund["total_refund"], refund["subtotal_refund"]) == ("9.99", "8.99")


def test_what_googles_tools_add_by_themselves_is_not_said_to_be_left_out():
    given = {
        "session_id": "1",
        "engagement_time_msec": 100,
        "shelf": 3,
        "items": ITEMS,
        "transaction_id": "1",
    }
    [order] = made(ga4.read_event({"name": "purchase", "params": exact(given)}, None, {"client_id": "1.2"}))
    assert order.left_out == ("shelf",)
