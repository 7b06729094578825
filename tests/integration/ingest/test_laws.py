"""The laws of the store, on the writer in this process."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from psycopg.types.json import Jsonb

from laws import store_laws as laws
from laws.histories import PEOPLE, batches, histories, quarrels
from running.length import either
from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic.v1.collector_pb2 import EventResult
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.customers.identity import identity_subject
from shopalytic_server.domain.errors import NotFound
from shopalytic_server.domain.formats.plain_forms import is_plain
from shopalytic_server.domain.ingest.preparation import Prepared, prepare
from shopalytic_server.domain.projects import KeyClass, Project
from shopalytic_server.storage.customers.merges import Merges
from shopalytic_server.storage.ingest import bulk_insert, decisions
from shops.report_shop import NOW, PROJECT, START, alias, open_shop, page

CLOCKS_OFF = (timedelta(), timedelta(), timedelta(days=-1100), timedelta(days=2))

# An example stores its history several times over.
EXAMPLES = either(10, 200)
# Half of the examples are of shops whose sources number their orders apart.
APART = ((), (("web",),))
PROFILES = ("customer_register", "customer_update")


async def no_plain_links(*_: object) -> dict[bytes, object]:
    """Leaves every identify call to the graph."""
    return {}


class InProcess(laws.Laboratory):
    """One writer on a database of the test's own."""

    def __init__(self, runner: asyncio.Runner, url: str) -> None:
        super().__init__(runner, url)
        # To the requests that were stored last.
        self.answers: list[list[EventResult]] = []
        self._numbers = itertools.count(1)
        self.groups: tuple[tuple[str, ...], ...] = ()
        """Sources of the next projects that number their orders apart."""

    def store(
        self, requests: list[list[Event]], *, at_once: bool = False, reference: bool = False
    ) -> Project:
        """Lets plain events of any age go the way of fresh ones; of the reference's none does."""
        number = next(self._numbers)
        project = replace(PROJECT, project_id=number, name=f"shop {number}", order_number_groups=self.groups)
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "INSERT INTO projects (project_id, name, currency, time_zone, created_at,"
                " browser_event_types, order_number_groups) VALUES (%s, %s, %s, %s, %s, '{}', %s)",
                [
                    *(number, project.name, project.currency, project.time_zone, START),
                    Jsonb(project.order_number_groups),
                ],
            )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bulk_insert, "YOUNGEST", timedelta(days=36_500))
            if reference:
                patch.setattr(bulk_insert, "_MOST_EVENTS", 0)
                patch.setattr(decisions, "store_plain_links", no_plain_links)
            answers = self.runner.run(self._store(project, requests, at_once))
        self.answers = answers
        return project

    def store_more(self, project: Project, requests: list[list[Event]], *, at_once: bool = False) -> None:
        self.runner.run(self._store(project, requests, at_once))

    async def _store(
        self, project: Project, requests: list[list[Event]], at_once: bool
    ) -> list[list[EventResult]]:
        async with open_shop(self.url) as shop:
            answers = []
            for request in requests:
                answers.append(shop.writer.submit(_prepared(request, project)))
                if not at_once:
                    await answers[-1]
            return [list(verdicts) for verdicts in await asyncio.gather(*answers)]

    def undo(self, project: Project, merge: Event) -> None:
        self.runner.run(self._undo(project, merge))

    async def _undo(self, project: Project, merge: Event) -> None:
        with contextlib.suppress(NotFound):
            await self._undo_merge(project, merge.event_id, sandbox=merge.sandbox)

    async def _undo_merge(self, project: Project, merge_id: str, *, sandbox: bool = False) -> None:
        async with open_shop(self.url) as shop:
            request = admin_pb2.UndoMergeRequest(merge_id=merge_id, sandbox=sandbox)
            await Merges(shop.pool).undo_merge(project, UUID(int=1), request)

    def take_apart(self, project: Project, form: str) -> None:
        """Undoes that a form of an address is one customer with the plain one."""
        self.runner.run(self._undo_merge(project, str(identity_subject(form))))

    def reports(self, project: Project) -> Sequence[Message]:
        return self.runner.run(self._reports(project))

    async def _reports(self, project: Project) -> Sequence[Message]:
        answers: list[Any] = []
        async with open_shop(self.url) as opened:
            shop = replace(opened, project=project)
            for sandbox in (False, True):
                answers += await shop.sales(interval=reports_pb2.INTERVAL_DAY, include_sandbox=sandbox)
                answers.append(await shop.customers(sandbox=sandbox))
        return answers


def _prepared(events: list[Event], project: Project) -> list[Prepared]:
    """The events as they come from senders of whom some have clocks that are years off."""
    return [_prepare(each, project) for each in events]


def _prepare(event: Event, project: Project) -> Prepared:
    off = CLOCKS_OFF[UUID(event.event_id).int % len(CLOCKS_OFF)]
    sent = Event()
    sent.CopyFrom(event)
    sent.occurred_at.FromDatetime(event.occurred_at.ToDatetime(UTC) + off)
    return prepare(sent, project=project, key_class=KeyClass.SERVER, received_at=NOW, sent_at=NOW + off)


@pytest.fixture
def laboratory(database_url: str) -> Iterator[InProcess]:
    with asyncio.Runner() as runner:
        yield InProcess(runner, database_url)


@settings(max_examples=EXAMPLES)
@given(events=histories(), seed=...)
def test_any_order_any_repetition_and_any_batching_give_the_same_state(
    laboratory: InProcess, events: list[Event], seed: int
):
    laboratory.clear()
    laboratory.groups = APART[seed % 2]
    laws.any_order_any_repetition_and_any_batching_give_the_same_state(
        laboratory, events, random.Random(seed)
    )


@settings(max_examples=EXAMPLES // 2)
@given(events=histories(most=12), seed=...)
def test_calls_that_need_no_graph_are_answered_as_the_graph_would(
    laboratory: InProcess, events: list[Event], seed: int
):
    laboratory.clear()
    # Repeats, too: what is known by then needs no graph either.
    requests = batches([*events, *events[: len(events) // 2]], random.Random(seed))
    laboratory.store(requests, reference=True)
    expected = laboratory.answers
    laboratory.store(requests)
    assert laboratory.answers == expected


@settings(max_examples=EXAMPLES // 2)
@given(events=histories(most=12), seed=...)
def test_undoing_merges_at_any_moment_gives_the_same_state_and_survives_a_rebuild(
    laboratory: InProcess, events: list[Event], seed: int
):
    laboratory.clear()
    laws.undoing_merges_at_any_moment_gives_the_same_state_and_survives_a_rebuild(
        laboratory, events, random.Random(seed)
    )


@settings(max_examples=EXAMPLES // 2)
@given(events=histories(most=12), seed=...)
def test_taking_forms_of_an_address_apart_at_any_moment_gives_the_same_state(
    laboratory: InProcess, events: list[Event], seed: int
):
    laboratory.clear()
    chance = random.Random(seed)
    # Two who were one may not have the same email: who has it would depend on the order.
    calm = [each for each in events if each.WhichOneof("payload") not in PROFILES]
    forms = [name for name in PEOPLE if not is_plain(name)]
    named = [
        page(f"form-{number}", identity=form, at=0, event_id=str(UUID(int=number)))
        for number, form in enumerate(forms, 1)
    ]
    apart = chance.sample(forms, k=chance.randint(1, len(forms)))
    states = []
    for early in (True, False):
        rest = batches(laws.shuffled(calm, chance), chance)
        project = laboratory.store([named] if early else [named, *rest])
        for form in apart:
            laboratory.take_apart(project, form)
        if early:
            laboratory.store_more(project, rest)
        states.append(laboratory.state(project))
    assert states[0] == states[1], [name for name in states[0] if states[0][name] != states[1][name]]
    assert not any(laboratory.check().values())


@settings(max_examples=EXAMPLES)
@given(events=quarrels(), seed=...)
def test_a_rebuild_changes_nothing_whatever_was_refused(
    laboratory: InProcess, events: list[Event], seed: int
):
    laboratory.clear()
    laboratory.groups = APART[seed % 2]
    laws.a_rebuild_changes_nothing_whatever_was_refused(laboratory, events, random.Random(seed))


def test_names_that_were_given_each_other_are_one_customer_for_a_rebuild_too(laboratory: InProcess):
    """The earlier use of one of them, told last, must not change who stands for both."""
    requests = [
        [alias("B", identity="A", at=5)],
        [alias("A", identity="B", at=6)],
        [page("T", identity="B", at=2)],
    ]
    laboratory.store(requests)
    assert not any(laboratory.check().values())
