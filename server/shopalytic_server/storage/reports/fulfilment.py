"""The fulfilment report: how long parcels take, and how many are late."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import text
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.shares import share
from shopalytic_server.storage.database.queries import load_beside
from shopalytic_server.storage.facts.facts import EVER, Facts, Row
from shopalytic_server.storage.facts.scope import Scope, resolve_scope
from shopalytic_server.storage.reports.explain import explain_token, explained_by
from shopalytic_server.storage.reports.rows.breakdown import dimensions_of, values_of

_SQL = load_beside(__name__)

explained_by("parcels", _SQL.explain_parcels, lambda _: {"shipment_changes": EVER, "orders": EVER})

DEFAULT_PROMISED_DAYS = 5

_MICROSECONDS_PER_HOUR = 3_600_000_000


async def answer(
    facts: Facts, project: Project, request: reports_pb2.GetFulfilmentReportRequest
) -> reports_pb2.GetFulfilmentReportResponse:
    """Parcels by carrier, and all together; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    promised_days = request.promised_days or DEFAULT_PROMISED_DAYS
    # Whatever was said of a parcel, and whenever, tells whether it is one of the range.
    await facts.take(scope, shipment_changes=EVER, orders=EVER, refunds=EVER)
    rows = await facts.ask(_SQL.carriers, promised_days=promised_days)
    response = reports_pb2.GetFulfilmentReportResponse()
    response.total.late_rate = response.total.refund_rate_after_late = share(0, 0)
    response.total.explain = _explain(scope, promised_days, None)
    for row in rows:
        if row["carrier"] is None:
            response.total.CopyFrom(_row(scope, promised_days, row))
    if not scope.by:
        carriers = (row for row in rows if row["carrier"] is not None)
        response.carriers.extend(_row(scope, promised_days, row) for row in carriers)
        return response
    await facts.break_down(scope.by)
    broken = [
        row for row in await facts.ask(_SQL.carriers, promised_days=promised_days) if row["carrier"] is None
    ]
    for row in broken[: scope.breakdown_limit]:
        values = values_of(scope, row)
        found = _row(scope.of(values), promised_days, row)
        found.dimensions.update(dimensions_of(scope, values))
        found.carrier = found.dimensions.get("carrier", "")
        response.carriers.append(found)
    response.more_rows = len(broken) - len(response.carriers)
    return response


def _row(scope: Scope, promised_days: int, row: Row) -> reports_pb2.CarrierRow:
    return reports_pb2.CarrierRow(
        carrier=row["carrier"] or "",
        parcels=row["parcels"],
        on_the_way=row["on_the_way"],
        delivered=row["delivered"],
        order_to_shipped_median=_hours(row["to_shipped"]),
        order_to_shipped_p90=_hours([row["to_shipped_90"]]),
        shipped_to_delivered_median=_hours(row["to_delivered"]),
        shipped_to_delivered_p90=_hours([row["to_delivered_90"]]),
        late=row["late"],
        late_rate=share(row["late"], row["delivered_of_order"]),
        refund_rate_after_late=share(row["refunded_after_late"], row["late"]),
        explain=_explain(scope, promised_days, row["carrier"]),
    )


def _explain(scope: Scope, promised_days: int, carrier: str | None) -> str:
    return explain_token(scope.unbroken, "parcels", promised_days=promised_days, carrier=carrier)


def _hours(microseconds: Sequence[int | None]) -> str:
    """The mean of some times as hours with 2 digits, half rounded up; empty when there are none.

    A time is negative when a parcel was shipped before its order counts.
    """
    known = [each for each in microseconds if each is not None]
    if not known:
        return ""
    hours = Fraction(sum(known), len(known) * _MICROSECONDS_PER_HOUR)
    hundredths = (hours * 200 + 1) // 2
    return text(Decimal(hundredths).scaleb(-2))
