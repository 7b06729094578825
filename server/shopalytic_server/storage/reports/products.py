"""The product report: views, carts, orders and refunds per product, and what is bought together."""

from collections import defaultdict
from decimal import Decimal

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import difference, text
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.dimensions import CAME_FROM, LINES, Attribution
from shopalytic_server.domain.reports.shares import rate, share
from shopalytic_server.storage.database.queries import load, load_beside
from shopalytic_server.storage.facts.facts import EVER, Facts, Row, Span, within
from shopalytic_server.storage.facts.scope import Scope, resolve_scope
from shopalytic_server.storage.reports.explain import explain_token, explained_by
from shopalytic_server.storage.reports.rows.breakdown import dimensions_of, values_of

_SQL = load_beside(__name__)
_NAMES = load("reports/product_names")

DEFAULT_LIMIT = 100
MAX_PAIRS = 100
_ORDERS = {
    reports_pb2.PRODUCT_ORDER_VIEWS: "views",
    reports_pb2.PRODUCT_ORDER_CARTS: "carts",
    reports_pb2.PRODUCT_ORDER_ORDERS: "orders",
    reports_pb2.PRODUCT_ORDER_UNITS: "units",
    reports_pb2.PRODUCT_ORDER_GROSS: "gross",
    reports_pb2.PRODUCT_ORDER_REFUNDS: "refunds",
    reports_pb2.PRODUCT_ORDER_VIEWERS: "viewers",
    reports_pb2.PRODUCT_ORDER_VIEW_TO_ORDER_RATE: "rate",
    reports_pb2.PRODUCT_ORDER_SKU: "sku",
    reports_pb2.PRODUCT_ORDER_RETURNS: "returns",
    reports_pb2.PRODUCT_ORDER_DISCOUNTS: "discounts",
    reports_pb2.PRODUCT_ORDER_QUANTITY_RETURNED: "quantity_returned",
    reports_pb2.PRODUCT_ORDER_RETURN_RATE: "return_rate",
}

_NOTHING: Row = {
    "views": 0,
    "viewers": 0,
    "converted": 0,
    "carts": 0,
    "orders": 0,
    "units": 0,
    "quantity": Decimal(0),
    "gross": Decimal(0),
    "refunds": Decimal(0),
    "discounts": Decimal(0),
    "returns": Decimal(0),
    "quantity_returned": Decimal(0),
}


def _spans(scope: Scope) -> dict[str, Span]:
    """A full refund gives back what its order had, whenever that was; the rest is of the range."""
    return {
        "product_views": within(scope),
        "cart_changes": within(scope),
        "orders": EVER,
        "order_lines": EVER,
        "refunds": EVER,
        "refund_lines": EVER,
    }


explained_by("product", _SQL.explain_product, _spans)


async def answer(
    facts: Facts, project: Project, request: reports_pb2.GetProductReportRequest
) -> reports_pb2.GetProductReportResponse:
    """Products and pairs of them, by currency; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    await facts.take(scope, **_spans(scope), customers_of=EVER)
    reports: dict[str, reports_pb2.ProductReport] = defaultdict(reports_pb2.ProductReport)
    if scope.currency is not None:
        reports[scope.currency].SetInParent()
    # Before it is broken down, for an order in two rows has its pairs once.
    pairs = await facts.ask(_SQL.pairs, pairs=MAX_PAIRS)
    unassigned = [] if _looks_at_parts(scope) else await facts.ask(_SQL.unassigned)
    if scope.by:
        await facts.break_down(scope.by)
    products = await facts.ask(
        _SQL.products,
        by_product=not scope.by,
        order_by=_ORDERS.get(request.order_by, "net"),
        ascending=request.ascending,
        search=request.search.lower(),
        named=await _named(facts, scope, request.search),
        first=request.offset + 1,
        last=request.offset + (request.limit or DEFAULT_LIMIT),
    )
    skus = sorted({_sku(scope, product) for product in products})
    found = await facts.snapshot.fetch(_NAMES.product_names, datasets=scope.datasets, skus=skus)
    names = {row["sku"]: row["name"] for row in found}
    for product in products:
        report = reports[product["currency"]]
        report.total_products = product["products"]
        report.rows.append(_row(scope, _NOTHING | {k: v for k, v in product.items() if v is not None}, names))
    for row in pairs:
        reports[row["currency"]].bought_together.add(
            sku=row["sku"],
            other_sku=row["other_sku"],
            orders=row["orders"],
            lift=share(row["orders"] * row["all_orders"], row["orders_of_one"] * row["orders_of_other"]),
        )
    for row in unassigned:
        if row["gross_sales"] or row["discounts"] or row["returns"]:
            reports[row["currency"]].unassigned.CopyFrom(_unassigned(row))
    for currency, report in reports.items():
        report.currency = currency
    return reports_pb2.GetProductReportResponse(reports=[reports[currency] for currency in sorted(reports)])


def _looks_at_parts(scope: Scope) -> bool:
    """Whether orders count with some of their lines alone, or with what one of several visits has of them."""
    shared = scope.attribution is Attribution.LINEAR and not scope.dimensions.isdisjoint(CAME_FROM)
    return shared or not scope.dimensions.isdisjoint(LINES)


def _unassigned(row: Row) -> reports_pb2.UnassignedSales:
    return reports_pb2.UnassignedSales(
        gross_sales=text(row["gross_sales"]),
        discounts=text(row["discounts"]),
        returns=text(row["returns"]),
        net_sales=text(_net_sales(row["gross_sales"], row["discounts"], row["returns"])),
    )


def _net_sales(gross_sales: Decimal, discounts: Decimal, returns: Decimal) -> Decimal:
    return difference(difference(gross_sales, discounts), returns)


async def _named(facts: Facts, scope: Scope, search: str) -> list[str]:
    """The products whose name contains a text."""
    if not search:
        return []
    found = await facts.snapshot.fetch(_NAMES.products_named, datasets=scope.datasets, search=search)
    return [row["sku"] for row in found]


def _sku(scope: Scope, product: Row) -> str:
    """The product of a row; in a breakdown only where it is broken down by product."""
    given = dimensions_of(scope, values_of(scope, product)).get("sku") if scope.by else product["sku"]
    return given or ""


def _row(scope: Scope, row: Row, names: dict[str, str]) -> reports_pb2.ProductRow:
    values = values_of(scope, row)
    sku = _sku(scope, row)
    return reports_pb2.ProductRow(
        sku=sku,
        name=names.get(sku, ""),
        views=row["views"],
        viewers=row["viewers"],
        carts=row["carts"],
        orders=row["orders"],
        units=row["units"],
        quantity=text(row["quantity"]),
        gross=text(row["gross"]),
        refunds=text(row["refunds"]),
        net=text(difference(row["gross"], row["refunds"])),
        gross_sales=text(row["gross"]),
        discounts=text(row["discounts"]),
        returns=text(row["returns"]),
        net_sales=text(_net_sales(row["gross"], row["discounts"], row["returns"])),
        quantity_returned=text(row["quantity_returned"]),
        return_rate=rate(row["quantity_returned"], row["quantity"]),
        view_to_order_rate=share(row["converted"], row["viewers"]),
        dimensions=dimensions_of(scope, values),
        explain=explain_token(
            scope.of(values),
            "product",
            currency=row["currency"],
            sku=None if scope.by else sku,
        ),
    )
