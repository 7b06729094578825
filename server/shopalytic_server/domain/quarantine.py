"""How much of quarantine the senders of each class may fill, and for how long."""

from dataclasses import dataclass
from datetime import timedelta

from shopalytic.events.violations import Violation
from shopalytic_server.domain.projects import KeyClass

FULL_RULE = "quarantine.full"

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of one dataset's quarantine; 0 and None are no bound."""

    browser_bytes: int = 0
    server_bytes: int = 0
    browser_age: timedelta | None = None
    server_age: timedelta | None = None

    def bytes_of(self, key_class: str) -> int:
        """How many bytes the events of a class of keys may take."""
        return self.browser_bytes if key_class == KeyClass.BROWSER else self.server_bytes

    def age_of(self, key_class: str) -> timedelta | None:
        """How long the events of a class of keys are kept."""
        return self.browser_age if key_class == KeyClass.BROWSER else self.server_age


def full(key_class: str, limit: int) -> Violation:
    """Why an event is refused that would have been kept."""
    return Violation(
        "",
        FULL_RULE,
        f"quarantine has {limit / MEGABYTE:,.0f} MB for what comes with {key_class} keys, and they are full; "
        "nothing is kept of this event; mend it and send it again, or repair and replay what is there",
    )
