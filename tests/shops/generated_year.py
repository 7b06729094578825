"""A year of a shop with everything in it that a report may stumble over.

Twelve short months of `commerce_month`, one before the other, with the same people, so that customers
return. Besides: events of one second, whose order only ranks and tie breakers tell; orders that are
cancelled, and paid again; what senders say of an order beside its content; guests; countries of two
letters. Three currencies, robots, trial data, clocks that are off, exchanges, changed orders, early
refunds and parcels are the months' own.
"""

import random
import re
from functools import cache
from typing import Any
from uuid import UUID

from google.protobuf import json_format

from shopalytic.events.decoding import decode_event
from shopalytic.v1.events_pb2 import Event, Order
from shops.commerce_month import Month

_MONTHS = 12
_VISITS = 12
# What a month numbers by itself.
_NUMBERED = re.compile(r"^(order|cart|parcel|unknown)-")
_TIME = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T")
COUNTRIES = ("de", "AT", "gb", "USA")
"""As shops write them."""
_PEOPLE = ("customer_register", "customer_update", "alias")


def history(which: int | str) -> list[Event]:
    """The month of a number, or the year that "year" names."""
    if isinstance(which, int):
        return Month(which).events
    # Whoever asks may change them.
    return [Event.FromString(each.SerializeToString()) for each in _year()]


@cache
def _year() -> list[Event]:
    chance = random.Random(12)
    found: list[Event] = []
    for month in range(_MONTHS):
        # The earliest month makes the accounts.
        is_first = month == _MONTHS - 1
        made = Month(100 + month, visits=_VISITS).events
        found += [
            _moved(each, month) for each in made if is_first or each.WhichOneof("payload") not in _PEOPLE
        ]
    for each in found:
        if chance.random() < 0.5:
            each.occurred_at.nanos = 0
            if chance.random() < 0.5:
                each.tie_breaker = chance.randrange(3)
        if each.WhichOneof("payload") == "order" and chance.random() < 0.7:
            each.order.CopyFrom(_with_country(each.order, chance.choice(COUNTRIES)))
    return found + _statements(found, chance)


def _with_country(order: Order, country: str) -> Order:
    """The order as a shop's export has it, read as JSON is."""
    data = json_format.MessageToDict(order, preserving_proto_field_name=True)
    data["shipping"] = {"city": "x", "zipcode": "1", "country": country}
    return decode_event({"type": "order", "properties": data}).order


def _moved(made: Event, month: int) -> Event:
    """The event so many months earlier, its own numbers apart from the other months'."""
    data = json_format.MessageToDict(made, preserving_proto_field_name=True)
    return json_format.ParseDict(_changed(data, month), Event())


def _changed(value: Any, month: int) -> Any:
    if isinstance(value, dict):
        return {name: _changed(each, month) for name, each in value.items()}
    if isinstance(value, list):
        return [_changed(each, month) for each in value]
    if isinstance(value, str) and _TIME.match(value):
        return _earlier(value, month)
    return _NUMBERED.sub(rf"y{month}-\1-", value) if isinstance(value, str) else value


def _earlier(text: str, month: int) -> str:
    moment = Event().occurred_at
    moment.FromJsonString(text)
    moment.FromNanoseconds(moment.ToNanoseconds() - month * 30 * 86_400 * 10**9)
    return moment.ToJsonString()


def _statements(events: list[Event], chance: random.Random) -> list[Event]:
    """What becomes of some orders: cancelled for good, failed and then paid, or paid."""
    said = []
    for each in events:
        if each.WhichOneof("payload") != "order" or chance.random() > 0.15:
            continue
        for turn, status in enumerate(chance.choice([["cancelled"], ["failed", "paid"], ["paid"]]), 1):
            statement = Event()
            statement.CopyFrom(each)
            statement.event_id = str(UUID(int=chance.getrandbits(128), version=4))
            statement.occurred_at.seconds += 3 * 86_400 + turn
            statement.order.status = status
            said.append(statement)
    return said
