"""A collector for code that uses the generated stubs, on grpcio-testing: no port, no process.

    with collector_channel() as (channel, collector):
        CollectorServiceStub(channel).Track(request)
        assert collector.kept.of("order")

It judges each event by the contract's rules. Needs grpcio-testing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import grpc_testing

from shopalytic.testing.fake import Kept
from shopalytic.v1 import collector_pb2 as pb
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.rules import violations

_SERVICE = pb.DESCRIPTOR.services_by_name["CollectorService"]
_MOST_EVENTS = 1_000
_END = ("shopalytic-testing-end", "1")


class FakeCollector:
    """Keeps what is valid, in memory."""

    def __init__(self) -> None:
        self.kept = Kept()
        self.refusal: tuple[grpc.StatusCode, str] | None = None
        """What every call is refused with, if anything."""

    def track(self, request: pb.TrackRequest) -> pb.TrackResponse:
        """The verdicts on a request's events, by the contract's rules."""
        return pb.TrackResponse(results=[self._judge(event) for event in request.events])

    def _judge(self, event: Event) -> pb.EventResult:
        found = violations(event)
        if found:
            told = [pb.Violation(field=v.field, rule_id=v.rule_id, message=v.message) for v in found]
            status = pb.EVENT_STATUS_QUARANTINED
            return pb.EventResult(event_id=event.event_id, status=status, violations=told)
        known = {kept.event_id: kept.event for kept in self.kept.events}
        if event.event_id in known:
            same = known[event.event_id] == event
            status = pb.EVENT_STATUS_DUPLICATE if same else pb.EVENT_STATUS_CONFLICT
            return pb.EventResult(event_id=event.event_id, status=status)
        self.kept.keep(pb.TrackRequest(events=[event]).SerializeToString())
        return pb.EventResult(event_id=event.event_id, status=pb.EVENT_STATUS_ACCEPTED)


@contextmanager
def collector_channel() -> Iterator[tuple[grpc.Channel, FakeCollector]]:
    """A channel whose `Track` a FakeCollector answers."""
    channel = grpc_testing.channel([_SERVICE], grpc_testing.strict_real_time())
    collector = FakeCollector()
    method = _SERVICE.methods_by_name["Track"]
    answers = threading.Thread(target=_answer, args=(channel, method, collector), daemon=True)
    answers.start()
    try:
        yield channel, collector
    finally:
        end: Callable[..., Any] = channel.unary_unary(f"/{_SERVICE.full_name}/{method.name}").future
        end(pb.TrackRequest(), metadata=(_END,))
        answers.join()


def _answer(channel: Any, method: Any, collector: FakeCollector) -> None:
    while True:
        metadata, request, call = channel.take_unary_unary(method)
        call.send_initial_metadata(())
        if _END in tuple(metadata or ()):
            call.terminate(pb.TrackResponse(), (), grpc.StatusCode.OK, "")
            return
        if collector.refusal is not None:
            code, details = collector.refusal
            call.terminate(None, (), code, details)
        elif not 1 <= len(request.events) <= _MOST_EVENTS:
            details = f"events: give 1 to {_MOST_EVENTS:,}"
            call.terminate(None, (), grpc.StatusCode.INVALID_ARGUMENT, details)
        else:
            call.terminate(collector.track(request), (), grpc.StatusCode.OK, "")
