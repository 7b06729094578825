"""The product report: views, carts, orders and refunds per product, and what is bought together."""

from collections import defaultdict
from typing import Any

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.amounts import difference, text
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.shares import share
from shopalytic_server.storage.explain import explain_token, register
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.scope import Scope, resolve_scope

_SQL = load("products_report")
_ROWS = _SQL.rows.format(returned=_SQL.returned)
register("product", _SQL.explain_product.format(returned=_SQL.returned))

DEFAULT_LIMIT = 100
MAX_PAIRS = 100


async def get_product_report(
    snapshot: Snapshot, project: Project, request: reports_pb2.GetProductReportRequest
) -> reports_pb2.GetProductReportResponse:
    """Products and pairs of them, by currency; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    reports: dict[str, reports_pb2.ProductReport] = defaultdict(reports_pb2.ProductReport)
    if scope.currency is not None:
        reports[scope.currency].SetInParent()
    rows = await snapshot.fetch(
        _ROWS,
        **scope.parameters(),
        default_currency=project.currency,
        limit=request.limit or DEFAULT_LIMIT,
    )
    for row in rows:
        reports[row["currency"]].rows.append(_row(scope, row))
    for row in await snapshot.fetch(_SQL.pairs, **scope.parameters(), pairs=MAX_PAIRS):
        reports[row["currency"]].bought_together.add(
            sku=row["sku"], other_sku=row["other_sku"], orders=row["orders"]
        )
    for currency, report in reports.items():
        report.currency = currency
    return reports_pb2.GetProductReportResponse(reports=[reports[currency] for currency in sorted(reports)])


def _row(scope: Scope, row: dict[str, Any]) -> reports_pb2.ProductRow:
    return reports_pb2.ProductRow(
        sku=row["sku"],
        name=row["name"] or "",
        views=row["views"],
        viewers=row["viewers"],
        carts=row["carts"],
        orders=row["orders"],
        units=row["units"],
        gross=text(row["gross"]),
        refunds=text(row["refunds"]),
        net=text(difference(row["gross"], row["refunds"])),
        view_to_order_rate=share(row["converted"], row["viewers"]),
        explain=explain_token(
            scope,
            "product",
            currency=row["currency"],
            sku=row["sku"],
            default_currency=scope.project.currency,
        ),
    )
