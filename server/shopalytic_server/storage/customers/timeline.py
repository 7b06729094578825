"""A customer's events over all devices and identities, newest first."""

from typing import Any

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.events.typed import add_typed
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.customers.lookup import find, load_people
from shopalytic_server.storage.database.paging import (
    ALL_EVENTS,
    MOST_COUNTED,
    event_place,
    page_size,
    parse_event_place,
    read_token,
    write_token,
)
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.database.times import timestamp

_SQL = load("customers/timeline")

# gRPC clients refuse answers beyond 4 MB, and a Struct takes up to three times
# the bytes of its JSON; a custom event has two, one of them in its typed form.
# A page that would grow further ends early.
MAX_PAGE_BYTES = 600_000


async def list_customer_events(
    snapshot: Snapshot, project: Project, request: reports_pb2.ListCustomerEventsRequest
) -> reports_pb2.ListCustomerEventsResponse:
    """A page of one customer's timeline; raises NotFound."""
    dataset = Dataset.of(project, request.sandbox)
    before = read_token(request, project, parse_event_place) or ALL_EVENTS
    found = await find(snapshot, dataset, request.customer)
    [person] = await load_people(snapshot, dataset, [found])
    rows = await snapshot.fetch(
        _SQL.page,
        dataset=dataset,
        subjects=person.subjects,
        **before._asdict(),
        types=list(request.types) or None,
        limit=page_size(request) + 1,
        max_bytes=MAX_PAGE_BYTES,
    )
    page = rows[: page_size(request)]
    response = reports_pb2.ListCustomerEventsResponse(events=[stored_event(row, dataset) for row in page])
    if not request.page_token:
        types = list(request.types) or None
        total = await snapshot.fetch_one(
            _SQL.total, dataset=dataset, subjects=person.subjects, types=types, most=MOST_COUNTED
        )
        response.total_events = total["events"] if total else 0
    if page and page[0]["found"] > len(page):
        response.next_page_token = write_token(request, project, event_place(page[-1]))
    return response


def stored_event(row: dict[str, Any], dataset: Dataset) -> reports_pb2.StoredEvent:
    """A row of `events` as reports tell of it."""
    event = reports_pb2.StoredEvent(
        event_id=str(row["event_id"]),
        type=row["type"],
        occurred_at=timestamp(row["stated_at"] or row["occurred_at"]),
        counted_at=timestamp(row["occurred_at"]),
        received_at=timestamp(row["received_at"]),
        tracking_id=row["tracking_id"],
        identity=row["identity"],
        source=row["source"],
        robot=row["bot"],
    )
    if row["corrected_at"] is not None:
        event.corrected_at.CopyFrom(timestamp(row["corrected_at"]))
    event.properties.update(row["properties"])
    if row["context"] is not None:
        event.context.update(row["context"])
    sandbox, tie_breaker = dataset.is_sandbox, row["tie_breaker"]
    add_typed(event, row["properties"], row["context"], sandbox=sandbox, tie_breaker=tie_breaker)
    return event
