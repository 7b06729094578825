"""Asks reports for the numbers that alerts watch."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from shopalytic.events.violations import Violation
from shopalytic.v1 import notifications_pb2, reports_pb2
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.notifications.judging import Row
from shopalytic_server.domain.notifications.schedule import Range
from shopalytic_server.domain.projects import Project
from shopalytic_server.notifications.ports import NotificationStore, Reports

QUARANTINE = "quarantine"
_EVENTS = "events"


class _Watched(NamedTuple):
    """A report whose numbers can be watched."""

    request: Callable[[], Any]
    row: type[Message]
    whole: Callable[[Any], Iterable[Any]]
    """The row of the whole range, if there is one."""
    rows: Callable[[Any], Iterable[Any]]
    """The rows of a breakdown."""


_WATCHED: Mapping[str, _Watched] = {
    "sales": _Watched(
        reports_pb2.GetSalesReportRequest,
        reports_pb2.SalesRow,
        lambda answer: [block.total for block in answer.reports],
        lambda answer: [row for block in answer.reports for row in block.rows],
    ),
    "conversion": _Watched(
        reports_pb2.GetConversionReportRequest,
        reports_pb2.ConversionRow,
        lambda answer: [answer.total],
        lambda answer: answer.rows,
    ),
    "traffic": _Watched(
        reports_pb2.GetTrafficReportRequest,
        reports_pb2.TrafficRow,
        lambda answer: [answer.total],
        lambda answer: answer.rows,
    ),
    "carts": _Watched(
        reports_pb2.GetCartReportRequest,
        reports_pb2.CartRow,
        lambda answer: answer.reports,
        lambda answer: [row for block in answer.reports for row in block.rows],
    ),
}

_COUNTS = (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_INT32)
_NO_NUMBERS = frozenset({"explain"})


def numbers_of(report: str) -> list[str]:
    """The numbers of a report that can be watched; none of a report that cannot."""
    if report == QUARANTINE:
        return [_EVENTS]
    watched = _WATCHED.get(report)
    if watched is None:
        return []
    return [
        field.name
        for field in watched.row.DESCRIPTOR.fields
        if field.type in (*_COUNTS, FieldDescriptor.TYPE_STRING)
        and not field.is_repeated
        and field.name not in _NO_NUMBERS
    ]


def check_numbers(alert: notifications_pb2.Alert) -> None:
    """Raises InvalidRequest for a report or number that cannot be watched."""
    names = numbers_of(alert.report)
    if not names:
        known = ", ".join([*_WATCHED, QUARANTINE])
        _refuse("alert.report", f"{alert.report!r} cannot be watched; give one of {known}")
    for path, number in (("alert.number", alert.number), ("alert.guard.number", alert.guard.number)):
        if number not in names and (path == "alert.number" or alert.HasField("guard")):
            _refuse(path, f"{number!r} is no number of this report; give one of {', '.join(names)}")
    if alert.report == QUARANTINE and (alert.by or alert.filters):
        _refuse("alert.by" if alert.by else "alert.filters", "must be empty for quarantine, which knows none")


def _refuse(path: str, message: str) -> None:
    raise InvalidRequest([Violation(path, "alert.watched", message)])


class Numbers:
    """The numbers of alerts, by range."""

    def __init__(self, reports: Reports, store: NotificationStore) -> None:
        self._reports = reports
        self._store = store

    async def rows(self, project: Project, alert: notifications_pb2.Alert, asked: Range) -> list[Row]:
        """The number of each value, or of the whole; raises InvalidRequest and Unavailable."""
        if alert.report == QUARANTINE:
            return [Row("", Decimal(await self._store.quarantined(project, asked.begin, asked.end)))]
        watched = _WATCHED[alert.report]
        request = watched.request()
        set_scope(request.scope, project, asked, alert.currency)
        request.scope.filters.extend(alert.filters)
        if alert.by:
            request.scope.breakdowns.append(alert.by)
        answer = await self._reports.answer(project, request)
        if alert.by:
            return [_row(alert, row, row.dimensions[alert.by]) for row in watched.rows(answer)]
        return [_row(alert, row, "") for row in watched.whole(answer)]


def set_scope(scope: reports_pb2.ReportScope, project: Project, asked: Range, currency: str) -> None:
    """Sets the range, and one currency: that of the project, if none is named."""
    getattr(scope, "from").FromDatetime(asked.begin)
    scope.to.FromDatetime(asked.end)
    scope.time_zone = project.time_zone
    scope.currency = currency or project.currency


def _row(alert: notifications_pb2.Alert, row: Any, value: str) -> Row:
    guard = decimal(getattr(row, alert.guard.number)) if alert.HasField("guard") else None
    return Row(value, decimal(getattr(row, alert.number)) or Decimal(0), guard)


def decimal(number: object) -> Decimal | None:
    """A number of a report; None where it says that there is none."""
    try:
        return Decimal(str(number))
    except InvalidOperation:
        return None
