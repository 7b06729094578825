"""Shows the events that were not accepted."""

from typing import Any

from shopalytic.v1 import admin_pb2, collector_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.errors import NotFound
from shopalytic_server.domain.projects import KeyClass, Project
from shopalytic_server.storage.database.connections import Pool
from shopalytic_server.storage.database.paging import (
    MOST_COUNTED,
    NEWEST,
    page_size,
    parse_id_position,
    position,
    read_token,
    write_token,
)
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import reading
from shopalytic_server.storage.database.times import timestamp

_SQL = load("quarantine/quarantine")

# gRPC clients refuse answers beyond 4 MB; a page that would grow further ends early.
MAX_PAGE_BYTES = 2_000_000


class Quarantine:
    """The quarantine of all projects."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def list_quarantine(
        self, project: Project, request: admin_pb2.ListQuarantineRequest
    ) -> admin_pb2.ListQuarantineResponse:
        """A page of a project's quarantine, newest arrival first; raises InvalidRequest."""
        dataset = Dataset.of(project, request.sandbox)
        before_at, before_id = read_token(request, project, parse_id_position) or NEWEST
        which = {"dataset": dataset, "rule_id": request.rule_id or None, "type": request.type or None}
        async with reading(self._pool) as snapshot:
            rows = await snapshot.fetch(
                _SQL.page,
                **which,
                before_at=before_at,
                before_id=before_id,
                limit=page_size(request) + 1,
                max_bytes=MAX_PAGE_BYTES,
            )
            total = None
            if not request.page_token:
                total = await snapshot.fetch_one(_SQL.total, **which, most=MOST_COUNTED)
        page = [row for row in rows[: page_size(request)] if row["fits"]]
        response = admin_pb2.ListQuarantineResponse(events=[_message(row) for row in page])
        response.total_events = total["events"] if total else 0
        if len(page) < len(rows):
            last = position(page[-1]["received_at"], page[-1]["fingerprint"])
            response.next_page_token = write_token(request, project, last)
        return response

    async def get_quarantined_event(
        self, project: Project, request: admin_pb2.GetQuarantinedEventRequest
    ) -> admin_pb2.GetQuarantinedEventResponse:
        """One event; raises NotFound."""
        dataset = Dataset.of(project, request.sandbox)
        async with reading(self._pool) as snapshot:
            row = await snapshot.fetch_one(_SQL.one, dataset=dataset, fingerprint=request.quarantine_id)
        if row is None:
            raise NotFound("Quarantine has no event with this id; it may have been replayed.")
        return admin_pb2.GetQuarantinedEventResponse(event=_message(row))


def _message(row: dict[str, Any]) -> admin_pb2.QuarantinedEvent:
    return admin_pb2.QuarantinedEvent(
        quarantine_id=str(row["fingerprint"]),
        status=f"EVENT_STATUS_{row['status']}",
        received_at=timestamp(row["received_at"]),
        violations=[collector_pb2.Violation(**violation) for violation in row["violations"]],
        event=Event.FromString(row["event"]),
        key_class=f"KEY_CLASS_{class_of(row['key_class']).name}",
        key_id=str(row["key_id"] or ""),
    )


def class_of(kept: str | None) -> KeyClass:
    """The class that a quarantined event is judged by; one that was not kept counts as the least."""
    return KeyClass.BROWSER if kept is None else KeyClass(kept)
