"""Sends an import's events in batches, several at a time, and adds the verdicts up."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import NamedTuple

import grpc
import tenacity
from google.rpc.error_details_pb2 import RetryInfo

from shopalytic.v1.collector_pb2 import EventResult, EventStatus, TrackRequest, TrackResponse
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.cli.errors import Failure, call_sentence, details_of
from shopalytic_server.cli.remote import CALL_SECONDS, Remote

MAX_EVENTS = 1_000
MAX_BYTES = 3 * 1024 * 1024
IN_FLIGHT = 4
MAX_WAIT_SECONDS = 10.0
EXAMPLES_PER_RULE = 3

STATUSES = ("accepted", "duplicate", "conflict", "quarantined", "rejected")
_WORDS = {getattr(EventStatus, f"EVENT_STATUS_{word.upper()}"): word for word in STATUSES}
_RETRIED = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
)


class Example(NamedTuple):
    """One event that was not accepted."""

    line: int
    field: str
    message: str


@dataclass(slots=True)
class Tally:
    """What became of the events so far, and a few examples for each rule that was broken."""

    read: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    broken: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[Example]] = field(default_factory=dict)

    def add(self, line: int, result: EventResult) -> None:
        """Count one verdict."""
        word = _WORDS[result.status]
        self.counts[word] += 1
        if word not in ("accepted", "duplicate"):
            for violation in result.violations:
                self.add_violation(line, word, violation.rule_id, violation.field, violation.message)

    def add_violation(self, line: int, word: str, rule_id: str, path: str, message: str) -> None:
        """Remember a broken rule."""
        rule = (word, rule_id)
        self.broken[rule] += 1
        examples = self.examples.setdefault(rule, [])
        if len(examples) < EXAMPLES_PER_RULE:
            examples.append(Example(line, path, message))


class Sender:
    """Collects events into batches and keeps a few calls under way; `add` waits when all are busy."""

    def __init__(self, remote: Remote, tally: Tally, patience: float, on_wait: Callable[[str], None]) -> None:
        """`patience`: how many seconds one batch is retried while the service is away."""
        self._stub = CollectorServiceStub(remote.channel)
        self._remote = remote
        self._tally = tally
        self._patience = patience
        self._on_wait = on_wait
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="import")
        self._calls: dict[Future[TrackResponse], list[int]] = {}
        self._request = TrackRequest()
        self._lines: list[int] = []
        self._bytes = 0

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def add(self, line: int, event: Event) -> None:
        """Send an event with the next batch."""
        size = event.ByteSize() + 8
        if self._lines and (len(self._lines) >= MAX_EVENTS or self._bytes + size > MAX_BYTES):
            self._send()
        self._request.events.append(event)
        self._lines.append(line)
        self._bytes += size

    def finish(self) -> None:
        """Send what is left and wait for every answer."""
        if self._lines:
            self._send()
        while self._calls:
            self._take_answers()

    def _send(self) -> None:
        while len(self._calls) >= IN_FLIGHT:
            self._take_answers()
        self._calls[self._pool.submit(self._call, self._request)] = self._lines
        self._request, self._lines, self._bytes = TrackRequest(), [], 0

    def _take_answers(self) -> None:
        done, _ = wait(self._calls, return_when=FIRST_COMPLETED)
        for future in done:
            lines = self._calls.pop(future)
            for line, result in zip(lines, future.result().results, strict=True):
                self._tally.add(line, result)

    def _call(self, request: TrackRequest) -> TrackResponse:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_worth_repeating),
            wait=_wait_as_told,
            stop=tenacity.stop_after_delay(self._patience) | tenacity.stop_when_event_set(self._stopping),
            sleep=tenacity.sleep_using_event(self._stopping),
            before_sleep=self._tell,
            reraise=True,
        )
        # Sending a batch again is always safe: an event that is stored already answers DUPLICATE.
        try:
            return retrying(self._stub.Track, request, metadata=self._remote.metadata, timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            if _is_worth_repeating(error):
                raise Failure(self._away_sentence(error)) from error
            raise

    def _tell(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, grpc.RpcError):
            self._on_wait(call_sentence(error))

    def _away_sentence(self, error: grpc.RpcError) -> str:
        return (
            f"Gave up after {self._patience:.0f} s: {call_sentence(error)}"
            " What was answered is stored; run the same import again to go on."
        )


def _is_worth_repeating(error: BaseException) -> bool:
    return isinstance(error, grpc.RpcError) and error.code() in _RETRIED


_jittered = tenacity.wait_random_exponential(multiplier=0.2, max=MAX_WAIT_SECONDS)


def _wait_as_told(state: tenacity.RetryCallState) -> float:
    """The delay that the server asks for, at least; else a growing one with jitter."""
    error = state.outcome.exception() if state.outcome else None
    own = _jittered(state)
    return max(own, _asked_delay(error)) if isinstance(error, grpc.RpcError) else own


def _asked_delay(error: grpc.RpcError) -> float:
    delays = [info.retry_delay.ToNanoseconds() / 1e9 for info in details_of(error, RetryInfo)]
    return min(max(delays, default=0.0), MAX_WAIT_SECONDS)
