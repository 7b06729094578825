"""The product report: views, carts, orders and refunds per product, and what is bought together."""

from collections import defaultdict
from decimal import Decimal
from heapq import nsmallest
from itertools import chain

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.amounts import difference, text
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.shares import share
from shopalytic_server.storage.bases import EVER, Row, of_customers, of_rows, summed
from shopalytic_server.storage.explain import explain_token, register
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.scope import Scope, resolve_scope

_SQL = load("products_report")
_REFUNDED = _SQL.refunded.format(returned=_SQL.returned)
_PARTS = (
    of_customers(_SQL.viewers, _SQL.live, "currency", "sku"),
    of_rows(_SQL.bought, "currency", "sku"),
    of_rows(_SQL.carted, "currency", "sku", unless=_SQL.early_carts),
    of_rows(_REFUNDED, "currency", "sku"),
)
_PAIRS = of_rows(_SQL.pairs, "currency", "sku", "other_sku")
register("product", _SQL.explain_product.format(returned=_SQL.returned))

DEFAULT_LIMIT = 100
MAX_PAIRS = 100
# So many of past days are kept that few orders since do not bring up others.
_KEPT_PAIRS = 2 * MAX_PAIRS

_NOTHING: Row = {
    "views": 0,
    "viewers": 0,
    "converted": 0,
    "carts": 0,
    "orders": 0,
    "units": 0,
    "gross": Decimal(0),
    "refunds": Decimal(0),
}


async def get_product_report(
    snapshot: Snapshot, project: Project, request: reports_pb2.GetProductReportRequest
) -> reports_pb2.GetProductReportResponse:
    """Products and pairs of them, by currency; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    reports: dict[str, reports_pb2.ProductReport] = defaultdict(reports_pb2.ProductReport)
    if scope.currency is not None:
        reports[scope.currency].SetInParent()
    products = await _products(snapshot, scope, request.limit or DEFAULT_LIMIT)
    skus = [product["sku"] for product in products]
    found = await snapshot.fetch(_SQL.product_names, **scope.parameters(), skus=skus)
    names = {row["sku"]: row["name"] for row in found}
    for product in products:
        reports[product["currency"]].rows.append(_row(scope, product, names))
    for row in await _pairs(snapshot, scope):
        reports[row["currency"]].bought_together.add(
            sku=row["sku"], other_sku=row["other_sku"], orders=row["orders"]
        )
    for currency, report in reports.items():
        report.currency = currency
    return reports_pb2.GetProductReportResponse(reports=[reports[currency] for currency in sorted(reports)])


async def _products(snapshot: Snapshot, scope: Scope, limit: int) -> list[Row]:
    """The products with the most net of each currency, in order of it."""
    products: dict[tuple[str, str], Row] = {}
    parts = await summed(snapshot, scope, _PARTS, default_currency=scope.project.currency)
    for row in chain.from_iterable(parts):
        key = row["currency"], row["sku"]
        products[key] = products.get(key, _NOTHING) | row
    by_currency: dict[str, list[Row]] = defaultdict(list)
    for product in products.values():
        by_currency[product["currency"]].append(product)
    return list(chain.from_iterable(nsmallest(limit, each, key=_place) for each in by_currency.values()))


def _place(product: Row) -> tuple[Decimal, str]:
    return difference(product["refunds"], product["gross"]), product["sku"]


async def _pairs(snapshot: Snapshot, scope: Scope) -> list[Row]:
    """The pairs with the most orders of each currency, in order of them."""
    by_currency: dict[str, list[Row]] = defaultdict(list)
    [pairs] = await summed(snapshot, scope, [_PAIRS], pairs=_KEPT_PAIRS)
    for row in pairs:
        by_currency[row["currency"]].append(row)
    best = {
        currency: nsmallest(MAX_PAIRS, each, key=lambda row: (-row["orders"], row["sku"], row["other_sku"]))
        for currency, each in by_currency.items()
    }
    if all(_is_certain(each, best[currency]) for currency, each in by_currency.items()):
        return list(chain.from_iterable(best.values()))
    return await snapshot.fetch(_SQL.pairs, **scope.parameters(), **EVER, pairs=MAX_PAIRS)


def _is_certain(pairs: list[Row], best: list[Row]) -> bool:
    """Whether no pair can be among the best that was not among those kept of past days."""
    if all(row["orders"] == row["orders_before"] for row in pairs):
        return True
    kept = [row["orders_before"] for row in pairs if row["orders_before"]]
    new = [row["orders"] for row in pairs if not row["orders_before"]]
    if len(new) >= _KEPT_PAIRS:
        return False
    if len(kept) < _KEPT_PAIRS:
        return True
    return len(best) == MAX_PAIRS and best[-1]["orders"] > min(kept) + max(new, default=0)


def _row(scope: Scope, row: Row, names: dict[str, str]) -> reports_pb2.ProductRow:
    return reports_pb2.ProductRow(
        sku=row["sku"],
        name=names.get(row["sku"], ""),
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
