"""The laws of the store, on a running service whose workers get the requests all at once."""

import asyncio
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings

from laws import store_laws as laws
from laws.histories import histories, quarrels
from running.length import either
from running.running_service import PATIENCE_SECONDS, Service, folder
from shopalytic.v1 import admin_pb2, collector_pb2, reports_pb2
from shopalytic.v1.admin_pb2_grpc import AdminServiceStub
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.reports_pb2_grpc import ReportServiceStub
from shopalytic_server.domain.projects import KeyClass, Project
from shopalytic_server.storage.database.connections import open_pool
from shopalytic_server.storage.projects import Projects
from shops.report_shop import START

pytestmark = pytest.mark.slow

WORKERS = 2
CONNECTIONS = 8
# Twenty find it when the workers decide without a lock. What a single worker does wrong, fewer find.
EXAMPLES = either(5, 50)


class ByWorkers(laws.Laboratory):
    """A service with connections to each of its workers, which are used in turn."""

    ignored = frozenset({"received_at", "sent_at"})
    # Small requests, for the workers to be in each other's way.
    most_cuts = 30

    def __init__(self, runner: asyncio.Runner, service: Service) -> None:
        super().__init__(runner, service.ready["database_url"])
        self._names = itertools.count(1)
        self._secrets: dict[int, dict[KeyClass, str]] = {}
        self._channels = runner.run(_connections_to_all(service))
        self._turns = itertools.cycle(self._channels)

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()

    def store(
        self, requests: list[list[Event]], *, at_once: bool = False, reference: bool = False
    ) -> Project:
        """The reference is all sent over one connection."""
        project = self.runner.run(self._new_project())
        only = self._channels[0] if reference else None
        self.runner.run(self._store(project, requests, at_once, only))
        return project

    def store_more(self, project: Project, requests: list[list[Event]], *, at_once: bool = False) -> None:
        self.runner.run(self._store(project, requests, at_once))

    async def _new_project(self) -> Project:
        pool = await open_pool(self.url)
        try:
            project, keys = await Projects(pool).create_project(f"laws {next(self._names)}", "EUR")
        finally:
            await pool.close()
        self._secrets[project.project_id] = {issued.key.key_class: issued.secret for issued in keys}
        return project

    async def _store(
        self,
        project: Project,
        requests: list[list[Event]],
        at_once: bool,
        only: grpc.aio.Channel | None = None,
    ) -> None:
        answers = []
        for events in requests:
            stub = CollectorServiceStub(only or next(self._turns))
            request = collector_pb2.TrackRequest(events=events)
            answers.append(stub.Track(request, **self._as(project, KeyClass.SERVER)))
            if not at_once:
                await answers[-1]
        await asyncio.gather(*answers)

    def undo(self, project: Project, merge: Event) -> None:
        self.runner.run(self._undo(project, merge))

    async def _undo(self, project: Project, merge: Event) -> None:
        request = admin_pb2.UndoMergeRequest(merge_id=merge.event_id, sandbox=merge.sandbox)
        try:
            stub = AdminServiceStub(next(self._turns))
            await stub.UndoMerge(request, **self._as(project, KeyClass.ADMIN))
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise

    def reports(self, project: Project) -> Sequence[Message]:
        return self.runner.run(self._reports(project))

    async def _reports(self, project: Project) -> Sequence[Message]:
        answers: list[Any] = []
        caller = self._as(project, KeyClass.REPORTS)
        for sandbox in (False, True):
            stub = ReportServiceStub(next(self._turns))
            scope = reports_pb2.ReportScope(include_sandbox=sandbox)
            days = reports_pb2.GetSalesReportRequest(scope=scope, interval=reports_pb2.INTERVAL_DAY)
            answers += (await stub.GetSalesReport(days, **caller)).reports
            customers = reports_pb2.ListCustomersRequest(sandbox=sandbox)
            answers.append(await stub.ListCustomers(customers, **caller))
        return answers

    def _as(self, project: Project, key_class: KeyClass) -> dict[str, Any]:
        secret = self._secrets[project.project_id][key_class]
        return {"metadata": (("authorization", f"Bearer {secret}"),), "timeout": PATIENCE_SECONDS}


async def _connections_to_all(service: Service) -> list[grpc.aio.Channel]:
    """As many connections as it takes until the kernel has given some to each worker."""
    channels: list[grpc.aio.Channel] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(channels) < CONNECTIONS or not all(service.connections_by_worker().values()):
        assert time.monotonic() < deadline, service.connections_by_worker()
        own = [("grpc.use_local_subchannel_pool", 1)]
        channels.append(grpc.aio.insecure_channel(service.address, options=own))
        await channels[-1].channel_ready()
    return channels


@pytest.fixture(scope="module")
def laboratory() -> Iterator[ByWorkers]:
    with folder() as place, Service(place, "--workers", str(WORKERS)) as service, asyncio.Runner() as runner:
        found = ByWorkers(runner, service)
        yield found
        runner.run(found.close())


def at_some_time(events: list[Event], chance: random.Random) -> list[Event]:
    """The same history months ago, or just now, when plain events are stored in another way."""
    if chance.random() < 0.5:
        return events
    later = datetime.now(UTC) - timedelta(hours=1) - START
    moved = []
    for event in events:
        copy = Event()
        copy.CopyFrom(event)
        copy.occurred_at.FromDatetime(event.occurred_at.ToDatetime(UTC) + later)
        moved.append(copy)
    return moved


@settings(max_examples=EXAMPLES)
@given(events=histories(), seed=...)
def test_any_order_any_repetition_and_any_batching_give_the_same_state(
    laboratory: ByWorkers, events: list[Event], seed: int
):
    chance = random.Random(seed)
    laws.any_order_any_repetition_and_any_batching_give_the_same_state(
        laboratory, at_some_time(events, chance), chance
    )


@settings(max_examples=EXAMPLES)
@given(events=histories(most=12), seed=...)
def test_undoing_merges_at_any_moment_gives_the_same_state_and_survives_a_rebuild(
    laboratory: ByWorkers, events: list[Event], seed: int
):
    chance = random.Random(seed)
    laws.undoing_merges_at_any_moment_gives_the_same_state_and_survives_a_rebuild(
        laboratory, at_some_time(events, chance), chance, at_once=True
    )


@settings(max_examples=EXAMPLES)
@given(events=quarrels(), seed=...)
def test_a_rebuild_changes_nothing_whatever_was_refused(
    laboratory: ByWorkers, events: list[Event], seed: int
):
    chance = random.Random(seed)
    laws.a_rebuild_changes_nothing_whatever_was_refused(
        laboratory, at_some_time(events, chance), chance, at_once=True
    )
