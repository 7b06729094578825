"""A month of a shop that sells, in full: devices, joins, carts, orders and their changes, refunds, parcels.

Three currencies, robots, trial data and clocks that are years off among it. Everything follows from the
seed. No order repeats an old content and nobody clashes over an identity, an
email or a parcel, so any order of arrival gives the same store.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shopalytic.v1 import collector_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest.preparation import prepare
from shopalytic_server.domain.projects import KeyClass
from shops.report_shop import NOW, Shop, alias, event, identify

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
PROJECT_CURRENCY = "EUR"
ROBOT = {"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
SKUS = ["a", "B", "c-1", "d", "É", "f", "g", "z"]

# When the two halves arrive, and a moment between.
EARLY, BETWEEN, LATE = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))

# How far senders' clocks are off; up to five minutes are nobody's business.
_CLOCKS = (
    timedelta(),
    timedelta(),
    timedelta(days=-1097, minutes=3),
    timedelta(minutes=31),
    timedelta(days=900),
)

# As far as a statement of the shop may lie ahead.
_FUTURE = EARLY + timedelta(hours=23)


@dataclass
class Month:
    """Makes the events of a month, visit by visit."""

    seed: int
    visits: int = 90
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        for number in range(0, 24, 3):
            self._register(number)
        for number in range(self.visits):
            self._visit(number)

    def _add(self, kind: str, properties: dict[str, Any], at: datetime, sender: dict[str, Any]) -> None:
        given = {name: value for name, value in properties.items() if value is not None}
        self.events.append(event(kind, given, at=at, event_id=self._event_id(), **sender))

    def _event_id(self) -> str:
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def _often(self, share: float) -> bool:
        return self.chance.random() < share

    def _later(self, at: datetime, hours: float) -> datetime:
        return at + timedelta(microseconds=self.chance.randint(1, int(hours * 3_600_000_000)))

    def _money(self) -> str:
        return f"{self.chance.randint(0, 9000)}{self.chance.choice(['', '.5', '.99', '.1234'])}"

    def _register(self, number: int) -> None:
        """A customer with two addresses, one after the other, and a second identity."""
        person = {"identity": f"person-{number}"}
        names = {"first_name": "Ada", "last_name": "L"}
        for turn in range(2):
            kind, email = ("customer_update", "customer_register")[turn == 0], f"p{number}-{turn}@a.test"
            at = self._later(BEGIN, 24) + timedelta(days=turn)
            self._add(kind, {"email": email, **names}, at, person)
        self.events.append(alias(f"mail-{number}", at=BEGIN, event_id=self._event_id(), **person))

    def _visit(self, number: int) -> None:
        person = self.chance.randrange(24)
        device = f"device-{person}-{self.chance.randrange(2)}"
        sender: dict[str, Any] = {"tracking_id": device}
        if self._often(0.3):
            sender["source"] = self.chance.choice(["web", "ios"])
        if self._often(0.12):
            sender["context"] = ROBOT
        if self._often(0.12):
            sender["sandbox"] = True
        if self._often(0.3):
            sender["identity"] = self.chance.choice([f"person-{person}", f"mail-{person // 3 * 3}"])
        at = self._later(BEGIN, 27 * 24)
        if person % 4 and self._often(0.3):
            name = f"person-{person}"
            others = {key: value for key, value in sender.items() if key in ("sandbox", "source")}
            self.events.append(identify(device, name, at=at, event_id=self._event_id(), **others))
        currency = self.chance.choice([None, None, "EUR", "USD", "GBP"])
        skus = self.chance.sample(SKUS, self.chance.randint(1, 4))
        for sku in skus:
            seen = {"sku": sku, "name": f"{sku} no. {number}", "price": self._money(), "currency": currency}
            self._add("product_view", seen, self._later(at, 1), sender)
        if self._often(0.8):
            self._cart(f"cart-{number}", skus, currency, at, sender)
        if self._often(0.6):
            self._order(number, skus, currency, self._later(at, self.chance.choice([2, 60])), sender)

    def _cart(
        self, cart_id: str, skus: list[str], currency: str | None, at: datetime, sender: dict[str, Any]
    ) -> None:
        if self._often(0.1):
            # Its first change never arrived.
            self._add("cart_modify", {"cart_id": cart_id, "sku": skus[0], "qty": 2}, at, sender)
        for sku in skus:
            line = {"cart_id": cart_id, "sku": sku, "currency": currency}
            if self._often(0.1):
                line["currency"] = "USD"
            for _ in range(self.chance.randint(0, 2)):
                more = {"price": self._money(), "qty": self.chance.randint(1, 5)}
                self._add("cart_add", line | more | self._modified(at), self._later(at, 2), sender)
            if self._often(0.4):
                change = {
                    "qty_removed": self.chance.choice([None, None, 1]),
                    "quantity": self.chance.choice([None, None, None, "1.5"]),
                    "qty": self.chance.choice([None, 0, 1, 7]),
                    "price": self.chance.choice([None, self._money()]),
                }
                changer = sender if self._often(0.8) else {"identity": "helpdesk", **_world(sender)}
                self._add("cart_modify", line | change | self._modified(at), self._later(at, 3), changer)

    def _modified(self, at: datetime) -> dict[str, str]:
        if self._often(0.02):
            return {"modified_date": _FUTURE.isoformat()}
        return {"modified_date": self._later(at, 30).isoformat()} if self._often(0.2) else {}

    def _order(
        self, number: int, skus: list[str], currency: str | None, at: datetime, sender: dict[str, Any]
    ) -> None:
        name = f"order-{number}"
        for turn in range(self.chance.choice([1, 1, 1, 2, 3])):
            lines = [self._line(sku) for sku in self.chance.choices(skus, k=self.chance.randint(1, 4))]
            placed = {
                "order_id": name,
                "cart_id": f"cart-{number}",
                "total": f"{number}.{turn}",
                "subtotal": "1",
                "line_items": lines,
                "currency": currency,
                "order_date": self._later(at, 50).isoformat() if self._often(0.2) else None,
            }
            if self._often(0.2):
                placed["status"] = self.chance.choice(["pending", "paid", "cancelled", "failed"])
            self._add("order", placed, self._later(at, 1) + timedelta(hours=turn), sender)
        if self._often(0.1):
            self._add("order_cancel", {"order_id": name}, self._later(at, 5), sender)
        if self._often(0.5):
            self._add("cart_modify", {"cart_id": f"cart-{number}", "sku": skus[0], "qty": 0}, at, sender)
        if self._often(0.1):
            name = f"unknown-{number}"
        self._refunds(name, skus, at, sender)
        for parcel in range(self.chance.randint(0, 2)):
            self._parcel(f"parcel-{number}-{parcel}", name, at, sender)

    def _line(self, sku: str) -> dict[str, Any]:
        line: dict[str, Any] = {"sku": sku, "price": self._money(), "qty": self.chance.randint(1, 5)}
        if self._often(0.1):
            # It wins over the pieces, where these are given at all.
            line |= {"quantity": self.chance.choice(["0.5", "-1", "2.25", "1.50"])}
            line |= {"qty": self.chance.choice([None, 3])}
        if self._often(0.5):
            line["cost"] = self._money()
        return {name: value for name, value in line.items() if value is not None}

    def _refunds(self, order_id: str, skus: list[str], at: datetime, sender: dict[str, Any]) -> None:
        clerk = _world(sender) | {"identity": "backoffice"}
        if self._often(0.3):
            clerk["source"] = "web"
        for _ in range(self.chance.choice([0, 0, 1, 2, 3])):
            refund: dict[str, Any] = {"order_id": order_id, "refund_type": "full"}
            if self._often(0.6):
                lines = [
                    self._line(sku) for sku in self.chance.choices([*skus, "z"], k=self.chance.randint(0, 2))
                ]
                refund |= {"refund_type": "partial", "total_refund": self._money(), "subtotal_refund": "0"}
                if len(lines) % 2:
                    refund |= {"subtotal_refund": "7.77", "discount_refund": "0.13"}
                    refund |= {"tax_refund": "0.50", "shipping_refund": "0.2"}
                refund |= {"line_items": lines, "currency": self.chance.choice([None, None, None, "GBP"])}
            self._add("refund", refund, self._later(at, 15 * 24), clerk)

    def _parcel(self, shipment_id: str, order_id: str, at: datetime, sender: dict[str, Any]) -> None:
        clerk = _world(sender) | {"identity": "warehouse", "source": self.chance.choice(["web", "depot"])}
        parcel = {"order_id": order_id, "shipment_id": shipment_id}
        shipped = self._later(at, 4 * 24) - timedelta(hours=3)
        dated = {"date_shipped": shipped.isoformat()}
        for _ in range(self.chance.choice([0, 1, 1, 1, 2])):
            known = dated if self._often(0.7) else {}
            carrier = {"carrier": self.chance.choice(["dhl", "ups", "custom"])}
            self._add("shipment", parcel | carrier | known, self._later(at, 72), clerk)
        if self._often(0.7):
            delivered = {"date_delivered": self._later(shipped, 8 * 24).isoformat()}
            known = {"date_shipped": self._later(at, 72).isoformat()} if self._often(0.2) else {}
            self._add("shipment_delivered", parcel | delivered | known, self._later(at, 200), clerk)


def _world(sender: dict[str, Any]) -> dict[str, Any]:
    """Trial data has trial parcels and trial refunds; a robot's are a robot's."""
    return {name: sender[name] for name in ("sandbox", "context") if name in sender}


def cut_in_two(events: Iterable[Event], seed: int) -> tuple[list[Event], list[Event]]:
    """Those that arrive early and those that arrive late, whenever they happened."""
    shuffled = list(events)
    random.Random(seed).shuffle(shuffled)
    return shuffled[::2], shuffled[1::2]


def shuffled_and_doubled(events: Iterable[Event], seed: int) -> list[Event]:
    """Every event twice, in any order."""
    twice = [each for each in events for _ in range(2)]
    random.Random(seed).shuffle(twice)
    return twice


def clock_of(event: Event) -> timedelta:
    """How far the clock of an event's sender is off, whatever it sends."""
    return _CLOCKS[sum((event.tracking_id or event.identity).encode()) % len(_CLOCKS)]


def as_sent(event: Event) -> Event:
    """The event with the time that its sender's clock showed."""
    sent = Event.FromString(event.SerializeToString())
    moment: datetime = event.occurred_at.ToDatetime(UTC)
    sent.occurred_at.FromDatetime(moment + clock_of(event))
    return sent


async def store(shop: Shop, events: list[Event], batch: int = 97, arrival: datetime = NOW) -> None:
    """Stores the events in batches; those that were sent before are duplicates.

    Some senders' clocks are off, by which the events' times are corrected.
    """
    for first in range(0, len(events), batch):
        items = [
            prepare(
                as_sent(each),
                project=shop.project,
                key_class=KeyClass.SERVER,
                received_at=arrival,
                sent_at=arrival + clock_of(each),
            )
            for each in events[first : first + batch]
        ]
        for result in await shop.writer.submit(items):
            assert result.status in (
                collector_pb2.EVENT_STATUS_ACCEPTED,
                collector_pb2.EVENT_STATUS_DUPLICATE,
            ), result
