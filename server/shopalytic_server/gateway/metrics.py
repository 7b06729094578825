"""What the gateway counts and measures, in Prometheus' terms."""

from collections import Counter as Counts
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from shopalytic.v1.collector_pb2 import EVENT_STATUS_CONFLICT, EVENT_STATUS_QUARANTINED, EventResult
from shopalytic_server.domain.ingest.rule_names import rule_label

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_KEPT = ("QUARANTINED", "CONFLICT")
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """One gateway's own registry, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "shopalytic_gateway_requests",
            "HTTP requests answered.",
            ["route", "status"],
            registry=self.registry,
        )
        self._verdicts = Counter(
            "shopalytic_gateway_verdicts",
            "Verdicts on events sent to collect.",
            ["status", "type"],
            registry=self.registry,
        )
        self._duplicates = self._counter("duplicates", "Events that were already stored.")
        self._quarantined = self._counter("quarantined", "Events kept in quarantine, conflicts included.")
        self._reasons = Counter(
            "shopalytic_gateway_quarantined_reasons",
            "Reasons why events are kept in quarantine, by the rule.",
            ["rule"],
            registry=self.registry,
        )
        self._commit = Histogram(
            "shopalytic_gateway_commit_seconds",
            "Time from a Track call to its answer, which is sent after COMMIT.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._batch = Histogram(
            "shopalytic_gateway_batch_events",
            "Events in one Track call.",
            buckets=_SIZES,
            registry=self.registry,
        )
        self._failures = Counter(
            "shopalytic_gateway_track_failures",
            "Track calls that failed, by the collector's code.",
            ["code"],
            registry=self.registry,
        )
        self._foreign = Counter(
            "shopalytic_gateway_foreign_events",
            "Events that came by the surfaces of other tools, by their name there and their type here.",
            ["surface", "name", "type"],
            registry=self.registry,
        )
        self._left_out = Counter(
            "shopalytic_gateway_foreign_properties_left_out",
            "Properties of such events that have no place in the event they became.",
            ["surface", "name"],
            registry=self.registry,
        )
        self._children: dict[tuple[str, ...], Counter] = {}

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"shopalytic_gateway_{name}", text, registry=self.registry)

    def watch_queue(self, depth: Callable[[], float]) -> None:
        """Reports the number of events that are not answered yet, when asked."""
        gauge = Gauge(
            "shopalytic_gateway_queue_events",
            "Events taken and not answered yet.",
            registry=self.registry,
        )
        gauge.set_function(depth)

    def request(self, route: str, status: int) -> None:
        """Counts an answered request."""
        self._child(self._requests, "request", route, str(status)).inc()

    def verdicts(self, counts: Mapping[tuple[str, str], int], results: Iterable[EventResult]) -> None:
        """Counts what became of a request's events, by status and type, and the rules that they broke."""
        kept = 0
        for (status, event_type), count in counts.items():
            self._child(self._verdicts, "verdict", status, event_type).inc(count)
            if status == "DUPLICATE":
                self._duplicates.inc(count)
            kept += count if status in _KEPT else 0
        if not kept:
            return
        self._quarantined.inc(kept)
        # Each rule once for each event that broke it.
        reasons = Counts(
            rule
            for result in results
            if result.status in (EVENT_STATUS_QUARANTINED, EVENT_STATUS_CONFLICT)
            for rule in {rule_label(violation.rule_id) for violation in result.violations}
        )
        for rule, count in reasons.items():
            self._reasons.labels(rule).inc(count)

    def foreign(self, surface: str, name: str, event_type: str, left_out: int) -> None:
        """Counts an event that came by another tool's surface; `name` is of a closed set."""
        self._child(self._foreign, "foreign", surface, name, event_type).inc()
        if left_out:
            self._child(self._left_out, "left out", surface, name).inc(left_out)

    def call(self, events: int, seconds: float) -> None:
        """Records a Track call that was answered."""
        self._batch.observe(events)
        self._commit.observe(seconds)

    def failed_call(self, code: str) -> None:
        """Counts a Track call that failed."""
        self._failures.labels(code).inc()

    def exposition(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)

    def _child(self, family: Counter, kind: str, *labels: str) -> Counter:
        # labels() builds and locks at each call; this runs for every event.
        key = (kind, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = family.labels(*labels)
        return child
