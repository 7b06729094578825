"""Consent to analytics: who is touched by a denial, what is left, and that nobody else is."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws.fuzzing import good_events
from shopalytic.events.decoding import DecodeError, decode_event
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest.preparation import Prepared, prepare
from shopalytic_server.domain.projects import EVENT_TYPES, DeniedConsent, KeyClass, Project

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROJECT = Project(1, "shop", "EUR", "UTC", frozenset(EVENT_TYPES), NOW, anonymous_salt=b"salt")
# Part of every text that tells of a person, and of no other.
TRACE = "zorba"


def read(data: dict[str, Any]) -> Event | None:
    try:
        return decode_event(data, fill=True, now=NOW)
    except DecodeError:
        return None


GOOD = [event for event in map(read, good_events()) if event is not None]
CONTEXTS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "url": st.just("https://shop.example/a?b=c"),
        "address": st.just("192.0.2.0"),
        "user_agent": st.sampled_from(["Mozilla/5.0", "Googlebot/2.1", ""]),
        "analytics_consent": st.just("granted"),
    },
)


def prepared(event: Event, policy: DeniedConsent, key_class: KeyClass = KeyClass.SERVER) -> Prepared:
    copy = Event.FromString(event.SerializeToString())
    project = replace(PROJECT, denied_consent=policy)
    return prepare(copy, project=project, key_class=key_class, received_at=NOW, sent_at=None)


def outcome(item: Prepared) -> list[Any]:
    """All that the store is given, but for the request's part."""
    return [getattr(item, name) for name in Prepared.__slots__ if name != "sending"]


@given(
    event=st.sampled_from(GOOD),
    context=CONTEXTS,
    policy=st.sampled_from(DeniedConsent),
    key_class=st.sampled_from([KeyClass.SERVER, KeyClass.BROWSER]),
)
def test_without_a_denial_no_policy_changes_anything(
    event: Event, context: dict[str, Any], policy: DeniedConsent, key_class: KeyClass
) -> None:
    event = Event.FromString(event.SerializeToString())
    event.context.ClearField("analytics_consent")
    for name, value in context.items():
        setattr(event.context, name, value)
    kept = prepared(event, DeniedConsent.KEEP, key_class)
    assert outcome(prepared(event, policy, key_class)) == outcome(kept)
    if "analytics_consent" in context and not kept.violations:
        silent = Event.FromString(event.SerializeToString())
        silent.context.ClearField("analytics_consent")
        said = json.loads((kept.context_jsonb or b"\x01{}")[1:])
        del said["analytics_consent"]
        unsaid = prepared(silent, DeniedConsent.KEEP, key_class)
        assert json.loads((unsaid.context_jsonb or b"\x01{}")[1:]) == said
        assert (unsaid.properties, unsaid.subject, unsaid.bot) == (kept.properties, kept.subject, kept.bot)


@given(event=st.sampled_from(GOOD), consent=st.sampled_from(["denied", "Denied", "", "no"]))
def test_a_denied_event_is_nobody_s_or_not_kept_and_never_in_quarantine(event: Event, consent: str) -> None:
    event = Event.FromString(event.SerializeToString())
    event.context.analytics_consent = consent
    item = prepared(event, DeniedConsent.ANONYMIZE)
    assert item.rejected or not item.violations
    if not item.violations:
        assert item.identity is None
        assert item.tracking_id is not None
        assert item.tracking_id.startswith("anonymous-")
    assert prepared(event, DeniedConsent.DROP).rejected


def denied(**payload: Any) -> Event:
    event = Event(
        event_id="0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10",
        tracking_id=f"{TRACE}-device",
        identity=f"{TRACE}-identity",
        context={
            "url": f"https://{TRACE}:pw@shop.example/me/{TRACE}@mail.example/x;id={TRACE}?q={TRACE}#{TRACE}",
            "referrer": f"https://search.example/{TRACE}?q={TRACE}",
            "user_agent": f"Mozilla {TRACE}",
            "utm_term": TRACE,
            "utm_content": TRACE,
            "language": TRACE,
            "time_zone": TRACE,
            "address": f"{TRACE}",
            "analytics_consent": "denied",
        },
        **payload,
    )
    event.occurred_at.FromDatetime(NOW)
    return event


LINE = {"sku": "S-1", "price": "5.00", "qty": 2}
PLACE = {"city": f"{TRACE} city", "zipcode": TRACE, "country": "DEU", "state": TRACE}
PAYLOADS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "page_view": (
        {
            "url": f"https://shop.example/p?token={TRACE}",
            "referrer": f"https://mail.example/{TRACE}",
            "title": f"Hello {TRACE}",
            "page_type": "checkout-1",
        },
        {"url": "https://shop.example/p", "referrer": "https://mail.example/", "page_type": "checkout-1"},
    ),
    "order": (
        {
            "order_id": "O-1",
            "cart_id": f"{TRACE}-cart",
            "total": "10.00",
            "subtotal": "10.00",
            "line_items": [LINE],
            "billing": PLACE,
            "shipping": PLACE,
            "payment_type": TRACE,
            "discounts": [{"code": TRACE, "value": "1.00"}],
            "total_discount": "1.00",
        },
        {
            "order_id": "O-1",
            "total": "10.00",
            "subtotal": "10.00",
            "line_items": [LINE],
            "billing": {"country": "DEU"},
            "shipping": {"country": "DEU"},
            "total_discount": "1.00",
        },
    ),
    "shipment": (
        {"order_id": "O-1", "shipment_id": "P-1", "carrier": "dhl", "tracking_number": TRACE},
        {"order_id": "O-1", "shipment_id": "P-1", "carrier": "dhl"},
    ),
}


@pytest.mark.parametrize("kind", sorted(PAYLOADS))
def test_what_tells_of_the_person_goes_and_what_is_counted_stays(kind: str) -> None:
    given_properties, left = PAYLOADS[kind]
    item = prepared(denied(**{kind: given_properties}), DeniedConsent.ANONYMIZE)
    assert item.violations == ()
    properties = {name: value for name, value in item.properties.items() if name != "cart_id"}
    assert properties == left
    everything = item.event.SerializeToString() + item.properties_jsonb + (item.context_jsonb or b"")
    assert TRACE.encode() not in everything
    context = json.loads((item.context_jsonb or b"\x01")[1:])
    assert context == {
        "url": "https://shop.example/me/-/x",
        "referrer": "https://search.example/",
        "analytics_consent": "denied",
    }


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("/account/list?user=1", "/account/list"),
        ("?user=1", "/"),
        ("mailto:ann@mail.example", "mailto:"),
        ("app://shop/home?x", "app://shop/home"),
        ("https://ann@x@shop.example/", "https://shop.example/"),
        ("https://shop.example\\@evil?x", "https://shop.example"),
        ("https://shop.example/u/ann%40mail.example", "https://shop.example/u/-"),
    ],
)
def test_an_address_loses_what_can_name_a_visitor(address: str, left: str) -> None:
    item = prepared(denied(page_view={"url": address, "referrer": "ann"}), DeniedConsent.ANONYMIZE)
    assert (item.properties["url"], item.properties["referrer"]) == (left, "")


def test_a_field_that_this_version_does_not_know_is_not_kept() -> None:
    event = denied(page_view={"url": "https://shop.example/", "referrer": ""})
    unknown = Event.FromString(event.SerializeToString() + b"\xf2\x06\x05" + TRACE.encode())
    assert TRACE.encode() in unknown.SerializeToString()
    item = prepared(unknown, DeniedConsent.ANONYMIZE)
    assert TRACE.encode() not in item.event.SerializeToString()


def test_a_cart_keeps_one_name_of_its_own_for_each_project() -> None:
    line = {"cart_id": "C-1", **LINE}
    add, order = denied(cart_add=line), denied(order=PAYLOADS["order"][0] | {"cart_id": "C-1"})
    names = {prepared(event, DeniedConsent.ANONYMIZE).properties["cart_id"] for event in (add, order)}
    other = replace(PROJECT, denied_consent=DeniedConsent.ANONYMIZE, anonymous_salt=b"another")
    elsewhere = prepare(
        denied(cart_add=line), project=other, key_class=KeyClass.SERVER, received_at=NOW, sent_at=None
    )
    assert len(names) == 1
    assert "C-1" not in names
    assert elsewhere.properties["cart_id"] not in names


def test_views_of_a_day_are_one_visitor_s_and_each_order_is_its_own() -> None:
    view = prepared(denied(page_view={"url": "/", "referrer": ""}), DeniedConsent.ANONYMIZE)
    order = prepared(denied(order=PAYLOADS["order"][0]), DeniedConsent.ANONYMIZE)
    assert view.tracking_id == "anonymous-2026-03-01"
    assert order.tracking_id == f"anonymous-{order.event_id}"


def test_a_robot_stays_one_when_its_name_is_gone() -> None:
    event = denied(page_view={"url": "/", "referrer": ""})
    event.context.user_agent = "Googlebot/2.1"
    assert prepared(event, DeniedConsent.ANONYMIZE).bot


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('{"context": {"analytics_consent": "denied"}, "zorba": 1}', "privacy.consent"),
        (
            '{"context": {"analytics_consent": "denied"}, "context": {"analytics_consent": "granted"}}',
            "privacy.consent",
        ),
        ('{"context": {"analytics_consent": false}}', "privacy.consent"),
        ('{"context": {"analytics_consent": "denied"', "privacy.consent"),
        ('{"context": {"analytics_consent": "granted"}}', "required"),
        ('{"context": {"analytics_consent": null}}', "required"),
        ('{"type": "unknown"}', "unknown_type"),
        ("{", "json"),
    ],
)
@pytest.mark.parametrize("policy", [DeniedConsent.ANONYMIZE, DeniedConsent.DROP])
def test_what_cannot_be_read_is_not_kept_if_it_may_be_a_denial(
    text: str, rule: str, policy: DeniedConsent
) -> None:
    event = denied(undecoded={"json": text, "field": "", "message": "cannot be read", "rule_id": "json"})
    event.ClearField("context")
    item = prepared(event, policy)
    assert item.rejected is (rule == "privacy.consent")
    assert [found.rule_id for found in item.violations] == [rule]
    assert not prepared(event, DeniedConsent.KEEP).rejected
