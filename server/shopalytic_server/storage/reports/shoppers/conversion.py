"""The conversion report: what becomes of visits."""

from datetime import datetime, timedelta
from decimal import Decimal

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import average, text
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.ranges import Unit
from shopalytic_server.domain.reports.shares import share
from shopalytic_server.storage.database.queries import load_beside
from shopalytic_server.storage.database.times import timestamp
from shopalytic_server.storage.facts.facts import EVER, Facts, Row, Span, until, within
from shopalytic_server.storage.facts.scope import UNITS, Scope, resolve_scope, row_starts
from shopalytic_server.storage.reports.explain import explain_token, explained_through, row_bounds
from shopalytic_server.storage.reports.rows.breakdown import dimensions_of, values_of, within_limit

_SQL = load_beside(__name__)


_LOOKS_AT = ("sent_by",)


def _spans(scope: Scope) -> dict[str, Span]:
    """All visits before the range's end tell whose first one it is."""
    return {"visit_parts": until(scope), "page_views": within(scope), "orders": EVER, "customers_of": EVER}


explained_through(
    "conversion_row", _SQL.explain_row, lambda scope, _: _spans(scope), lambda *_: (), _LOOKS_AT
)


async def answer(
    facts: Facts, project: Project, request: reports_pb2.GetConversionReportRequest
) -> reports_pb2.GetConversionReportResponse:
    """Visits per interval, and what becomes of them; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    in_range = Span(scope.from_at, scope.to_at)
    looked_at = Span(scope.from_at, scope.to_at, frozenset({"checkout_step", "page_view"}))
    await facts.take(scope, _LOOKS_AT, **_spans(scope), cart_changes=in_range, steps=looked_at)
    currency = scope.currency or project.currency
    response = reports_pb2.GetConversionReportResponse(currency=currency)
    starts = await _starts(facts, scope, UNITS.get(request.interval))
    await facts.keep("reached", _SQL.reached)
    rows = {
        row["number"]: row for row in await facts.ask(_SQL.conversion, starts=starts, revenue_in=currency)
    }
    response.rows.extend(
        _row(scope, starts, number, rows.get(number)) for number in range(1, len(starts) + 1)
    )
    response.total.CopyFrom(_row(scope, starts, 0, rows.get(0)))
    if scope.by:
        await facts.break_down(scope.by)
        found = await facts.ask(_SQL.conversion, starts=starts, revenue_in=currency)
        _break_down(response, scope, starts, found)
    return response


def _break_down(
    response: reports_pb2.GetConversionReportResponse, scope: Scope, starts: list[datetime], rows: list[Row]
) -> None:
    """The rows of a breakdown: by interval, most sessions first."""
    found = {(row["number"], values_of(scope, row)): row for row in rows if row["number"]}
    largest = sorted(
        found, key=lambda key: (key[0], -(found[key]["sessions"] or 0), -(found[key]["orders"] or 0), key[1])
    )
    del response.rows[:]
    for number, values in within_limit(scope, largest):
        row = _row(scope.of(values), starts, number, found[number, values])
        row.dimensions.update(dimensions_of(scope, values))
        response.rows.append(row)
    response.more_rows = len(found) - len(response.rows)


async def _starts(facts: Facts, scope: Scope, unit: Unit | None) -> list[datetime]:
    """Where the rows begin; none when the range is open and there is nothing in it."""
    begin, end = scope.from_at, scope.to_at
    if begin is None or end is None:
        extent = await facts.ask_one(_SQL.extent)
        if extent["first"] is None:
            return []
        begin = begin or extent["first"]
        end = end or extent["last"] + timedelta(microseconds=1)
    return row_starts(begin, end, unit, scope.zone)


def _row(scope: Scope, starts: list[datetime], number: int, row: Row | None) -> reports_pb2.ConversionRow:
    """A row of the report by its number, counted from 1; 0 is the whole range."""
    given = {name: value for name, value in (row or {}).items() if value is not None}
    sessions, orders = given.get("sessions", 0), given.get("orders", 0)
    total_sales = given.get("total_sales", Decimal(0))
    carts, checkouts = given.get("carts", 0), given.get("checkouts", 0)
    return reports_pb2.ConversionRow(
        start=timestamp(starts[max(number, 1) - 1]) if starts else None,
        sessions=sessions,
        visitors=given.get("visitors", 0),
        carts=carts,
        checkouts=checkouts,
        orders=orders,
        cart_rate=share(carts, sessions),
        checkout_rate=share(checkouts, sessions),
        conversion_rate=share(orders, sessions),
        total_sales=text(total_sales),
        value_per_visit=average(total_sales, sessions),
        explain=explain_token(scope.unbroken, "conversion_row", **row_bounds(starts, number)),
    )
