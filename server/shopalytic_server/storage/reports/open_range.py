"""Lets reports on open ranges begin and end where the shop's data does.

One page view whose clock said 1990, or one order with a wrong date, would make a
daily report of decades. What lies apart (`domain.ranges.body_of`) is left out of
an open range, and named beside the answer.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.ranges import MAX_BUCKETS, Unit, body_of
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.database.times import timestamp
from shopalytic_server.storage.facts.scope import UNITS, datasets

_SQL = load("reports/open_range")

# What is counted of one kind and month: whoever sends more weighs no more.
_MOST = 200
# Nothing lies apart in less.
_SHORT = timedelta(days=366)
_TYPES = ("page_view", "product_view", "cart_add", "cart_modify", "order", "refund", "shipment")
# The fewest days that an interval has.
_DAYS = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 28}

Request = TypeVar(
    "Request",
    reports_pb2.GetSalesReportRequest,
    reports_pb2.GetFunnelReportRequest,
    reports_pb2.GetRetentionReportRequest,
    reports_pb2.GetTrafficReportRequest,
    reports_pb2.GetProductReportRequest,
    reports_pb2.GetCartReportRequest,
    reports_pb2.GetFulfilmentReportRequest,
)


class _Range(NamedTuple):
    begin: datetime
    end: datetime
    outside: list[reports_pb2.DataOutside]


async def within_data(
    snapshot: Snapshot, project: Project, request: Request
) -> tuple[Request, list[reports_pb2.DataOutside]]:
    """The request with the open ends of its range where the shop's data ends, and what that leaves out.

    Where nothing lies apart the ends stay open.
    """
    scope = request.scope
    if scope.HasField("from") and scope.HasField("to"):
        return request, []
    unit = UNITS.get(request.interval) if hasattr(request, "interval") else None
    found = await _range(snapshot, datasets(project, include_sandbox=scope.include_sandbox), unit)
    if found is None:
        return request, []
    begin: Timestamp = getattr(scope, "from") if scope.HasField("from") else timestamp(found.begin)
    end: Timestamp = scope.to if scope.HasField("to") else timestamp(found.end)
    outside = [
        each
        for each in found.outside
        if (not scope.HasField("from") and getattr(each, "from").ToDatetime() < begin.ToDatetime())
        or (not scope.HasField("to") and each.to.ToDatetime() > end.ToDatetime())
    ]
    if not outside or begin.ToNanoseconds() >= end.ToNanoseconds():
        return request, []
    narrowed: Request = type(request)()
    narrowed.CopyFrom(request)
    getattr(narrowed.scope, "from").CopyFrom(begin)
    narrowed.scope.to.CopyFrom(end)
    return narrowed, outside


async def _range(snapshot: Snapshot, own: list[int], unit: Unit | None) -> _Range | None:
    """Where the data lies, if any lies apart from it or its rows would be too many."""
    asked: dict[str, Any] = {"datasets": own, "types": list(_TYPES), "most": _MOST}
    ends = await snapshot.fetch_one(_SQL.ends, **asked, from_at="-infinity", to_at="infinity")
    if ends is None or ends["first"] is None or ends["last"] - ends["first"] <= _SHORT:
        return None
    rows = await snapshot.fetch(_SQL.months, **asked, **ends)
    counts = {row["month"]: row["n"] for row in rows}
    body = body_of(counts, datetime.now(UTC).date())
    outside = [_outside(_at(each.first), _after(each.last), each.weight) for each in body.outside]
    # The first and the last event within these months.
    months = {"from_at": _at(body.first).isoformat(), "to_at": _after(body.last).isoformat()}
    ends = await snapshot.fetch_one(_SQL.ends, **asked, **months)
    assert ends is not None  # noqa: S101 - an aggregate has a row
    begin, end = ends["first"], ends["last"] + timedelta(microseconds=1)
    # Whatever was sent, an open range has an answer.
    earliest = end - timedelta(days=(MAX_BUCKETS - 2) * _DAYS[unit]) if unit else begin
    if begin < earliest:
        cut = [month for month in counts if _at(body.first) <= _at(month) < earliest]
        outside.insert(0, _outside(_at(min(cut)), earliest, sum(counts[month] for month in cut)))
        begin = earliest
    return _Range(begin, end, outside) if outside else None


def _outside(begin: datetime, end: datetime, events: int) -> reports_pb2.DataOutside:
    found = reports_pb2.DataOutside(to=timestamp(end), events=events)
    getattr(found, "from").CopyFrom(timestamp(begin))
    return found


def _at(month: date) -> datetime:
    return datetime.combine(month, time(), UTC)


def _after(month: date) -> datetime:
    return datetime.combine((month.replace(day=28) + timedelta(days=4)).replace(day=1), time(), UTC)
