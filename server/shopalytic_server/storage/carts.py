"""The cart report: the carts that were created, and those that were left."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from itertools import chain
from typing import Any
from uuid import UUID

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.amounts import text
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.shares import share
from shopalytic_server.storage.bases import EVER, Part, Row, summed
from shopalytic_server.storage.explain import explain_token, register
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.scope import Scope, resolve_scope
from shopalytic_server.storage.times import timestamp

_SQL = load("carts")
_ALL, _SOME = (_SQL.carts.format(changed=changed) for changed in (_SQL.all_changed, _SQL.some_changed))
# So many carts may be affected before those kept could lack one of the abandoned carts to list.
_MOST_AFFECTED = 5_000
_PARTS = (
    Part(
        _SQL.totals.format(carts=_ALL, lines=_SQL.lines),
        ("currency",),
        _SQL.totals.format(carts=_SOME, lines=_SQL.lines),
        _SQL.affected,
        _MOST_AFFECTED,
    ),
    Part(
        _SQL.abandoned.format(carts=_ALL),
        ("dataset_id", "cart_id", "currency", "created_at", "changed_at", "subject"),
        _SQL.abandoned.format(carts=_SOME),
        _SQL.affected,
        _MOST_AFFECTED,
    ),
)
_CONTENTS = _SQL.contents.format(lines=_SQL.lines)
register("abandoned_carts", _SQL.explain_abandoned.format(carts=_ALL))

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

DEFAULT_HOURS = 24
DEFAULT_LIMIT = 100

# The real data's carts and customers are not the sandbox's, so a dataset is part of each key.
_Contents = dict[tuple[int, str], list[dict[str, Any]]]
_Emails = dict[tuple[int, UUID], str]


async def get_cart_report(
    snapshot: Snapshot, project: Project, request: reports_pb2.GetCartReportRequest
) -> reports_pb2.GetCartReportResponse:
    """Carts by currency; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    question: dict[str, Any] = {
        "hours": request.abandoned_after_hours or DEFAULT_HOURS,
        # A token keeps this moment: its carts stay those of the number beside it.
        "known_at": (scope.as_of or datetime.now(UTC)).isoformat(),
        "default_currency": project.currency,
    }
    limit = request.limit or DEFAULT_LIMIT
    rows, abandoned = await summed(snapshot, scope, _PARTS, **question, limit=limit + _MOST_AFFECTED)
    totals = {row["currency"]: row for row in rows}
    if scope.currency is not None:
        totals.setdefault(scope.currency, {})
    listed = await _with_customers(snapshot, _listed(abandoned, limit))
    carts = _carts(listed, await _contents(snapshot, listed), await _emails(snapshot, listed))
    return reports_pb2.GetCartReportResponse(
        reports=[
            _report(scope, question, currency, totals[currency], carts[currency])
            for currency in sorted(totals)
        ]
    )


def _listed(abandoned: Sequence[Row], limit: int) -> list[Row]:
    """The abandoned carts of each currency that were changed last."""
    by_currency: dict[str, list[Row]] = defaultdict(list)
    for row in abandoned:
        by_currency[row["currency"]].append(row)
    return list(chain.from_iterable(nsmallest(limit, each, key=_place) for each in by_currency.values()))


def _place(cart: Row) -> tuple[int, str, int]:
    return -(cart["changed_at"] - _EPOCH) // _MICROSECOND, cart["cart_id"], cart["dataset_id"]


async def _with_customers(snapshot: Snapshot, listed: Sequence[Row]) -> list[Row]:
    rows = await snapshot.fetch(
        _SQL.customers,
        of_datasets=[cart["dataset_id"] for cart in listed],
        subjects=[cart["subject"] for cart in listed],
    )
    customers = {(row["dataset_id"], row["subject"]): row["customer_id"] for row in rows}
    return [cart | {"customer_id": customers[cart["dataset_id"], cart["subject"]]} for cart in listed]


async def _contents(snapshot: Snapshot, listed: Sequence[dict[str, Any]]) -> _Contents:
    contents: _Contents = defaultdict(list)
    rows = await snapshot.fetch(
        _CONTENTS,
        **EVER,
        of_datasets=[cart["dataset_id"] for cart in listed],
        cart_ids=[cart["cart_id"] for cart in listed],
        currencies=[cart["currency"] for cart in listed],
    )
    for row in rows:
        contents[row["dataset_id"], row["cart_id"]].append(row)
    return contents


async def _emails(snapshot: Snapshot, listed: Sequence[dict[str, Any]]) -> _Emails:
    rows = await snapshot.fetch(
        _SQL.emails,
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
            email=emails.get((row["dataset_id"], row["customer_id"]), ""),
        )
        for line in lines:
            cart.lines.add(
                sku=line["sku"], name=line["name"] or "", price=text(line["price"]), qty=int(line["qty"])
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
        abandonment_rate=share(abandoned, created),
        abandoned_value=text(totals["abandoned_value"]) if totals else "0",
        carts=carts,
        explain=explain_token(scope, "abandoned_carts", **question, currency=currency),
    )
