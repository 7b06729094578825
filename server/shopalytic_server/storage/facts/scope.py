"""Which events a report counts: the request's scope, checked and made ready for SQL.

Every report resolves its scope here, and its statements take what
`Scope.parameters()` gives, always in this way (`e` has the counted rows):

    e.dataset_id = ANY(%(datasets)s::int[])
    AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
    AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
    AND (%(include_bots)s::boolean OR NOT e.bot)
    AND (%(currency)s::text IS NULL OR e.currency = %(currency)s::text)

An open end of the range is an infinity, so a statement needs no case for it.
`as_of` is no matter of the statements: `reading` shows them a store that holds
what had arrived by then.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.events.violations import Violation
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.ranges import (
    MAX_BUCKETS,
    TooManyBuckets,
    Unit,
    bucket_starts,
    time_zone,
)

# Without an entry: the whole range is one row.
UNITS = {
    reports_pb2.INTERVAL_HOUR: Unit.HOUR,
    reports_pb2.INTERVAL_DAY: Unit.DAY,
    reports_pb2.INTERVAL_WEEK: Unit.WEEK,
    reports_pb2.INTERVAL_MONTH: Unit.MONTH,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a report counts. An end of the range that is None is open."""

    project: Project
    from_at: datetime | None
    to_at: datetime | None
    zone: ZoneInfo
    currency: str | None
    source: str | None
    include_sandbox: bool
    include_bots: bool
    as_of: datetime | None

    @property
    def datasets(self) -> list[int]:
        """The datasets whose rows count."""
        return datasets(self.project, include_sandbox=self.include_sandbox)

    def parameters(self) -> dict[str, Any]:
        """What every statement of a report takes; see the module's docstring."""
        return {
            "datasets": self.datasets,
            "from_at": "-infinity" if self.from_at is None else self.from_at.isoformat(),
            "to_at": "infinity" if self.to_at is None else self.to_at.isoformat(),
            "source": self.source,
            "include_bots": self.include_bots,
            "currency": self.currency,
        }


def datasets(project: Project, *, include_sandbox: bool) -> list[int]:
    """A project's real dataset, and its sandbox if that counts too."""
    real = 2 * project.project_id
    return [real, real + 1] if include_sandbox else [real]


def resolve_scope(project: Project, scope: reports_pb2.ReportScope) -> Scope:
    """The scope of a request; raises InvalidRequest."""
    from_at, to_at = _time(scope, "from"), _time(scope, "to")
    if from_at is not None and to_at is not None and from_at >= to_at:
        message = "must be after scope.from; the range includes its begin and excludes its end"
        raise InvalidRequest([Violation("scope.to", "report_scope.range", message)])
    return Scope(
        project=project,
        from_at=from_at,
        to_at=to_at,
        zone=_zone(scope.time_zone or project.time_zone),
        currency=scope.currency if scope.HasField("currency") else None,
        source=scope.source if scope.HasField("source") else None,
        include_sandbox=scope.include_sandbox,
        include_bots=scope.include_bots,
        as_of=as_of(scope),
    )


def as_of(scope: reports_pb2.ReportScope) -> datetime | None:
    """The moment whose knowledge is asked for; None is now. Raises InvalidRequest."""
    moment = _time(scope, "as_of")
    if moment is not None and moment > datetime.now(UTC):
        message = "is in the future; send a time that has passed, or leave it out for what is known now"
        raise InvalidRequest([Violation("scope.as_of", "report_scope.as_of", message)])
    return moment


def row_starts(begin: datetime, end: datetime, unit: Unit | None, zone: ZoneInfo) -> list[datetime]:
    """Where the rows of a report begin, the first at or before `begin`; raises InvalidRequest.

    `width_bucket(at, starts)` then has the number of a moment's row, from 1.
    """
    if unit is None:
        return [begin]
    try:
        return bucket_starts(begin, end, unit, zone)
    except TooManyBuckets as error:
        message = (
            f"gives more than {MAX_BUCKETS:,} rows from {begin:%Y-%m-%d} to {end:%Y-%m-%d}; "
            "choose a longer interval or a shorter range"
        )
        raise InvalidRequest([Violation("interval", "interval.max_rows", message)]) from error


def _time(scope: reports_pb2.ReportScope, name: str) -> datetime | None:
    time: Timestamp = getattr(scope, name)
    return time.ToDatetime(UTC) if scope.HasField(name) else None


def _zone(name: str) -> ZoneInfo:
    try:
        return time_zone(name)
    except ValueError as error:
        message = "is not an IANA time zone; send one such as 'Europe/Berlin'"
        raise InvalidRequest([Violation("scope.time_zone", "time_zone.known", message)]) from error
