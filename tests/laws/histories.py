"""Hypothesis strategies: histories of a small, busy shop, in which everything happens more than once.

There are few people, devices, orders and skus and few different times, so that
drawn events meet: revisions, repeated orders, refunds before their orders,
shared computers, equal times and equal seconds.
"""

import random
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from hypothesis import strategies as st

from shopalytic.v1.events_pb2 import Event
from shops.report_shop import alias, event, identify

SECONDS = 60
# The last of them is one person in all of these forms.
PEOPLE = ("P0", "P1", "P2@A.test", " p2@A.Test\u200b", "p2@a.test")
DEVICES = ("T0", "T1", "T2", "T3")
FURTHER = ("A0", "A1@b.Test")
OTHER_FORMS = ("a1@b.test", "A1@B.TEST ")
"""Of the last further identity: used as late as the one that was given."""
# In a history without clashes nobody uses a further identity before all calls that gave it.
ALIAS_SECONDS = 15
USED_FROM = ALIAS_SECONDS * len(FURTHER)

_ORDERS = ("o0", "o1", "o2", "o3")
_CURRENCIES = st.sampled_from([None, None, "EUR", "USD"])
_AMOUNTS = st.sampled_from(["5", "10.00", "10.0000", "12.5", "99999999999999.9999"])
_DATES = st.sampled_from([None, None, "2026-02-27T10:00:00Z", "2026-04-02T10:00:00.5Z"])
_SKUS = st.sampled_from(["s0", "s1"])


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@st.composite
def _orders(draw):
    total = draw(_AMOUNTS)
    line = {"sku": draw(_SKUS), "price": total, "qty": draw(st.integers(1, 2)), "cost": draw(_money())}
    line["quantity"] = draw(st.sampled_from([None, None, None, "0.5", "0.50", "-1"]))
    properties = {
        "order_id": draw(st.sampled_from(_ORDERS)),
        "cart_id": "c0",
        "total": total,
        "subtotal": total,
        "line_items": [_given(line)],
        "order_date": draw(_DATES),
        "currency": draw(_CURRENCIES),
        "status": draw(st.sampled_from([None, None, None, "pending", "paid", "cancelled", "failed"])),
        "email": draw(st.sampled_from([None, None, "a@buyer.test", "b@buyer.test"])),
        "first_name": draw(st.sampled_from([None, None, "Ann", "Bea"])),
    }
    return "order", properties


_CANCELS = st.sampled_from(_ORDERS).map(lambda order_id: ("order_cancel", {"order_id": order_id}))


def _money():
    return st.none() | st.sampled_from(["1", "2.50"])


@st.composite
def _refunds(draw):
    # One of the orders never comes.
    properties = {
        "order_id": draw(st.sampled_from([*_ORDERS, "never"])),
        "refund_type": draw(st.sampled_from(["full", "partial"])),
        "currency": draw(_CURRENCIES),
    }
    if properties["refund_type"] == "partial":
        line = {"sku": draw(_SKUS), "price": "1", "qty": 1}
        properties |= {
            "total_refund": draw(_AMOUNTS),
            "subtotal_refund": "0",
            "line_items": [line] * draw(st.integers(0, 1)),
            "tax_refund": draw(_money()),
        }
    return "refund", properties


@st.composite
def _carts(draw):
    properties = {
        "cart_id": draw(st.sampled_from(["c0", "c1"])),
        "sku": draw(_SKUS),
        "currency": draw(_CURRENCIES),
    }
    if draw(st.booleans()):
        return "cart_add", {**properties, "price": draw(_AMOUNTS), "qty": draw(st.integers(1, 3))}
    optional = {
        "qty": draw(st.none() | st.integers(0, 3)),
        "quantity": draw(st.sampled_from([None, None, None, "0.5"])),
        "qty_removed": draw(st.none() | st.integers(0, 2)),
        "price": draw(_money()),
        "modified_date": draw(_DATES),
    }
    return "cart_modify", {**properties, **optional}


@st.composite
def _parcels(draw, orders):
    number = draw(st.integers(0, 2))
    properties = {
        "order_id": draw(orders) if orders is not None else _ORDERS[number],
        "shipment_id": f"parcel-{number}",
        "date_shipped": draw(_DATES),
    }
    if draw(st.booleans()):
        return "shipment_delivered", {**properties, "date_delivered": "2026-03-05T10:00:00Z"}
    optional = {"tracking_number": draw(st.none() | st.just("1Z")), "date_delivered": draw(_DATES)}
    return "shipment", {**properties, **optional, "carrier": draw(st.sampled_from(["dhl", "ups"]))}


@st.composite
def _products(draw):
    properties = {
        "sku": draw(_SKUS),
        "name": draw(st.sampled_from(["Mug", "Cup"])),
        "price": draw(_AMOUNTS),
        "categories": draw(st.lists(st.sampled_from(["a", 'b"{,}\\']), max_size=2)),
        "currency": draw(_CURRENCIES),
    }
    return "product_view", properties


_PAGES = st.just(("page_view", {"url": "https://shop.test/", "referrer": ""}))


@st.composite
def _profiles(draw, emails):
    properties = {
        "email": draw(emails),
        "first_name": draw(st.sampled_from(["Ann", "Bea"])),
        "last_name": "Smith",
    }
    if draw(st.booleans()):
        return "customer_register", {**properties, "join_date": draw(_DATES)}
    return "customer_update", {name: value for name, value in properties.items() if draw(st.booleans())}


@st.composite
def _senders(draw, names):
    """Who an event is of: by device, by name, or by both; and the name that it counts for."""
    device, name = draw(st.sampled_from([(1, 0), (0, 1), (1, 1)]))
    return _given(
        {
            "tracking_id": draw(st.sampled_from(DEVICES)) if device else None,
            "identity": draw(st.sampled_from(names)) if name else None,
        }
    )


@st.composite
def _plain_event(draw, envelope, parcel_orders=None):
    """An event of any kind but those of identities and profiles."""
    kinds = (
        _orders()
        | _orders()
        | _CANCELS
        | _refunds()
        | _carts()
        | _parcels(parcel_orders)
        | _products()
        | _PAGES
    )
    kind, properties = draw(kinds)
    return event(kind, _given(properties), **envelope)


class _Envelopes:
    """Ids, times and labels of the events of one history."""

    def __init__(self, draw) -> None:
        self._draw = draw
        self._salt = draw(st.integers(0, 2**16))
        self._count = 0

    def next(self, first: int = 0, last: int = SECONDS) -> dict[str, Any]:
        # The ids are as good as random, so that they order equal times either way.
        self._count += 1
        # Few seconds, and few moments of each: equal times are the rule.
        second = self._draw(st.sampled_from(range(first, last + 1, 5)))
        return {
            "event_id": str(uuid5(NAMESPACE_OID, f"{self._salt}-{self._count}")),
            "at": second + self._draw(st.sampled_from([0, 0, 0, 0.25, 0.999999])),
            "tie_breaker": self._draw(st.sampled_from([None, None, 0, 1, 2])),
            "source": self._draw(st.sampled_from([None, "web"])),
            "sandbox": self._draw(st.integers(0, 9)) == 0,
        }


@st.composite
def histories(draw, most: int = 25) -> list[Event]:
    """Events that clash with nothing: what they say does not depend on their order."""
    envelopes = _Envelopes(draw)
    events = _aliases(draw, envelopes)
    for _ in range(draw(st.integers(1, most))):
        envelope = envelopes.next()
        names = PEOPLE + FURTHER + OTHER_FORMS if envelope["at"] >= USED_FROM else PEOPLE
        what = draw(st.sampled_from(["identify", "profile", "plain", "plain", "plain"]))
        if what == "identify":
            device = draw(st.sampled_from(DEVICES))
            events.append(identify(device, draw(st.sampled_from(names)), **envelope))
            continue
        envelope |= draw(_senders(names))
        if what == "profile":
            owner = envelope.get("identity") or envelope["tracking_id"]
            owner = owner.strip(" \u200b").replace("@", "-at-")
            emails = st.sampled_from([f"{owner}@a.test", f"{owner.lower()}@a.test", f"{owner}@b.test"])
            kind, properties = draw(_profiles(emails))
            events.append(event(kind, _given(properties), **envelope))
        else:
            events.append(draw(_plain_event(envelope)))
    return events


def _aliases(draw, envelopes: _Envelopes) -> list[Event]:
    events = []
    for level, further in enumerate(FURTHER):
        anchors = [{"identity": name} for name in PEOPLE + FURTHER[:level]]
        anchors += [{"tracking_id": device} for device in DEVICES]
        anchor = draw(st.sampled_from(anchors))
        for _ in range(draw(st.integers(0, 2))):
            begin = level * ALIAS_SECONDS
            events.append(alias(further, **anchor, **envelopes.next(begin, begin + ALIAS_SECONDS - 1)))
    return events


@st.composite
def quarrels(draw, most: int = 25) -> list[Event]:
    """Events that do clash: over identities, emails, parcels and event ids."""
    envelopes = _Envelopes(draw)
    names = PEOPLE + FURTHER + OTHER_FORMS
    events: list[Event] = []
    for _ in range(draw(st.integers(1, most))):
        envelope = envelopes.next() | draw(_senders(names))
        what = draw(st.sampled_from(["identify", "alias", "profile", "plain", "plain", "same id"]))
        if what == "identify":
            device = draw(st.sampled_from(DEVICES))
            name = draw(st.sampled_from(names))
            envelope.pop("identity", None)
            events.append(
                identify(device, name, **{key: envelope[key] for key in envelope if key != "tracking_id"})
            )
        elif what == "alias":
            events.append(alias(draw(st.sampled_from(names)), **envelope))
        elif what == "profile":
            kind, properties = draw(_profiles(st.sampled_from(["x@a.test", "X@a.test", "y@a.test"])))
            events.append(event(kind, _given(properties), **envelope))
        else:
            if what == "same id" and events:
                envelope["event_id"] = draw(st.sampled_from(events)).event_id
            events.append(draw(_plain_event(envelope, st.sampled_from(_ORDERS))))
    return events


def batches(events: list[Event], chance: random.Random, most_cuts: int = 4) -> list[list[Event]]:
    """The events cut into batches at random places."""
    cuts = sorted(chance.randint(0, len(events)) for _ in range(chance.randint(0, most_cuts)))
    pieces = [events[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    return [piece for piece in pieces if piece]
