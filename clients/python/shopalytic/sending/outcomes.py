"""Counts what became of events and tells the caller: by callback, else by a log line."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

import grpc

from shopalytic.causes import cause_of
from shopalytic.errors import DeliveryError, InvalidEvent, LossReason
from shopalytic.events.violations import Violation
from shopalytic.results import Result, Stats, Status
from shopalytic.sending.batching import Batch
from shopalytic.v1 import collector_pb2 as pb
from shopalytic.v1.events_pb2 import Event

_Value = TypeVar("_Value")

logger = logging.getLogger("shopalytic")

OnResult = Callable[[Result], object]
OnError = Callable[[DeliveryError], object]
OnInvalid = Callable[[InvalidEvent], object]

_STATUSES = {
    pb.EVENT_STATUS_ACCEPTED: Status.ACCEPTED,
    pb.EVENT_STATUS_DUPLICATE: Status.DUPLICATE,
    pb.EVENT_STATUS_CONFLICT: Status.CONFLICT,
    pb.EVENT_STATUS_QUARANTINED: Status.QUARANTINED,
    pb.EVENT_STATUS_REJECTED: Status.REJECTED,
}
_STORED = frozenset({Status.ACCEPTED, Status.DUPLICATE})
_DROPPED = frozenset({LossReason.QUEUE_FULL, LossReason.CLOSED})
# What the server never saw: the last failure tells why it waited.
_UNSENT = frozenset({LossReason.QUEUE_FULL, LossReason.CLOSED, LossReason.EXPIRED})


class MismatchedAnswer(Exception):
    """The answer has not one verdict per event; is this address a Shopalytic server?"""


class Outcomes:
    """The counters and callbacks of one client; may be used from several threads."""

    def __init__(
        self, on_result: OnResult | None, on_error: OnError | None, on_invalid: OnInvalid | None, target: str
    ) -> None:
        self._on_result = on_result
        self._on_error = on_error
        self._on_invalid = on_invalid
        self._target = target
        self._lock = threading.Lock()
        self._statuses: Counter[Status] = Counter()
        self._losses: Counter[LossReason] = Counter()
        self._sent = self._retries = self._spooled = self._invalid = 0
        self._last_error: str | None = None
        self._log = QuietLog()

    def sending(self, events: int) -> None:
        """One request with so many events is about to go out."""
        with self._lock:
            self._sent += events

    def retrying(self, error: grpc.RpcError) -> None:
        """A request will be sent again."""
        cause = cause_of(error, self._target)
        with self._lock:
            self._retries += 1
            self._last_error = cause
        self._log.failing(cause)

    def spooled(self, events: int) -> None:
        """Events that a close left on disk."""
        with self._lock:
            self._spooled += events

    def answered(self, results: Iterable[pb.EventResult]) -> None:
        """Counts and passes on the verdicts of one batch."""
        verdicts = list(results)
        self._log.works_again()
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
        if cause is not None:
            told = cause_of(cause, self._target)
            with self._lock:
                self._last_error = told
            self._log.failing(told)
        with self._lock:
            detail = self._last_error or "" if reason in _UNSENT or cause is not None else ""
        error = DeliveryError(reason, events_of(batch), code=code, detail=detail)
        if self._on_error is not None:
            self._guarded(self._on_error, error)
        else:
            self._log.lost(error)

    def invalid(self, error: InvalidEvent) -> None:
        """Counts and passes on an event that breaks a rule and was not taken."""
        with self._lock:
            self._invalid += 1
        if self._on_invalid is not None:
            self._guarded(self._on_invalid, error)
        else:
            self._log.invalid(error)

    def too_late(self) -> None:
        """An event came after close and was not taken."""
        self._log.too_late()

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
                invalid=self._invalid,
                last_error=self._last_error,
            )

    def renewed(self) -> Outcomes:
        """The same callbacks with counters at zero, for a forked child."""
        return Outcomes(self._on_result, self._on_error, self._on_invalid, self._target)

    @staticmethod
    def _guarded(callback: Callable[[_Value], object], value: _Value) -> None:
        try:
            callback(value)
        except (Exception, SystemExit):  # sys.exit() in the background thread would end only that thread
            logger.exception("A callback of the Shopalytic client failed; delivery goes on.")


_FAILING_SECONDS = 60.0


class QuietLog:
    """Tells of what no callback takes: a line of each kind in ten seconds, with no personal data."""

    _SECONDS = 10.0

    def __init__(self) -> None:
        self._next_line: dict[str, float] = {}
        self._unsaid: Counter[str] = Counter()
        self._failing_since: float | None = None
        self._next_failing = 0.0

    def refused(self, verdict: pb.EventResult, status: Status) -> None:
        """A verdict that says an event does not count."""
        if (unsaid := self._may_speak("refused")) is not None:
            rules = [f"{v.field or 'event'} {v.rule_id}" for v in verdict.violations]
            why = ", ".join(rules) or "no reason given"
            logger.warning("Event %s is %s: %s%s", verdict.event_id, status, why, unsaid)

    def failing(self, cause: str) -> None:
        """A request failed: told at the first one, and then once a minute."""
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        elif now < self._next_failing:
            return
        self._next_failing = now + _FAILING_SECONDS
        logger.warning("Events wait and are sent again: %s.", cause)

    def works_again(self) -> None:
        """A request was answered after some that failed."""
        since, self._failing_since = self._failing_since, None
        if since is not None:
            logger.warning("Events are delivered again, after %.0f seconds.", time.monotonic() - since)

    def too_late(self) -> None:
        """An event came after close."""
        if (unsaid := self._may_speak("too_late")) is not None:
            logger.error("An event was not taken: the client is closed. Make a new one%s", unsaid)

    def invalid(self, error: InvalidEvent) -> None:
        """An event that breaks a rule. Its values may be personal, so only the rules are named."""
        if (unsaid := self._may_speak("invalid")) is not None:
            rules = ", ".join(f"{v.field or 'event'} {v.rule_id}" for v in error.violations)
            logger.error("An event breaks a rule and was not sent: %s%s", rules, unsaid)

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
