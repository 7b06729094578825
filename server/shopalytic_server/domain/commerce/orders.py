"""Orders: what makes two order events the same, and which of several counts."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from shopalytic_server.domain.events.event_order import Place, place, rank
from shopalytic_server.domain.events.prepared import microseconds

_RANK = rank("order")
STATEMENTS = ("status", "email", "first_name", "last_name")
"""Properties that are no part of an order's content: dated facts beside it."""
_NUMBERS = frozenset(
    {
        "quantity",
        "total",
        "subtotal",
        "price",
        "cost",
        "value",
        "total_tax",
        "total_shipping",
        "total_discount",
    }
)


def content_of(properties: Mapping[str, Any]) -> UUID:
    """Identifies an order's content: equal for equal orders, however their amounts are written.

    What it states beside its content makes no difference.
    """
    content = {name: value for name, value in properties.items() if name not in STATEMENTS}
    text = orjson.dumps(_plain(content), option=orjson.OPT_SORT_KEYS)
    return UUID(bytes=hashlib.sha256(text).digest()[:16])


def states_something(properties: Mapping[str, Any]) -> bool:
    """Whether an order says anything that is no part of its content."""
    return any(name in properties for name in STATEMENTS)


def _plain(value: Any) -> Any:
    # Most values are texts, and asking them for what they are not takes longer than all else.
    if type(value) is str:
        return value
    if isinstance(value, Mapping):
        return {key: _plain_number(item) if key in _NUMBERS else _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


@lru_cache(10_000)
def _plain_number(text: str) -> str:
    return f"{Decimal(text).normalize():f}"


def quantity_of(line: Mapping[str, Any]) -> Decimal:
    """How many of a line: its quantity, or else its pieces."""
    return Decimal(line["quantity"]) if "quantity" in line else Decimal(line["qty"])


def pieces_of(line: Mapping[str, Any]) -> int:
    """The same to the nearest whole number."""
    return int(quantity_of(line).to_integral_value(ROUND_HALF_UP))


class Occurrence(NamedTuple):
    """The event that first sent a content, "first" in the order of events."""

    occurred_at: datetime
    event_id: UUID
    subject: UUID
    tie_breaker: int | None = None

    @property
    def place(self) -> Place:
        """What occurrences are compared by."""
        return place(_RANK, microseconds(self.occurred_at), self.tie_breaker, self.event_id.bytes)


class Placed(Enum):
    """What an order event is to what is known of its order."""

    REVISION = "revision"
    REPEATED = "repeated"
    REPEATED_EARLIER = "repeated_earlier"


@dataclass(slots=True)
class OrderBook:
    """The distinct contents of some orders.

    An order is the set of contents that were sent for it, each from its
    earliest occurrence on; the content that occurred last counts. So the result
    depends on the events alone, not on their order of arrival, and repeating an
    old content never brings it back.
    """

    contents: dict[str, dict[UUID, Occurrence]] = field(default_factory=dict)
    _current: dict[str, UUID] = field(default_factory=dict)

    def place(self, order_id: str, content: UUID, occurrence: Occurrence) -> tuple[Placed, Occurrence | None]:
        """Adds an event; returns what it is, and the occurrence that it replaces if there is one."""
        known = self.contents.setdefault(order_id, {})
        before = known.get(content)
        if before is None:
            known[content] = occurrence
            # An order may have thousands of revisions: they are not compared anew for each.
            current = self._current.get(order_id)
            if current is not None and known[current].place < occurrence.place:
                self._current[order_id] = content
            return Placed.REVISION, None
        if occurrence.place >= before.place:
            return Placed.REPEATED, None
        known[content] = occurrence
        self._current.pop(order_id, None)
        return Placed.REPEATED_EARLIER, before

    def current(self, order_id: str) -> UUID:
        """The content that counts."""
        if order_id not in self._current:
            known = self.contents[order_id]
            self._current[order_id] = max(known, key=lambda content: known[content].place)
        return self._current[order_id]
