"""The sales report: orders, units, gross, refunds and net per interval and currency."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from shopalytic.v1 import reports_pb2
from shopalytic.violations import Violation
from shopalytic_server.domain.amounts import average, difference, text
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.ranges import MAX_BUCKETS, TooManyBuckets, Unit, bucket_starts, time_zone
from shopalytic_server.storage.customers import timestamp
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot

_SQL = load("sales")

_UNITS = {
    reports_pb2.INTERVAL_DAY: Unit.DAY,
    reports_pb2.INTERVAL_WEEK: Unit.WEEK,
    reports_pb2.INTERVAL_MONTH: Unit.MONTH,
}


@dataclass(frozen=True, slots=True)
class _Question:
    datasets: list[int]
    begin: datetime | None
    end: datetime | None
    zone: ZoneInfo
    unit: Unit | None
    currency: str | None
    source: str | None

    def parameters(self) -> dict[str, Any]:
        """What every statement of the report takes."""
        return {
            "datasets": self.datasets,
            "begin": "-infinity" if self.begin is None else self.begin.isoformat(),
            "end": "infinity" if self.end is None else self.end.isoformat(),
            "currency": self.currency,
            "source": self.source,
        }


@dataclass(slots=True)
class _Sums:
    orders: int = 0
    units: int = 0
    gross: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)
    customers: int = 0


# The sums of each bucket, counted from 1; None is the whole range.
_Buckets = Mapping[int | None, _Sums]


async def get_sales_report(
    snapshot: Snapshot, project: Project, request: reports_pb2.GetSalesReportRequest
) -> reports_pb2.GetSalesReportResponse:
    """Sales per interval and currency; raises InvalidRequest."""
    question = _question(project, request)
    starts = await _starts(snapshot, question)
    currencies = await _sums(snapshot, question, starts) if starts else {}
    if question.currency is not None:
        currencies = {question.currency: currencies.get(question.currency, {})}
    blocks = [_report(currency, currencies[currency], question, starts) for currency in sorted(currencies)]
    return reports_pb2.GetSalesReportResponse(reports=blocks)


def _question(project: Project, request: reports_pb2.GetSalesReportRequest) -> _Question:
    scope = request.scope
    real, sandbox = 2 * project.project_id, 2 * project.project_id + 1
    begin, end = (
        getattr(scope, name).ToDatetime(UTC) if scope.HasField(name) else None for name in ("from", "to")
    )
    if begin is not None and end is not None and begin >= end:
        message = "must be after scope.from; the range includes its begin and excludes its end"
        raise InvalidRequest([Violation("scope.to", "report_scope.range", message)])
    return _Question(
        datasets=[real, sandbox] if scope.include_sandbox else [real],
        begin=begin,
        end=end,
        zone=_zone(scope.time_zone or project.time_zone),
        unit=_UNITS.get(request.interval),
        currency=scope.currency if scope.HasField("currency") else None,
        source=scope.source if scope.HasField("source") else None,
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return time_zone(name)
    except ValueError as error:
        message = "is not an IANA time zone; send one such as 'Europe/Berlin'"
        raise InvalidRequest([Violation("scope.time_zone", "time_zone.known", message)]) from error


async def _starts(snapshot: Snapshot, question: _Question) -> list[datetime]:
    """Where the buckets begin; none when the range is open and there is nothing in it."""
    begin, end = question.begin, question.end
    if begin is None or end is None:
        extent = await snapshot.fetch_one(_SQL.extent, **question.parameters())
        if extent is None or extent["first"] is None:
            return []
        begin = begin or extent["first"]
        end = end or extent["last"] + timedelta(microseconds=1)
    if question.unit is None:
        return [begin]
    try:
        return bucket_starts(begin, end, question.unit, question.zone)
    except TooManyBuckets as error:
        message = (
            f"gives more than {MAX_BUCKETS:,} rows from {begin:%Y-%m-%d} to {end:%Y-%m-%d}; "
            "choose a longer interval or a shorter range"
        )
        raise InvalidRequest([Violation("interval", "interval.max_rows", message)]) from error


async def _sums(snapshot: Snapshot, question: _Question, starts: list[datetime]) -> dict[str, _Buckets]:
    parameters = {**question.parameters(), "starts": starts}
    sums: dict[str, dict[int | None, _Sums]] = defaultdict(lambda: defaultdict(_Sums))
    for row in await snapshot.fetch(_SQL.orders, **parameters):
        into = sums[row["currency"]][row["bucket"]]
        into.orders, into.units = row["orders"], row["units"]
        into.gross, into.customers = row["gross"], row["customers"]
    for row in await snapshot.fetch(_SQL.refunds, **parameters):
        sums[row["currency"]][row["bucket"]].refunds = row["refunds"]
    return dict(sums)


def _report(
    currency: str, buckets: _Buckets, question: _Question, starts: list[datetime]
) -> reports_pb2.SalesReport:
    """One currency's block. Where the range is open it goes as far as this currency's sales do."""
    filled = [bucket for bucket in buckets if bucket is not None]
    first = 1 if question.begin is not None else min(filled, default=1)
    last = len(starts) if question.end is not None else max(filled, default=0)
    report = reports_pb2.SalesReport(currency=currency)
    for number in range(first, last + 1):
        report.rows.append(_row(starts[number - 1], buckets.get(number, _Sums())))
    begin = starts[first - 1] if report.rows else question.begin
    report.total.CopyFrom(_row(begin, buckets.get(None, _Sums())))
    return report


def _row(start: datetime | None, sums: _Sums) -> reports_pb2.SalesRow:
    return reports_pb2.SalesRow(
        start=None if start is None else timestamp(start),
        orders=sums.orders,
        units=sums.units,
        gross=text(sums.gross),
        refunds=text(sums.refunds),
        net=text(difference(sums.gross, sums.refunds)),
        customers=sums.customers,
        average_order=average(sums.gross, sums.orders),
    )
