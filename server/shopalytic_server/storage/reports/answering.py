"""Answers the questions that are asked of facts, in the process that has them."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from shopalytic.events.violations import Violation
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.database.connections import Pool
from shopalytic_server.storage.database.reading import Snapshot, reading
from shopalytic_server.storage.facts.engine import Turns
from shopalytic_server.storage.facts.facts import Facts, FactStore
from shopalytic_server.storage.facts.scope import datasets
from shopalytic_server.storage.rebuild.as_of import Past, reading_past
from shopalytic_server.storage.reports.registry import QUESTIONS

# A snapshot that is held for longer keeps PostgreSQL from cleaning up.
LONGEST_SECONDS = 180.0
_TOO_SLOW = f"takes longer than {LONGEST_SECONDS:.0f} seconds; choose a shorter range or fewer rows"
# Making the past anew keeps a processor busy, so it is done once at a time.
_MOST_PASTS_WAITING = 8


class FactReports:
    """Answers from facts. Every call may raise StoreUnavailable."""

    def __init__(self, pool: Pool, primary: Pool | None = None, *, facts: FactStore | None = None) -> None:
        """Reads from `pool`; the past from `primary`, which may write, if that is another."""
        self._pool = pool
        self._primary = primary or pool
        self._past = Turns(1, _MOST_PASTS_WAITING)
        self._facts = facts or FactStore()

    async def ask(self, name: str, project: Project, request: Any) -> Any:
        """What a question of the registry finds; raises InvalidRequest and Overloaded."""
        found = await self._ask(name, project, request)
        QUESTIONS[name].finish(project, request, found)
        return found

    async def _ask(self, name: str, project: Project, request: Any) -> Any:
        question = QUESTIONS[name]
        moment = question.as_of(project, request)

        async def answer(facts: Facts) -> Any:
            return await question.answer(facts, project, request)

        if moment is not None:
            async with self._past.take(), self._known_at(project, moment) as snapshot:
                return await self._facts.answer(partial(_given, snapshot), answer)
        try:
            async with asyncio.timeout(LONGEST_SECONDS) as limit:
                return await self._facts.answer(
                    partial(reading, self._pool, used_for=LONGEST_SECONDS),
                    answer,
                    known_as=_name(name, project, request),
                )
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise InvalidRequest([Violation("scope", "report.too_slow", _TOO_SLOW)]) from error

    @asynccontextmanager
    async def _known_at(self, project: Project, moment: datetime) -> AsyncIterator[Snapshot]:
        past = Past(datasets(project, include_sandbox=True), moment)
        async with reading_past(str(self._primary.conninfo), past) as snapshot:
            yield snapshot


def _name(name: str, project: Project, request: Any) -> Hashable | None:
    """What tells a question from any other; None if its answer depends on when it is asked."""
    if not QUESTIONS[name].timeless:
        return None
    scope = request.scope
    if scope.HasField("compare") and (scope.compare.same_time or not scope.HasField("to")):
        return None
    # Of an open range what lies apart depends on the day.
    today = datetime.now(UTC).date()
    return name, project, request.SerializeToString(deterministic=True), today


@asynccontextmanager
async def _given(snapshot: Snapshot) -> AsyncIterator[Snapshot]:
    yield snapshot
