"""Lets a request in by its key before its body is read, for the price of a look into memory.

A key that the collector knew a moment ago is let in; while a known key is asked
about again, nobody waits. A key that it did not know is refused for as long
without a question. Whether a key may do what a request asks, the collector
decides again with each call: a key that was revoked stores nothing more, and
what a call says of it is remembered here.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc

from shopalytic_server.domain.projects import is_secret
from shopalytic_server.gateway.errors import Refusal

FRESH_SECONDS = 5.0
# A collector that is away for a while must not make every known key unknown.
STALE_SECONDS = 300.0
MAX_ENTRIES = 10_000
# Questions at once: a flood of invented keys takes no more of the collector than this.
MAX_QUESTIONS = 4
MAX_WAITING = 500

# What the collector says of a key itself, and not of its own state.
REFUSALS = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)

Ask = Callable[[str, str], Awaitable[str]]
_Name = tuple[str, str]


@dataclass(slots=True)
class _Known:
    fresh_until: float
    ends_at: float
    project: str


@dataclass(slots=True)
class _Refused:
    reason: grpc.aio.AioRpcError
    until: float

    def error(self) -> grpc.aio.AioRpcError:
        """The reason, new each time: an exception that is raised again grows by its way each time."""
        reason = self.reason
        return grpc.aio.AioRpcError(
            reason.code(), reason.initial_metadata(), reason.trailing_metadata(), reason.details()
        )


class Admission:
    """Knows which keys may call which services."""

    def __init__(
        self, ask: Ask, *, clock: Callable[[], float] = time.monotonic, max_entries: int = MAX_ENTRIES
    ) -> None:
        """`ask`: takes a key and a service, and returns what tells the key's project from others, or raises
        the collector's AioRpcError."""
        self._ask = ask
        self._clock = clock
        self._max_entries = max_entries
        # Apart, so that a flood of wrong keys pushes out no right one.
        self._known: OrderedDict[_Name, _Known] = OrderedDict()
        self._refused: OrderedDict[_Name, _Refused] = OrderedDict()
        self._questions: dict[_Name, asyncio.Task[None]] = {}
        self._at_once = asyncio.Semaphore(MAX_QUESTIONS)

    def remembers(self, key: str, service: str) -> bool:
        """Whether `admit` decides without a question."""
        name, now = (key, service), self._clock()
        known, refused = self._known.get(name), self._refused.get(name)
        return bool((known and now < known.ends_at) or (refused and now < refused.until)) or not is_secret(
            key
        )

    async def admit(self, key: str, service: str) -> None:
        """Returns if the key may call the service.

        Raises AioRpcError with the collector's reason, or Refusal.
        """
        if not is_secret(key):
            raise Refusal(401, "unauthenticated", "This key cannot be one of ours; copy it again.")
        name = (key, service)
        known = self._known.get(name)
        now = self._clock()
        if known is not None and now < known.ends_at:
            if now >= known.fresh_until and name not in self._questions:
                # Should it fail, the call that follows says so.
                known.fresh_until = now + FRESH_SECONDS
                self._question(name)
            return
        refused = self._refused.get(name)
        if refused is not None and now < refused.until:
            raise refused.error()
        question = self._questions.get(name)
        if question is None:
            if len(self._questions) >= MAX_WAITING:
                text = "More keys than can be looked up came at once; send this again after the delay."
                raise Refusal(429, "resource_exhausted", text, retry_after=1)
            question = self._question(name)
        # Shielded, because others may wait for the same answer.
        await asyncio.shield(question)

    def project_of(self, key: str, service: str) -> str:
        """What tells the project of an admitted key from others; "" where the collector does not tell."""
        known = self._known.get((key, service))
        return known.project if known is not None else ""

    def forget(self, key: str, service: str) -> None:
        """Asks again about a key of which a call said that it is not valid any more."""
        self._known.pop((key, service), None)

    def _question(self, name: _Name) -> "asyncio.Task[None]":
        question = asyncio.ensure_future(self._find(name))
        self._questions[name] = question
        question.add_done_callback(lambda done: self._end(name, done))
        return question

    async def _find(self, name: _Name) -> None:
        async with self._at_once:
            project = ""
            try:
                project = await self._ask(*name)
            except grpc.aio.AioRpcError as error:
                if error.code() in REFUSALS:
                    self._known.pop(name, None)
                    self._refused[name] = _Refused(error, self._clock() + FRESH_SECONDS)
                    self._bound(self._refused)
                    raise
                # A server of the version before does not know the question: its calls decide.
                if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                    raise
            now = self._clock()
            self._refused.pop(name, None)
            self._known[name] = _Known(now + FRESH_SECONDS, now + STALE_SECONDS, project)
            self._known.move_to_end(name)
            self._bound(self._known)

    def _bound(self, entries: "OrderedDict[_Name, Any]") -> None:
        if len(entries) > self._max_entries:
            entries.popitem(last=False)

    def _end(self, name: _Name, question: "asyncio.Task[None]") -> None:
        del self._questions[name]
        if not question.cancelled():
            question.exception()  # everybody who waited for it may have gone by now
