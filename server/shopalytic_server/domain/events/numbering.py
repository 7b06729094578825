"""What a sender says of its own numbering: which of its events a request carries, and what it had to drop."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shopalytic.events.violations import Violation
from shopalytic.v1.collector_pb2 import Delivery, TrackRequest
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import Project

MOST_IN_A_REQUEST = 100
_MOST_EVENTS = 1_000
_LAST_NUMBER = 2**53


@dataclass(frozen=True, slots=True)
class Arrival:
    """Numbers of one sender that arrived within one hour, and all that it had dropped until then."""

    dataset_id: int
    source: str
    instance: str
    hour: datetime
    first: int
    end: int
    """Past the last number; equal to `first` when only drops are told."""
    drops: tuple[int, int, int, int]
    """queue_full, expired, refused, too_large."""


def arrivals(request: TrackRequest, project: Project, received_at: datetime) -> tuple[Arrival, ...]:
    """What a request says of its events; raises InvalidRequest when it cannot be right.

    A sender numbers all its events in one row, also those of the sandbox; they
    are kept with the project's real dataset.
    """
    found = list(_violations(request))
    if found:
        raise InvalidRequest(found)
    hour = received_at.replace(minute=0, second=0, microsecond=0)
    return tuple(
        Arrival(
            Dataset.of(project),
            each.source,
            each.instance,
            hour,
            each.first_sequence,
            each.first_sequence + each.count,
            (
                each.dropped.queue_full,
                each.dropped.expired,
                each.dropped.refused,
                each.dropped.too_large,
            ),
        )
        for each in request.deliveries
    )


def _violations(request: TrackRequest) -> Iterator[Violation]:
    if len(request.deliveries) > MOST_IN_A_REQUEST:
        message = f"has {len(request.deliveries):,} entries; send at most {MOST_IN_A_REQUEST}"
        yield Violation("deliveries", "repeated.max_items", message)
        return
    for index, each in enumerate(request.deliveries):
        for field, rule_id, message in _wrong(each):
            yield Violation(f"deliveries[{index}].{field}", rule_id, message)


def _wrong(each: Delivery) -> Iterator[tuple[str, str, str]]:
    if not 1 <= len(each.instance) <= 64 or "\0" in each.instance:
        yield "instance", "string.min_len_max_len", "must have 1 to 64 characters"
    if len(each.source) > 100 or "\0" in each.source:
        yield "source", "string.max_len", "must be at most 100 characters"
    if not 0 <= each.count <= _MOST_EVENTS:
        yield "count", "int32.gte_lte", f"must be from 0 to {_MOST_EVENTS:,}"
    if not 1 <= each.first_sequence <= _LAST_NUMBER:
        yield "first_sequence", "int64.gte_lte", f"must be from 1 to {_LAST_NUMBER:,}"
    drops = each.dropped
    if not all(
        0 <= count <= _LAST_NUMBER
        for count in (drops.queue_full, drops.expired, drops.refused, drops.too_large)
    ):
        yield "dropped", "int64.gte_lte", f"must be counts from 0 to {_LAST_NUMBER:,}"
