"""Sends what the outbox holds, in order, and deletes it after the server's verdict."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import grpc

from shopalytic.events.violations import Violation
from shopalytic.results import Result, Status
from shopalytic.sending.batching import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, Pending
from shopalytic.sending.connection import Endpoint
from shopalytic.sending.outcomes import matched, result_of
from shopalytic.sending.retry_info import retry_delay
from shopalytic.sending.retrying import TRANSIENT, is_too_large
from shopalytic.sending.transport import Transport

# One drainer at a time, so that the order holds; the number is this table's own.
_LOCK = "SELECT pg_try_advisory_xact_lock(7404137250012301)"
_WAITING = (
    "SELECT position, event_id, event FROM shopalytic_outbox"
    " WHERE refused_at IS NULL ORDER BY position LIMIT %s"
)
_DELETE = "DELETE FROM shopalytic_outbox WHERE position = ANY(%s)"
_KEEP = (
    "UPDATE shopalytic_outbox SET refused_at = clock_timestamp(), status = %s, reason = %s"
    " WHERE position = %s"
)
_STORED = frozenset({Status.ACCEPTED, Status.DUPLICATE})
_REASON_CHARACTERS = 1_000


@dataclass(slots=True)
class Drained:
    """What a drainer has done."""

    delivered: int = 0
    """Events that the server has stored, now or before; deleted from the table."""
    refused: int = 0
    """Events with another verdict; kept in the table with their status and reason."""
    is_busy: bool = field(default=False, compare=False)
    """Another drainer holds the table, so nothing was done."""


class Drainer:
    """Drains the outbox of one database; several may run, and one works at a time.

    A crash between sending and deleting sends the events again; the server
    answers DUPLICATE, and they are stored once. What the server refuses is kept
    in the table: see its `status` and `reason`; set `refused_at` to NULL to try
    again.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        target: str | None = None,
        key: str | None = None,
        *,
        batch_size: int = MAX_BATCH_EVENTS,
        timeout: float = 15.0,
        poll: float = 0.5,
        on_result: Callable[[Result], object] | None = None,
        tls: bool | grpc.ChannelCredentials = False,
        channel_options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """`connect` opens a DB-API connection to PostgreSQL, such as `lambda: psycopg.connect(dsn)`.

        The connection must not be in autocommit. `target`, `key`, `tls` and
        `timeout` are as in Client. An empty table is looked at again after
        `poll` seconds. `on_result` gets every verdict once it is written down.
        """
        if not 1 <= batch_size <= MAX_BATCH_EVENTS:
            raise ValueError(f"batch_size is {batch_size}; a request takes 1 to {MAX_BATCH_EVENTS:,} events.")
        self._connect = connect
        self._connection: Any = None
        self._transport = Transport(Endpoint.of(target, key, tls, channel_options))
        self._batch_size = batch_size
        self._timeout = timeout
        self._poll = poll
        self._on_result = on_result

    def drain(self) -> Drained:
        """Sends until nothing waits, then returns; raises grpc.RpcError when a request fails."""
        total = Drained()
        while True:
            step = self._step()
            total.delivered += step.delivered
            total.refused += step.refused
            if not step.delivered and not step.refused:
                total.is_busy = step.is_busy
                return total

    def run(self, stop: threading.Event, on_wait: Callable[[Exception], object] | None = None) -> Drained:
        """Drains until `stop` is set, however long the server or the database is away.

        `on_wait` is told of each failure that is waited for. A refusal that
        waiting cannot change, such as a wrong key, is raised.
        """
        total, pause = Drained(), self._poll
        while not stop.is_set():
            try:
                step = self._step()
            except Exception as error:
                if not _may_pass(error):
                    raise
                self._hang_up()
                if on_wait is not None:
                    on_wait(error)
                asked = retry_delay(error.trailing_metadata()) if isinstance(error, grpc.RpcError) else None
                pause = min(pause * 2, 10.0) if asked is None else asked
                stop.wait(pause)
                continue
            pause = self._poll
            total.delivered += step.delivered
            total.refused += step.refused
            if not step.delivered and not step.refused:
                stop.wait(self._poll)
        return total

    def close(self) -> None:
        """Ends the connections."""
        self._hang_up()
        self._transport.hang_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _step(self) -> Drained:
        """One batch, in one transaction, which ends without a change if anything fails."""
        if self._connection is None:
            self._connection = self._connect()
        connection = self._connection
        try:
            cursor = connection.cursor()
            cursor.execute(_LOCK)
            if not cursor.fetchone()[0]:
                connection.rollback()
                return Drained(is_busy=True)
            cursor.execute(_WAITING, (self._batch_size,))
            batch = _fitting([Pending(row[0], row[1], bytes(row[2]), 0.0) for row in cursor.fetchall()])
            results = self._send(batch) if batch else []
            done = self._write_down(cursor, batch, results)
            connection.commit()
        except BaseException:
            self._hang_up()
            raise
        if self._on_result is not None:
            for result in results:
                self._on_result(result)
        return done

    def _send(self, batch: list[Pending]) -> list[Result]:
        try:
            return [
                result_of(each) for each in matched(self._transport.send(batch, self._timeout), batch).results
            ]
        except grpc.RpcError as error:
            if not is_too_large(error):
                raise
            if len(batch) == 1:
                told = Violation("", "request.max_bytes", "the server takes no message of this size")
                return [Result(batch[0].event_id, Status.REJECTED, (told,))]
            middle = len(batch) // 2
            return self._send(batch[:middle]) + self._send(batch[middle:])

    @staticmethod
    def _write_down(cursor: Any, batch: list[Pending], results: list[Result]) -> Drained:
        verdicts = list(zip(batch, results, strict=True))
        stored = [event.number for event, result in verdicts if result.status in _STORED]
        if stored:
            cursor.execute(_DELETE, (stored,))
        for event, result in verdicts:
            if result.status not in _STORED:
                told = "; ".join(
                    f"{v.field or 'event'}: {v.message} ({v.rule_id})" for v in result.violations
                )
                cursor.execute(_KEEP, (str(result.status), told[:_REASON_CHARACTERS], event.number))
        return Drained(len(stored), len(batch) - len(stored))

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _may_pass(error: Exception) -> bool:
    """Whether waiting may help: the server is away, or the database, whose drivers share these names."""
    if isinstance(error, grpc.RpcError):
        return error.code() in TRANSIENT
    return any(each.__name__ in ("OperationalError", "InterfaceError") for each in type(error).__mro__)


def _fitting(batch: list[Pending]) -> list[Pending]:
    """The oldest events that one request may carry."""
    size = 0
    for index, event in enumerate(batch):
        size += len(event.chunk)
        if index and size > MAX_BATCH_BYTES:
            return batch[:index]
    return batch
