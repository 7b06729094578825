"""What files of another system hold, known before anything of it is sent."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shopalytic.events.decoding import DecodeError, decode_event, undecoded_event
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.rules import violations
from shopalytic_server.gateway.exports.orders import Made
from shopalytic_server.gateway.exports.rows import Headers

_EXAMPLES = 10


@dataclass(slots=True)
class Finding:
    """What is known before sending."""

    headers: Headers = field(default_factory=Headers)
    rows: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    refusals: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)

    def take(self, made: Made) -> Event:
        """The event as a message. What breaks a rule is counted and sent all the same, for the quarantine."""
        try:
            # What is known of a customer without a date is known from now on; an order needs its own.
            undated = made.event.get("occurred_at") is None and made.event["type"] == "customer_update"
            event = decode_event(made.event, fill=undated)
            event.timed_on_arrival = undated
            reasons = [f"{each.field}: {each.message}" for each in violations(event)]
        except DecodeError as error:
            event = undecoded_event(str(made.event), error, data=made.event)
            reasons = [f"{error.field}: {error.message}"]
        self.events[event.WhichOneof("payload") or "undecoded"] += 1
        if reasons:
            self.refused += 1
            if len(self.refusals) < _EXAMPLES:
                self.refusals.append(f"{made.row.file}, line {made.row.number}: {'; '.join(reasons)}")
        return event

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "columns": self.headers.recognised,
            "columns_unknown": self.headers.unknown,
            "rows": dict(self.rows),
            "events": dict(self.events),
            "refused": self.refused,
            "refusals": self.refusals,
            "assumed": self.assumed,
        }
