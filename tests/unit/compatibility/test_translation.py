"""Other tools' events as ours: every row of the mapping, identities, aliases, ids, amounts."""

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopalytic.events.decoding import EVENT_TYPES, decode_event
from shopalytic.v1.rules import violations
from shopalytic_server.domain.formats.strict_json import read
from shopalytic_server.gateway.compatibility.catalogue import BY_NAME, KNOWN, ROWS, Row
from shopalytic_server.gateway.compatibility.message import Message, Numbering, is_uuid, namespace_of
from shopalytic_server.gateway.compatibility.tools import ga4, posthog, segment
from shopalytic_server.gateway.compatibility.translation import Translated, translate
from shopalytic_server.gateway.compatibility.values import folded

HERE, ELSEWHERE = namespace_of("1"), namespace_of("2")
DEVICE = "0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10"
WHEN = "2026-03-01T10:00:00Z"
PRODUCTS = [
    {"product_id": "P-1", "sku": "G-32", "name": "Monopoly", "price": 18.99, "quantity": 2, "position": 3},
    {"product_id": "P-2", "name": "UNO", "price": 3, "quantity": 1},
]
ITEMS = [
    {"item_id": "G-32", "item_name": "Monopoly", "item_category": "Games", "price": 18.99, "quantity": 2},
    {"item_id": "P-2", "item_name": "UNO", "price": 3},
]
# What the two specifications show as their examples' properties.
GIVEN = {
    "Segment": {
        "order_id": "O-1",
        "cart_id": "C-1",
        "sku": "G-32",
        "product_id": "P-1",
        "name": "Monopoly",
        "category": "Games/Board",
        "price": 18.99,
        "quantity": 2,
        "currency": "usd",
        "query": "board games",
        "list_id": "hot",
        "step": 2,
        "payment_method": "Visa",
        "coupon_id": "MAY_DEALS_3",
        "reason": "Too late",
        "discount": 2.5,
        "rating": 5,
        "products": PRODUCTS,
    },
    "GA4": {
        "transaction_id": "O-1",
        "value": 40.98,
        "tax": 3.6,
        "shipping": 5.99,
        "currency": "USD",
        "search_term": "board games",
        "item_list_id": "hot",
        "payment_type": "card",
        "shipping_tier": "Ground",
        "items": ITEMS,
    },
}


def exact(value: Any) -> Any:
    """The value as the gateway reads it out of JSON."""
    return read(json.dumps(value))


def track(name: str, properties: dict[str, Any], **more: Any) -> Message:
    item = {"event": name, "properties": properties, "userId": "ada", "timestamp": WHEN, **more}
    return segment.read_message(exact(item), "track", {})


def made(message: Message, namespace: uuid.UUID = HERE) -> list[Translated]:
    Numbering(namespace).identify(message)
    return translate(message, namespace)


def only(message: Message) -> dict[str, Any]:
    found = made(message)
    assert len(found) == 1
    return found[0].event


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_event_of_a_specification_keeps_the_rules_of_ours(row: Row):
    assert row.event in EVENT_TYPES
    for each in made(track(row.name, GIVEN[row.spec])):
        event = decode_event(each.event)
        assert event.WhichOneof("payload") == row.event
        assert violations(event) == []


@pytest.mark.parametrize("name", ["Order Completed", "order completed", "orderCompleted", "ORDER-COMPLETED"])
def test_a_name_counts_in_any_spelling(name: str):
    assert BY_NAME[folded(name)].event == "order"


def test_no_name_stands_twice():
    assert len(BY_NAME) == len(ROWS)
    assert len(KNOWN) >= len(ROWS)


def test_an_order_of_segments_specification():
    given = {
        "order_id": "O-1",
        "total": 27.5,
        "subtotal": 22.5,
        "revenue": 25.0,
        "shipping": 3,
        "tax": 2,
        "discount": 2.5,
        "coupon": "hasbros",
        "currency": "USD",
        "products": PRODUCTS,
        "affiliation": "Google Store",
    }
    found = made(track("Order Completed", given))[0]
    assert found.event["properties"] == {
        "order_id": "O-1",
        "cart_id": "ada/2026-03-01",
        "total": "27.5",
        "subtotal": "22.5",
        "line_items": [
            {"sku": "G-32", "name": "Monopoly", "price": "18.99", "qty": 2},
            {"sku": "P-2", "name": "UNO", "price": "3", "qty": 1},
        ],
        "total_tax": "2",
        "total_shipping": "3",
        "total_discount": "2.5",
        "discounts": [{"code": "hasbros", "value": "2.5"}],
        "currency": "USD",
    }
    assert found.left_out == ("affiliation", "revenue")


@pytest.mark.parametrize(
    ("amounts", "total"),
    [
        ({"value": 40.98, "tax": 3.6, "shipping": 5.99}, "50.57"),
        ({"value": 50.57, "tax": 3.6, "shipping": 5.99}, "50.57"),
        ({"value": 40.98}, "40.98"),
        ({"total": "9.99", "value": 1}, "9.99"),
        ({"tax": 1}, "41.98"),
    ],
)
def test_the_total_of_googles_purchase_has_tax_and_shipping_once(amounts: dict[str, Any], total: str):
    event = only(track("purchase", {"transaction_id": "T-1", "items": ITEMS, **amounts}))
    assert event["properties"]["total"] == total


def test_googles_lists_make_one_event_for_each_item_with_ids_of_their_own():
    found = made(track("add_to_cart", {"currency": "EUR", "items": ITEMS}, messageId=DEVICE))
    assert [each.event["properties"]["sku"] for each in found] == ["G-32", "P-2"]
    assert [each.event["properties"]["qty"] for each in found] == [2, 1]
    assert {each.event["properties"]["currency"] for each in found} == {"EUR"}
    ids = [each.event["event_id"] for each in found]
    assert ids[0] == DEVICE
    assert len(set(ids)) == 2
    assert all(map(is_uuid, ids))


@pytest.mark.parametrize(
    ("given", "properties"),
    [
        ({"order_id": "O-1"}, {"refund_type": "full"}),
        (
            {"order_id": "O-1", "total": 30, "currency": "USD", "products": PRODUCTS[1:]},
            {
                "refund_type": "partial",
                "total_refund": "30",
                "subtotal_refund": "3",
                "line_items": [{"sku": "P-2", "name": "UNO", "price": "3", "qty": 1}],
                "currency": "USD",
            },
        ),
        (
            {"transaction_id": "O-1", "value": 10, "shipping": 2},
            {
                "refund_type": "partial",
                "total_refund": "10",
                "subtotal_refund": "8",
                "shipping_refund": "2",
            },
        ),
    ],
)
def test_a_refund_is_full_unless_it_says_how_much(given: dict[str, Any], properties: dict[str, Any]):
    assert only(track("refund", given))["properties"] == {"order_id": "O-1", **properties}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(0.1 + 0.2, "0.3"), (19.999999999999996, "20"), (9.99, "9.99"), ("9.99", "9.99"), (7, "7")],
)
def test_the_noise_of_floats_is_rounded_to_four_places(sent: Any, kept: str):
    event = only(track("Product Viewed", {"sku": "S", "name": "N", "price": sent}))
    assert event["properties"]["price"] == kept


def test_a_removed_product_is_so_many_less_or_none_left():
    some = only(track("Product Removed", {"cart_id": "C-1", "sku": "S", "quantity": 2}))["properties"]
    assert some == {"cart_id": "C-1", "sku": "S", "qty_removed": 2}
    every = only(track("remove_from_cart", {"cart_id": "C-1", "sku": "S"}))["properties"]
    assert every == {"cart_id": "C-1", "sku": "S", "qty": 0}


def test_a_quantity_that_is_not_whole_is_kept_exactly():
    products = [{"sku": "S", "price": 4, "quantity": 0.5}, {"sku": "R", "price": 1, "quantity": -1}]
    given = {"order_id": "O-1", "total": 1, "products": products}
    event = only(track("Order Completed", given))
    assert [line["quantity"] for line in event["properties"]["line_items"]] == ["0.5", "-1"]
    assert violations(decode_event(event)) == []


def test_what_is_no_amount_is_left_for_the_contract_to_judge():
    event = only(track("Product Viewed", {"sku": "S", "name": "N", "price": "cheap"}))
    assert [each.rule_id for each in violations(decode_event(event))] == ["string.pattern"]


def test_any_other_name_becomes_the_shops_own_event_with_all_it_said():
    event = only(track("Quiz Finished", {"score": 7, "deep": {"a": [1]}}))
    assert event["type"] == "custom"
    assert event["properties"] == {"name": "Quiz Finished", "properties": {"score": 7, "deep": {"a": [1]}}}
    assert violations(decode_event(event)) == []


@pytest.mark.parametrize("placeholder", ["guest", "null", "undefined", "0", "[object Object]", "", None])
def test_a_placeholder_is_no_identity(placeholder: Any):
    event = only(track("Product Viewed", {}, userId=placeholder, anonymousId=DEVICE))
    assert event["identity"] is None
    assert event["tracking_id"] == DEVICE


def test_nobody_in_particular_is_a_visitor_who_is_seen_once():
    first, second = (
        only(track("x", {}, userId="guest", messageId=name))["tracking_id"] for name in ("a-1", "a-2")
    )
    assert first != second
    assert first == only(track("x", {}, userId="guest", messageId="a-1"))["tracking_id"]


def test_a_whole_number_is_an_identity():
    assert only(track("x", {}, userId=42))["identity"] == "42"


@pytest.mark.parametrize("where", [{"traits": {}}, {"context": {"traits": {}}}])
def test_traits_count_wherever_the_sdk_has_them(where: dict[str, Any]):
    traits = {"email": "ada@shop.example", "firstName": "Ada", "last_name": "King", "plan": "gold"}
    item: dict[str, Any] = {"type": "identify", "userId": "ada", "anonymousId": DEVICE, "timestamp": WHEN}
    item |= {"traits": traits} if "traits" in where else {"context": {"traits": traits}}
    link, profile = made(segment.read_message(item, None, {}))
    assert (link.type, link.event["identity"], link.event["tracking_id"]) == ("identify", "ada", DEVICE)
    assert profile.event["properties"] == {
        "email": "ada@shop.example",
        "first_name": "Ada",
        "last_name": "King",
    }
    assert profile.left_out == ("plan",)


def test_one_name_is_split_at_its_last_word():
    item = {"type": "identify", "userId": "ada", "traits": {"name": "Ada Augusta King"}}
    profile = made(segment.read_message(item, None, {}))[1].event["properties"]
    assert profile == {"first_name": "Ada Augusta", "last_name": "King"}


def alias(library: str | None, distinct: str, other: str) -> dict[str, Any]:
    given = {"distinct_id": distinct, "alias": other, **({"$lib": library} if library else {})}
    item = {"event": "$create_alias", "distinct_id": distinct, "properties": given, "timestamp": WHEN}
    return only(posthog.read_message(item, None, {}))


def test_posthogs_sdks_fill_an_alias_in_opposite_directions_and_mean_the_same():
    for event in (alias("posthog-python", DEVICE, "ada"), alias("posthog-node", "ada", DEVICE)):
        assert event["type"] == "identify"
        assert event["properties"] == {"identity": "ada"}
        assert (event["identity"], event["tracking_id"]) == ("ada", DEVICE)


def test_a_second_name_of_a_customer_is_an_alias():
    event = alias("posthog-python", "ada", "ada@shop.example")
    assert (event["type"], event["identity"]) == ("alias", "ada")
    assert event["properties"] == {"identity": "ada@shop.example"}
    item = {"type": "alias", "previousId": "ada", "userId": "ada-2"}
    event = only(segment.read_message(item, None, {}))
    assert (event["type"], event["identity"], event["properties"]) == ("alias", "ada", {"identity": "ada-2"})


@pytest.mark.parametrize(
    "nobody",
    [
        {"$device_id": DEVICE, "$is_identified": False},
        {"$process_person_profile": False},
        {"$user_state": "anonymous"},
    ],
)
def test_a_distinct_id_that_names_nobody_is_a_device(nobody: dict[str, Any]):
    event = only(posthog.read_message({"event": "x", "distinct_id": DEVICE, "properties": nobody}, None, {}))
    assert (event["identity"], event["tracking_id"]) == (None, DEVICE)


def test_the_same_event_gets_the_same_id_and_another_projects_another():
    with_id = {"event": "x", "userId": "ada", "messageId": "node-next-1-2"}
    with_time = {"event": "x", "userId": "ada", "timestamp": WHEN, "sentAt": "2026-03-01T10:00:01Z"}
    again = {**with_time, "sentAt": "2026-03-01T10:05:00Z"}
    without = {"event": "x", "userId": "ada"}

    def event_id(item: dict[str, Any], namespace: uuid.UUID = HERE) -> str:
        return made(segment.read_message(item, "track", {}), namespace)[0].event["event_id"]

    assert event_id(with_id) == event_id(with_id) != event_id(with_id, ELSEWHERE)
    assert event_id(with_time) == event_id(again) != event_id(with_time, ELSEWHERE)
    assert event_id(without) != event_id(without)
    assert event_id({**with_id, "messageId": DEVICE.upper()}) == DEVICE


def test_equal_contents_of_one_request_are_several_events():
    numbering = Numbering(HERE)
    messages = [track("x", {}) for _ in range(3)]
    for message in messages:
        numbering.identify(message)
    assert len({message.event_id for message in messages}) == 3


def test_a_page_is_where_its_sender_says_it_is():
    item = {
        "type": "page",
        "anonymousId": DEVICE,
        "properties": {"url": "https://shop.example/a?utm_source=mail", "title": "A", "path": "/a"},
        "context": {"page": {"referrer": "https://search.example/"}},
        "name": "Home",
    }
    found = made(segment.read_message(item, None, {}))[0]
    assert found.event["properties"] == {
        "url": "https://shop.example/a?utm_source=mail",
        "referrer": "https://search.example/",
        "title": "A",
        "page_type": "Home",
    }
    assert found.left_out == ()


def test_gtags_hits_are_read_from_the_address_and_the_lines():
    query = f"v=2&tid=G-1&cid={DEVICE}&sid=17&_p=1&dl=https%3A%2F%2Fshop.example%2F&gcs=G110"
    bought_item = "pr1=idS~nmMug~pr9.99~qt1"
    body = f"en=page_view&_s=1\r\nen=purchase&_s=2&ep.transaction_id=T-1&epn.value=9.99&cu=EUR&{bought_item}"
    page, bought = (made(message)[0].event for message in ga4.read_hits(query, ga4.lines_of(body)))
    assert page["type"] == "page_view"
    assert page["context"]["analytics_consent"] == "denied"
    assert bought["type"] == "order"
    assert bought["properties"]["cart_id"] == f"{DEVICE}/17"
    assert bought["properties"]["total"] == "9.99"
    again = [made(message)[0].event["event_id"] for message in ga4.read_hits(query, ga4.lines_of(body))]
    assert again == [page["event_id"], bought["event_id"]]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals("-1e30", "1e30") | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([row.name for row in ROWS]) | st.sampled_from(
    ["$identify", "$create_alias", "$set", "$pageview", "$screen", "page_view"]
)
PROPERTIES = st.dictionaries(
    st.sampled_from(
        ["products", "items", "price", "quantity", "value", "tax", "total", "discount", "discounts", "coupon"]
    )
    | st.sampled_from(["sku", "category", "filters", "order_id", "distinct_id", "alias", "$set", "url"]),
    json_values
    | st.lists(st.dictionaries(st.sampled_from(["sku", "price", "quantity"]), json_values), max_size=3),
    max_size=8,
)
ITEMS_OF_ANYBODY = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([*segment.KINDS, "x"]) | json_values,
        "event": NAMES | json_values,
        "name": NAMES | json_values,
        "properties": PROPERTIES | json_values,
        "params": PROPERTIES | json_values,
        "context": json_values,
        "traits": json_values,
        "userId": json_values,
        "anonymousId": json_values,
        "previousId": json_values,
        "distinct_id": json_values,
        "timestamp": json_values,
        "timestamp_micros": json_values,
        "messageId": json_values,
        "uuid": json_values,
    },
)


@settings(max_examples=30)
@given(item=ITEMS_OF_ANYBODY, beside=st.dictionaries(st.sampled_from(["client_id", "user_id"]), json_values))
def test_whatever_comes_makes_events_with_ids_and_somebody_they_belong_to(
    item: dict[str, Any], beside: dict[str, Any]
):
    for read_message in (segment.read_message, posthog.read_message, ga4.read_event):
        found = made(read_message(item, None, beside))
        assert found
        for each in found:
            assert is_uuid(each.event["event_id"])
            assert each.event["tracking_id"] if not each.event.get("identity") else True
            assert json.dumps(each.event, default=str)


@given(value=st.decimals(min_value=0, max_value=10**9, places=4))
def test_an_amount_of_four_places_is_exact(value: Decimal):
    event = only(track("Product Viewed", {"sku": "S", "name": "N", "price": str(value)}))
    assert Decimal(event["properties"]["price"]) == value


def test_the_hits_of_many_lines_are_read_one_by_one_each_with_what_is_in_the_address():
    shared = "&".join(f"epn.{number}=1" for number in range(900))
    hits = ga4.read_hits(f"cid=1.1&{shared}", ["en=x"] * 13_000)
    first = next(hits)
    assert (first.name, len(first.properties)) == ("x", 900)
    with pytest.raises(ValueError, match="fields"):
        next(ga4.read_hits("cid=1.1", ["en=x&" + "a=1&" * 1_001]))
