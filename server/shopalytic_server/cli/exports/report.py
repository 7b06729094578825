"""Says what files of another system hold, before anything of it is sent."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shopalytic.events.decoding import DecodeError, decode_event, undecoded_event
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.rules import violations
from shopalytic_server.cli.exports.orders import Made
from shopalytic_server.cli.exports.rows import Headers
from shopalytic_server.cli.output import say
from shopalytic_server.domain.formats.terminal_text import one_line

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

    def print(self) -> None:
        """Tells a person, on standard error."""
        if self.headers.recognised:
            pairs = ", ".join(f"{theirs} = {ours}" for theirs, ours in self.headers.recognised.items())
            say(f"Columns: {one_line(pairs)}", err=True)
        if self.headers.unknown:
            say(f"Columns that are not used: {one_line(', '.join(self.headers.unknown))}", err=True)
        for title, counts in (("Found", self.rows), ("Events", self.events)):
            told = ", ".join(f"{number:,} {kind}" for kind, number in counts.items() if number)
            if told:
                say(f"{title}: {told}", err=True)
        for sentence in self.assumed:
            say(sentence, err=True)
        if self.refused:
            say(f"Refused by the contract's rules: {self.refused:,}. The first:", err=True)
            for line in self.refusals:
                say(f"  {one_line(line)}", err=True)
