"""The fulfilment report: how long parcels take, and how many are late."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.amounts import text
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.shares import share
from shopalytic_server.domain.spreads import Spread
from shopalytic_server.storage.bases import Part, summed
from shopalytic_server.storage.explain import explain_token, register
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.scope import Scope, resolve_scope

_SQL = load("fulfilment")
_ALL, _SOME = (_SQL.parcels.format(maybe=maybe) for maybe in (_SQL.all_maybe, _SQL.some_maybe))
_PART = Part(
    _SQL.carriers.format(parcels=_ALL), ("carrier",), _SQL.carriers.format(parcels=_SOME), _SQL.affected
)
register("parcels", _SQL.explain_parcels.format(parcels=_ALL))

DEFAULT_PROMISED_DAYS = 5

_MICROSECONDS_PER_HOUR = 3_600_000_000


async def get_fulfilment_report(
    snapshot: Snapshot, project: Project, request: reports_pb2.GetFulfilmentReportRequest
) -> reports_pb2.GetFulfilmentReportResponse:
    """Parcels by carrier, and all together; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    promised_days = request.promised_days or DEFAULT_PROMISED_DAYS
    [rows] = await summed(snapshot, scope, [_PART], promised_days=promised_days)
    carriers = sorted((row for row in rows if row["carrier"] is not None), key=lambda row: row["carrier"])
    response = reports_pb2.GetFulfilmentReportResponse(
        carriers=[_row(scope, promised_days, row) for row in carriers]
    )
    for row in rows:
        if row["carrier"] is None:
            response.total.CopyFrom(_row(scope, promised_days, row))
            return response
    response.total.late_rate = response.total.refund_rate_after_late = share(0, 0)
    response.total.explain = _explain(scope, promised_days, None)
    return response


def _row(scope: Scope, promised_days: int, row: dict[str, Any]) -> reports_pb2.CarrierRow:
    return reports_pb2.CarrierRow(
        carrier=row["carrier"] or "",
        parcels=row["parcels"],
        on_the_way=row["on_the_way"],
        delivered=row["delivered"],
        order_to_shipped_median=_hours(row["to_shipped"].middle),
        order_to_shipped_p90=_hours(_p90(row["to_shipped"])),
        shipped_to_delivered_median=_hours(row["to_delivered"].middle),
        shipped_to_delivered_p90=_hours(_p90(row["to_delivered"])),
        late=row["late"],
        late_rate=share(row["late"], row["delivered_of_order"]),
        refund_rate_after_late=share(row["refunded_after_late"], row["late"]),
        explain=_explain(scope, promised_days, row["carrier"]),
    )


def _explain(scope: Scope, promised_days: int, carrier: str | None) -> str:
    return explain_token(scope, "parcels", promised_days=promised_days, carrier=carrier)


def _p90(waits: Spread) -> tuple[int] | None:
    """The wait that nine in ten do not exceed."""
    count = len(waits)
    return (waits.at((9 * count + 9) // 10),) if count else None


def _hours(microseconds: Sequence[int] | None) -> str:
    """The mean of some times as hours with 2 digits, half rounded up; empty when there are none.

    A time is negative when a parcel was shipped before its order counts.
    """
    if microseconds is None:
        return ""
    hours = Fraction(sum(microseconds), len(microseconds) * _MICROSECONDS_PER_HOUR)
    hundredths = (hours * 200 + 1) // 2
    return text(Decimal(hundredths).scaleb(-2))
