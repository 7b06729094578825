"""Events that are far larger than they may be: refused by their size or their counts, and not read."""

from shopalytic.events.violations import Violation
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.events.prepared import Admitted, Prepared


def too_large(size: int, limit: int) -> Violation:
    """What is wrong with an event of `size` bytes."""
    return Violation("", "event.max_bytes", f"the event has {size:,} bytes; the limit is {limit:,}")


def too_dense(most: int) -> Violation:
    """What is wrong with an event that has more than `most` values."""
    return Violation("", "event.max_values", f"the event has more than {most:,} values; send fewer")


def reject_unread(event: Event, violation: Violation, admitted: Admitted) -> Prepared:
    """The verdict on an event of which no more than its id was read."""
    event.event_id = event.event_id.lower()
    dataset = Dataset.of(admitted.project)
    return Prepared(event, admitted, dataset, "", bytes(16), violations=[violation], rejected=True)
