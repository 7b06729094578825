"""The sales report: orders, units, gross, refunds and net per interval and currency."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import average, difference, text
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.ranges import Unit, bucket_starts
from shopalytic_server.domain.reports.shares import share
from shopalytic_server.storage.database.queries import load_beside
from shopalytic_server.storage.database.times import timestamp
from shopalytic_server.storage.facts.facts import EVER, Facts, Row, Span, within
from shopalytic_server.storage.facts.scope import UNITS, Scope, resolve_scope, row_starts
from shopalytic_server.storage.reports.explain import explain_token, explained_by
from shopalytic_server.storage.reports.rows.breakdown import dimensions_of, values_of, within_limit

_SQL = load_beside(__name__)

# Who is new is told by all orders before; a refund's order may lie anywhere, a full one
# gives back what those before it left, and goods that come back cost what they did.
_ORDERS: dict[str, Span] = {
    "orders": EVER,
    "order_lines": EVER,
    "refunds": EVER,
    "refund_lines": EVER,
}

explained_by("sales_row", _SQL.explain_row, lambda scope: {"orders": within(scope), "refunds": within(scope)})


# Where a row has no end.
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Sums:
    orders: int = 0
    units: int = 0
    quantity: Decimal = Decimal(0)
    kept: Decimal = Decimal(0)
    given_back: Decimal = Decimal(0)
    cost_back: Decimal = Decimal(0)
    lines: int = 0
    lines_with_cost: int = 0
    guest_orders: int = 0
    gross_sales: Decimal = Decimal(0)
    returns: Decimal = Decimal(0)
    tax_refunds: Decimal = Decimal(0)
    shipping_refunds: Decimal = Decimal(0)
    gross: Decimal = Decimal(0)
    discounts: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    shipping: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    margin: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)
    customers: int = 0
    new_customers: int = 0
    known_customers: int = 0
    repeat_customers: int = 0


_SUMS = tuple(each.name for each in fields(_Sums))

# The sums of each row, counted from 1; 0 is the whole range.
_Rows = Mapping[int, _Sums]
# The same by the values of a breakdown.
_Broken = Mapping[tuple[int, tuple[str, ...]], _Sums]


@dataclass(frozen=True, slots=True)
class _Span:
    """The time of one row. An end that is None is open."""

    begin: datetime | None
    end: datetime | None


async def answer(
    facts: Facts, project: Project, request: reports_pb2.GetSalesReportRequest
) -> reports_pb2.GetSalesReportResponse:
    """Sales per interval and currency; raises InvalidRequest."""
    scope, unit = resolve_scope(project, request.scope), UNITS.get(request.interval)
    await facts.take(scope, customers_of=EVER, **_ORDERS)
    starts = await _starts(facts, scope, unit)
    spans = _spans(scope, starts, unit)
    currencies = await _sums(facts, starts, spans) if starts else {}
    if scope.currency is not None:
        currencies = {scope.currency: currencies.get(scope.currency, {})}
    blocks = [
        _report(currency, currencies[currency], scope, starts, spans) for currency in sorted(currencies)
    ]
    if scope.by:
        await facts.break_down(scope.by)
        broken = await _broken(facts, scope, starts, spans) if starts else {}
        for block in blocks:
            _break_down(block, broken.get(block.currency, {}), scope, starts, spans)
    return reports_pb2.GetSalesReportResponse(reports=blocks)


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


def _spans(scope: Scope, starts: list[datetime], unit: Unit | None) -> list[_Span]:
    """The time of each row, within the range."""
    if unit is None or not starts:
        return [_Span(scope.from_at, scope.to_at) for _ in starts]
    # No interval is longer than 40 days.
    following = bucket_starts(starts[-1], starts[-1] + timedelta(days=40), unit, scope.zone)[1]
    begins = [scope.from_at or starts[0], *starts[1:]]
    return [_Span(*span) for span in zip(begins, [*starts[1:], scope.to_at or following], strict=True)]


async def _sums(facts: Facts, starts: list[datetime], spans: list[_Span]) -> dict[str, _Rows]:
    sums: dict[str, dict[int, _Sums]] = defaultdict(dict)
    for row in await _ask(facts, starts, spans):
        sums[row["currency"]][row["number"]] = _given(row)
    return dict(sums)


async def _broken(
    facts: Facts, scope: Scope, starts: list[datetime], spans: list[_Span]
) -> dict[str, _Broken]:
    sums: dict[str, dict[tuple[int, tuple[str, ...]], _Sums]] = defaultdict(dict)
    for row in await _ask(facts, starts, spans):
        if row["number"]:
            sums[row["currency"]][row["number"], values_of(scope, row)] = _given(row)
    return dict(sums)


async def _ask(facts: Facts, starts: list[datetime], spans: list[_Span]) -> list[Row]:
    return await facts.ask(_SQL.sales, starts=starts, ends=[span.end or _NEVER for span in spans])


def _given(row: Row) -> _Sums:
    return _Sums(**{name: row[name] for name in _SUMS if row[name] is not None})


def _break_down(
    block: reports_pb2.SalesReport,
    rows: _Broken,
    scope: Scope,
    starts: list[datetime],
    spans: list[_Span],
) -> None:
    """Puts the rows of a breakdown into a block: by interval, most gross first."""
    largest = sorted(rows, key=lambda key: (key[0], -rows[key].gross, -rows[key].orders, key[1]))
    del block.rows[:]
    for number, values in within_limit(scope, largest):
        row = block.rows.add()
        row.CopyFrom(_row(starts[number - 1], rows[number, values]))
        row.dimensions.update(dimensions_of(scope, values))
        row.explain = _explain(scope.of(values), block.currency, spans[number - 1])
    block.more_rows = len(rows) - len(block.rows)


def _report(
    currency: str, rows: _Rows, scope: Scope, starts: list[datetime], spans: list[_Span]
) -> reports_pb2.SalesReport:
    """One currency's block. Where the range is open it goes as far as this currency's sales do."""
    filled = [number for number in rows if number]
    first = 1 if scope.from_at is not None else min(filled, default=1)
    last = len(starts) if scope.to_at is not None else max(filled, default=0)
    report = reports_pb2.SalesReport(currency=currency)
    for number in range(first, last + 1):
        row = report.rows.add()
        row.CopyFrom(_row(starts[number - 1], rows.get(number, _Sums())))
        row.explain = _explain(scope, currency, spans[number - 1])
    begin = starts[first - 1] if report.rows else scope.from_at
    report.total.CopyFrom(_row(begin, rows.get(0, _Sums())))
    report.total.explain = _explain(scope, currency, _Span(scope.from_at, scope.to_at))
    return report


def _explain(scope: Scope, currency: str, span: _Span) -> str:
    return explain_token(
        replace(scope.unbroken, from_at=span.begin, to_at=span.end, currency=currency), "sales_row"
    )


def _net_margin(sums: _Sums) -> Decimal:
    return difference(difference(sums.kept, sums.given_back), difference(sums.cost, sums.cost_back))


def _row(start: datetime | None, sums: _Sums) -> reports_pb2.SalesRow:
    return reports_pb2.SalesRow(
        start=None if start is None else timestamp(start),
        orders=sums.orders,
        units=sums.units,
        quantity=text(sums.quantity),
        gross=text(sums.gross),
        refunds=text(sums.refunds),
        net=text(difference(sums.gross, sums.refunds)),
        customers=sums.customers,
        average_order=average(sums.gross, sums.orders),
        discounts=text(sums.discounts),
        tax=text(sums.tax),
        shipping=text(sums.shipping),
        cost=text(sums.cost),
        margin=text(sums.margin),
        net_margin=text(_net_margin(sums)),
        cost_known=share(sums.lines_with_cost, sums.lines),
        new_customers=sums.new_customers,
        returning_customers=sums.customers - sums.new_customers,
        gross_sales=text(sums.gross_sales),
        returns=text(sums.returns),
        tax_refunds=text(sums.tax_refunds),
        shipping_refunds=text(sums.shipping_refunds),
        net_sales=text(difference(difference(sums.gross_sales, sums.discounts), sums.returns)),
        total_sales=text(sums.gross),
        net_of_refunds=text(difference(sums.gross, sums.refunds)),
        known_customers=sums.known_customers,
        repeat_customers=sums.repeat_customers,
        guest_orders=sums.guest_orders,
    )
