"""The coupon report: what codes are used for, and what they cost."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import average, text
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.database.queries import load_beside
from shopalytic_server.storage.facts.facts import EVER, Facts, Row, within
from shopalytic_server.storage.facts.scope import Scope, resolve_scope
from shopalytic_server.storage.reports.explain import explain_token, explained_by
from shopalytic_server.storage.reports.rows.breakdown import dimensions_of, values_of

_SQL = load_beside(__name__)

DEFAULT_LIMIT = 100
_ORDERS = {
    reports_pb2.COUPON_ORDER_CUSTOMERS: "customers",
    reports_pb2.COUPON_ORDER_NEW_CUSTOMERS: "new_customers",
    reports_pb2.COUPON_ORDER_DISCOUNTS: "discounts",
    reports_pb2.COUPON_ORDER_TOTAL_SALES: "total_sales",
    reports_pb2.COUPON_ORDER_AVERAGE_ORDER: "average_order",
    reports_pb2.COUPON_ORDER_COUPON: "coupon",
}

explained_by("coupon_row", _SQL.explain_row, lambda scope: {"orders": EVER, "order_discounts": within(scope)})


async def answer(
    facts: Facts, project: Project, request: reports_pb2.GetCouponReportRequest
) -> reports_pb2.GetCouponReportResponse:
    """Codes by currency, beside the orders without one; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    # Who is new is told by all orders before.
    await facts.take(scope, orders=EVER, order_discounts=within(scope), customers_of=EVER)
    await facts.keep("first_orders_ever", _SQL.firsts)
    reports = {} if scope.currency is None else {scope.currency: _block(scope.currency)}
    for row in await facts.ask(_SQL.orders):
        report = reports.setdefault(row["currency"], _block(row["currency"]))
        own = report.with_coupon if row["has_coupon"] else report.without_coupon
        own.CopyFrom(_row(scope.unbroken, row))
    if scope.by:
        await facts.break_down(scope.by)
    rows = sorted(await facts.ask(_SQL.coupons), key=lambda row: (row["coupon"], values_of(scope, row)))
    rows.sort(key=lambda row: _rank(row, request), reverse=not request.ascending)
    last = request.offset + (request.limit or DEFAULT_LIMIT)
    for row in rows:
        report = reports.setdefault(row["currency"], _block(row["currency"]))
        report.total_rows += 1
        if not request.offset < report.total_rows <= last:
            report.more_rows += 1
            continue
        values = values_of(scope, row)
        found = _row(scope.of(values), row)
        found.dimensions.update(dimensions_of(scope, values))
        report.rows.append(found)
    return reports_pb2.GetCouponReportResponse(reports=[reports[currency] for currency in sorted(reports)])


def _rank(row: Row, request: reports_pb2.GetCouponReportRequest) -> Any:
    """By what a row has its place, beside its code."""
    name = _ORDERS.get(request.order_by, "orders")
    if name == "average_order":
        return Fraction(row["total_sales"]) / row["orders"] if row["orders"] else Fraction(0)
    return row[name]


def _block(currency: str) -> reports_pb2.CouponReport:
    report = reports_pb2.CouponReport(currency=currency)
    for own in (report.with_coupon, report.without_coupon):
        own.discounts = own.total_sales = "0"
        own.average_order = average(Decimal(0), 0)
    return report


def _row(scope: Scope, row: Row) -> reports_pb2.CouponRow:
    return reports_pb2.CouponRow(
        coupon=row.get("coupon", ""),
        orders=row["orders"],
        customers=row["customers"],
        new_customers=row["new_customers"],
        discounts=text(row["discounts"]),
        total_sales=text(row["total_sales"]),
        average_order=average(row["total_sales"], row["orders"]),
        explain=explain_token(
            scope,
            "coupon_row",
            currency=row["currency"],
            coupon=row.get("coupon"),
            has_coupon=row.get("has_coupon", True),
        ),
    )
