"""The laws of a store: order, repetition and batching make no difference, and a rebuild changes nothing.

Each is a function that a property test calls with drawn events and with a
laboratory: the store in this process, or a running service.
"""

import asyncio
import random
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

import psycopg
from google.protobuf import json_format
from google.protobuf.message import Message
from psycopg import sql

from laws.histories import batches
from oracles.seen import order_of
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.rebuild.typed_tables import TABLES, rebuild

VIEWS = ("orders", "order_lines", "profiles", "shipments", "cart_lines", "carts", "subject_customers")
EVENTS = ("events", "event_keys")
FACTS = ("undone_merges",)


class Laboratory(ABC):
    """One database, and a fresh project for each time that a history is stored."""

    # When events came differs where the clock is real.
    ignored: ClassVar[frozenset[str]] = frozenset()
    most_cuts: ClassVar[int] = 4

    def __init__(self, runner: asyncio.Runner, url: str) -> None:
        self.runner = runner
        self.url = url

    @abstractmethod
    def store(
        self, requests: list[list[Event]], *, at_once: bool = False, reference: bool = False
    ) -> Project:
        """Sends requests to a fresh project, one after the other or all at once.

        `reference` is for what the others are compared with: the plainest way there is.
        """

    @abstractmethod
    def store_more(self, project: Project, requests: list[list[Event]], *, at_once: bool = False) -> None:
        """Sends further requests to a project."""

    @abstractmethod
    def undo(self, project: Project, merge: Event) -> None:
        """Undoes what a call did; one that states what an earlier one did is no merge of its own."""

    @abstractmethod
    def reports(self, project: Project) -> Sequence[Message]:
        """The answers to the same questions for each project."""

    def clear(self) -> None:
        """Forgets all projects."""
        with psycopg.connect(self.url) as connection:
            for table in (*TABLES, *EVENTS, *FACTS, "quarantine", "projects"):
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))

    def state(self, project: Project) -> dict[str, Any]:
        """All that is stored of a project, and the reports on it."""
        with psycopg.connect(self.url) as connection:
            stored = {table: self._rows(connection, table, project) for table in (*EVENTS, *TABLES, *VIEWS)}
        answers = [_plain(json_format.MessageToDict(answer)) for answer in self.reports(project)]
        return stored | {"reports": answers}

    def quarantined(self, project: Project) -> int:
        """How many events of a project were not accepted."""
        with psycopg.connect(self.url) as connection:
            return len(self._rows(connection, "quarantine", project))

    def check(self) -> dict[str, int]:
        """What a rebuild would change, by table."""
        return self.runner.run(rebuild(self.url, check=True)).differences

    def _rows(self, connection: psycopg.Connection, table: str, project: Project) -> list[tuple[Any, ...]]:
        """A table's rows with their datasets numbered from 0."""
        dataset = Dataset.of(project)
        statement = sql.SQL("SELECT * FROM {} WHERE dataset_id IN (%s, %s)").format(sql.Identifier(table))
        cursor = connection.execute(statement, [dataset, dataset + 1])
        names = [column.name for column in cursor.description or ()]
        kept = [place for place, name in enumerate(names) if place and name not in self.ignored]
        rows = [(row[0] - dataset, *(row[place] for place in kept)) for row in cursor.fetchall()]
        return sorted(rows, key=repr)


def _plain(value: Any) -> Any:
    """An answer with amounts by their value, and without the tokens that explain them."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if name != "explain"}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    is_amount = isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value)
    return Decimal(value) if is_amount else value


def shuffled(events: list[Event], chance: random.Random) -> list[Event]:
    """All events in another order, some of them more than once."""
    again = events + [
        _copy(each, chance) for each in chance.choices(events, k=chance.randint(0, len(events)))
    ]
    chance.shuffle(again)
    return again


def _copy(event: Event, chance: random.Random) -> Event:
    """The same event, perhaps with a larger tie breaker, or with none."""
    copy = Event()
    copy.CopyFrom(event)
    if chance.random() < 0.3:
        copy.ClearField("tie_breaker")
    elif event.HasField("tie_breaker"):
        copy.tie_breaker = event.tie_breaker + chance.randint(0, 3)
    return copy


def any_order_any_repetition_and_any_batching_give_the_same_state(
    laboratory: Laboratory, events: list[Event], chance: random.Random
) -> None:
    """For events that clash with nothing."""
    by_time = sorted(events, key=order_of)
    expected_project = laboratory.store([[each] for each in by_time], reference=True)
    expected = laboratory.state(expected_project)
    assert not laboratory.quarantined(expected_project)
    for at_once in (False, True):
        project = laboratory.store(
            batches(shuffled(events, chance), chance, laboratory.most_cuts), at_once=at_once
        )
        found = laboratory.state(project)
        assert found == expected, [name for name in expected if found[name] != expected[name]]
        assert not laboratory.quarantined(project)
    assert not any(laboratory.check().values())


def undoing_merges_at_any_moment_gives_the_same_state_and_survives_a_rebuild(
    laboratory: Laboratory, events: list[Event], chance: random.Random, *, at_once: bool = False
) -> None:
    """For events that clash with nothing."""
    calls = [each for each in events if each.WhichOneof("payload") in ("identify", "alias")]
    # Only the earliest call of those that state the same is a merge, whatever order they come in.
    first = {_pair(each): each for each in sorted(calls, key=order_of, reverse=True)}
    undone = [each for each in first.values() if chance.random() < 0.6]
    states = []
    for early in (False, True):
        chance.shuffle(undone)
        rest = shuffled([each for each in events if each not in undone], chance) + undone
        requests = [undone] if early and undone else batches(rest, chance, laboratory.most_cuts)
        project = laboratory.store(requests, at_once=at_once)
        for call in undone:
            laboratory.undo(project, call)
        if early:
            more = batches(shuffled(events, chance), chance, laboratory.most_cuts)
            laboratory.store_more(project, more, at_once=at_once)
        states.append(laboratory.state(project))
    assert states[0] == states[1], [name for name in states[0] if states[0][name] != states[1][name]]
    assert not any(laboratory.check().values())


def a_rebuild_changes_nothing_whatever_was_refused(
    laboratory: Laboratory, events: list[Event], chance: random.Random, *, at_once: bool = False
) -> None:
    """For any events."""
    laboratory.store(batches(shuffled(events, chance), chance, laboratory.most_cuts), at_once=at_once)
    assert not any(laboratory.check().values())


def _pair(call: Event) -> tuple[str, ...]:
    """What a call joins to what."""
    kind = call.WhichOneof("payload")
    by_name = kind == "alias" and call.identity
    joined = call.identity if by_name else call.tracking_id
    return str(call.sandbox), str(bool(by_name)), joined, getattr(call, kind).identity
