"""The composition root: makes the parts of a service, connects them, and ends them in order."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import grpc
from starlette.types import ASGIApp

from shopalytic.sending.connection import channel_credentials
from shopalytic_demo.demo import PATH, Demo, DemoOptions
from shopalytic_server import default_project
from shopalytic_server.config import Settings, SettingsError
from shopalytic_server.default_project import ensure_default_project
from shopalytic_server.domain.privacy.addresses import AddressLevel
from shopalytic_server.embedded import EmbeddedPostgres
from shopalytic_server.exposure import check_exposure
from shopalytic_server.gateway.access.local_session import opens_signed_in
from shopalytic_server.gateway.options import GatewayOptions, LocalKeys
from shopalytic_server.gateway.server import GatewayServer
from shopalytic_server.grpc_service import (
    ListenPorts,
    ask_reporter,
    give_back_memory,
    locate_by,
    start_grpc,
    store_pool,
)
from shopalytic_server.process.descriptors import limit, shares
from shopalytic_server.process.metrics import ServerMetrics, listen
from shopalytic_server.process.signals import Lifecycle, Shutdown
from shopalytic_server.reporter.keeper import ReporterKeeper
from shopalytic_server.rpc.local import LocalCollector
from shopalytic_server.state import DataDirectory, write_json
from shopalytic_server.storage.projects import Projects
from shopalytic_server.storage.schema.migrate import migrate
from shopalytic_server.workers import Workers

log = logging.getLogger(__name__)

WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - an address to call instead of one to bind


@dataclass(frozen=True, slots=True)
class Ready:
    """What a running service says of itself."""

    grpc_address: str
    http_address: str | None
    database_url: str
    project: str
    keys: dict[str, str] = field(repr=False)
    keys_are_new: bool
    demo_address: str | None = None
    own_address: str | None = None
    """Where this machine's own callers need no TLS; None: where all call."""
    opens_signed_in: bool = False
    """Whether the dashboard opens signed in by an address that works once."""

    def as_json(self) -> dict[str, object]:
        """The content of the ready file."""
        content: dict[str, object] = {
            "grpc_address": self.grpc_address,
            "http_address": self.http_address,
            "database_url": self.database_url,
            "project": self.project,
            "keys": self.keys,
        }
        if self.demo_address:
            content["demo_address"] = self.demo_address
        return content


async def serve(
    settings: Settings,
    *,
    with_http: bool,
    announce: Callable[[Ready], None],
    demo: DemoOptions | None = None,
) -> None:
    """Run until a signal says to end, then drain: nothing that was accepted is dropped.

    With `demo`, HTTP has a shop beside it, and visitors come.
    """
    directory = DataDirectory(settings.data_dir)
    check_exposure(settings, with_grpc=True, with_http=with_http)
    if demo is not None and settings.tls_cert is not None:
        raise SettingsError("The demo shop runs without TLS: leave --tls-cert out.")
    _gateway_options(settings)  # What cannot be used is told before anything is started.
    with Shutdown() as shutdown:
        async with Lifecycle(shutdown, settings.drain_timeout) as lifecycle:
            give_back_memory(lifecycle)
            ready = await shutdown.unless_asked(_start(settings, directory, lifecycle, with_http, demo))
            if ready is None:
                log.info("Told to stop before it was ready. [stopping]")
            else:
                _say_where(ready, directory)
                lifecycle.callback(directory.remove_run)
                if not shutdown.is_asked:
                    _tell(ready, settings, announce)
                await shutdown.wait()
                log.info("Stopping: requests in flight finish first. [stopping]")
        log.info("Stopped. [stopped]")


async def run_gateway(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run HTTP alone, in front of a collector elsewhere."""
    check_exposure(settings, with_grpc=False, with_http=True)
    credentials = _collector_credentials(settings)
    with Shutdown() as shutdown:
        async with Lifecycle(shutdown, settings.drain_timeout) as lifecycle:
            give_back_memory(lifecycle)
            address = await _start_gateway(settings, settings.collector, lifecycle, credentials=credentials)
            if settings.ready_file:
                write_json(settings.ready_file, {"http_address": address})
            announce(address)
            await shutdown.wait()
            log.info("Stopping: requests in flight finish first. [stopping]")


async def _start(
    settings: Settings,
    directory: DataDirectory,
    lifecycle: Lifecycle,
    with_http: bool,
    demo: DemoOptions | None,
) -> Ready:
    """Start every part; `lifecycle` ends them in the opposite order."""
    database_url = await _database(settings, lifecycle)
    directory.create()
    applied = await asyncio.to_thread(migrate, settings.direct_database_url or database_url)
    if applied:
        log.info("Applied to the schema: %s. [migrated]", ", ".join(applied))
    pool = await store_pool(database_url, lifecycle)
    keys = await ensure_default_project(Projects(pool), directory, settings)
    reporter = await _start_reporter(settings, database_url, lifecycle)
    ports = await _start_grpc(settings, database_url, lifecycle, reporter, with_http)
    grpc_address = _address(settings.grpc_host, ports.port)
    # The gateway's, where outside connections cannot crowd it out.
    inner_address = f"127.0.0.1:{ports.inner}" if ports.inner else grpc_address
    own_address = inner_address if settings.tls_cert else grpc_address
    http_address = demo_address = None
    if demo is not None:
        http_address = await _start_demo(demo, settings, inner_address, keys.secrets, lifecycle, ports.local)
        demo_address = f"{http_address}{PATH}/"
    elif with_http:
        http_address = await _start_gateway(
            settings, inner_address, lifecycle, keys=keys.secrets, local=ports.local
        )
    return Ready(
        grpc_address,
        http_address,
        database_url,
        default_project.NAME,
        keys.secrets,
        keys.are_new,
        demo_address,
        own_address,
        http_address is not None and opens_signed_in(_gateway_options(settings, keys.secrets)),
    )


async def _start_demo(
    options: DemoOptions,
    settings: Settings,
    grpc_address: str,
    keys: Mapping[str, str],
    lifecycle: Lifecycle,
    local: LocalCollector | None,
) -> str:
    """HTTP with the shop beside it, and then the shop's visitors."""
    demo = Demo(options, keys, grpc_address)
    guests = await demo.open(settings.script_path)
    lifecycle.ends_in_order(demo.close)
    http_address = await _start_gateway(settings, grpc_address, lifecycle, guests, keys, local=local)
    demo.let_in(http_address, settings.collect_path)
    lifecycle.ends_in_order(demo.send_away)
    return http_address


async def _database(settings: Settings, lifecycle: Lifecycle) -> str:
    """The outside database, or the embedded one, started."""
    if settings.database_url:
        return settings.database_url
    if settings.direct_database_url:
        raise SettingsError("--direct-database-url goes past the pooler of --database-url: give both.")
    embedded = EmbeddedPostgres(settings.data_dir, sql_port=settings.sql_port)
    starting = asyncio.ensure_future(asyncio.to_thread(embedded.start))
    try:
        return await asyncio.shield(starting)
    finally:
        if not starting.done():
            embedded.give_up()
            await asyncio.wait([starting])
        if starting.exception() is None:
            lifecycle.ends_at_last(embedded.stop, blocks=True)


async def _start_reporter(settings: Settings, database_url: str, lifecycle: Lifecycle) -> str:
    """The process that answers reports, beside all others; gives where it is asked."""
    if settings.rollups:
        log.warning("--rollups has no effect any more; leave it out. [setting_removed]")
    keeper = ReporterKeeper(settings, database_url)
    lifecycle.ends_at_last(keeper.end)
    await keeper.start()
    lifecycle.drains(keeper.stop)
    return keeper.place


async def _start_grpc(
    settings: Settings, database_url: str, lifecycle: Lifecycle, reporter: str, with_http: bool
) -> ListenPorts:
    """gRPC in this process, or in several others; gives the ports."""
    inner = with_http or settings.tls_cert is not None
    if settings.workers == 1:
        metrics = ServerMetrics()
        metrics.listen_as(1, settings, lifecycle)
        return await start_grpc(
            settings,
            database_url,
            lifecycle,
            reports=ask_reporter(reporter, metrics, lifecycle),
            port=settings.grpc_port,
            inner_port=0 if inner else None,
            most_connections=shares(limit(), with_http=with_http).grpc,
            metrics=metrics,
        )
    workers = Workers(settings, database_url, reporter=reporter, inner=inner)
    lifecycle.ends_at_last(workers.kill)  # When it is urgent, they are not waited for.
    ports = await workers.start()
    lifecycle.drains(workers.stop)
    return ports


async def _start_gateway(
    settings: Settings,
    collector: str,
    lifecycle: Lifecycle,
    guests: Mapping[str, ASGIApp] | None = None,
    keys: Mapping[str, str] | None = None,
    credentials: grpc.ChannelCredentials | None = None,
    local: LocalCollector | None = None,
) -> str:
    track = local.track if local is not None else None
    gateway = GatewayServer(_gateway_options(settings, keys), collector, guests, credentials, track)
    try:
        port = await gateway.start()
    except OSError as error:
        place = _address(settings.http_host, settings.http_port)
        raise OSError(
            f"Cannot listen on {place}: {error.strerror}. Choose another --http-port, or end what uses it."
        ) from error
    lifecycle.drains(gateway.stop)
    if settings.metrics_port:
        # After the ports of the servers that this process has started.
        port_after = settings.metrics_port + (settings.workers if keys is not None else 0)
        listen(gateway.registry, settings.metrics_host, port_after, lifecycle)
    scheme = "https" if settings.tls_cert else "http"
    return f"{scheme}://{_address(settings.http_host, port)}"


def _collector_credentials(settings: Settings) -> grpc.ChannelCredentials | None:
    if not settings.tls_ca:
        return None
    try:
        return channel_credentials(settings.tls_ca, settings.tls_client_cert, settings.tls_client_key)
    except OSError as error:
        raise SettingsError(f"A file for TLS cannot be read: {error.filename}: {error.strerror}.") from None


def _gateway_options(settings: Settings, keys: Mapping[str, str] | None = None) -> GatewayOptions:
    locate = locate_by(settings)
    try:
        return GatewayOptions(
            host=settings.http_host,
            port=settings.http_port,
            collect_path=settings.collect_path,
            script_path=settings.script_path,
            trusted_proxies=settings.trusted_proxies,
            cookie_name=settings.cookie_name,
            client_addresses=AddressLevel(settings.client_addresses),
            locate=locate,
            address_rate=settings.address_rate,
            tls=(settings.tls_cert, settings.tls_key) if settings.tls_cert and settings.tls_key else None,
            cors_origins=settings.cors_origins,
            traced=bool(settings.otlp_endpoint),
            max_connections=shares(limit(), with_http=True).http,
            local_keys=LocalKeys(keys["reports"], keys["browser"]) if keys else None,
        )
    except ValueError as error:
        raise SettingsError(f"{error}.") from None


def _address(host: str, port: int) -> str:
    """Where to call a server that listens here."""
    host = WILDCARDS.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _say_where(ready: Ready, directory: DataDirectory) -> None:
    """To this machine's own commands."""
    directory.write_run(
        {
            "grpc_address": ready.own_address or ready.grpc_address,
            "http_address": ready.http_address,
            "opens_signed_in": ready.opens_signed_in,
        }
    )


def _tell(ready: Ready, settings: Settings, announce: Callable[[Ready], None]) -> None:
    announce(ready)
    if settings.ready_file:
        write_json(settings.ready_file, ready.as_json())
