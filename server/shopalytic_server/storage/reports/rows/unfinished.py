"""Which rows of a report still grow, because their interval has not ended."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.reports.ranges import bucket_starts
from shopalytic_server.storage.database.times import timestamp
from shopalytic_server.storage.facts.scope import UNITS, Scope
from shopalytic_server.storage.reports.rows.comparison import COHORTS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def mark_unfinished(scope: Scope, request: Any, answer: Any) -> None:
    """Says in an answer from when on its rows still grow; nothing where all have ended.

    A range that is open ends where the data does, so it has not ended where they
    reach the interval that goes on.
    """
    now = scope.as_of or datetime.now(UTC)
    if scope.to_at is not None and scope.to_at <= now:
        return
    begin = scope.from_at or _EPOCH
    interval = getattr(request, "interval", reports_pb2.INTERVAL_UNSPECIFIED)
    if isinstance(request, COHORTS):
        interval = interval or reports_pb2.INTERVAL_MONTH
    unit = UNITS.get(interval)
    since = begin
    if unit is not None:
        since = max(bucket_starts(now, now + timedelta(microseconds=1), unit, scope.zone)[0], begin)
    if scope.to_at is None and not _reaches(answer, since, scope, has_rows=unit is not None):
        return
    answer.unfinished_since.CopyFrom(timestamp(since))


def _reaches(answer: Any, since: datetime, scope: Scope, *, has_rows: bool) -> bool:
    if not has_rows:
        return scope.from_at is not None
    return any(row.start.ToDatetime(UTC) >= since for row in _rows(answer))


def _rows(answer: Any) -> Iterator[Any]:
    """The rows of an answer that have a begin."""
    for name in ("rows", "cohorts"):
        for row in getattr(answer, name, ()):
            if "start" in row.DESCRIPTOR.fields_by_name:
                yield row
    for block in getattr(answer, "reports", ()):
        yield from _rows(block)
