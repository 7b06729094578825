"""A collector that stores in memory and fails as a test tells it to, for tests of the clients."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from shopalytic.v1 import collector_pb2 as pb
from shopalytic.v1.collector_pb2_grpc import CollectorServiceServicer, add_CollectorServiceServicer_to_server
from shopalytic.v1.events_pb2 import Event

KEY = "shop_server_scripted"
Step = Callable[["Call"], pb.TrackResponse]


@dataclass(frozen=True)
class Call:
    """One request that a step answers."""

    collector: ScriptedCollector
    request: pb.TrackRequest
    context: grpc.ServicerContext


class ScriptedCollector(CollectorServiceServicer):
    """Plays one step of its script per request, then stores everything it gets."""

    def __init__(self) -> None:
        self.script: deque[Step] = deque()
        self.requests: list[pb.TrackRequest] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.stored: dict[str, Event] = {}
        self.asked = threading.Event()
        self._server: grpc.Server | None = None
        self.port = 0

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def stored_ids(self) -> list[str]:
        """In the order of storing."""
        return list(self.stored)

    def start(
        self, credentials: grpc.ServerCredentials | None = None, options: tuple[tuple[str, int], ...] = ()
    ) -> ScriptedCollector:
        """Listens on a free port, or again on the one it had."""
        server = grpc.server(ThreadPoolExecutor(4), options=(("grpc.so_reuseport", 0), *options))
        add_CollectorServiceServicer_to_server(self, server)
        address = f"127.0.0.1:{self.port}"
        if credentials is None:
            self.port = server.add_insecure_port(address)
        else:
            self.port = server.add_secure_port(address, credentials)
        server.start()
        self._server = server
        return self

    def stop(self) -> None:
        """Cuts every call off."""
        server, self._server = self._server, None
        if server is not None:
            server.stop(None).wait()

    def Track(  # noqa: N802 - named as in the proto
        self, request: pb.TrackRequest, context: grpc.ServicerContext
    ) -> pb.TrackResponse:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.asked.set()
        if self.script:
            return self.script.popleft()(Call(self, request, context))
        return self.store(request)

    def store(self, request: pb.TrackRequest) -> pb.TrackResponse:
        """What a collector does on a good day."""
        response = pb.TrackResponse()
        for event in request.events:
            known = event.event_id in self.stored
            self.stored.setdefault(event.event_id, event)
            status = pb.EVENT_STATUS_DUPLICATE if known else pb.EVENT_STATUS_ACCEPTED
            response.results.add(event_id=event.event_id, status=status)
        return response


def fail(code: grpc.StatusCode, *, retry_after: float | None = None, details: str = "as scripted") -> Step:
    """Answers with a code, and a RetryInfo when there is a delay."""

    def step(call: Call) -> pb.TrackResponse:
        status = Status(code=code.value[0], message=details)
        if retry_after is not None:
            delay = Duration()
            delay.FromNanoseconds(int(retry_after * 1e9))
            detail = Any()
            detail.Pack(RetryInfo(retry_delay=delay))
            status.details.append(detail)
        call.context.abort_with_status(rpc_status.to_status(status))
        raise AssertionError("abort_with_status returned")

    return step


def lose_the_answer(call: Call) -> pb.TrackResponse:
    """Stores, but the sender does not learn of it."""
    call.collector.store(call.request)
    call.context.abort(grpc.StatusCode.UNAVAILABLE, "the connection broke after the commit")
    raise AssertionError("abort returned")


def wait_for(gate: threading.Event) -> Step:
    """Answers once the gate is open, or the caller has gone."""

    def step(call: Call) -> pb.TrackResponse:
        call.context.add_callback(gate.set)
        gate.wait()
        return call.collector.store(call.request)

    return step


def answer(*results: pb.EventResult) -> Step:
    """Answers with these verdicts; absent event ids are filled in."""

    def step(call: Call) -> pb.TrackResponse:
        response = pb.TrackResponse(results=results)
        for event, result in zip(call.request.events, response.results, strict=False):
            result.event_id = event.event_id
        return response

    return step
