"""A real gateway in front of a scripted collector, and a plain HTTP client to call it with."""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from shopalytic.v1 import collector_pb2, collector_pb2_grpc, reports_pb2, reports_pb2_grpc
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.access.admission import METHOD, SERVICE
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.server import GatewayServer

KEY = "shop_browser_" + "0123456789" * 4 + "abc"
PAGE_VIEW = {"type": "page_view", "properties": {"url": "https://shop.example/", "referrer": ""}}

Context = grpc.aio.ServicerContext[Any, Any]
Judge = Callable[[Event], collector_pb2.EventResult]


def accept(event: Event) -> collector_pb2.EventResult:
    """Accepts what was readable; quarantines the rest as the real collector does."""
    if event.WhichOneof("payload") != "undecoded":
        return collector_pb2.EventResult(event_id=event.event_id, status=collector_pb2.EVENT_STATUS_ACCEPTED)
    violation = collector_pb2.Violation(
        field=event.undecoded.field, rule_id=event.undecoded.rule_id, message=event.undecoded.message
    )
    return collector_pb2.EventResult(
        event_id=event.event_id,
        status=collector_pb2.EVENT_STATUS_QUARANTINED,
        violations=[violation],
    )


class ScriptedCollector(collector_pb2_grpc.CollectorServiceServicer):
    """Records what it is sent, and answers as the test says."""

    def __init__(self) -> None:
        self.requests: list[collector_pb2.TrackRequest] = []
        self.metadata: list[dict[str, str]] = []
        self.judge: Judge = accept
        self.refusal: status_pb2.Status | None = None
        self.forgotten_verdicts = 0
        self._arrivals = asyncio.Condition()
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def events(self) -> list[Event]:
        """Every event of every request, in order."""
        return [event for request in self.requests for event in request.events]

    async def Track(  # noqa: N802 - named as in the proto
        self, request: collector_pb2.TrackRequest, context: Context
    ) -> collector_pb2.TrackResponse:
        self.requests.append(request)
        self.metadata.append({key: str(value) for key, value in context.invocation_metadata() or ()})
        async with self._arrivals:
            self._arrivals.notify_all()
        await self.gate.wait()
        if self.refusal is not None:
            await context.abort_with_status(rpc_status.to_status(self.refusal))
        results = [self.judge(event) for event in request.events]
        return collector_pb2.TrackResponse(results=results[self.forgotten_verdicts :])

    async def arrived(self, count: int) -> None:
        """Waits until so many calls have come."""
        async with self._arrivals:
            await self._arrivals.wait_for(lambda: len(self.requests) >= count)


class ScriptedAdmission:
    """Knows every key but those that the test names."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.refusal: status_pb2.Status | None = None

    async def check(self, request: StringValue, context: Context) -> Empty:
        metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        key = metadata["authorization"].removeprefix("Bearer ")
        self.asked.append((key, request.value))
        if key in self.unknown:
            unknown = refusal(grpc.StatusCode.UNAUTHENTICATED, "The key is unknown.")
            await context.abort_with_status(rpc_status.to_status(unknown))
        if self.refusal is not None:
            await context.abort_with_status(rpc_status.to_status(self.refusal))
        return Empty()

    def add_to(self, server: grpc.aio.Server) -> None:
        handler = grpc.unary_unary_rpc_method_handler(
            self.check, StringValue.FromString, Empty.SerializeToString
        )
        methods = grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler})
        server.add_generic_rpc_handlers((methods,))


class ScriptedReports(reports_pb2_grpc.ReportServiceServicer):
    """Knows one customer."""

    async def GetCustomer(  # noqa: N802
        self, request: reports_pb2.GetCustomerRequest, context: Context
    ) -> reports_pb2.GetCustomerResponse:
        if request.customer.identity == "ada":
            return reports_pb2.GetCustomerResponse(customer=reports_pb2.Customer(customer_id="c-1"))
        await context.abort_with_status(
            rpc_status.to_status(refusal(grpc.StatusCode.NOT_FOUND, "There is no such customer."))
        )
        raise AssertionError


class ScriptedHealth(health_pb2_grpc.HealthServicer):
    """Says what the test says; a watch tells what the test puts into the queue, None ends it."""

    def __init__(self) -> None:
        self.serving = True
        self.told: asyncio.Queue[int | grpc.StatusCode | None] = asyncio.Queue()
        self.watch_ended = asyncio.Event()

    async def Check(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        status = health_pb2.HealthCheckResponse
        return status(status=status.SERVING if self.serving else status.NOT_SERVING)

    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        try:
            while (told := await self.told.get()) is not None:
                if isinstance(told, grpc.StatusCode):
                    await context.abort_with_status(rpc_status.to_status(refusal(told, "The watch broke.")))
                yield health_pb2.HealthCheckResponse(status=told)
        finally:
            self.watch_ended.set()


def refusal(code: grpc.StatusCode, message: str, *details: Message) -> status_pb2.Status:
    """A rich status with details."""
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def retry_in(seconds: int) -> error_details_pb2.RetryInfo:
    """When to come back."""
    info = error_details_pb2.RetryInfo()
    info.retry_delay.seconds = seconds
    return info


@dataclass(frozen=True)
class Answer:
    """What HTTP answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """One header's value."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def cookie(self) -> dict[str, str]:
        """The attributes of Set-Cookie, names in lower case; empty if there is none."""
        parts = [part.strip().partition("=") for part in (self.header("set-cookie") or "").split(";")]
        return {name.lower(): value for name, _, value in parts if name}

    @property
    def error(self) -> tuple[int, str]:
        """Status and code of an error answer; its message must be a sentence."""
        error = self.json["error"]
        assert error["message"].endswith((".", "}"))
        return self.status, error["code"]


@dataclass
class Gateway:
    """A running gateway and what is behind it."""

    port: int
    collector: ScriptedCollector
    health: ScriptedHealth
    admission: ScriptedAdmission
    server: GatewayServer
    grpc_server: grpc.aio.Server
    grpc_address: str

    async def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own."""
        return await fetch(self.port, method, path, body, headers)

    async def get(self, path: str, **headers: str) -> Answer:
        """GET; headers are given with underscores for dashes."""
        return await self.request("GET", path, None, _dashed(headers))

    async def collect(self, *events: Any, token: str | None = KEY, **options: Any) -> Answer:
        """POST /collect with these events."""
        headers = options.pop("headers", {})
        body = {"events": list(events), **({"token": token} if token is not None else {}), **options}
        return await self.post(json.dumps(body).encode(), headers)

    async def post(
        self, body: bytes, headers: Mapping[str, str] | None = None, path: str = "/collect"
    ) -> Answer:
        """POST /collect with this very body."""
        return await self.request("POST", path, body, {"content-type": "text/plain", **(headers or {})})

    async def rpc(self, name: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """One RPC by Connect."""
        given = {"content-type": "application/json", "authorization": f"Bearer {KEY}", **(headers or {})}
        return await self.request("POST", f"/shopalytic.v1.{name}", body, given)


async def fetch(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One HTTP request on a connection of its own."""

    def send() -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    return await asyncio.to_thread(send)


def _dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@asynccontextmanager
async def running_gateway(**options: Any) -> AsyncIterator[Gateway]:
    """A gateway with these options, in front of a scripted collector."""
    collector, health, admission = ScriptedCollector(), ScriptedHealth(), ScriptedAdmission()
    grpc_server = grpc.aio.server()
    collector_pb2_grpc.add_CollectorServiceServicer_to_server(collector, grpc_server)
    reports_pb2_grpc.add_ReportServiceServicer_to_server(ScriptedReports(), grpc_server)
    health_pb2_grpc.add_HealthServicer_to_server(health, grpc_server)
    admission.add_to(grpc_server)
    grpc_port = grpc_server.add_insecure_port("127.0.0.1:0")
    await grpc_server.start()
    server = GatewayServer(GatewayOptions(port=0, **options), f"127.0.0.1:{grpc_port}")
    port = await server.start()
    try:
        yield Gateway(port, collector, health, admission, server, grpc_server, f"127.0.0.1:{grpc_port}")
    finally:
        collector.gate.set()
        await server.stop(5)
        await grpc_server.stop(None)
