"""The sales report: orders, units, gross, refunds and net per interval and currency."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.amounts import average, difference, text
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.ranges import Unit
from shopalytic_server.storage.customers import timestamp
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.scope import UNITS, Scope, resolve_scope, row_starts

_SQL = load("sales")


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
    scope, unit = resolve_scope(project, request.scope), UNITS.get(request.interval)
    starts = await _starts(snapshot, scope, unit)
    currencies = await _sums(snapshot, scope, starts) if starts else {}
    if scope.currency is not None:
        currencies = {scope.currency: currencies.get(scope.currency, {})}
    blocks = [_report(currency, currencies[currency], scope, starts) for currency in sorted(currencies)]
    return reports_pb2.GetSalesReportResponse(reports=blocks)


async def _starts(snapshot: Snapshot, scope: Scope, unit: Unit | None) -> list[datetime]:
    """Where the buckets begin; none when the range is open and there is nothing in it."""
    begin, end = scope.from_at, scope.to_at
    if begin is None or end is None:
        extent = await snapshot.fetch_one(_SQL.extent, **scope.parameters())
        if extent is None or extent["first"] is None:
            return []
        begin = begin or extent["first"]
        end = end or extent["last"] + timedelta(microseconds=1)
    return row_starts(begin, end, unit, scope.zone)


async def _sums(snapshot: Snapshot, scope: Scope, starts: list[datetime]) -> dict[str, _Buckets]:
    parameters = {**scope.parameters(), "starts": starts}
    sums: dict[str, dict[int | None, _Sums]] = defaultdict(lambda: defaultdict(_Sums))
    for row in await snapshot.fetch(_SQL.orders, **parameters):
        into = sums[row["currency"]][row["bucket"]]
        into.orders, into.units = row["orders"], row["units"]
        into.gross, into.customers = row["gross"], row["customers"]
    for row in await snapshot.fetch(_SQL.refunds, **parameters):
        sums[row["currency"]][row["bucket"]].refunds = row["refunds"]
    return dict(sums)


def _report(
    currency: str, buckets: _Buckets, scope: Scope, starts: list[datetime]
) -> reports_pb2.SalesReport:
    """One currency's block. Where the range is open it goes as far as this currency's sales do."""
    filled = [bucket for bucket in buckets if bucket is not None]
    first = 1 if scope.from_at is not None else min(filled, default=1)
    last = len(starts) if scope.to_at is not None else max(filled, default=0)
    report = reports_pb2.SalesReport(currency=currency)
    for number in range(first, last + 1):
        report.rows.append(_row(starts[number - 1], buckets.get(number, _Sums())))
    begin = starts[first - 1] if report.rows else scope.from_at
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
