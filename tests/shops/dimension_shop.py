"""A small shop whose visits say everything that filters and breakdowns name.

What a page view stands for (`Truth`) is written down beside the event by whoever
makes it, so that a test need not read it out of user agents and addresses again.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from shopalytic.v1.events_pb2 import Event
from shops.report_shop import alias, event, identify

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 4, 1, tzinfo=UTC)
_FIRST = BEGIN - timedelta(days=25)
_PEOPLE = 16

_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
_IPAD = (
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/16.6 Mobile/15E148 Safari/604.1"
)
_CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Safari/537.36"
)
_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
_ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

Truth = dict[str, str]

AGENTS: list[tuple[str, Truth]] = [
    (_IPHONE, {"device": "mobile", "os": "iOS", "browser": "Mobile Safari"}),
    (_IPAD, {"device": "tablet", "os": "iOS", "browser": "Mobile Safari"}),
    (_CHROME, {"device": "desktop", "os": "Windows", "browser": "Chrome"}),
    (_FIREFOX, {"device": "desktop", "os": "Linux", "browser": "Firefox"}),
    ("", {"device": "", "os": "", "browser": ""}),
]
# How visits come: what the address and the context say, and what that amounts to.
_WAYS: list[tuple[str, dict[str, str], str, Truth]] = [
    ("", {}, "", {"channel": "direct"}),
    ("", {}, "https://shop.test/cart", {"channel": "direct"}),
    (
        "",
        {},
        "https://www.google.co.uk/search?q=x",
        {"channel": "organic search", "referrer_host": "google.co.uk"},
    ),
    ("", {}, "https://blog.example/a", {"channel": "referral", "referrer_host": "blog.example"}),
    ("", {}, "https://m.facebook.com/", {"channel": "organic social", "referrer_host": "m.facebook.com"}),
    (
        "?utm_source=google&utm_medium=cpc&utm_campaign=spring%20sale&utm_term=red+mug",
        {},
        "",
        {
            "channel": "paid search",
            "utm_source": "google",
            "utm_medium": "cpc",
            "utm_campaign": "spring sale",
            "utm_term": "red mug",
        },
    ),
    (
        "",
        {"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "100%+", "utm_content": "top"},
        "",
        {
            "channel": "e-mail",
            "utm_source": "newsletter",
            "utm_medium": "email",
            "utm_campaign": "100%+",
            "utm_content": "top",
        },
    ),
]
_PLACES = [
    {"country": "DEU", "region": "BE", "city": "Berlin"},
    {"country": "AUT", "region": "", "city": "Wien"},
    {"country": "", "region": "", "city": ""},
]
_PAGES = [("/", ""), ("/mugs", "list"), ("/sale", "sale"), ("/checkout/1", "checkout-1")]
_ADDRESSES = [
    {"city": "Berlin", "zipcode": "1", "country": "DEU"},
    {"city": "Wien", "zipcode": "2", "country": "AUT", "state": "W"},
    None,
]
SKUS = {"a": ["mugs"], "b": ["mugs", "gifts"], "c": []}
_NAMES = (
    *("channel", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "referrer_host"),
    *(
        "country",
        "region",
        "city",
        "language",
        "page_type",
        "sent_by",
        "landing_page",
        "device",
        "os",
        "browser",
    ),
)


@dataclass
class DimensionShop:
    """Its events, and what each page view stands for."""

    seed: int
    events: list[Event] = field(default_factory=list)
    truths: dict[str, Truth] = field(default_factory=dict)
    orders: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        for sku, categories in SKUS.items():
            self._add(
                "product_view", {"sku": sku, "name": sku, "price": "1", "categories": categories}, _FIRST
            )
        for number in range(_PEOPLE):
            self._person(number)
        self._visit({"tracking_id": "robot"}, BEGIN, _ROBOT)

    def _id(self) -> str:
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def _add(self, kind: str, properties: dict[str, Any], at: datetime, **envelope: Any) -> str:
        event_id = self._id()
        envelope = {"tracking_id": "clerk"} | envelope
        self.events.append(event(kind, properties, at=at, event_id=event_id, **envelope))
        return event_id

    def _person(self, number: int) -> None:
        """Somebody with up to two devices; two in three are named, some of them by two names."""
        devices = [f"d{number}-{device}" for device in range(self.chance.randint(1, 2))]
        if number % 3:
            for device in devices:
                at = _FIRST + timedelta(days=self.chance.randint(0, 50))
                self.events.append(identify(device, f"p{number}", at=at, event_id=self._id()))
            if number % 4 == 0:
                self.events.append(alias(f"q{number}", identity=f"p{number}", at=_FIRST, event_id=self._id()))
        for _ in range(self.chance.randint(1, 4)):
            at = _FIRST + timedelta(seconds=self.chance.randint(0, 54 * 86_400))
            self._visit({"tracking_id": self.chance.choice(devices)}, at)

    def _visit(self, sender: dict[str, Any], at: datetime, agent: str | None = None) -> None:
        chance = self.chance
        own_agent, equipment = chance.choice(AGENTS)
        query, campaign, referrer, way = chance.choice(_WAYS)
        place, (path, page_type) = chance.choice(_PLACES), chance.choice(_PAGES)
        language = chance.choice(["de-AT", "en", ""])
        source = chance.choice(["web", "app", None])
        context = {
            "user_agent": own_agent if agent is None else agent,
            "language": language,
            **place,
            **campaign,
        }
        context = {name: value for name, value in context.items() if value}
        for number in range(chance.randint(1, 3)):
            url = f"https://shop.test{path}{query}" if number == 0 else "https://www.shop.test/next#x"
            given = {"url": url, "referrer": referrer if number == 0 else "https://shop.test/"}
            if page_type and number == 0:
                given["page_type"] = page_type
            event_id = self._add("page_view", given, at, **sender, context=context, source=source)
            first: Truth = {"landing_page": url.split("?")[0].split("#")[0], "page_type": page_type, **way}
            later: Truth = {"landing_page": "https://www.shop.test/next", "channel": "direct"}
            self.truths[event_id] = dict.fromkeys(_NAMES, "") | {
                **(first if number == 0 else later),
                **equipment,
                **place,
                "language": language,
                "sent_by": source or "",
            }
            at += timedelta(minutes=chance.choice([0, 3, 30]))
        if agent is None and chance.random() < 0.7:
            self._shop(sender, at + timedelta(minutes=2), source)

    def _shop(self, sender: dict[str, Any], at: datetime, source: str | None) -> None:
        """A product is seen and put into a cart; of most carts comes an order, of some of these a refund."""
        chance = self.chance
        self.orders += 1
        cart_id = f"c{self.orders}"
        skus = chance.sample(list(SKUS), chance.randint(1, 3))
        world = {**sender, "source": source}
        for sku in skus:
            self._add("product_view", {"sku": sku, "name": sku, "price": "5"}, at, **world)
            self._add("cart_add", {"cart_id": cart_id, "sku": sku, "price": "5", "qty": 2}, at, **world)
        if chance.random() < 0.25:
            return
        lines = [
            {"sku": sku, "price": chance.choice(["5", "9.99", "100.001"]), "qty": chance.randint(1, 3)}
            for sku in skus
        ]
        subtotal = sum(int(Decimal(str(line["price"])) * 1000) * int(str(line["qty"])) for line in lines)
        given: dict[str, Any] = {
            "order_id": f"o{self.orders}",
            "cart_id": cart_id,
            "subtotal": f"{subtotal // 1000}.{subtotal % 1000:03}",
            "total": f"{subtotal // 1000 + 4}.{subtotal % 1000:03}",
            "total_shipping": "4",
            "line_items": lines,
        }
        address, billing = chance.choice(_ADDRESSES), chance.choice(_ADDRESSES)
        given |= {"shipping": address} if address else {}
        given |= {"billing": billing} if billing else {}
        codes = chance.sample(["SPRING", "VIP"], chance.choice([0, 0, 1, 2]))
        if codes:
            given |= {"discounts": [{"code": code, "value": "1.5"} for code in codes]}
            given["total_discount"] = f"{1.5 * len(codes)}"
        if chance.random() < 0.6:
            given["payment_type"] = chance.choice(["card", "paypal"])
        placed = at + timedelta(minutes=chance.randint(1, 3000))
        self._add("order", given, placed, **{**sender, "source": chance.choice([source, "backend"])})
        self._after(given["order_id"], lines, placed)

    def _after(self, order_id: str, lines: list[dict[str, Any]], placed: datetime) -> None:
        chance = self.chance
        for number in range(chance.choice([0, 1, 2])):
            parcel = {"order_id": order_id, "shipment_id": f"{order_id}-{number}"}
            parcel["carrier"] = chance.choice(["dhl", "ups"])
            self._add("shipment", parcel, placed + timedelta(days=1))
        if chance.random() < 0.3:
            self._add("refund", {"order_id": order_id, "refund_type": "full"}, placed + timedelta(days=3))
        elif chance.random() < 0.3:
            line = lines[0] | {"qty": 1}
            back = {"total_refund": line["price"], "subtotal_refund": line["price"], "line_items": [line]}
            given = {"order_id": order_id, "refund_type": "partial", **back}
            self._add("refund", given, placed + timedelta(days=2))
