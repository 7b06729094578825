"""The segment report: customers by recency, frequency and money."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shopalytic.events.violations import Violation
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import average, text
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.segments import SEGMENTS
from shopalytic_server.domain.reports.shares import share
from shopalytic_server.storage.database.queries import load, load_beside
from shopalytic_server.storage.database.times import timestamp
from shopalytic_server.storage.facts.breakdown.beside import make_segments
from shopalytic_server.storage.facts.facts import EVER, Facts, Row, Span
from shopalytic_server.storage.facts.scope import Scope, resolve_scope
from shopalytic_server.storage.reports.explain import explain_token, explained_through

_SQL = load_beside(__name__)
_PEOPLE = load("reports/shoppers/segment_customers")

DEFAULT_LIMIT = 100
_ORDERS = {
    reports_pb2.SEGMENT_CUSTOMER_ORDER_ORDERS: "orders",
    reports_pb2.SEGMENT_CUSTOMER_ORDER_LAST_ORDER: "last_order",
}

_SPANS: dict[str, Span] = {"orders": EVER, "refunds": EVER, "customers_of": EVER}


async def _prepare(facts: Facts, given: Mapping[str, Any]) -> None:
    await make_segments(facts, given["money_in"])


explained_through("segment_row", _SQL.explain_row, lambda *_: _SPANS, lambda *_: (), prepare=_prepare)


async def answer(
    facts: Facts, project: Project, request: reports_pb2.GetSegmentReportRequest
) -> reports_pb2.GetSegmentReportResponse:
    """Every segment with its customers counted, and one of them listed; raises InvalidRequest."""
    if request.list and request.list not in SEGMENTS:
        message = f"is no segment; it is {', '.join(SEGMENTS)}"
        raise InvalidRequest([Violation("list", "segment.known", message)])
    scope = resolve_scope(project, request.scope)
    currency = scope.currency or project.currency
    await facts.take(scope, **_SPANS)
    await make_segments(facts, currency)
    found = {row["segment"]: row for row in await facts.ask(_SQL.segments)}
    everybody = found[None]["customers"]
    response = reports_pb2.GetSegmentReportResponse(
        rows=[_row(scope, currency, name, found.get(name), everybody) for name in SEGMENTS],
        total=_row(scope, currency, "", found[None], everybody),
        currency=currency,
    )
    if request.list:
        await _list(facts, response, request)
        response.total_customers = found[request.list]["customers"] if request.list in found else 0
    return response


async def _list(
    facts: Facts, response: reports_pb2.GetSegmentReportResponse, request: reports_pb2.GetSegmentReportRequest
) -> None:
    rows = await facts.ask(
        _SQL.customers,
        segment=request.list,
        order_by=_ORDERS.get(request.order_by, "net"),
        ascending=request.ascending,
        most=request.limit or DEFAULT_LIMIT,
        skipped=request.offset,
    )
    people = await facts.snapshot.fetch(
        _PEOPLE.customers,
        datasets=[row["dataset"] for row in rows],
        times=[row["event_at"] for row in rows],
        event_ids=[row["event_id"] for row in rows],
    )
    names = {row["event_id"]: row for row in people}
    for row in rows:
        person = names.get(row["event_id"], {})
        customer = response.customers.add(
            customer_id=str(person.get("customer_id", "")),
            email=person.get("email") or "",
            identity=person.get("identity") or "",
            orders=row["orders"],
            net_of_refunds=text(row["net"]),
            rfm=reports_pb2.RfmClass(**{name: row[name] for name in ("recency", "frequency", "money")}),
        )
        customer.last_order_at.CopyFrom(timestamp(row["last_at"]))


def _row(
    scope: Scope, currency: str, segment: str, row: Row | None, everybody: int
) -> reports_pb2.SegmentRow:
    customers = row["customers"] if row else 0
    net = row["net"] if row else Decimal(0)
    return reports_pb2.SegmentRow(
        segment=segment,
        customers=customers,
        share=share(customers, everybody),
        orders=(row["orders"] or 0) if row else 0,
        net_of_refunds=text(net),
        value_per_head=average(net, customers),
        explain=explain_token(scope, "segment_row", money_in=currency, segment=segment or None),
    )
