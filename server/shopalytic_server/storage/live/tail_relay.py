"""Lets whoever watches one server process see what the others store, by PostgreSQL's NOTIFY.

Nothing is sent while nobody watches. Who begins to watch says so to all, and
waits until each of the others has answered that it will tell; so no event that
is stored afterwards is missed. A server that is told of a watched dataset
sends what it stores there, after its COMMIT and beside it: ingest never waits.
As in one process, readers are told how much was left out when it is too much.
"""

import asyncio
import base64
import contextlib
import json
import logging
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from shopalytic.v1 import reports_pb2
from shopalytic_server.background.cancelling import end, end_if_cancelled
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.database.connections import Pool, translated
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.sessions import connect
from shopalytic_server.storage.live.tail import ANSWERS_A_SECOND, MAX_WAITING, Tail, TailEvent, stored

_SQL = load("live/tail_relay")
_NAME = "shopalytic tail"
_log = logging.getLogger(__name__)

# Who watches repeats it; who is not reminded for a while stops to tell.
_REMIND_SECONDS = 5.0
_FORGET_SECONDS = 3 * _REMIND_SECONDS
_ANSWER_SECONDS = 2.0
_AGAIN_SECONDS = 1.0
# PostgreSQL takes messages below 8,000 bytes.
_PART_CHARACTERS = 7_000
# What is made ready to be sent before others have the loop.
_TURN_EVENTS = 50


class TailRelay:
    """The tail of one process, joined with those of all others on the database."""

    def __init__(self, database_url: str, pool: Pool, tail: Tail) -> None:
        self._database_url = database_url
        self._pool = pool
        self._tail = tail
        self._own = secrets.token_hex(8)
        self._channel_name: str | None = None
        self._name = f"{_NAME} {self._own}"
        self._wanted: dict[int, float] = {}
        self._answers: dict[str, asyncio.Semaphore] = {}
        self._outbox: deque[Prepared] = deque()
        self._left_out: dict[int, int] = {}
        self._filled = asyncio.Event()
        self._parts: dict[str, list[str]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to listen to the others, and to send."""
        runs = (self._listen, self._send, self._remind)
        self._tasks = [asyncio.create_task(self._again(run), name="shopalytic-tail") for run in runs]

    async def stop(self) -> None:
        """Ends both."""
        await end(*self._tasks)

    def publish(self, items: Sequence[Prepared]) -> None:
        """Tells the readers, here and elsewhere, of events that have been committed; never waits."""
        self._tail.publish(items)
        if not self._wanted:
            return
        now = asyncio.get_running_loop().time()
        self._wanted = {dataset: until for dataset, until in self._wanted.items() if until > now}
        for item in items:
            if item.dataset_id not in self._wanted:
                continue
            if len(self._outbox) == MAX_WAITING:
                lost = self._outbox.popleft().dataset_id
                self._left_out[lost] = self._left_out.get(lost, 0) + 1
            self._outbox.append(item)
            self._filled.set()

    async def tail_events(
        self, project: Project, request: reports_pb2.TailEventsRequest
    ) -> AsyncGenerator[bytes, None]:
        """Begins to watch all servers; raises NotFound and StoreUnavailable."""
        answers = await self._tail.tail_events(project, request)
        try:
            await self._ask_others(Dataset.of(project, request.sandbox))
        except BaseException:
            await answers.aclose()
            raise
        return answers

    async def _ask_others(self, dataset: int) -> None:
        """Returns when all others know that this dataset is watched, or one of them does not answer."""
        question = secrets.token_hex(8)
        answered = self._answers[question] = asyncio.Semaphore(0)
        try:
            with translated():
                async with self._pool.connection() as conn:
                    cursor = await conn.execute(
                        _SQL.other_listeners, {"names": f"{_NAME} %", "own": self._name}
                    )
                    row = await cursor.fetchone()
            await self._tell([{"watch": dataset, "question": question}])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ANSWER_SECONDS):
                    for _ in range(row[0] if row else 0):
                        await answered.acquire()
        finally:
            del self._answers[question]

    async def _listen(self) -> None:
        async with await connect(self._database_url, application_name=self._name) as conn:
            if conn.is_shared:
                _log.warning(
                    "A pooler is in front of PostgreSQL, so live events of other servers are not seen; "
                    "--direct-database-url changes that. [tail_alone]"
                )
                await asyncio.Event().wait()
            await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(await self._channel())))
            self._parts.clear()
            async for notification in conn.notifies():
                await self._heard(notification.payload)

    async def _heard(self, payload: str) -> None:
        sender, last, _, part = payload.split(" ", 3)
        if sender == self._own:
            return
        parts = self._parts.setdefault(sender, [])
        parts.append(part)
        if last == "0":
            return
        text = "".join(self._parts.pop(sender))
        try:
            message = json.loads(text)
        except ValueError:
            return  # Its beginning came before this process listened.
        await self._take(message)

    async def _take(self, message: dict[str, Any]) -> None:
        if "watch" in message:
            now = asyncio.get_running_loop().time()
            self._wanted[message["watch"]] = now + _FORGET_SECONDS
            if "question" in message:
                await self._tell([{"answer": message["question"]}])
        elif "answer" in message:
            if (waiting := self._answers.get(message["answer"])) is not None:
                waiting.release()
        elif "missed" in message:
            self._tail.miss(message["dataset"], message["missed"])
        else:
            event = reports_pb2.StoredEvent.FromString(base64.b64decode(message["event"]))
            self._tail.publish([TailEvent(message["dataset"], UUID(message["subject"]), event)])

    async def _send(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            left_out, self._left_out = self._left_out, {}
            waiting, self._outbox = self._outbox, deque()
            messages: list[dict[str, Any]] = [
                {"dataset": dataset, "missed": count} for dataset, count in left_out.items()
            ]
            for place, item in enumerate(waiting):
                messages.append(_message(item))
                if place % _TURN_EVENTS == 0:
                    await asyncio.sleep(0)
            await self._tell(messages)
            # Past what readers are told, it would only be thrown away.
            await asyncio.sleep(len(messages) / ANSWERS_A_SECOND)

    async def _remind(self) -> None:
        while True:
            await asyncio.sleep(_REMIND_SECONDS)
            if watched := self._tail.watched:
                await self._tell([{"watch": dataset} for dataset in sorted(watched)])

    async def _tell(self, messages: Sequence[dict[str, Any]]) -> None:
        parts = [part for message in messages for part in self._cut(json.dumps(message))]
        channel = await self._channel()
        with translated():
            async with self._pool.connection() as conn:
                await conn.execute(_SQL.tell, {"messages": parts, "channel": channel})

    async def _channel(self) -> str:
        """The channel's name, which only those who read the store's tables know."""
        if self._channel_name is None:
            with translated():
                async with self._pool.connection() as conn:
                    row = await (await conn.execute(_SQL.channel)).fetchone()
            if row is None:
                raise StoreUnavailable("The table fact_store is empty.")
            self._channel_name = str(row[0])
        return self._channel_name

    def _cut(self, text: str) -> Iterator[str]:
        for start in range(0, len(text), _PART_CHARACTERS):
            end = start + _PART_CHARACTERS
            # With the place, because PostgreSQL drops what is told twice in one transaction.
            yield f"{self._own} {int(end >= len(text))} {start} {text[start:end]}"

    async def _again(self, run: Any) -> None:
        """Runs a task for ever: the store may be away for a while."""
        while True:
            try:
                await run()
            except (StoreUnavailable, psycopg.Error, OSError) as error:
                _log.debug("The tail waits for the store: %s. [tail_waits]", type(error).__name__)
            end_if_cancelled()
            await asyncio.sleep(_AGAIN_SECONDS)


def _message(item: Prepared) -> dict[str, Any]:
    data = base64.b64encode(stored(item).SerializeToString()).decode()
    return {"dataset": item.dataset_id, "subject": str(item.subject), "event": data}
