"""Events that are larger than they may be: refused by their size, without a look into them."""

from shopalytic.v1.events_pb2 import Event
from shopalytic.violations import Violation
from shopalytic_server.domain.prepared import Admitted, Prepared


def reject_oversized(event: Event, size: int, limit: int, admitted: Admitted) -> Prepared:
    """The verdict on an event of `size` bytes, of which no more than its id was read."""
    event.event_id = event.event_id.lower()
    dataset = 2 * admitted.project.project_id
    violation = Violation("", "event.max_bytes", f"the event has {size:,} bytes; the limit is {limit:,}")
    return Prepared(event, admitted, dataset, "", bytes(16), violations=[violation], rejected=True)
