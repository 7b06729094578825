"""Sends what an upload's files hold, batch by batch, and adds the verdicts up."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import grpc

from shopalytic.v1.collector_pb2 import EventResult, EventStatus
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.gateway.errors import collector_error
from shopalytic_server.gateway.exports.child import HEAD

STATUSES = ("accepted", "duplicate", "conflict", "quarantined", "rejected")
_WORDS = {getattr(EventStatus, f"EVENT_STATUS_{word.upper()}"): word for word in STATUSES}
_MOST_EVENTS = 500
_MOST_BYTES = 2 * 1024 * 1024
_MOST_RULES = 20
_EXAMPLES = 3
_PATIENCE_SECONDS = 120.0
_LONGEST_WAIT_SECONDS = 10

Track = Callable[[str, Sequence[Event], float | None], Awaitable[list[EventResult]]]
Rows = list[tuple[int, Event]]


class Tally:
    """What became of the events so far, and a few examples for each rule that was broken."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[tuple[str, str], dict[str, Any]] = {}

    def add(self, row: int, result: EventResult) -> None:
        """Counts one verdict."""
        word = _WORDS.get(result.status, "rejected")
        self.counts[word] += 1
        for violation in result.violations if word not in ("accepted", "duplicate") else ():
            rule = (word, violation.rule_id)
            if rule not in self.examples and len(self.examples) >= _MOST_RULES:
                continue
            known = self.examples.setdefault(
                rule, {"status": word, "rule_id": violation.rule_id, "times": 0, "examples": []}
            )
            known["times"] += 1
            if len(known["examples"]) < _EXAMPLES:
                known["examples"].append({"row": row, "field": violation.field, "message": violation.message})

    def as_json(self) -> dict[str, Any]:
        """The numbers."""
        return {word: self.counts[word] for word in STATUSES}


async def batches(out: asyncio.StreamReader) -> AsyncIterator[Rows]:
    """What the reading process writes, in parts of a size that one call takes."""
    rows: Rows = []
    size = 0
    while head := await _exactly(out, HEAD.size):
        number, length = HEAD.unpack(head)
        if rows and (len(rows) >= _MOST_EVENTS or size + length > _MOST_BYTES):
            yield rows
            rows, size = [], 0
        rows.append((number, Event.FromString(await out.readexactly(length))))
        size += length
    if rows:
        yield rows


async def _exactly(out: asyncio.StreamReader, size: int) -> bytes:
    try:
        return await out.readexactly(size)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return b""


async def sent(
    track: Track, key: str, out: asyncio.StreamReader, tell: Callable[[dict[str, Any]], Awaitable[None]]
) -> Tally:
    """Sends all events of the reading process. Raises AioRpcError where no patience helps."""
    tally = Tally()
    async for rows in batches(out):
        results = await _tracked(track, key, [event for _, event in rows], tell)
        for (number, _), result in zip(rows, results, strict=True):
            tally.add(number, result)
        await tell({"progress": tally.as_json()})
    return tally


async def _tracked(
    track: Track, key: str, events: list[Event], tell: Callable[[dict[str, Any]], Awaitable[None]]
) -> list[EventResult]:
    """One call, repeated while the service is away: an event that is stored already is a duplicate."""
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await track(key, events, None)
        except grpc.aio.AioRpcError as error:
            failure = collector_error(error)
            if failure.retry_after is None or time.monotonic() > ends_at:
                raise
            await tell({"waiting": failure.message})
            await asyncio.sleep(min(failure.retry_after, _LONGEST_WAIT_SECONDS))
