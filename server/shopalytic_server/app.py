"""The composition root: makes the parts of a service, connects them, and ends them in order."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp

from shopalytic_server import default_project
from shopalytic_server.config import Settings, SettingsError
from shopalytic_server.default_project import ensure_default_project
from shopalytic_server.demo.demo import PATH, Demo, DemoOptions
from shopalytic_server.embedded import EmbeddedPostgres
from shopalytic_server.gateway.options import GatewayOptions, LocalKeys
from shopalytic_server.gateway.server import GatewayServer
from shopalytic_server.probe import StoreProbe
from shopalytic_server.rpc.server import GrpcServer
from shopalytic_server.signals import Parts, Shutdown
from shopalytic_server.state import DataDirectory, write_json
from shopalytic_server.storage.database import Pool, open_pool
from shopalytic_server.storage.merges import Merges
from shopalytic_server.storage.migrate import migrate
from shopalytic_server.storage.projects import Projects
from shopalytic_server.storage.quarantine import Quarantine
from shopalytic_server.storage.reports import Reports
from shopalytic_server.storage.tail import Tail
from shopalytic_server.storage.writer import STATEMENT_SECONDS, Writer

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
    _gateway_options(settings)  # What cannot be used is told before anything is started.
    with Shutdown() as shutdown:
        async with Parts(shutdown) as parts:
            ready = await _start(settings, directory, parts, with_http, demo)
            directory.write_run({"grpc_address": ready.grpc_address, "http_address": ready.http_address})
            parts.callback(directory.remove_run)
            if not shutdown.is_asked:
                _tell(ready, settings, announce)
            await shutdown.wait()
            log.info("Stopping: requests in flight finish first. [stopping]")
        log.info("Stopped. [stopped]")


async def run_gateway(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run HTTP alone, in front of a collector elsewhere."""
    with Shutdown() as shutdown:
        async with Parts(shutdown) as parts:
            address = await _start_gateway(settings, settings.collector, parts)
            if settings.ready_file:
                write_json(settings.ready_file, {"http_address": address})
            announce(address)
            await shutdown.wait()
            log.info("Stopping: requests in flight finish first. [stopping]")


async def _start(
    settings: Settings, directory: DataDirectory, parts: Parts, with_http: bool, demo: DemoOptions | None
) -> Ready:
    """Start every part; `parts` ends them in the opposite order."""
    database_url = await _database(settings, parts)
    directory.create()
    applied = await asyncio.to_thread(migrate, database_url)
    if applied:
        log.info("Applied to the schema: %s. [migrated]", ", ".join(applied))
    pool = await _pool(database_url, parts, statement_seconds=STATEMENT_SECONDS)
    projects = Projects(pool)
    keys = await ensure_default_project(projects, directory, settings)
    reports_pool = await _pool(settings.reports_database_url or database_url, parts)
    tail = Tail(reports_pool)
    writer = Writer(pool, max_pending_events=settings.max_pending_events, on_stored=tail.publish)
    await writer.start()
    parts.ends_in_order(_end_writer, writer, settings.drain_timeout)
    probe = StoreProbe(pool)
    probe.start()
    parts.ends_in_order(probe.stop)
    server = GrpcServer(
        writer=writer,
        reports=Reports(reports_pool, pool),
        tail=tail,
        projects=projects,
        quarantine=Quarantine(reports_pool),
        merges=Merges(pool, reports_pool),
        store_ready=probe.can_store,
        host=settings.grpc_host,
        port=settings.grpc_port,
    )
    grpc_address = _address(settings.grpc_host, await server.start())
    parts.ends_in_order(server.stop, settings.drain_timeout)
    http_address = demo_address = None
    if demo is not None:
        http_address = await _start_demo(demo, settings, grpc_address, keys.secrets, parts)
        demo_address = f"{http_address}{PATH}/"
    elif with_http:
        http_address = await _start_gateway(settings, grpc_address, parts, keys=keys.secrets)
    return Ready(
        grpc_address,
        http_address,
        database_url,
        default_project.NAME,
        keys.secrets,
        keys.are_new,
        demo_address,
    )


async def _start_demo(
    options: DemoOptions, settings: Settings, grpc_address: str, keys: Mapping[str, str], parts: Parts
) -> str:
    """HTTP with the shop beside it, and then the shop's visitors."""
    demo = Demo(options, keys, grpc_address)
    guests = await demo.open(settings.script_path)
    parts.ends_in_order(demo.close)
    http_address = await _start_gateway(settings, grpc_address, parts, guests, keys)
    demo.let_in(http_address, settings.collect_path)
    parts.ends_in_order(demo.send_away)
    return http_address


async def _database(settings: Settings, parts: Parts) -> str:
    """The outside database, or the embedded one, started."""
    if settings.database_url:
        return settings.database_url
    embedded = EmbeddedPostgres(settings.data_dir)
    url = await asyncio.to_thread(embedded.start)
    parts.push_async_callback(asyncio.to_thread, embedded.stop)
    return url


async def _end_writer(writer: Writer, patience: float) -> None:
    """Store what waits. Past the patience no call waits for its answer, so nothing promised is lost."""
    try:
        async with asyncio.timeout(patience):
            await writer.close()
    except TimeoutError:
        log.error(
            "The store did not take the last events in time; their senders will repeat. [drain_timeout]"
        )


async def _pool(database_url: str, parts: Parts, *, statement_seconds: int = 0) -> Pool:
    pool = await open_pool(database_url, statement_seconds=statement_seconds)
    parts.ends_in_order(pool.close)
    return pool


async def _start_gateway(
    settings: Settings,
    collector: str,
    parts: Parts,
    guests: Mapping[str, ASGIApp] | None = None,
    keys: Mapping[str, str] | None = None,
) -> str:
    gateway = GatewayServer(_gateway_options(settings, keys), collector, guests)
    try:
        port = await gateway.start()
    except OSError as error:
        place = _address(settings.http_host, settings.http_port)
        raise OSError(
            f"Cannot listen on {place}: {error.strerror}. Choose another --http-port, or end what uses it."
        ) from error
    parts.ends_in_order(gateway.stop, settings.drain_timeout)
    return f"http://{_address(settings.http_host, port)}"


def _gateway_options(settings: Settings, keys: Mapping[str, str] | None = None) -> GatewayOptions:
    try:
        return GatewayOptions(
            host=settings.http_host,
            port=settings.http_port,
            collect_path=settings.collect_path,
            script_path=settings.script_path,
            trusted_proxies=settings.trusted_proxies,
            cookie_name=settings.cookie_name,
            cors_origins=settings.cors_origins,
            local_keys=LocalKeys(keys["reports"], keys["browser"]) if keys else None,
        )
    except ValueError as error:
        raise SettingsError(f"{error}.") from None


def _address(host: str, port: int) -> str:
    """Where to call a server that listens here."""
    host = WILDCARDS.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _tell(ready: Ready, settings: Settings, announce: Callable[[Ready], None]) -> None:
    announce(ready)
    if settings.ready_file:
        write_json(settings.ready_file, ready.as_json())
