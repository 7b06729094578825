"""The lifetime report: what customers are worth per head, by when and how they came."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shopalytic.events.violations import Violation
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import average, text
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.ranges import Unit
from shopalytic_server.storage.database.queries import load_beside
from shopalytic_server.storage.database.times import timestamp
from shopalytic_server.storage.facts.facts import EVER, Facts, Row, Span
from shopalytic_server.storage.facts.scope import UNITS, Scope, resolve_scope, row_starts
from shopalytic_server.storage.reports.explain import explain_token, explained_through
from shopalytic_server.storage.reports.rows.breakdown import dimensions_of, values_of, within_limit

_SQL = load_beside(__name__)


_SPANS: dict[str, Span] = {"orders": EVER, "refunds": EVER, "customers_of": EVER}
_KEPT = {"owned": _SQL.owned, "worth": _SQL.worth}

explained_through("lifetime_row", _SQL.explain_row, lambda *_: _SPANS, lambda *_: list(_KEPT.items()))


async def answer(
    facts: Facts, project: Project, request: reports_pb2.GetLifetimeReportRequest
) -> reports_pb2.GetLifetimeReportResponse:
    """Customers and what they are worth, per cohort; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    if request.interval == reports_pb2.INTERVAL_DAY:
        message = "must be a week or a month"
        raise InvalidRequest([Violation("interval", "interval.retention", message)])
    currency = scope.currency or project.currency
    asked: dict[str, Any] = {"money_in": currency, "include_visitors": request.include_visitors}
    await facts.take(scope, **_SPANS)
    for name, statement in _KEPT.items():
        await facts.keep(name, statement, **asked)
    response = reports_pb2.GetLifetimeReportResponse(currency=currency)
    starts = await _starts(facts, scope, UNITS.get(request.interval, Unit.MONTH))
    rows = {row["number"]: row for row in await facts.ask(_SQL.lifetime, starts=starts)}
    response.rows.extend(
        _row(scope, asked, starts, number, rows.get(number)) for number in range(1, len(starts) + 1)
    )
    response.total.CopyFrom(_row(scope, asked, starts, 0, rows.get(0)))
    if scope.by:
        await facts.break_down(scope.by)
        _break_down(response, scope, asked, starts, await facts.ask(_SQL.lifetime, starts=starts))
    return response


def _break_down(
    response: reports_pb2.GetLifetimeReportResponse,
    scope: Scope,
    asked: dict[str, Any],
    starts: list[datetime],
    rows: list[Row],
) -> None:
    """The rows of a breakdown: by cohort, most customers first."""
    found = {(row["number"], values_of(scope, row)): row for row in rows if row["number"]}
    largest = sorted(found, key=lambda key: (key[0], -found[key]["customers"], key[1]))
    del response.rows[:]
    for number, values in within_limit(scope, largest):
        row = _row(scope.of(values), asked, starts, number, found[number, values])
        row.dimensions.update(dimensions_of(scope, values))
        response.rows.append(row)
    response.more_rows = len(found) - len(response.rows)


async def _starts(facts: Facts, scope: Scope, unit: Unit) -> list[datetime]:
    """Where cohorts begin; none when the range is open and nobody ordered in it."""
    begin, end = scope.from_at, scope.to_at
    if begin is None or end is None:
        extent = await facts.ask_one(_SQL.extent)
        if extent["first"] is None:
            return []
        begin = begin or extent["first"]
        end = end or extent["last"] + timedelta(microseconds=1)
    return row_starts(begin, end, unit, scope.zone)


def _row(
    scope: Scope, asked: dict[str, Any], starts: list[datetime], number: int, row: Row | None
) -> reports_pb2.LifetimeRow:
    """A row of the report by its number, counted from 1; 0 is the whole range."""
    customers = row["customers"] if row else 0
    orders = row["orders"] if row else 0
    net = row["net"] if row else Decimal(0)
    return reports_pb2.LifetimeRow(
        start=timestamp(starts[max(number, 1) - 1]) if starts else None,
        customers=customers,
        orders=orders,
        repeat_customers=row["repeat_customers"] if row else 0,
        net_of_refunds=text(net),
        value_per_head=average(net, customers),
        orders_per_head=average(Decimal(orders), customers),
        explain=explain_token(
            scope.unbroken,
            "lifetime_row",
            **asked,
            begins_at=starts[number - 1] if number else "-infinity",
            ends_at=starts[number] if 0 < number < len(starts) else "infinity",
        ),
    )
