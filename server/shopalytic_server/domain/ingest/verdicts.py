"""What became of events: one verdict each, and the answer to their request."""

from collections.abc import Iterator, Sequence
from typing import overload

from shopalytic.events.violations import Violation
from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2 import EventResult, TrackResponse
from shopalytic_server.domain.events.prepared import Prepared
from shopalytic_server.domain.ingest import native

ACCEPTED = collector_pb2.EVENT_STATUS_ACCEPTED

# A result says what its event's id is and that it was accepted, and nothing
# else, for nearly every event: its bytes are the same but for the id.
_ID = "f" * 36
_BEFORE, _AFTER = (
    TrackResponse(results=[EventResult(event_id=_ID, status=ACCEPTED)])
    .SerializeToString()
    .split(_ID.encode())
)


def verdict(
    prepared: Prepared, status: "collector_pb2.EventStatus", violations: Sequence[Violation] | None = None
) -> EventResult:
    """The answer for one event."""
    result = EventResult(
        event_id=prepared.event.event_id,
        status=status,
        denied_consent=prepared.denied_consent,
        robot=prepared.bot and status == ACCEPTED,
    )
    for found in violations or ():
        result.violations.add(field=found.field, rule_id=found.rule_id, message=found.message)
    return result


class Verdicts(Sequence[EventResult]):
    """The verdicts on a request's events, in order, once they are stored."""

    def __init__(self, items: Sequence[Prepared]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[EventResult]:
        return map(_result, self._items)

    @overload
    def __getitem__(self, index: int) -> EventResult: ...
    @overload
    def __getitem__(self, index: slice) -> list[EventResult]: ...
    def __getitem__(self, index: int | slice) -> EventResult | list[EventResult]:
        if isinstance(index, slice):
            return [_result(item) for item in self._items[index]]
        return _result(self._items[index])

    def response(self) -> bytes:
        """The TrackResponse, serialized."""
        # Messages that follow each other are one message with the repeated fields of all.
        answers = native.answers(self._items, _BEFORE, _AFTER, _answer)
        return b"".join(map(_answer, self._items)) if answers is None else answers


def _result(item: Prepared) -> EventResult:
    return verdict(item, ACCEPTED) if item.verdict is None else item.verdict


def _answer(item: Prepared) -> bytes:
    if item.verdict is None and item.denied_consent is None and not item.bot:
        return b"%b%b%b" % (_BEFORE, item.event.event_id.encode(), _AFTER)
    return TrackResponse(results=[_result(item)]).SerializeToString()
