"""The retention report: how many customers order again, by when they ordered first."""

from bisect import bisect_right
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shopalytic.events.violations import Violation
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import text
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.ranges import Unit
from shopalytic_server.domain.reports.shares import share
from shopalytic_server.storage.database.queries import load_beside
from shopalytic_server.storage.database.times import timestamp
from shopalytic_server.storage.facts.facts import EVER, Facts, Span, within
from shopalytic_server.storage.facts.scope import UNITS, Scope, resolve_scope, row_starts
from shopalytic_server.storage.reports.explain import explain_token, explained_by

_SQL = load_beside(__name__)


def _spans(scope: Scope) -> dict[str, Span]:
    """Who ordered before the range is in no cohort; a refund is the customer's whose order it takes back."""
    return {"orders": EVER, "refunds": within(scope), "customers_of": EVER}


explained_by("retention_period", _SQL.explain_period, _spans)

# Every cohort has a cell for every later interval, so cells grow as the square,
# and gRPC clients refuse answers beyond 4 MB.
MAX_INTERVALS = 120

# Of each cohort and period, counted from 1.
_Customers = dict[tuple[int, int], int]
_Net = dict[tuple[int, int], dict[str, Decimal]]


async def answer(
    facts: Facts, project: Project, request: reports_pb2.GetRetentionReportRequest
) -> reports_pb2.GetRetentionReportResponse:
    """Cohorts with their periods; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    unit = _unit(request)
    await facts.take(scope, **_spans(scope))
    starts = await _starts(facts, scope, unit, include_visitors=request.include_visitors)
    response = reports_pb2.GetRetentionReportResponse()
    if not starts:
        return response
    customers: _Customers = {}
    net: _Net = defaultdict(dict)
    for row in await facts.ask(_SQL.periods, starts=starts, include_visitors=request.include_visitors):
        cell = row["cohort"], row["period"]
        if row["currency"] is None:
            customers[cell] = row["customers"]
        else:
            net[cell][row["currency"]] = row["net"]
    for cohort in range(1, len(starts) + 1):
        found = response.cohorts.add(
            start=timestamp(starts[cohort - 1]), size=customers.get((cohort, cohort), 0)
        )
        for period in range(cohort, len(starts) + 1):
            cell = cohort, period
            found.periods.add(
                index=period - cohort,
                customers=customers.get(cell, 0),
                share=share(customers.get(cell, 0), found.size),
                net=_amounts(scope, net.get(cell, {})),
                explain=_explain(scope, starts, cell, include_visitors=request.include_visitors),
            )
    return response


def _unit(request: reports_pb2.GetRetentionReportRequest) -> Unit:
    if request.interval in (reports_pb2.INTERVAL_DAY, reports_pb2.INTERVAL_HOUR):
        message = "must be a week or a month; customers do not come back by the day or hour"
        raise InvalidRequest([Violation("interval", "interval.retention", message)])
    return UNITS.get(request.interval, Unit.MONTH)


async def _starts(facts: Facts, scope: Scope, unit: Unit, *, include_visitors: bool) -> list[datetime]:
    """Where the intervals begin; none when the range is open and nobody ordered in it."""
    begin, end = scope.from_at, scope.to_at
    if begin is None or end is None:
        extent = await facts.ask_one(_SQL.extent, include_visitors=include_visitors)
        if extent["first"] is None:
            return []
        begin = begin or extent["first"]
        end = end or max(extent["last"], begin) + timedelta(microseconds=1)
    starts = row_starts(begin, end, unit, scope.zone)
    if len(starts) > MAX_INTERVALS:
        message = (
            f"gives more than {MAX_INTERVALS} cohorts from {begin:%Y-%m-%d} to {end:%Y-%m-%d}; "
            "choose a longer interval or a shorter range"
        )
        raise InvalidRequest([Violation("interval", "interval.max_rows", message)])
    return starts


def _amounts(scope: Scope, net: dict[str, Decimal]) -> dict[str, str]:
    """Net by currency; the currency that was asked for is there in any case."""
    asked = {} if scope.currency is None else {scope.currency: Decimal(0)}
    return {currency: text(amount) for currency, amount in sorted((asked | net).items())}


def _explain(scope: Scope, starts: list[datetime], cell: tuple[int, int], *, include_visitors: bool) -> str:
    """The token of a cell. It only needs the intervals' bounds that lie around the cell."""
    cohort, period = cell
    bounds = sorted({*starts[cohort - 1 : cohort + 1], *starts[period - 1 : period + 1]})
    parameters: dict[str, Any] = {
        "starts": [bound.isoformat() for bound in bounds],
        "cohort": 1,
        "period": bisect_right(bounds, starts[period - 1]),
        "include_visitors": include_visitors,
    }
    return explain_token(scope, "retention_period", **parameters)
