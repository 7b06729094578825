"""The cart report: the carts that were created, and those that were left."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import text
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.shares import share
from shopalytic_server.storage.database.queries import load, load_beside
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.database.times import timestamp
from shopalytic_server.storage.facts.facts import EVER, Facts, Row, Span
from shopalytic_server.storage.facts.scope import Scope, resolve_scope
from shopalytic_server.storage.reports.explain import explain_token, explained_through
from shopalytic_server.storage.reports.rows.breakdown import dimensions_of, values_of

_SQL = load_beside(__name__)
_NAMES = load("reports/abandoned_carts")

# A cart is of the range by its first change, and what became of it may be told at any time.
_SPANS: dict[str, Span] = {"cart_changes": EVER, "orders": EVER}

explained_through(
    "abandoned_carts", _SQL.explain_abandoned, lambda *_: _SPANS, lambda *_: [("judged", _SQL.judged)]
)

DEFAULT_HOURS = 24
DEFAULT_LIMIT = 100
_ORDERS = {reports_pb2.CART_ORDER_VALUE: "value", reports_pb2.CART_ORDER_CREATED: "created"}

# The real data's carts and customers are not the sandbox's, so a dataset is part of each key.
_Contents = dict[tuple[int, str], list[dict[str, Any]]]
_Emails = dict[tuple[int, UUID], str]


async def answer(
    facts: Facts, project: Project, request: reports_pb2.GetCartReportRequest
) -> reports_pb2.GetCartReportResponse:
    """Carts by currency; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    question: dict[str, Any] = {
        "hours": request.abandoned_after_hours or DEFAULT_HOURS,
        # A token keeps this moment: its carts stay those of the number beside it.
        "known_at": (scope.as_of or datetime.now(UTC)).replace(tzinfo=None).isoformat(),
        "default_currency": project.currency,
    }
    await facts.take(scope, **_SPANS)
    await facts.keep("judged", _SQL.judged, **question)
    least = request.min_value or "0"
    totals = {row["currency"]: row for row in await facts.ask(_SQL.totals, min_value=least)}
    if scope.currency is not None:
        totals.setdefault(scope.currency, {})
    abandoned = await facts.ask(
        _SQL.abandoned,
        min_value=least,
        order_by=_ORDERS.get(request.order_by, "changed"),
        ascending=request.ascending,
        first=request.offset + 1,
        last=request.offset + (request.limit or DEFAULT_LIMIT),
    )
    listed = await _with_customers(facts.snapshot, abandoned)
    carts = _carts(listed, await _contents(facts.snapshot, listed), await _emails(facts.snapshot, listed))
    response = reports_pb2.GetCartReportResponse(
        reports=[
            _report(scope, question, currency, totals[currency], carts[currency])
            for currency in sorted(totals)
        ]
    )
    if scope.by:
        await facts.break_down(scope.by)
        await facts.keep("judged", _SQL.judged, **question)
        rows = await facts.ask(_SQL.totals, min_value=least)
        for report in response.reports:
            broken = _broken(scope, question, report.currency, rows)
            report.rows.extend(broken[: scope.breakdown_limit])
            report.more_rows = len(broken) - len(report.rows)
    return response


def _broken(
    scope: Scope, question: dict[str, Any], currency: str, rows: Sequence[Row]
) -> list[reports_pb2.CartRow]:
    """The rows of a breakdown in one currency, most carts first."""
    own = sorted(
        (row for row in rows if row["currency"] == currency),
        key=lambda row: (-row["created"], values_of(scope, row)),
    )
    return [
        reports_pb2.CartRow(
            dimensions=dimensions_of(scope, values_of(scope, row)),
            created=row["created"],
            ordered=row["ordered"],
            abandoned=row["abandoned"],
            open=row["open"],
            emptied=row["emptied"],
            abandonment_rate=share(row["abandoned"], row["created"]),
            abandoned_value=text(row["abandoned_value"] or Decimal(0)),
            explain=explain_token(
                scope.of(values_of(scope, row)), "abandoned_carts", **question, currency=currency
            ),
        )
        for row in own
    ]


async def _with_customers(snapshot: Snapshot, listed: Sequence[Row]) -> list[Row]:
    rows = await snapshot.fetch(
        _NAMES.customers,
        of_datasets=[cart["dataset"] for cart in listed],
        cart_ids=[cart["cart_id"] for cart in listed],
    )
    customers = {(row["dataset_id"], row["cart_id"]): row for row in rows}
    return [cart | customers[cart["dataset"], cart["cart_id"]] for cart in listed]


async def _contents(snapshot: Snapshot, listed: Sequence[dict[str, Any]]) -> _Contents:
    contents: _Contents = defaultdict(list)
    rows = await snapshot.fetch(
        _NAMES.contents,
        of_datasets=[cart["dataset_id"] for cart in listed],
        cart_ids=[cart["cart_id"] for cart in listed],
        currencies=[cart["currency"] for cart in listed],
    )
    for row in rows:
        contents[row["dataset_id"], row["cart_id"]].append(row)
    return contents


async def _emails(snapshot: Snapshot, listed: Sequence[dict[str, Any]]) -> _Emails:
    rows = await snapshot.fetch(
        _NAMES.emails,
        of_datasets=[cart["dataset_id"] for cart in listed],
        customer_ids=[cart["customer_id"] for cart in listed],
    )
    return {(row["dataset_id"], row["customer_id"]): row["email"] for row in rows}


def _carts(
    listed: Sequence[dict[str, Any]], contents: _Contents, emails: _Emails
) -> dict[str, list[reports_pb2.AbandonedCart]]:
    """The abandoned carts of each currency, in their order."""
    carts: dict[str, list[reports_pb2.AbandonedCart]] = defaultdict(list)
    for row in listed:
        lines = contents.get((row["dataset_id"], row["cart_id"]), [])
        cart = reports_pb2.AbandonedCart(
            cart_id=row["cart_id"],
            created_at=timestamp(row["created_at"]),
            changed_at=timestamp(row["changed_at"]),
            value=text(lines[0]["value"]) if lines else "0",
            customer_id=str(row["customer_id"]),
            identity=row["identity"] or "",
            email=emails.get((row["dataset_id"], row["customer_id"]), ""),
        )
        for line in lines:
            cart.lines.add(
                sku=line["sku"],
                name=line["name"] or "",
                price=text(line["price"]),
                qty=int(line["qty"].to_integral_value()),
                quantity=text(line["qty"]),
            )
        carts[row["currency"]].append(cart)
    return carts


def _report(
    scope: Scope,
    question: dict[str, Any],
    currency: str,
    totals: dict[str, Any],
    carts: list[reports_pb2.AbandonedCart],
) -> reports_pb2.CartReport:
    created, abandoned = totals.get("created", 0), totals.get("abandoned", 0)
    return reports_pb2.CartReport(
        currency=currency,
        created=created,
        ordered=totals.get("ordered", 0),
        abandoned=abandoned,
        open=totals.get("open", 0),
        emptied=totals.get("emptied", 0),
        total_carts=totals.get("listed", 0),
        abandonment_rate=share(abandoned, created),
        abandoned_value=text(totals.get("abandoned_value") or Decimal(0)),
        carts=carts,
        explain=explain_token(scope.unbroken, "abandoned_carts", **question, currency=currency),
    )
