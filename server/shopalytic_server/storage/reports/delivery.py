"""The delivery report: what of their numbered events senders got through."""

from typing import Any

from shopalytic.v1 import collector_pb2, reports_pb2
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.facts.scope import resolve_scope
from shopalytic_server.storage.ingest.arrivals import DROPS

_SQL = load("ingest/arrivals")


async def get_delivery_report(
    snapshot: Snapshot, project: Project, request: reports_pb2.GetDeliveryReportRequest
) -> reports_pb2.GetDeliveryReportResponse:
    """Received, missing and dropped events per source and hour; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope).parameters()
    rows = await snapshot.fetch(
        _SQL.by_source_and_hour,
        dataset=Dataset.of(project),
        **{name: scope[name] for name in ("from_at", "to_at", "source")},
    )
    response = reports_pb2.GetDeliveryReportResponse(rows=map(_row, rows))
    total = response.total
    for row in response.rows:
        total.received += row.received
        total.missing += row.missing
        total.unexplained += row.unexplained
        for name in DROPS:
            setattr(total.dropped, name, getattr(total.dropped, name) + getattr(row.dropped, name))
    total.senders = len({sender for row in rows for sender in row["instances"]})
    return response


def _row(row: dict[str, Any]) -> reports_pb2.DeliveryRow:
    dropped = collector_pb2.Drops(**{name: row[name] for name in DROPS})
    found = reports_pb2.DeliveryRow(
        source=row["source"],
        senders=len(row["instances"]),
        received=row["received"],
        missing=row["missing"],
        dropped=dropped,
        unexplained=max(0, row["missing"] - sum(row[name] for name in DROPS)),
    )
    found.start.FromDatetime(row["hour"])
    return found
