"""The retention report: how many customers order again, by when they ordered first."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
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
from shopalytic_server.storage.reports.explain import explain_token, explained_through
from shopalytic_server.storage.reports.rows.breakdown import Values, dimensions_of, values_of, within_limit

_SQL = load_beside(__name__)


def _spans(scope: Scope) -> dict[str, Span]:
    """Who ordered before the range is in no cohort; a refund is the customer's whose order it takes back."""
    return {"orders": EVER, "refunds": within(scope), "customers_of": EVER}


_KEPT = {"moves": _SQL.moves, "cohorts": _SQL.cohorts, "placed": _SQL.placed}

explained_through(
    "retention_period", _SQL.explain_period, lambda scope, _: _spans(scope), lambda *_: list(_KEPT.items())
)

# Every cohort has a cell for every later interval, so cells grow as the square,
# and gRPC clients refuse answers beyond 4 MB.
MAX_INTERVALS = 120


@dataclass(slots=True)
class _Cells:
    """Of each cohort and period, counted from 1."""

    customers: dict[tuple[int, int], int] = field(default_factory=dict)
    net: dict[tuple[int, int], dict[str, Decimal]] = field(default_factory=lambda: defaultdict(dict))


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
    asked = {"starts": starts, "include_visitors": request.include_visitors}
    # Before it is broken down, for an order of two values counts once.
    await facts.keep("moves", _KEPT["moves"], **asked)
    if scope.by:
        await facts.break_down(scope.by)
    for name in ("cohorts", "placed"):
        await facts.keep(name, _KEPT[name], **asked)
    found: dict[Values, _Cells] = defaultdict(_Cells)
    for row in await facts.ask(_SQL.periods):
        cells, cell = found[values_of(scope, row)], (row["cohort"], row["period"])
        if row["currency"] is None:
            cells.customers[cell] = row["customers"]
        else:
            cells.net[cell][row["currency"]] = row["net"]
    cohorts = list(_cohorts(scope, found, len(starts)))
    shown = list(within_limit(scope, cohorts)) if scope.by else cohorts
    response.more_rows = len(cohorts) - len(shown)
    for cohort, values in shown:
        token = {"include_visitors": request.include_visitors, **_values(values)}
        response.cohorts.append(_cohort(scope, starts, cohort, found[values], token))
        response.cohorts[-1].dimensions.update(dimensions_of(scope, values))
    return response


def _cohorts(scope: Scope, found: dict[Values, _Cells], count: int) -> Iterator[tuple[int, Values]]:
    """Which cohorts there are: each interval's, or of a breakdown the not empty ones, largest first."""
    for cohort in range(1, count + 1):
        if not scope.by:
            yield cohort, ()
            continue
        sizes = {values: cells.customers.get((cohort, cohort), 0) for values, cells in found.items()}
        largest = sorted((values for values in sizes if sizes[values]), key=lambda each: (-sizes[each], each))
        yield from ((cohort, values) for values in largest)


def _cohort(
    scope: Scope, starts: list[datetime], cohort: int, cells: _Cells, token: dict[str, Any]
) -> reports_pb2.Cohort:
    found = reports_pb2.Cohort(
        start=timestamp(starts[cohort - 1]), size=cells.customers.get((cohort, cohort), 0)
    )
    for period in range(cohort, len(starts) + 1):
        cell = cohort, period
        found.periods.add(
            index=period - cohort,
            customers=cells.customers.get(cell, 0),
            share=share(cells.customers.get(cell, 0), found.size),
            net=_amounts(scope, cells.net.get(cell, {})),
            explain=_explain(scope, starts, cell, token),
        )
    return found


def _values(values: Values) -> dict[str, str | None]:
    return dict(zip(("by_1", "by_2"), (*values, None, None), strict=False))


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


def _explain(scope: Scope, starts: list[datetime], cell: tuple[int, int], token: dict[str, Any]) -> str:
    """The token of a cell. It only needs the intervals' bounds that lie around the cell."""
    cohort, period = cell
    bounds = sorted({*starts[cohort - 1 : cohort + 1], *starts[period - 1 : period + 1]})
    parameters: dict[str, Any] = {
        "starts": [bound.isoformat() for bound in bounds],
        "cohort": 1,
        "period": bisect_right(bounds, starts[period - 1]),
    }
    return explain_token(scope, "retention_period", **parameters, **token)
