"""A report beside the same report of another range.

Rows meet their like: of the same currency, product, step or values, and of the
same place among the intervals of their range. What only one range has stands
beside zeros.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from shopalytic.events.violations import Violation
from shopalytic.v1 import dimensions_pb2, reports_pb2
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.reports.comparisons import last_year, previous, until_same_time, whole
from shopalytic_server.storage.database.times import timestamp
from shopalytic_server.storage.facts.scope import UNITS, Scope, row_starts

# What says which row it is; all else are numbers.
_NAMES = ("currency", "sku", "name", "value", "carrier", "coupon", "segment", "step", "query", "dimensions")
_PLAIN = ("explain", "previous", "compared", "start")
_AMOUNT = re.compile(r"-?[0-9]+([.][0-9]+)?")
_SHARE = re.compile(r"(rate|share|average|conversion|per_)")


class Compared(NamedTuple):
    """A range, and where the intervals of rows begin in it."""

    begin: datetime
    end: datetime
    starts: list[datetime]

    @classmethod
    def of(cls, begin: datetime, end: datetime, scope: Scope, interval: "reports_pb2.Interval") -> "Compared":
        """Raises InvalidRequest where the intervals are too many."""
        return cls(begin, end, row_starts(begin, end, UNITS.get(interval), scope.zone))

    def place(self, row: Message) -> int:
        """Which interval a row is of; rows without a begin are of the first."""
        if "start" not in row.DESCRIPTOR.fields_by_name or not row.HasField("start"):
            return 1
        start: datetime = getattr(row, "start").ToDatetime(UTC)  # noqa: B009 - not every message has one
        return max(bisect_right(self.starts, start), 1)

    def interval(self, place: int) -> dimensions_pb2.TimeRange:
        """The times of an interval within the range."""
        begin = max(self.starts[place - 1], self.begin)
        end = self.starts[place] if place < len(self.starts) else self.end
        return _time_range(begin, end)


def ranges(scope: Scope, request: Any) -> tuple[Compared, Compared]:
    """The range of a request, and the one that it is to be compared with; raises InvalidRequest."""
    asked = request.scope.compare
    now = scope.as_of or datetime.now(UTC)
    end = scope.to_at or now
    if scope.from_at is None:
        message = "needs scope.from: nothing lies before a range without a begin"
        raise InvalidRequest([Violation("scope.compare", "compare.from", message)])
    if scope.from_at >= end:
        message = "is after now; name scope.to, or compare a range that has begun"
        raise InvalidRequest([Violation("scope.from", "compare.from", message)])
    interval = getattr(request, "interval", reports_pb2.INTERVAL_UNSPECIFIED)
    if isinstance(request, COHORTS):
        interval = interval or reports_pb2.INTERVAL_MONTH
    if asked.same_time and scope.from_at < now <= end:
        other = _other_range(scope, asked, scope.from_at, whole(scope.from_at, scope.to_at, now, scope.zone))
        other, end = until_same_time(scope.from_at, now, other, scope.zone), now
    else:
        other = _other_range(scope, asked, scope.from_at, end)
    return Compared.of(scope.from_at, end, scope, interval), Compared.of(*other, scope, interval)


COHORTS = reports_pb2.GetRetentionReportRequest | reports_pb2.GetLifetimeReportRequest


def _other_range(
    scope: Scope, asked: dimensions_pb2.Comparison, begin: datetime, end: datetime
) -> tuple[datetime, datetime]:
    if asked.period == dimensions_pb2.COMPARED_PERIOD_PREVIOUS:
        return previous(begin, end, scope.zone)
    if asked.period == dimensions_pb2.COMPARED_PERIOD_LAST_YEAR:
        return last_year(begin, end, scope.zone)
    if not asked.HasField("from") or not asked.HasField("to"):
        message = "needs a period, or from and to"
        raise InvalidRequest([Violation("scope.compare", "compare.range", message)])
    first: datetime = getattr(asked, "from").ToDatetime(UTC)
    last: datetime = asked.to.ToDatetime(UTC)
    if first >= last:
        message = "must be after scope.compare.from; the range includes its begin and excludes its end"
        raise InvalidRequest([Violation("scope.compare.to", "compare.range", message)])
    return first, last


def within_range(request: Any, begin: datetime, end: datetime) -> Any:
    """The same request on another range."""
    other = type(request)()
    other.CopyFrom(request)
    getattr(other.scope, "from").CopyFrom(timestamp(begin))
    other.scope.to.CopyFrom(timestamp(end))
    return other


def compare(answer: Any, before: Message, now: Compared, then: Compared) -> None:
    """Puts the numbers of another range beside those of an answer."""
    _pair(answer, before, now, then)
    answer.compared.CopyFrom(_time_range(then.begin, then.end))


def _pair(row: Message, before: Message, now: Compared, then: Compared) -> None:
    for field in row.DESCRIPTOR.fields:
        if field.name in _PLAIN or field.message_type is None or _is_map(field):
            continue
        ours, theirs = getattr(row, field.name), getattr(before, field.name)
        if field.is_repeated:
            _pair_rows(ours, theirs, now, then, is_whole=not getattr(row, "more_rows", 0))
        elif row.HasField(field.name) and _has_numbers(field):
            _pair(ours, theirs, now, then)
    if "previous" in row.DESCRIPTOR.fields_by_name:
        _put(row, before, then)


def _put(row: Any, before: Message, then: Compared) -> None:
    """What a row was in the other range; a block has a row for that."""
    kind = row.DESCRIPTOR.fields_by_name["previous"].message_type
    place = then.place(before)
    if kind is row.DESCRIPTOR:
        row.previous.CopyFrom(before)
    else:
        for field in kind.fields:
            if field.name in before.DESCRIPTOR.fields_by_name and not field.message_type:
                setattr(row.previous, field.name, getattr(before, field.name))
    has_place = "start" in row.DESCRIPTOR.fields_by_name and row.HasField("start")
    is_interval = has_place and len(then.starts) > 1
    row.compared.CopyFrom(then.interval(place) if is_interval else _time_range(then.begin, then.end))


def _pair_rows(
    ours: Any, theirs: Sequence[Message], now: Compared, then: Compared, *, is_whole: bool
) -> None:
    """Rows that only the other range has come last; where ours are not all, nobody knows which these are."""
    if not ours and not theirs:
        return
    kind = (ours or theirs)[0].DESCRIPTOR
    if not {"previous", "dimensions", "rows", "steps", "periods"} & set(kind.fields_by_name):
        return
    left = {_key(each, then): each for each in theirs}
    for row in ours:
        before = left.pop(_key(row, now), None)
        _pair(row, _empty(row) if before is None else before, now, then)
    for key, before in left.items() if is_whole else ():
        place = key[0]
        if place <= len(now.starts):
            row = ours.add()
            row.CopyFrom(_empty(before))
            if "start" in kind.fields_by_name:
                row.start.CopyFrom(timestamp(now.starts[place - 1]))
            _pair(row, before, now, then)


def _key(row: Message, of: Compared) -> tuple[Any, ...]:
    names = (name for name in _NAMES if name in row.DESCRIPTOR.fields_by_name)
    values = (getattr(row, name) for name in names)
    index = getattr(row, "index", 0)
    return of.place(row), index, *(tuple(sorted(v.items())) if hasattr(v, "items") else v for v in values)


def _empty(like: Message) -> Any:
    """A row with the names of another and without its numbers."""
    row: Any = type(like)()
    for field in like.DESCRIPTOR.fields:
        value = getattr(like, field.name)
        if field.name in _NAMES:
            if _is_map(field):
                getattr(row, field.name).update(value)
            else:
                setattr(row, field.name, value)
        elif field.name in _PLAIN or field.name == "carts":
            continue
        elif (
            field.message_type is None and not field.is_repeated and field.type == FieldDescriptor.TYPE_STRING
        ):
            setattr(row, field.name, _zero(field.name, value))
        elif field.message_type is not None and not _is_map(field):
            for each in _each(value, repeated=field.is_repeated):
                (getattr(row, field.name).add() if field.is_repeated else getattr(row, field.name)).CopyFrom(
                    _empty(each)
                )
    return row


def _each(value: Any, *, repeated: bool) -> Iterator[Any]:
    yield from value if repeated else [value]


def _zero(name: str, value: str) -> str:
    """No amount, or no share of it; what is no number is told as nothing."""
    if not _AMOUNT.fullmatch(value):
        return ""
    return "0.0000" if _SHARE.search(name) else "0"


def _has_numbers(field: Any) -> bool:
    return bool(field.message_type and field.message_type.full_name.startswith("shopalytic."))


def _is_map(field: Any) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def _time_range(begin: datetime, end: datetime) -> dimensions_pb2.TimeRange:
    found = dimensions_pb2.TimeRange(to=timestamp(end))
    getattr(found, "from").CopyFrom(timestamp(begin))
    return found
