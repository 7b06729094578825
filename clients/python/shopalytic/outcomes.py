"""Counts what became of events and tells the caller: by callback, else by a log line."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

import grpc

from shopalytic.batching import Batch
from shopalytic.errors import DeliveryError, LossReason
from shopalytic.results import Result, Stats, Status
from shopalytic.v1 import collector_pb2 as pb
from shopalytic.v1.events_pb2 import Event
from shopalytic.violations import Violation

_Value = TypeVar("_Value")

logger = logging.getLogger("shopalytic")

OnResult = Callable[[Result], object]
OnError = Callable[[DeliveryError], object]

_STATUSES = {
    pb.EVENT_STATUS_ACCEPTED: Status.ACCEPTED,
    pb.EVENT_STATUS_DUPLICATE: Status.DUPLICATE,
    pb.EVENT_STATUS_CONFLICT: Status.CONFLICT,
    pb.EVENT_STATUS_QUARANTINED: Status.QUARANTINED,
    pb.EVENT_STATUS_REJECTED: Status.REJECTED,
}
_STORED = frozenset({Status.ACCEPTED, Status.DUPLICATE})
_DROPPED = frozenset({LossReason.QUEUE_FULL, LossReason.CLOSED})


class MismatchedAnswer(Exception):
    """The answer has not one verdict per event; is this address a Shopalytic server?"""


class Outcomes:
    """The counters and callbacks of one client; may be used from several threads."""

    def __init__(self, on_result: OnResult | None, on_error: OnError | None) -> None:
        self._on_result = on_result
        self._on_error = on_error
        self._lock = threading.Lock()
        self._statuses: Counter[Status] = Counter()
        self._losses: Counter[LossReason] = Counter()
        self._sent = self._retries = self._spooled = 0
        self._log = QuietLog()

    def sending(self, events: int) -> None:
        """One request with so many events is about to go out."""
        with self._lock:
            self._sent += events

    def retrying(self, error: grpc.RpcError) -> None:
        """A request will be sent again."""
        with self._lock:
            self._retries += 1
        if error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
            self._log.locked_out(error)

    def spooled(self, events: int) -> None:
        """Events that a close left on disk."""
        with self._lock:
            self._spooled += events

    def answered(self, results: Iterable[pb.EventResult]) -> None:
        """Counts and passes on the verdicts of one batch."""
        verdicts = list(results)
        codes = [verdict.status for verdict in verdicts]
        if self._on_result is None and codes.count(pb.EVENT_STATUS_ACCEPTED) == len(codes):
            with self._lock:
                self._statuses[Status.ACCEPTED] += len(codes)
            return
        statuses = [_STATUSES.get(code, Status.UNKNOWN) for code in codes]
        with self._lock:
            self._statuses.update(statuses)
        for verdict, status in zip(verdicts, statuses, strict=True):
            if self._on_result is not None:
                self._guarded(self._on_result, result_of(verdict))
            elif status not in _STORED:
                self._log.refused(verdict, status)

    def lost(self, batch: Batch, reason: LossReason, cause: Exception | None = None) -> None:
        """Counts and passes on events that were not delivered."""
        if not batch:
            return
        with self._lock:
            self._losses[reason] += len(batch)
        code = cause.code() if isinstance(cause, grpc.RpcError) else None
        detail = (cause.details() or "") if isinstance(cause, grpc.RpcError) else str(cause or "")
        error = DeliveryError(reason, events_of(batch), code=code, detail=detail)
        if self._on_error is not None:
            self._guarded(self._on_error, error)
        else:
            self._log.lost(error)

    def losses(self) -> Counter[LossReason]:
        """How many events were given up so far, by reason."""
        with self._lock:
            return self._losses.copy()

    def stats(self, queued: int, pending: int) -> Stats:
        """All counters at this moment."""
        with self._lock:
            dropped = {reason: n for reason, n in self._losses.items() if reason in _DROPPED}
            counts = self._statuses
            return Stats(
                queued=queued,
                pending=pending,
                sent=self._sent,
                accepted=counts[Status.ACCEPTED],
                duplicate=counts[Status.DUPLICATE],
                conflict=counts[Status.CONFLICT],
                quarantined=counts[Status.QUARANTINED],
                rejected=counts[Status.REJECTED],
                unknown=counts[Status.UNKNOWN],
                failed=sum(self._losses.values()) - sum(dropped.values()),
                dropped=dropped,
                retries=self._retries,
                spooled=self._spooled,
            )

    def renewed(self) -> Outcomes:
        """The same callbacks with counters at zero, for a forked child."""
        return Outcomes(self._on_result, self._on_error)

    @staticmethod
    def _guarded(callback: Callable[[_Value], object], value: _Value) -> None:
        try:
            callback(value)
        except (Exception, SystemExit):  # sys.exit() in the background thread would end only that thread
            logger.exception("A callback of the Shopalytic client failed; delivery goes on.")


class QuietLog:
    """Tells of what no callback takes: a line of each kind in ten seconds, with no personal data."""

    _SECONDS = 10.0

    def __init__(self) -> None:
        self._next_line: dict[str, float] = {}
        self._unsaid: Counter[str] = Counter()

    def refused(self, verdict: pb.EventResult, status: Status) -> None:
        """A verdict that says an event does not count."""
        if (unsaid := self._may_speak("refused")) is not None:
            rules = [f"{v.field or 'event'} {v.rule_id}" for v in verdict.violations]
            why = ", ".join(rules) or "no reason given"
            logger.warning("Event %s is %s: %s%s", verdict.event_id, status, why, unsaid)

    def locked_out(self, error: grpc.RpcError) -> None:
        """The key is refused, and the events wait in the spool."""
        if (unsaid := self._may_speak("locked_out")) is not None:
            logger.error("Events wait in the spool: the server answers %s%s", error.code().name, unsaid)

    def lost(self, error: DeliveryError) -> None:
        """Events that were not delivered."""
        if (unsaid := self._may_speak("lost")) is not None:
            code = f", {error.code.name}" if error.code is not None else ""
            logger.error(
                "%d events were not delivered (%s%s); set on_error to keep them%s",
                len(error.events), error.reason, code, unsaid,
            )  # fmt: skip

    def _may_speak(self, kind: str) -> str | None:
        now = time.monotonic()
        if now < self._next_line.get(kind, 0.0):
            self._unsaid[kind] += 1
            return None
        self._next_line[kind] = now + self._SECONDS
        unsaid = self._unsaid.pop(kind, 0)
        return f" (and {unsaid} more like this before)" if unsaid else ""


def matched(answer: pb.TrackResponse, batch: Batch) -> pb.TrackResponse:
    """The answer, if it has one verdict per event."""
    if len(answer.results) != len(batch):
        raise MismatchedAnswer(f"{len(batch)} events were sent, {len(answer.results)} verdicts came back")
    return answer


def events_of(batch: Batch) -> list[Event]:
    """The queued events as messages again."""
    return [event for pending in batch for event in pb.TrackRequest.FromString(pending.chunk).events]


def result_of(verdict: pb.EventResult) -> Result:
    """A verdict as the client reports it."""
    return Result(
        verdict.event_id,
        _STATUSES.get(verdict.status, Status.UNKNOWN),
        tuple(Violation(v.field, v.rule_id, v.message) for v in verdict.violations),
        verdict.link if verdict.HasField("link") else None,
    )
