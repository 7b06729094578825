"""What the client tells its caller when an event cannot be taken or delivered.

ShopalyticError
├── InvalidEvent      the event breaks a rule of the contract (also a ValueError)
├── QueueFull         overflow="error" and no room
├── ClientClosed      the client was closed before the call
└── DeliveryError     given to on_error, never raised: events that were not delivered
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from shopalytic.events.violations import Violation

if TYPE_CHECKING:
    import grpc

    from shopalytic.v1.events_pb2 import Event


class ShopalyticError(Exception):
    """Something went wrong in Shopalytic; the message says what to do."""


class InvalidEvent(ShopalyticError, ValueError):
    """The event breaks a rule of the contract; nothing was queued."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations: tuple[Violation, ...] = tuple(violations)
        told = (f"{v.field or 'event'}: {v.message} ({v.rule_id})" for v in self.violations)
        super().__init__("; ".join(told))


class QueueFull(ShopalyticError):
    """The queue is full and the event was not taken; try later, or choose another overflow policy."""


class ClientClosed(ShopalyticError):
    """This client is closed and takes no more events; make a new one."""


class LossReason(StrEnum):
    """Why an event was not delivered."""

    REFUSED = "refused"
    """The server answered with a code that sending again cannot change, such as a wrong key."""
    EXPIRED = "expired"
    """It could not be delivered within retry_deadline."""
    TOO_LARGE = "too_large"
    """The server takes no message of that size."""
    QUEUE_FULL = "queue_full"
    """overflow="drop_oldest" made room for a newer event."""
    CLOSED = "closed"
    """The client was closed before the event got its verdict; it may have been stored."""


class DeliveryError(ShopalyticError):
    """Events that were not delivered, and why; `Client.send` takes them again with the same ids."""

    def __init__(
        self,
        reason: LossReason,
        events: Sequence[Event],
        *,
        code: grpc.StatusCode | None = None,
        detail: str = "",
    ) -> None:
        self.reason = reason
        self.events: tuple[Event, ...] = tuple(events)
        self.code = code
        self.detail = detail
        because = [f"{len(events)} events were not delivered ({reason})"]
        because += [code.name] if code is not None else []
        because += [detail] if detail else []
        super().__init__(": ".join(because))

    @property
    def event_ids(self) -> tuple[str, ...]:
        """The ids of the events, oldest first."""
        return tuple(event.event_id for event in self.events)
