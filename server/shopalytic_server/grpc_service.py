"""Puts together what answers gRPC on one store: the same parts in the main process and in each worker."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from shopalytic_server.config import Settings
from shopalytic_server.domain.ingest import native
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.domain.privacy.addresses import AddressLevel
from shopalytic_server.domain.privacy.network_places import Locate
from shopalytic_server.domain.quarantine import MEGABYTE, Bounds
from shopalytic_server.notifications_service import mail_of, start_notifications
from shopalytic_server.people_service import LinkedInvitations
from shopalytic_server.probe import StoreProbe
from shopalytic_server.process.memory import GiveBack, resident_bytes
from shopalytic_server.process.metrics import ServerMetrics
from shopalytic_server.process.places_file import PlacesFile
from shopalytic_server.process.signals import Lifecycle
from shopalytic_server.reporter.client import RemoteReports
from shopalytic_server.rpc.access.limits import Rates
from shopalytic_server.rpc.local import LocalCollector
from shopalytic_server.rpc.people.ports import PeopleStores
from shopalytic_server.rpc.ports import DataStores
from shopalytic_server.rpc.server import GrpcServer
from shopalytic_server.rpc.transport.tls import TlsFiles
from shopalytic_server.storage.customers.form_joiner import FormJoiner
from shopalytic_server.storage.customers.merges import Merges
from shopalytic_server.storage.database.connections import Pool, open_pool
from shopalytic_server.storage.facts.erased import ErasedFiles
from shopalytic_server.storage.facts.files import FactFiles
from shopalytic_server.storage.ingest.quarantine_capacity import QuarantineRoom
from shopalytic_server.storage.ingest.writer import STATEMENT_SECONDS, Writer
from shopalytic_server.storage.live.tail import Tail
from shopalytic_server.storage.live.tail_relay import TailRelay
from shopalytic_server.storage.people.audit import Audit
from shopalytic_server.storage.people.store import People
from shopalytic_server.storage.privacy.data_retention_loop import Expirer
from shopalytic_server.storage.privacy.erasure import Erasures
from shopalytic_server.storage.privacy.export import Exports
from shopalytic_server.storage.projects import Projects
from shopalytic_server.storage.quarantine.listing import Quarantine
from shopalytic_server.storage.quarantine.repair import Repairs
from shopalytic_server.storage.rebuild.day_mover import DayMover
from shopalytic_server.storage.reports import Reports

log = logging.getLogger(__name__)


class ListenPorts(NamedTuple):
    """Where gRPC listens; `inner` is for this machine's own callers, without TLS, 0 where there is none.

    However many connections the other one is full of, this one takes its own. `local` takes events
    of a gateway in the same process.
    """

    port: int
    inner: int
    local: LocalCollector | None = None


async def start_grpc(
    settings: Settings,
    database_url: str,
    lifecycle: Lifecycle,
    *,
    reports: RemoteReports,
    port: int,
    inner_port: int | None = None,
    most_connections: int = 2_000,
    shared_port: bool = False,
    connections: int = 8,
    metrics: ServerMetrics,
) -> ListenPorts:
    """Starts everything and returns the ports. With `shared_port` other processes listen on it too.

    `inner_port`: 0 takes any free one, None has none. `most_connections`: callers of each port;
    `connections`: of each of the two pools. Raises OSError when the port cannot be listened on.
    """
    pool = await store_pool(database_url, lifecycle, connections)
    reports_pool = await reading_pool(settings, database_url, lifecycle, connections)
    own_session_url = settings.direct_database_url or database_url
    relay = _start_relay(own_session_url, pool, reports_pool, lifecycle)

    def on_stored(events: Sequence[Prepared]) -> None:
        metrics.on_stored(events)
        relay.publish(events)

    room = QuarantineRoom(_bounds(settings))
    writer = _writer(pool, settings, room, on_stored, metrics)
    addresses = AddressLevel(settings.client_addresses)
    repairs = Repairs(pool, on_stored=on_stored, addresses=addresses)
    await writer.start()
    lifecycle.drains(_end_writer, writer)
    _start_upkeep(own_session_url, metrics, room, lifecycle)
    server = GrpcServer(
        writer=writer,
        reports=(answering := Reports(reports_pool, reports)),
        tail=relay,
        projects=Projects(pool),
        quarantine=Quarantine(reports_pool),
        data_stores=_data_stores(settings, pool, reports_pool, reports, repairs),
        notifications=start_notifications(settings, pool, own_session_url, answering, lifecycle),
        people=_people_stores(settings, pool),
        store_ready=_start_probe(pool, writer, metrics, lifecycle).can_store,
        host=settings.grpc_host,
        port=port,
        so_reuseport=shared_port,
        traced=bool(settings.otlp_endpoint),
        tls=_tls_files(settings),
        inner_port=inner_port,
        most_connections=most_connections,
        addresses=addresses,
        locate=locate_by(settings),
        rates=_rates(settings),
        memory=resident_bytes,
    )
    bound = await server.start()
    lifecycle.ends_also_when_urgent(server.cancel)
    lifecycle.drains(server.stop)
    return ListenPorts(bound, server.inner_port, server.local)


def locate_by(settings: Settings) -> Locate | None:
    """What tells where addresses are, if there is a file of that. Raises SettingsError."""
    return None if settings.geoip_file is None else _places_file(settings.geoip_file).locate


# The parts of a process share what it has read.
_places_file = lru_cache(1)(PlacesFile)


def give_back_memory(lifecycle: Lifecycle) -> None:
    """From now on; ends in its turn."""
    giving = GiveBack()
    giving.start()
    lifecycle.ends_in_order(giving.stop)


def _start_relay(database_url: str, pool: Pool, reports_pool: Pool, lifecycle: Lifecycle) -> TailRelay:
    relay = TailRelay(database_url, pool, Tail(reports_pool))
    relay.start()
    lifecycle.ends_in_order(relay.stop)
    return relay


def _rates(settings: Settings) -> Rates:
    return Rates(settings.browser_key_rate, settings.key_rate, settings.grpc_address_rate, settings.workers)


def ask_reporter(place: str, metrics: ServerMetrics | None, lifecycle: Lifecycle) -> RemoteReports:
    """Questions to the report process; `metrics` tell of it, if there are any."""
    reports = RemoteReports(place)
    reports.start(looks=metrics is not None)
    lifecycle.ends_in_order(reports.stop)
    if metrics is not None:
        metrics.watch_reporter(lambda: reports.state)
    return reports


def _data_stores(
    settings: Settings, pool: Pool, reports_pool: Pool, reports: RemoteReports, repairs: Repairs
) -> DataStores:
    erasures = Erasures(pool, _forget_erased(settings, pool, reports))
    return DataStores(Merges(pool, reports_pool), erasures, Exports(reports_pool), repairs)


def _people_stores(settings: Settings, pool: Pool) -> PeopleStores:
    return PeopleStores(People(pool), LinkedInvitations(settings.public_url, mail_of(settings)), Audit(pool))


def _forget_erased(settings: Settings, pool: Pool, reports: RemoteReports) -> Callable[[], Awaitable[None]]:
    """What removes people who were erased from what this server keeps beside PostgreSQL."""
    try:
        files = FactFiles(settings.facts_folder)
    except OSError:
        return reports.forget  # The report process tells why there are no files.
    return ErasedFiles(files, pool, reports.forget).remove


def _start_probe(pool: Pool, writer: Writer, metrics: ServerMetrics, lifecycle: Lifecycle) -> StoreProbe:
    probe = StoreProbe(pool)
    probe.start()
    lifecycle.ends_in_order(probe.stop)
    metrics.watch(
        pending=lambda: writer.pending_events,
        faults=lambda: writer.faults,
        can_store=probe.can_store,
        pool=pool,
    )
    return probe


def _writer(
    pool: Pool,
    settings: Settings,
    room: QuarantineRoom,
    on_stored: Callable[[Sequence[Prepared]], None],
    metrics: ServerMetrics,
) -> Writer:
    native.use(settings.native_core)
    log.info("Events are %s. [event_reader]", native.described(settings.native_core))
    pending, on_group = settings.max_pending_events, metrics.on_group
    return Writer(pool, max_pending_events=pending, room=room, on_stored=on_stored, on_group=on_group)


def _bounds(settings: Settings) -> Bounds:
    def age(days: int) -> timedelta | None:
        return timedelta(days=days) if days else None

    return Bounds(
        settings.quarantine_browser_mb * MEGABYTE,
        settings.quarantine_server_mb * MEGABYTE,
        age(settings.quarantine_browser_days),
        age(settings.quarantine_server_days),
    )


def _start_upkeep(
    database_url: str, metrics: ServerMetrics, room: QuarantineRoom, lifecycle: Lifecycle
) -> None:
    expirer = Expirer(database_url, metrics.on_expired, room, metrics.on_quarantine_expired)
    expirer.start()
    lifecycle.ends_in_order(expirer.stop)
    mover = DayMover(database_url)
    mover.start()
    lifecycle.ends_in_order(mover.stop)
    joiner = FormJoiner(database_url)
    joiner.start()
    lifecycle.ends_in_order(joiner.stop)
    metrics.watch_quarantine(room.fill)


def _tls_files(settings: Settings) -> TlsFiles | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return TlsFiles(settings.tls_cert, settings.tls_key, settings.tls_client_ca)


async def store_pool(database_url: str, lifecycle: Lifecycle, connections: int = 8) -> Pool:
    """Connections to the database that is written to; closed in their turn."""
    pool = await open_pool(database_url, size=connections, statement_seconds=STATEMENT_SECONDS)
    lifecycle.ends_in_order(pool.close)
    return pool


async def reading_pool(settings: Settings, database_url: str, lifecycle: Lifecycle, connections: int) -> Pool:
    """Connections to the database that answers reports; closed in their turn."""
    pool = await open_pool(settings.reports_database_url or database_url, size=connections)
    lifecycle.ends_in_order(pool.close)
    return pool


async def _end_writer(writer: Writer, patience: float) -> None:
    """Store what waits. Past the patience no call waits for its answer, so nothing promised is lost."""
    try:
        async with asyncio.timeout(patience):
            await writer.close()
    except TimeoutError:
        log.error(
            "The store did not take the last events in time; their senders will repeat. [drain_timeout]"
        )
