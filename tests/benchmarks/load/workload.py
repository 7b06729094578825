"""What the benchmarks send: 97 % views, 3 % cart, order and identify, of thousands of visitors."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from shopalytic.events.decoding import uuid7
from shopalytic.v1.collector_pb2 import TrackRequest
from shopalytic.v1.events_pb2 import Event

_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


class Workload:
    """A seeded source of events; each call of `event` makes a new one."""

    def __init__(self, seed: int = 1, visitors: int = 20_000) -> None:
        self._random = random.Random(seed)
        self._visitors = visitors
        self._now = datetime.now(UTC)

    def requests(self, count: int, size: int) -> Iterator[bytes]:
        """Serialized TrackRequests of `size` events each."""
        for _ in range(count):
            request = TrackRequest(events=[self.event() for _ in range(size)])
            request.sent_at.GetCurrentTime()
            yield request.SerializeToString()

    def event(self) -> Event:
        """One event of a random visitor within the last hour."""
        pick = self._random
        visitor = f"visitor-{pick.randrange(self._visitors):06}"
        event = Event(event_id=uuid7(), tracking_id=visitor, source="web")
        event.occurred_at.FromDatetime(self._now - timedelta(seconds=pick.random() * 3_600))
        context = event.context
        context.url = f"https://shop.example/p/{pick.randrange(10_000)}?ref=list"
        context.user_agent, context.language, context.screen_width = _AGENT, "en-GB", 1920
        kind = pick.random()
        if kind < 0.87:
            event.page_view.url, event.page_view.referrer = context.url, "https://shop.example/"
            event.page_view.title = "A product of the shop"
        elif kind < 0.97:
            number = pick.randrange(2_000)
            event.product_view.sku, event.product_view.name = f"sku-{number}", f"Product {number}"
            event.product_view.price = f"{number % 90 + 1}.99"
        elif kind < 0.98:
            event.cart_add.cart_id, event.cart_add.sku = f"cart-{visitor}", f"sku-{pick.randrange(2_000)}"
            event.cart_add.price, event.cart_add.qty = "9.99", 1
        elif kind < 0.99:
            self._order(event, visitor)
        else:
            event.identify.identity = f"customer-{visitor}"
        return event

    def _order(self, event: Event, visitor: str) -> None:
        order = event.order
        order.order_id, order.cart_id = f"order-{event.event_id}", f"cart-{visitor}"
        order.total = order.subtotal = "29.97"
        for _ in range(3):
            order.line_items.add(sku=f"sku-{self._random.randrange(2_000)}", price="9.99", qty=1)
