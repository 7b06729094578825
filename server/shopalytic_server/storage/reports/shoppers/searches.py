"""The search report: what people look for in the shop, and what they find."""

from decimal import Decimal

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import text
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.database.queries import load_beside
from shopalytic_server.storage.facts.facts import EVER, Facts, Row, within
from shopalytic_server.storage.facts.scope import Scope, resolve_scope
from shopalytic_server.storage.reports.explain import explain_token, explained_through
from shopalytic_server.storage.reports.rows.breakdown import dimensions_of, values_of

_SQL = load_beside(__name__)

DEFAULT_LIMIT = 100
_ORDERS = {
    reports_pb2.SEARCH_ORDER_VISITORS: "visitors",
    reports_pb2.SEARCH_ORDER_WITHOUT_RESULTS: "without_results",
    reports_pb2.SEARCH_ORDER_ORDERS: "orders",
    reports_pb2.SEARCH_ORDER_TOTAL_SALES: "total_sales",
    reports_pb2.SEARCH_ORDER_QUERY: "query",
}

explained_through(
    "search_row",
    _SQL.explain_row,
    lambda scope, _: {"searches": within(scope), "customers_of": EVER},
    lambda *_: [("searched", _SQL.searched)],
)


async def answer(
    facts: Facts, project: Project, request: reports_pb2.GetSearchReportRequest
) -> reports_pb2.GetSearchReportResponse:
    """Queries and what came of them; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    currency = scope.currency or project.currency
    await facts.take(scope, searches=within(scope), orders=within(scope), customers_of=EVER)
    if scope.by:
        await facts.break_down(scope.by)
    await facts.keep("searched", _SQL.searched, only_without_results=request.only_without_results)
    total, *rows = await facts.ask(
        _SQL.searches,
        revenue_in=currency,
        order_by=_ORDERS.get(request.order_by, "searches"),
        ascending=request.ascending,
        first=request.offset + 1,
        last=request.offset + (request.limit or DEFAULT_LIMIT),
    )
    response = reports_pb2.GetSearchReportResponse(
        total=_row(total, _token(scope, request)),
        currency=currency,
        more_rows=total["rows_found"] - len(rows),
        total_rows=total["rows_found"],
    )
    for row in rows:
        values = values_of(scope, row)
        found = _row(row, _token(scope.of(values), request, row["query"]))
        found.dimensions.update(dimensions_of(scope, values))
        response.rows.append(found)
    return response


def _token(scope: Scope, request: reports_pb2.GetSearchReportRequest, query: str | None = None) -> str:
    only = request.only_without_results
    return explain_token(scope.unbroken, "search_row", only_without_results=only, query=query)


def _row(row: Row, explain: str) -> reports_pb2.SearchRow:
    return reports_pb2.SearchRow(
        query=row["query"] or "",
        searches=row["searches"],
        visitors=row["visitors"],
        without_results=row["without_results"],
        orders=row["orders"] or 0,
        total_sales=text(row["total_sales"] or Decimal(0)),
        explain=explain,
    )
