"""The answer to a request: made of bytes for accepted events, and the same as the message."""

import uuid
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shopalytic.events.violations import Violation
from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2 import EventResult, TrackResponse
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.events.prepared import Prepared, Sending
from shopalytic_server.domain.ingest.verdicts import ACCEPTED, Verdicts, verdict

_SENDING = Sending("EUR", datetime(2026, 1, 1, tzinfo=UTC))


def _item(event_id: str) -> Prepared:
    return Prepared(Event(event_id=event_id), _SENDING, 2, "page_view", b"")


@st.composite
def items(draw) -> Prepared:
    item = _item(str(draw(st.uuids())))
    match draw(st.integers(0, 3)):
        case 0:
            reasons = [Violation("order.total", "string.pattern", draw(st.text(max_size=20)))]
            item.verdict = verdict(item, collector_pb2.EVENT_STATUS_QUARANTINED, reasons)
        case 1:
            item.verdict = verdict(item, ACCEPTED)
            item.verdict.link.customer_id = draw(st.text(max_size=40))
    return item


@given(st.lists(items(), max_size=6))
def test_the_bytes_are_those_of_the_message(prepared: list[Prepared]):
    verdicts = Verdicts(prepared)
    assert TrackResponse.FromString(verdicts.response()) == TrackResponse(results=list(verdicts))


def test_an_accepted_event_has_a_result_too():
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    verdicts = Verdicts([_item(first), _item(second)])
    assert len(verdicts) == 2
    assert verdicts[1] == EventResult(event_id=second, status=ACCEPTED)
    assert [each.event_id for each in verdicts[:1]] == [first]
