"""What the client reports: a verdict, the ends of flush and close, and its counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from shopalytic.errors import LossReason
from shopalytic.events.violations import Violation

if TYPE_CHECKING:
    from shopalytic.v1.collector_pb2 import LinkResult
    from shopalytic.v1.events_pb2 import Event


class Status(StrEnum):
    """What became of an event; see EventStatus in collector.proto."""

    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    CONFLICT = "CONFLICT"
    QUARANTINED = "QUARANTINED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"
    """A verdict that a newer server gave and this version cannot name."""


@dataclass(frozen=True, slots=True)
class Result:
    """The server's verdict on one event, given after it was stored."""

    event_id: str
    status: Status
    violations: tuple[Violation, ...] = ()
    link: LinkResult | None = None
    """What an identify or alias did; None for other events."""


@dataclass(frozen=True, slots=True)
class FlushResult:
    """How a flush ended; true when every event queued before it has its verdict."""

    remaining: int
    """Events that still wait for their verdict."""
    lost: int
    """Events given up meanwhile; on_error has them."""

    def __bool__(self) -> bool:
        return not self.remaining and not self.lost


@dataclass(frozen=True, slots=True)
class CloseResult:
    """How a close ended; true when every event that waited got its verdict or is safe in the spool."""

    undelivered: tuple[Event, ...]
    """Events without a verdict, oldest first; sending them again with the same ids is safe."""
    delivered: int = 0
    """Events that waited when close began and got their verdict in it."""
    spooled: int = 0
    """Events without a verdict that are in spool_dir, where the next client finds them."""

    def __bool__(self) -> bool:
        return not self.undelivered


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters since the client was made: queued = verdicts + failed + dropped + pending + spooled."""

    queued: int
    """Events taken by track, identify, alias and send, or found in the spool."""
    pending: int
    """Events that wait for their verdict now."""
    sent: int
    """Events put on the wire, repeats included."""
    accepted: int
    duplicate: int
    conflict: int
    quarantined: int
    rejected: int
    unknown: int
    failed: int
    """Events given up after trying: refused, expired or too large."""
    dropped: Mapping[LossReason, int]
    """Events given up untried or unanswered, by reason: queue_full or closed."""
    retries: int
    """Requests that were sent again."""
    spooled: int = 0
    """Events that close left in the spool for the next client."""
    invalid: int = 0
    """Events that broke a rule and were not taken."""
    last_error: str | None = None
    """Why the last request that failed did so, in words; None: none failed."""
