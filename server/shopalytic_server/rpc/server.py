"""The gRPC server: which services it has, its limits, and how it starts and ends."""

import asyncio
import errno
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shopalytic.v1 import (
    admin_pb2_grpc,
    collector_pb2_grpc,
    notifications_pb2_grpc,
    reports_pb2_grpc,
    users_pb2_grpc,
)
from shopalytic_server.background.periodic import Periodic
from shopalytic_server.domain.privacy.addresses import AddressLevel
from shopalytic_server.domain.privacy.network_places import Locate
from shopalytic_server.rpc.access.admission import add_admission
from shopalytic_server.rpc.access.auth import (
    ADMIN_SERVICE,
    COLLECTOR_SERVICE,
    NOTIFICATION_SERVICE,
    REPORT_SERVICE,
    USER_SERVICE,
    Authenticator,
    KeyCache,
)
from shopalytic_server.rpc.access.key_use import KeyUse
from shopalytic_server.rpc.access.limits import Limits, Rates
from shopalytic_server.rpc.admin import AdminServicer
from shopalytic_server.rpc.ingest.batches import Batch, Turns, read_batch
from shopalytic_server.rpc.ingest.collector import CollectorServicer
from shopalytic_server.rpc.local import LocalCollector
from shopalytic_server.rpc.notifications import NotificationServicer
from shopalytic_server.rpc.people.auditing import Auditing
from shopalytic_server.rpc.people.passwords import Passwords
from shopalytic_server.rpc.people.ports import PeopleStores
from shopalytic_server.rpc.people.sign_in import SignIn, add_sign_in
from shopalytic_server.rpc.people.users import UserServicer
from shopalytic_server.rpc.ports import (
    DataStores,
    EventTail,
    EventWriter,
    Notifications,
    ProjectStore,
    Quarantine,
    Reports,
)
from shopalytic_server.rpc.reports import ReportServicer
from shopalytic_server.rpc.transport.connections import Connections
from shopalytic_server.rpc.transport.health import POLL_SECONDS, HealthServicer
from shopalytic_server.rpc.transport.interceptor import MAX_REQUEST_BYTES, AnsweringServer
from shopalytic_server.rpc.transport.open_services import OpenServer
from shopalytic_server.rpc.transport.receiving import Bounds, Receiver
from shopalytic_server.rpc.transport.reflection import Reflection
from shopalytic_server.rpc.transport.tls import TlsFiles, server_credentials
from shopalytic_server.rpc.transport.tracing import TracingInterceptor

SERVICES = (COLLECTOR_SERVICE, REPORT_SERVICE, ADMIN_SERVICE, NOTIFICATION_SERVICE, USER_SERVICE)

# Calls at once on one connection; a caller with more opens another one.
MAX_STREAMS = 100
# Descriptions of files, of up to half a megabyte each; a tool asks for about twenty.
REFLECTIONS_A_SECOND = 20
SETTINGS_SECONDS = 5
"""How long a connection may take to acknowledge the settings."""

OPTIONS: tuple[tuple[str, int], ...] = (
    # A little more than the limit, so that what is a little too large gets a
    # sentence from our own check; what is larger, gRPC refuses in its own words.
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES + 64 * 1024),
    # What a sender may send before its message is asked for. With its probes of
    # the line gRPC would allow 4 MB of each call from the start.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 256 * 1024),
    ("grpc.max_send_message_length", -1),
    # Finds peers that vanished without a word.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Senders behind network address translation may ping this often.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.max_concurrent_streams", MAX_STREAMS),
    # Else calls that are answered but not yet forgotten count too, and a sender
    # that keeps to the limit is refused while the loop is busy.
    ("grpc.http.overload_protection", 0),
    # A connection that does not begin as HTTP/2 does, or with TLS, is closed after this long.
    ("grpc.server_handshake_timeout_ms", 5_000),
    # gRPC keeps to its bounds of metadata from when the other side has acknowledged the settings, as clients
    # do at once. A connection that does not, and whose headers may never end, is closed after this long.
    ("grpc.http2.settings_timeout", SETTINGS_SECONDS * 1_000),
    # A connection without a call for this long is closed; clients connect again by themselves.
    ("grpc.max_connection_idle_ms", 600_000),
    # Metadata is a key and little else.
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.absolute_max_metadata_size", 16 * 1024),
)


NO_LIMITS = Rates()


def now() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


class GrpcServer:
    """Serves the product's services, health and reflection on one address.

    With `inner_port` this machine's own callers have a port beside it, on
    loopback and without TLS; 0 takes any free one. Each port takes as many
    callers as `most_connections` says, so neither is crowded out by the other.
    """

    def __init__(
        self,
        *,
        writer: EventWriter,
        reports: Reports,
        tail: EventTail,
        projects: ProjectStore,
        quarantine: Quarantine,
        data_stores: DataStores,
        notifications: Notifications,
        people: PeopleStores,
        store_ready: Callable[[], bool],
        host: str = "127.0.0.1",
        port: int = 0,
        so_reuseport: bool = False,
        traced: bool = False,
        rates: Rates = NO_LIMITS,
        tls: TlsFiles | None = None,
        inner_port: int | None = None,
        most_connections: int = 2_000,
        clock: Callable[[], datetime] = now,
        addresses: AddressLevel = AddressLevel.TRUNCATED,
        locate: Locate | None = None,
        bounds: Bounds | None = None,
        memory: Callable[[], int] = lambda: 0,
    ) -> None:
        """`memory`: how many bytes the process has; see Connections."""
        self._writer = writer
        self._reports = reports
        self._tail = tail
        self._projects = projects
        self._quarantine = quarantine
        self._data_stores = data_stores
        self._notifications = notifications
        self._people = people
        self._passwords = Passwords()
        self._store_ready = store_ready
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._so_reuseport = so_reuseport
        self._traced = traced
        self._rates = rates
        self._tls = tls
        self._inner_port = inner_port
        self._most_connections = most_connections
        self._clock = clock
        self._addresses = addresses
        self._locate = locate
        self._bounds = bounds or Bounds()
        self.connections = Connections(memory)
        """Those of the port."""
        self._drain = asyncio.Event()
        self._health = HealthServicer(SERVICES)
        self._server: grpc.aio.Server | None = None
        self._following = Periodic("health", self._follow_store, POLL_SECONDS)

    @property
    def inner_port(self) -> int:
        """Where this machine's own callers need no TLS, once it is started; 0: nowhere."""
        return self._inner_port or 0

    async def start(self) -> int:
        """Begins to listen and returns the port. Raises OSError when the address cannot be listened on."""
        server = grpc.aio.server(
            interceptors=[TracingInterceptor()] if self._traced else [],
            options=[
                *OPTIONS,
                ("grpc.so_reuseport", int(self._so_reuseport)),
                ("grpc.max_allowed_incoming_connections", self._most_connections),
            ],
        )
        self._register(server)
        try:
            if self._tls is None:
                port = server.add_insecure_port(self._address)
            else:
                port = server.add_secure_port(self._address, server_credentials(self._tls))
            if self._inner_port is not None:
                self._inner_port = server.add_insecure_port(f"127.0.0.1:{self._inner_port}")
        except RuntimeError as error:
            raise OSError(
                errno.EADDRINUSE,
                f"Cannot listen on {self._address}: it is in use, or not an address of this machine. "
                "Choose another port, or end what uses it.",
            ) from error
        self._health.set_serving(self._store_ready())
        await server.start()
        self._server = server
        self.connections.start(port, self._most_connections)
        self._key_use.start()
        self._following.start()
        return port

    async def stop(self, grace: float) -> None:
        """Takes no more calls and lets those in flight finish; after `grace` seconds they are cancelled."""
        if self._server is None:
            return
        self._health.end()
        self._drain.set()
        # First of all that is waited for: a call that came in meanwhile would be taken, and then cancelled.
        await self._server.stop(grace)
        await self.connections.stop()
        await self._following.stop()
        await self._key_use.stop()
        self._passwords.close()

    async def cancel(self) -> None:
        """Cancels the calls in flight. A server that nobody ends does so itself, in a loop that is over."""
        if self._server is not None:
            await self._server.stop(None)

    async def _follow_store(self) -> None:
        self._health.set_serving(self._store_ready())

    def _register(self, server: grpc.aio.Server) -> None:
        cache = KeyCache(self._projects)
        self._key_use = KeyUse(cache, self._projects)
        authenticator = Authenticator(cache, Limits(self._rates))
        receiver = Receiver(self._bounds, self.connections)
        turns = Turns(lambda: receiver.small_calls)

        async def read(data: bytes) -> Batch:
            return await read_batch(data, turns)

        readers = {f"/{COLLECTOR_SERVICE}/{name}": read for name in ("Track", "TrackStream")}
        answering: Any = AnsweringServer(
            server, authenticator, receiver, readers, Auditing(self._people.audit).tell
        )
        collector = CollectorServicer(
            authenticator,
            self._writer,
            self._data_stores.merges,
            self._drain,
            self._clock,
            self._addresses,
            self._locate,
            self._projects,
            turns,
        )
        collector_pb2_grpc.add_CollectorServiceServicer_to_server(collector, answering)
        reports = ReportServicer(authenticator, self._reports, self._tail, self._drain)
        reports_pb2_grpc.add_ReportServiceServicer_to_server(reports, answering)
        admin = AdminServicer(authenticator, self._projects, self._quarantine, self._data_stores)
        admin_pb2_grpc.add_AdminServiceServicer_to_server(admin, answering)
        notifications = NotificationServicer(authenticator, self._notifications)
        notifications_pb2_grpc.add_NotificationServiceServicer_to_server(notifications, answering)
        users = UserServicer(authenticator, self._passwords, self._people)
        users_pb2_grpc.add_UserServiceServicer_to_server(users, answering)
        add_admission(authenticator, answering)
        self.local = LocalCollector(collector, turns, receiver)
        signing_in: Any = OpenServer(server, "signing in", receiver)
        add_sign_in(SignIn(self._people.people, self._passwords, cache, self._people.audit), signing_in)
        watched: Any = OpenServer(server, "health", receiver)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, watched)
        health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
        reflected: Any = OpenServer(server, "reflection", receiver, rate=REFLECTIONS_A_SECOND)
        reflected.add_generic_rpc_handlers(Reflection((*SERVICES, health_name)).handlers())
