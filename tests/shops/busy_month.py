"""A month of a small, busy shop, and what lies around it: devices, joins, campaigns, robots, trial events."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from oracles.seen import order_of
from shopalytic.v1 import reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest.preparation import prepare
from shopalytic_server.domain.projects import KeyClass
from shops.report_shop import ACCEPTED, DUPLICATE, NOW, Shop, alias, event, identify, order, refund

# Europe changes its clocks on the 29th.
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 4, 1, tzinfo=UTC)

_DAYS_AROUND = 12
_FIRST = BEGIN - timedelta(days=_DAYS_AROUND + 5)
_PEOPLE = 45
_ROBOT = {"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
_SOURCES = (None, "web", "web", "ios")
_CURRENCIES = (None, None, None, "EUR", "USD", "GBP")
_HOSTS = ("https://shop.test", "https://www.shop.test", "https://Checkout.Shop.test:8443")
_PAGES = (
    ("/", None),
    ("/mugs", "list"),
    ("/cart", "cart"),
    ("/checkout/", "checkout-1"),
    ("/blog?p=1", None),
)
_REFERRERS = (
    "",
    "",
    "https://www.google.com/search?q=mugs",
    "https://GOOGLE.com",
    "http://news.example:8080/a//b?x=https://other.test/",
    "https://me:secret@mail.example/",
    "android-app://com.example.reader/",
    "https://shop.test/mugs",
    "https://www.checkout.shop.test/",
    "not an address",
)
_CAMPAIGNS = ("", "", "spring sale", "frühling", "a+b", "mail")
_ENCODED = {
    "spring sale": ("spring%20sale", "spring+sale"),
    "frühling": ("fr%C3%BChling", "fr%c3%bchling"),
    "a+b": ("a%2Bb", "a%2bb"),
    "mail": ("mail", "%6Dail"),
    "": ("", ""),
}


@dataclass
class _Month:
    chance: random.Random
    events: list[Event] = field(default_factory=list)
    orders: int = 0

    def id(self) -> str:
        return str(UUID(int=self.chance.getrandbits(128)))

    def add(self, kind: str, properties: dict[str, Any], **envelope: Any) -> None:
        self.events.append(event(kind, properties, event_id=self.id(), **envelope))


def busy_month(seed: int) -> list[Event]:
    """Its events in the order in which they happened."""
    month = _Month(random.Random(seed))
    for number in range(_PEOPLE):
        _person(month, number)
    for number in range(4):
        _live(month, [{"tracking_id": f"robot{number}", "context": _ROBOT}], visits=4)
        _live(month, [{"tracking_id": f"d{number}-0", "sandbox": True}], visits=3)
        _live(month, [{"identity": f"p{number}", "sandbox": True}], visits=2)
    month.events.sort(key=order_of)
    return month.events


def _person(month: _Month, number: int) -> None:
    """Somebody with up to three devices; two in three are named at some time, some by two names."""
    chance = month.chance
    devices = [f"d{number}-{device}" for device in range(chance.randint(1, 3))]
    senders: list[dict[str, Any]] = [{"tracking_id": device} for device in devices]
    if number % 3:
        name = f"p{number}"
        for device in devices:
            if chance.random() < 0.8:
                month.events.append(identify(device, name, at=_moment(chance), event_id=month.id()))
        senders.append({"identity": name, "tracking_id": devices[0]})
        if number % 5 == 0:
            # A further name is given before anybody uses it: else it would be somebody's already.
            month.events.append(alias(f"{name}-too", identity=name, at=_FIRST, event_id=month.id()))
            senders.append({"identity": f"{name}-too"})
    if number % 7 == 1:
        # A shared computer: the device stays with whoever was named on it first.
        month.events.append(identify("d1-0", f"p{number}", at=_moment(chance), event_id=month.id()))
    _live(month, senders, visits=chance.randint(1, 9))


def _moment(chance: random.Random) -> datetime:
    """Any moment of the month or around it; whole seconds, so that some are equal."""
    first = BEGIN - timedelta(days=_DAYS_AROUND)
    seconds = (31 + 2 * _DAYS_AROUND) * 24 * 3600
    # Half of the visits crowd around the ends of the range, and where the clocks change.
    if chance.random() < 0.3:
        edge = chance.choice([BEGIN, END, datetime(2026, 3, 29, tzinfo=UTC), BEGIN - timedelta(hours=1)])
        return edge + timedelta(seconds=chance.randint(-3600, 3600))
    return first + timedelta(seconds=chance.randrange(seconds))


def _live(month: _Month, senders: list[dict[str, Any]], *, visits: int) -> None:
    for _ in range(visits):
        _visit(month, senders, _moment(month.chance))


def _visit(month: _Month, senders: list[dict[str, Any]], at: datetime) -> None:
    chance = month.chance
    for _ in range(chance.randint(1, 8)):
        envelope = {**chance.choice(senders), "at": at, "source": chance.choice(_SOURCES)}
        what = chance.random()
        if what < 0.55:
            _page_view(month, envelope)
        elif what < 0.75:
            month.add("product_view", {"sku": "a", "name": "Mug", "price": "5"}, **_marked(month, envelope))
        elif what < 0.88:
            properties = {"cart_id": "c", "sku": "a", "price": "5", "qty": 1}
            month.add("cart_add", properties, **envelope)
        else:
            _order(month, envelope)
        step = chance.choice([0, 1, 40, 600, 1799, 1800, 1801, 7200])
        at += timedelta(seconds=step, microseconds=chance.choice([0, 0, 1, 999_999]))


def _marked(month: _Month, envelope: dict[str, Any]) -> dict[str, Any]:
    """The envelope, in one of two cases with a campaign in its context."""
    campaign = month.chance.choice(_CAMPAIGNS)
    if month.chance.random() < 0.5 or not campaign:
        return envelope
    return {**envelope, "context": {**envelope.get("context", {}), "utm_campaign": campaign}}


def _page_view(month: _Month, envelope: dict[str, Any]) -> None:
    chance = month.chance
    path, page_type = chance.choice(_PAGES)
    url = chance.choice(_HOSTS) + path
    if chance.random() < 0.4:
        written = chance.choice(_ENCODED[chance.choice(_CAMPAIGNS)])
        url += ("&" if "?" in url else "?") + f"x=1&utm_campaign={written}&utm_campaign=second"
    if chance.random() < 0.2:
        url += "#top?utm_campaign=none"
    properties = {"url": url, "referrer": chance.choice(_REFERRERS)}
    if page_type is not None:
        properties["page_type"] = page_type
    month.add("page_view", properties, **_marked(month, envelope))


def _order(month: _Month, envelope: dict[str, Any]) -> None:
    chance = month.chance
    month.orders += 1
    name = f"o{month.orders}"
    dated: dict[str, Any] = {}
    if chance.random() < 0.2:
        dated["order_date"] = (envelope["at"] + timedelta(hours=chance.randint(-50, 50))).isoformat()
    currency = chance.choice(_CURRENCIES)
    if currency is not None:
        dated["currency"] = currency
    total = chance.choice(["10.00", "5", "0.0001", "99999999999999.9999", "12.5"])
    month.events.append(order(name, total, event_id=month.id(), **dated, **envelope))
    later = {**envelope, "at": envelope["at"] + timedelta(hours=chance.randint(0, 300))}
    if chance.random() < 0.2:
        month.events.append(order(name, "77.7", qty=2, event_id=month.id(), **dated, **later))
    if chance.random() < 0.4:
        amount = chance.choice([None, "1.25", "3"])
        missing = chance.random() < 0.2
        given = None if amount is None else chance.choice([currency, None])
        month.events.append(
            refund("gone" + name if missing else name, amount, currency=given, event_id=month.id(), **later)
        )


async def store(shop: Shop, events: list[Event]) -> None:
    """Stores events in requests of a shop's size; the same one may come again."""
    for begin in range(0, len(events), 500):
        items = [
            prepare(each, project=shop.project, key_class=KeyClass.SERVER, received_at=NOW, sent_at=NOW)
            for each in events[begin : begin + 500]
        ]
        results = await shop.writer.submit(items)
        assert {result.status for result in results} <= {ACCEPTED, DUPLICATE}, results


async def behind(shop: Shop, explain: str) -> list[str]:
    """The ids of the events behind a number, sorted, page by page."""
    found: list[str] = []
    token = ""
    while True:
        request = reports_pb2.ListEventsRequest(explain=explain, page_size=700, page_token=token)
        page = await shop.reports.list_events(shop.project, request)
        found += [each.event_id for each in page.events]
        token = page.next_page_token
        if not token:
            return sorted(found)
