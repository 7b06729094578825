"""A real gRPC server over a real store of projects, with a scripted writer and scripted reports."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from shopalytic.v1 import collector_pb2, reports_pb2
from shopalytic.v1.admin_pb2_grpc import AdminServiceStub
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.reports_pb2_grpc import ReportServiceStub
from shopalytic_server.domain.errors import Overloaded
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.domain.ingest.verdicts import Verdicts, verdict
from shopalytic_server.domain.projects import KeyClass, Project
from shopalytic_server.notifications.contents import DigestContents
from shopalytic_server.notifications.judged import Judging
from shopalytic_server.notifications.numbers import Numbers
from shopalytic_server.notifications.service import Notifications
from shopalytic_server.people_service import LinkedInvitations
from shopalytic_server.rpc.access.limits import Rates
from shopalytic_server.rpc.people.ports import PeopleStores
from shopalytic_server.rpc.ports import DataStores, EventTail, EventWriter
from shopalytic_server.rpc.server import NO_LIMITS, GrpcServer
from shopalytic_server.rpc.transport.receiving import Bounds
from shopalytic_server.storage.customers.merges import Merges
from shopalytic_server.storage.database.connections import Pool, open_pool
from shopalytic_server.storage.live.tail import Tail
from shopalytic_server.storage.notifications.store import NotificationStore
from shopalytic_server.storage.people.audit import Audit
from shopalytic_server.storage.people.store import People
from shopalytic_server.storage.privacy.erasure import Erasures
from shopalytic_server.storage.privacy.export import Exports
from shopalytic_server.storage.projects import Projects
from shopalytic_server.storage.quarantine.listing import Quarantine
from shopalytic_server.storage.quarantine.repair import Repairs

if TYPE_CHECKING:
    from shopalytic.v1.admin_pb2_grpc import AdminServiceAsyncStub
    from shopalytic.v1.collector_pb2_grpc import CollectorServiceAsyncStub
    from shopalytic.v1.reports_pb2_grpc import ReportServiceAsyncStub

Detail = TypeVar("Detail", bound=Message)
Stored = asyncio.Future[Verdicts]
LINK = collector_pb2.LinkResult(
    outcome=collector_pb2.LINK_OUTCOME_LINKED, customer_id="0198c0de-0000-7000-8000-000000000001"
)


@dataclass
class ScriptedWriter:
    """Answers at once, or when the test says so; refuses and fails when the test says so."""

    hold: bool = False
    commit_after: float | None = None
    room: int | None = None
    refused: int = 0
    refusal: Exception | None = None
    failure: Exception | None = None
    answer: collector_pb2.EventResult | None = None
    submitted: list[list[Prepared]] = field(default_factory=list)
    futures: list[Stored] = field(default_factory=list)

    def submit(self, items: list[Prepared]) -> Stored:
        if self.refusal is not None:
            raise self.refusal
        if self.room is not None and sum(not future.done() for future in self.futures) >= self.room:
            self.refused += 1
            raise Overloaded
        future: Stored = asyncio.get_running_loop().create_future()
        self.submitted.append(items)
        self.futures.append(future)
        if self.failure is not None:
            future.set_exception(self.failure)
        elif self.commit_after is not None:
            asyncio.get_running_loop().call_later(self.commit_after, self.finish, len(self.futures) - 1)
        elif not self.hold:
            self.finish(len(self.futures) - 1)
        return future

    def finish(self, index: int) -> None:
        """Commits one submission."""
        if not self.futures[index].done():
            for item in self.submitted[index]:
                item.verdict = self._verdict(item)
            self.futures[index].set_result(Verdicts(self.submitted[index]))

    def finish_all(self) -> None:
        """Commits everything that was submitted, and what will be."""
        self.hold = False
        for index in range(len(self.futures)):
            self.finish(index)

    def _verdict(self, item: Prepared) -> collector_pb2.EventResult | None:
        if self.answer is not None:
            return self.answer
        if item.violations:
            status = (
                collector_pb2.EVENT_STATUS_REJECTED
                if item.rejected
                else collector_pb2.EVENT_STATUS_QUARANTINED
            )
            return verdict(item, status, item.violations)
        if item.type not in ("identify", "alias"):
            return None
        result = verdict(item, collector_pb2.EVENT_STATUS_ACCEPTED)
        result.link.CopyFrom(LINK)
        return result


@dataclass
class ScriptedReports:
    """Answers with empty messages, or raises what the test says; remembers what it was asked."""

    error: Exception | None = None
    asked: list[tuple[Project, Any]] = field(default_factory=list)

    async def answer(self, project: Project, request: Any) -> Any:
        if self.error is not None:
            raise self.error
        self.asked.append((project, request))
        methods = reports_pb2.DESCRIPTOR.services_by_name["ReportService"].methods
        [output] = [each.output_type for each in methods if each.input_type is request.DESCRIPTOR]
        return getattr(reports_pb2, output.name)()


@dataclass
class Running:
    """A server that listens, what is behind it, and a channel to it."""

    server: GrpcServer
    port: int
    channel: grpc.aio.Channel
    projects: Projects
    quarantine: Quarantine
    data_stores: DataStores
    notifications: Notifications
    people: PeopleStores
    project: Project
    secrets: dict[KeyClass, str]
    writer: ScriptedWriter
    reports: ScriptedReports
    store: dict[str, bool]

    @property
    def collector(self) -> "CollectorServiceAsyncStub":
        return CollectorServiceStub(self.channel)

    @property
    def report(self) -> "ReportServiceAsyncStub":
        return ReportServiceStub(self.channel)

    @property
    def admin(self) -> "AdminServiceAsyncStub":
        return AdminServiceStub(self.channel)

    def key(self, key_class: KeyClass) -> tuple[tuple[str, str], ...]:
        """Metadata with the project's key of this class."""
        return bearer(self.secrets[key_class])


class SilentTail:
    """Watching that never sees an event."""

    async def tail_events(
        self, project: Project, request: reports_pb2.TailEventsRequest
    ) -> AsyncGenerator[bytes, None]:
        """Nothing, without an end."""

        async def nothing() -> AsyncGenerator[bytes, None]:
            await asyncio.Event().wait()
            yield b""

        return nothing()


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[Pool]:
    """Connections to a real database."""
    pool = await open_pool(database_url, size=4)
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def project_store(database_url: str) -> AsyncIterator[Projects]:
    """The real store of projects on a real database."""
    async with opened(database_url) as pool:
        yield Projects(pool)


@asynccontextmanager
async def running(
    database_url: str,
    real_writer: EventWriter | None = None,
    tail: EventTail | None = None,
    rates: Rates = NO_LIMITS,
    bounds: Bounds | None = None,
    most_connections: int = 2_000,
) -> AsyncIterator[Running]:
    """A server on a free port with one project and its keys. Without `tail`, watchers see nothing."""
    writer, reports, store = ScriptedWriter(), ScriptedReports(), {"ready": True}
    async with opened(database_url) as pool:
        projects, quarantine = Projects(pool), Quarantine(pool)
        told = tail.publish if isinstance(tail, Tail) else None
        data_stores = DataStores(Merges(pool), Erasures(pool), Exports(pool), Repairs(pool, on_stored=told))
        kept = NotificationStore(pool, database_url)
        judging = Judging(Numbers(reports, kept))
        notifications = Notifications(kept, DigestContents(reports, kept, ""), judging)
        people = PeopleStores(People(pool), LinkedInvitations("", None), Audit(pool))
        project, issued = await projects.create_project("shop", "GBP", "Europe/London")
        server = GrpcServer(
            writer=real_writer or writer,
            reports=reports,
            tail=tail or SilentTail(),
            projects=projects,
            quarantine=quarantine,
            data_stores=data_stores,
            notifications=notifications,
            people=people,
            store_ready=lambda: store["ready"],
            rates=rates,
            bounds=bounds,
            most_connections=most_connections,
        )
        port = await server.start()
        try:
            async with channel_to(port) as channel:
                secrets = {each.key.key_class: each.secret for each in issued}
                yield Running(
                    server,
                    port,
                    channel,
                    projects,
                    quarantine,
                    data_stores,
                    notifications,
                    people,
                    project,
                    secrets,
                    writer,
                    reports,
                    store,
                )
        finally:
            await server.stop(grace=0)


def channel_to(port: int, **options: Any) -> grpc.aio.Channel:
    """A channel of its own connection, without limits that would hide the server's."""
    given = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_send_message_length", -1),
        ("grpc.enable_retries", 0),
    ]
    return grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=given, **options)


def bearer(secret: str) -> tuple[tuple[str, str], ...]:
    """Metadata with a key."""
    return (("authorization", f"Bearer {secret}"),)


def page_view(url: str = "https://shop.example/", **envelope: Any) -> Event:
    """A valid event."""
    event = Event(event_id=str(uuid4()), tracking_id="visitor-1")
    event.occurred_at.FromDatetime(datetime.now(UTC))
    event.page_view.url = url
    event.page_view.referrer = ""
    for name, value in envelope.items():
        setattr(event, name, value)
    return event


def batch(*events: Event) -> collector_pb2.TrackRequest:
    """A request with these events, or with one valid one."""
    return collector_pb2.TrackRequest(events=events or [page_view()])


async def error_of(call: Any) -> grpc.aio.AioRpcError:
    """The error that a call ends with."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("the call succeeded")


def sentence_of(error: grpc.aio.AioRpcError) -> str:
    """What the error says."""
    return error.details() or ""


def detail(error: grpc.aio.AioRpcError, kind: type[Detail]) -> Detail:
    """The error's rich detail of this kind."""
    found = find_detail(error, kind)
    assert found is not None, f"{error.code()} has no {kind.__name__}"
    return found


def find_detail(error: grpc.aio.AioRpcError, kind: type[Detail]) -> Detail | None:
    """The error's rich detail of this kind, if it has one."""
    for name, value in error.trailing_metadata():
        if name == "grpc-status-details-bin":
            assert isinstance(value, bytes)
            for packed in status_pb2.Status.FromString(value).details:
                found = kind()
                if packed.Unpack(found):
                    return found
    return None


def fields_of(error: grpc.aio.AioRpcError) -> list[tuple[str, str]]:
    """The violations of a BadRequest: field and reason."""
    bad_request = find_detail(error, error_details_pb2.BadRequest)
    return [(each.field, each.reason) for each in bad_request.field_violations] if bad_request else []


async def until(condition: Callable[[], bool]) -> None:
    """Waits until something has happened; the test's own time limit ends it otherwise."""
    async with asyncio.timeout(120):
        while not condition():  # noqa: ASYNC110 - a condition of the test has no event
            await asyncio.sleep(0.005)
