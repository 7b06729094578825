"""The gateway's connections to the collector."""

import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

import grpc
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2

from shopalytic.v1 import collector_pb2, collector_pb2_grpc, events_pb2
from shopalytic_server.domain.access import sign_in_calls
from shopalytic_server.domain.access.admission import PATH
from shopalytic_server.gateway.errors import CODES
from shopalytic_server.gateway.http.tracing import carried
from shopalytic_server.gateway.metrics import Metrics
from shopalytic_server.gateway.services import Method

log = logging.getLogger(__name__)

CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    # A collector that restarts should be found again within a second, not after gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),
    # A name with several addresses (dns:///shopalytic-server:50051) is several
    # servers: all of them get calls, not only the first that answers.
    ("grpc.lb_policy_name", "round_robin"),
    # A collector that vanished without a word is noticed although no packet says
    # so. Its server takes a ping each ten seconds.
    ("grpc.keepalive_time_ms", 15_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # No ping is sent while another is unanswered, such as one that measured the
    # line as it died: that one must not take a minute, either.
    ("grpc.http2.ping_timeout_ms", 10_000),
)
_SERVICE = "shopalytic.v1.CollectorService"
# A server allows about a hundred calls at once on one connection.
_RPC_CHANNELS = 3
_CHECK_SECONDS = 3.0
# Passwords wait for their turn to be compared.
_SIGN_IN_SECONDS = 20.0


LocalTrack = Callable[
    [str, Sequence[events_pb2.Event], Timestamp | None, float, Sequence[collector_pb2.Delivery]],
    Awaitable[list[collector_pb2.EventResult]],
]
"""Takes events with a key, the sender's clock, the seconds that it may take, and the events' numbers; raises
AioRpcError."""


class Collector:
    """Calls the collector's services.

    What a browser waits for, what a page asks for, each kind of stream that
    lasts, and questions about the collector itself have connections of their
    own: however many of one kind there are, the others get through.
    """

    def __init__(
        self,
        address: str,
        metrics: Metrics,
        *,
        track_seconds: float,
        credentials: grpc.ChannelCredentials | None = None,
        local: LocalTrack | None = None,
    ) -> None:
        """`credentials`: for a collector with TLS; `local` takes events in this process."""

        def connect() -> grpc.aio.Channel:
            if credentials is None:
                return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
            return grpc.aio.secure_channel(address, credentials, options=CHANNEL_OPTIONS)

        self._connect = connect
        self._events, self._questions = connect(), connect()
        # By path.
        self._streams: dict[str, grpc.aio.Channel] = {}
        self._rpcs = [connect() for _ in range(_RPC_CHANNELS)]
        self._next_rpcs = itertools.cycle(self._rpcs)
        self._stub = collector_pb2_grpc.CollectorServiceStub(self._events)
        self._check_health = self._questions.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        self._check_key = self._questions.unary_unary(
            PATH,
            request_serializer=StringValue.SerializeToString,
            response_deserializer=StringValue.FromString,
        )
        self._sign_in = {
            name: self._questions.unary_unary(
                sign_in_calls.path(name),
                request_serializer=Struct.SerializeToString,
                response_deserializer=Struct.FromString,
            )
            for name in sign_in_calls.METHODS
        }
        self._local = local
        self._metrics = metrics
        self._track_seconds = track_seconds
        self._away = False

    @property
    def is_local(self) -> bool:
        """Whether events need no call, so that nothing is gained by joining them."""
        return self._local is not None

    def channel_for(self, method: Method) -> grpc.aio.Channel:
        """The connection that calls of a method go over."""
        if not method.server_streaming:
            return next(self._next_rpcs)
        if method.path not in self._streams:
            self._streams[method.path] = self._connect()
        return self._streams[method.path]

    async def check_key(self, key: str, service: str) -> str:
        """Returns if a key may call a service: what tells its project from others, "" where a server of
        the version before does not tell. Raises grpc.aio.AioRpcError."""
        request = StringValue(value=service)
        metadata = (*bearer(key), *carried())
        answer: StringValue = await self._check_key(request, timeout=_CHECK_SECONDS, metadata=metadata)
        return answer.value

    async def sign_in(self, method: str, request: Struct) -> Struct:
        """One of the calls of `sign_in_calls`. Raises grpc.aio.AioRpcError."""
        answer: Struct = await self._sign_in[method](request, timeout=_SIGN_IN_SECONDS, metadata=carried())
        return answer

    async def track(
        self,
        token: str,
        events: Sequence[events_pb2.Event],
        sent_at: float | None,
        deliveries: Sequence[collector_pb2.Delivery] = (),
    ) -> list[collector_pb2.EventResult]:
        """Stores events and returns their verdicts, in order. Raises grpc.aio.AioRpcError."""
        started = time.perf_counter()
        try:
            results = await self._track(token, events, _timestamp(sent_at), deliveries)
        except grpc.aio.AioRpcError as error:
            self._failed(error)
            raise
        self._metrics.call(len(events), time.perf_counter() - started)
        if self._away:
            self._away = False
            log.info("The collector is back. [collector_back]")
        return results

    async def _track(
        self,
        token: str,
        events: Sequence[events_pb2.Event],
        sent_at: Timestamp | None,
        deliveries: Sequence[collector_pb2.Delivery],
    ) -> list[collector_pb2.EventResult]:
        if self._local is not None:
            return await self._local(token, events, sent_at, self._track_seconds, deliveries)
        request = collector_pb2.TrackRequest(events=events, sent_at=sent_at, deliveries=deliveries)
        response: collector_pb2.TrackResponse = await self._stub.Track(
            request, timeout=self._track_seconds, metadata=(*bearer(token), *carried())
        )
        return list(response.results)

    async def ready(self, seconds: float = 2.0) -> str | None:
        """None when the collector says that it can store, else the reason why not."""
        request = health_pb2.HealthCheckRequest(service=_SERVICE)
        try:
            response = await self._check_health(request, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            return f"The collector does not answer ({CODES[error.code()].name})."
        if response.status != health_pb2.HealthCheckResponse.SERVING:
            return "The collector says that it cannot store at the moment."
        return None

    async def close(self) -> None:
        """Closes the connections; calls still under way are cancelled."""
        for channel in (self._events, self._questions, *self._streams.values(), *self._rpcs):
            await channel.close()

    def _failed(self, error: grpc.aio.AioRpcError) -> None:
        name = CODES.get(error.code(), CODES[grpc.StatusCode.UNKNOWN]).name
        self._metrics.failed_call(name)
        # Once per outage: a line for every failed request would fill the disk when it is needed most.
        if name in ("unavailable", "deadline_exceeded", "internal") and not self._away:
            self._away = True
            log.warning("The collector cannot store (%s); senders are told to wait. [collector_away]", name)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """The metadata that carries a key."""
    return (("authorization", f"Bearer {token}"),)


def _timestamp(seconds: float | None) -> Timestamp | None:
    if seconds is None:
        return None
    timestamp = Timestamp()
    timestamp.FromMicroseconds(round(seconds * 1_000_000))
    return timestamp
