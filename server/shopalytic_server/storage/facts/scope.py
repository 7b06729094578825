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

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.events.violations import Violation
from shopalytic.v1 import dimensions_pb2, reports_pb2
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.dimensions import Attribution, Filter, Operator
from shopalytic_server.domain.reports.ranges import (
    MAX_BUCKETS,
    TooManyBuckets,
    Unit,
    bucket_starts,
    time_zone,
)
from shopalytic_server.domain.reports.segments import SEGMENTS

_OPERATORS = {
    dimensions_pb2.FILTER_OPERATOR_UNSPECIFIED: Operator.IS,
    dimensions_pb2.FILTER_OPERATOR_IS: Operator.IS,
    dimensions_pb2.FILTER_OPERATOR_IS_NOT: Operator.IS_NOT,
    dimensions_pb2.FILTER_OPERATOR_CONTAINS: Operator.CONTAINS,
    dimensions_pb2.FILTER_OPERATOR_ONE_OF: Operator.ONE_OF,
    dimensions_pb2.FILTER_OPERATOR_IS_SET: Operator.IS_SET,
}
_ATTRIBUTIONS = {
    dimensions_pb2.ATTRIBUTION_UNSPECIFIED: Attribution.LAST_NON_DIRECT,
    dimensions_pb2.ATTRIBUTION_FIRST: Attribution.FIRST,
    dimensions_pb2.ATTRIBUTION_LAST: Attribution.LAST,
    dimensions_pb2.ATTRIBUTION_LAST_NON_DIRECT: Attribution.LAST_NON_DIRECT,
    dimensions_pb2.ATTRIBUTION_LINEAR: Attribution.LINEAR,
}

DEFAULT_BREAKDOWN_LIMIT = 1_000

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
    filters: tuple[Filter, ...] = ()
    by: tuple[str, ...] = ()
    """The dimensions of a breakdown."""
    attribution: Attribution = Attribution.LAST_NON_DIRECT
    breakdown_limit: int = DEFAULT_BREAKDOWN_LIMIT
    without_free_orders: bool = False

    @property
    def dimensions(self) -> frozenset[str]:
        """All dimensions that are named."""
        return frozenset(self.by) | {each.dimension for each in self.filters}

    @property
    def unbroken(self) -> "Scope":
        """The same without a breakdown."""
        return replace(self, by=())

    def of(self, values: Sequence[str]) -> "Scope":
        """The same with these values of the breakdown alone, in its order."""
        own = (Filter(name, Operator.IS, (value,)) for name, value in zip(self.by, values, strict=True))
        return replace(self, filters=(*self.filters, *own), by=())

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
        } | self._told_by_tokens()

    def _told_by_tokens(self) -> dict[str, Any]:
        """What a token keeps of filters, breakdowns and orders left out; nothing without any."""
        free = {"without_free_orders": True} if self.without_free_orders else {}
        if not self.dimensions:
            return free
        filters = [[each.dimension, each.operator, list(each.values)] for each in self.filters]
        return {"filters": filters, "by": list(self.by), "attribution": self.attribution, **free}


def datasets(project: Project, *, include_sandbox: bool) -> list[int]:
    """A project's real dataset, and its sandbox if that counts too."""
    return [*Dataset.both(project)] if include_sandbox else [Dataset.of(project)]


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
        filters=(*(_filter(place, each) for place, each in enumerate(scope.filters)), *_segment(scope)),
        by=tuple(scope.breakdowns),
        attribution=_ATTRIBUTIONS[scope.attribution],
        breakdown_limit=scope.breakdown_limit or DEFAULT_BREAKDOWN_LIMIT,
        without_free_orders=scope.without_free_orders,
    )


def _filter(place: int, given: dimensions_pb2.Filter) -> Filter:
    operator = _OPERATORS[given.operator]
    many = len(given.values)
    fits = {Operator.ONE_OF: many > 0, Operator.IS_SET: many == 0}.get(operator, many == 1)
    if not fits:
        needs = {Operator.ONE_OF: "one value or more", Operator.IS_SET: "no value"}.get(operator, "one value")
        message = f"needs {needs}, for its operator is {operator.value!r}; it has {many}"
        raise InvalidRequest([Violation(f"scope.filters[{place}].values", "filter.values", message)])
    return Filter(given.dimension, operator, tuple(given.values))


def _segment(scope: reports_pb2.ReportScope) -> tuple[Filter, ...]:
    """A segment that is asked for by its name, as a filter: its customers."""
    if not scope.segment:
        return ()
    if scope.segment not in SEGMENTS:
        message = f"is no segment; it is one of {', '.join(SEGMENTS)}"
        raise InvalidRequest([Violation("scope.segment", "segment.known", message)])
    return (Filter("segment", Operator.IS, (scope.segment,)),)


def narrowed(scope: Scope, token: dict[str, Any]) -> Scope:
    """The scope with what else a token keeps of it; takes that out of its parameters."""
    return replace(
        scope,
        filters=tuple(
            Filter(dimension, Operator(operator), tuple(values))
            for dimension, operator, values in token.pop("filters", ())
        ),
        by=tuple(token.pop("by", ())),
        attribution=Attribution(token.pop("attribution", Attribution.LAST_NON_DIRECT)),
        without_free_orders=token.pop("without_free_orders", False),
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
