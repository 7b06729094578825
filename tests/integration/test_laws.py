"""The laws of the store: order, repetition and batching make no difference, and a rebuild changes nothing."""

import asyncio
import contextlib
import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from psycopg import sql

from histories import batches, histories, quarrels
from report_shop import NOW, PROJECT, START, alias, open_shop, page
from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.errors import NotFound
from shopalytic_server.domain.ingest import Prepared, prepare
from shopalytic_server.domain.projects import KeyClass, Project
from shopalytic_server.storage import incoming
from shopalytic_server.storage.merges import Merges
from shopalytic_server.storage.rebuild import TABLES, rebuild

VIEWS = ("orders", "order_lines", "profiles", "shipments", "cart_lines", "carts", "subject_customers")
EVENTS = ("events", "event_keys")
FACTS = ("undone_merges",)
# An example stores its history several times over; HYPOTHESIS_PROFILE=thorough asks for more of them.
EXAMPLES = max(10, settings.default.max_examples * 2 // 5)


@dataclass
class Laboratory:
    """One database, and a fresh project for each time that a history is stored."""

    runner: asyncio.Runner
    url: str
    numbers: "itertools.count[int]"

    def clear(self) -> None:
        with psycopg.connect(self.url) as connection:
            for table in (*TABLES, *EVENTS, *FACTS, "quarantine", "projects"):
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))

    def store(self, requests: list[list[Event]], *, at_once: bool = False, quick: bool = True) -> Project:
        """Sends requests to a fresh project, one after the other or all at once.

        `quick` lets plain events of any age go the way of fresh ones; otherwise none does.
        """
        number = next(self.numbers)
        project = replace(PROJECT, project_id=number, name=f"shop {number}")
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "INSERT INTO projects (project_id, name, currency, time_zone, created_at,"
                " browser_event_types) VALUES (%s, %s, %s, %s, %s, '{}')",
                [number, project.name, project.currency, project.time_zone, START],
            )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(incoming, "YOUNGEST", timedelta(days=36_500))
            if not quick:
                patch.setattr(incoming, "_MOST_EVENTS", 0)
            self.runner.run(self._store(project, requests, at_once))
        return project

    def store_more(self, project: Project, requests: list[list[Event]]) -> None:
        """Sends further requests to a project."""
        self.runner.run(self._store(project, requests, at_once=False))

    async def _store(self, project: Project, requests: list[list[Event]], at_once: bool) -> None:
        async with open_shop(self.url) as shop:
            answers = []
            for request in requests:
                answers.append(shop.writer.submit(_prepared(request, project)))
                if not at_once:
                    await answers[-1]
            await asyncio.gather(*answers)

    def undo(self, project: Project, merge: Event) -> None:
        self.runner.run(self._undo(project, merge))

    async def _undo(self, project: Project, merge: Event) -> None:
        async with open_shop(self.url) as shop:
            request = admin_pb2.UndoMergeRequest(merge_id=merge.event_id, sandbox=merge.sandbox)
            # A call that states what an earlier one did is no merge of its own.
            with contextlib.suppress(NotFound):
                await Merges(shop.pool).undo_merge(project, UUID(int=1), request)

    def state(self, project: Project) -> dict[str, Any]:
        """All that is stored of a project, and the reports on it."""
        with psycopg.connect(self.url) as connection:
            stored = {table: _rows(connection, table, project) for table in (*EVENTS, *TABLES, *VIEWS)}
        return stored | {"reports": self.runner.run(self._reports(project))}

    async def _reports(self, project: Project) -> list[Any]:
        answers: list[Any] = []
        async with open_shop(self.url) as opened:
            shop = replace(opened, project=project)
            for sandbox in (False, True):
                answers += await shop.sales(interval=reports_pb2.INTERVAL_DAY, include_sandbox=sandbox)
                answers.append(await shop.customers(sandbox=sandbox))
        return [_plain(json_format.MessageToDict(answer)) for answer in answers]

    def quarantined(self, project: Project) -> int:
        with psycopg.connect(self.url) as connection:
            return len(_rows(connection, "quarantine", project))

    def check(self) -> dict[str, int]:
        """What a rebuild would change, by table."""
        return self.runner.run(rebuild(self.url, check=True)).differences


def _plain(value: Any) -> Any:
    """An answer with amounts by their value, and without the tokens that explain them."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if name != "explain"}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    is_amount = isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value)
    return Decimal(value) if is_amount else value


def _prepared(events: list[Event], project: Project) -> list[Prepared]:
    """The events as a request's."""
    return [
        prepare(each, project=project, key_class=KeyClass.SERVER, received_at=NOW, sent_at=NOW)
        for each in events
    ]


def _rows(connection: psycopg.Connection, table: str, project: Project) -> list[tuple[Any, ...]]:
    """A table's rows with their datasets numbered from 0."""
    dataset = 2 * project.project_id
    statement = sql.SQL("SELECT * FROM {} WHERE dataset_id IN (%s, %s)").format(sql.Identifier(table))
    rows = connection.execute(statement, [dataset, dataset + 1]).fetchall()
    return sorted(((row[0] - dataset, *row[1:]) for row in rows), key=repr)


@pytest.fixture
def laboratory(database_url: str) -> Iterator[Laboratory]:
    with asyncio.Runner() as runner:
        yield Laboratory(runner, database_url, itertools.count(1))


def shuffled(events: list[Event], chance: random.Random) -> list[Event]:
    """All events in another order, some of them more than once."""
    again = events + chance.choices(events, k=chance.randint(0, len(events)))
    chance.shuffle(again)
    return again


@settings(max_examples=EXAMPLES)
@given(events=histories(), seed=...)
def test_any_order_any_repetition_and_any_batching_give_the_same_state(
    laboratory: Laboratory, events: list[Event], seed: int
):
    chance = random.Random(seed)
    laboratory.clear()
    by_time = sorted(events, key=lambda each: (each.occurred_at.ToDatetime(), each.event_id))
    expected_project = laboratory.store([[each] for each in by_time], quick=False)
    expected = laboratory.state(expected_project)
    assert not laboratory.quarantined(expected_project)
    for at_once in (False, True):
        project = laboratory.store(batches(shuffled(events, chance), chance), at_once=at_once)
        found = laboratory.state(project)
        assert found == expected, [name for name in expected if found[name] != expected[name]]
        assert not laboratory.quarantined(project)
    assert not any(laboratory.check().values())


@settings(max_examples=EXAMPLES // 2)
@given(events=histories(most=12), seed=...)
def test_undoing_merges_at_any_moment_gives_the_same_state_and_survives_a_rebuild(
    laboratory: Laboratory, events: list[Event], seed: int
):
    chance = random.Random(seed)
    laboratory.clear()
    calls = [each for each in events if each.WhichOneof("payload") in ("identify", "alias")]
    # Only the earliest call of those that state the same is a merge, whatever order they come in.
    first = {_pair(each): each for each in sorted(calls, key=_order, reverse=True)}
    undone = [each for each in first.values() if chance.random() < 0.6]
    states = []
    for early in (False, True):
        chance.shuffle(undone)
        rest = shuffled([each for each in events if each not in undone], chance) + undone
        project = laboratory.store([undone] if early and undone else batches(rest, chance))
        for call in undone:
            laboratory.undo(project, call)
        if early:
            laboratory.store_more(project, batches(shuffled(events, chance), chance))
        states.append(laboratory.state(project))
    assert states[0] == states[1], [name for name in states[0] if states[0][name] != states[1][name]]
    assert not any(laboratory.check().values())


def _pair(call: Event) -> tuple[str, ...]:
    """What a call joins to what."""
    kind = call.WhichOneof("payload")
    by_name = kind == "alias" and call.identity
    joined = call.identity if by_name else call.tracking_id
    return str(call.sandbox), str(bool(by_name)), joined, getattr(call, kind).identity


def _order(call: Event) -> tuple[Any, str]:
    return call.occurred_at.ToDatetime(), call.event_id


@settings(max_examples=EXAMPLES)
@given(events=quarrels(), seed=...)
def test_a_rebuild_changes_nothing_whatever_was_refused(
    laboratory: Laboratory, events: list[Event], seed: int
):
    chance = random.Random(seed)
    laboratory.clear()
    laboratory.store(batches(shuffled(events, chance), chance))
    assert not any(laboratory.check().values())


def test_names_that_were_given_each_other_are_one_customer_for_a_rebuild_too(laboratory: Laboratory):
    """The earlier use of one of them, told last, must not change who stands for both."""
    requests = [
        [alias("B", identity="A", at=5)],
        [alias("A", identity="B", at=6)],
        [page("T", identity="B", at=2)],
    ]
    laboratory.store(requests)
    assert not any(laboratory.check().values())
