"""What a server process counts and measures, in Prometheus' terms, and the port where it can be read."""

from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from shopalytic.v1 import collector_pb2
from shopalytic_server.config import Settings
from shopalytic_server.domain.ingest import native
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.domain.ingest.rule_names import rule_label
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.domain.quarantine import FULL_RULE
from shopalytic_server.process.signals import Lifecycle
from shopalytic_server.reporter.wire import State as ReporterState
from shopalytic_server.storage.database.connections import Pool

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_REJECTED = collector_pb2.EVENT_STATUS_REJECTED
_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


class ServerMetrics:
    """One server process's own registry. No label has anything that a sender chose freely."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._accepted = self._counter("accepted_events", "Events stored, by type.", "type")
        self._expired = self._counter("expired_events", "Events removed after their time, by type.", "type")
        self._broken = self._counter("quarantined_events", "Events quarantined, by broken rule.", "rule")
        self._quarantine_full = self._counter(
            "quarantine_refused_events",
            "Events refused as quarantine is full, by key class.",
            "key_class",
        )
        self._quarantine_expired = self._counter(
            "quarantine_expired_events", "Events that quarantine kept too long, by key class.", "key_class"
        )
        self._commit = self._histogram("commit_seconds", "Time to store a group, COMMIT included.", _SECONDS)
        self._group = self._histogram("group_events", "Events that shared a transaction.", _EVENTS)

    def on_stored(self, events: Sequence[Prepared]) -> None:
        """Counts accepted events."""
        for kind, count in Tally(event.type for event in events).items():
            self._accepted.labels(kind).inc(count)

    def on_expired(self, counts: Mapping[str, int]) -> None:
        """Counts events that were removed because they had expired."""
        for kind, count in counts.items():
            self._expired.labels(kind).inc(count)

    def on_quarantine_expired(self, counts: Mapping[str, int]) -> None:
        """Counts events that were removed from quarantine because they were too old."""
        for key_class, count in counts.items():
            self._quarantine_expired.labels(key_class).inc(count)

    def on_group(self, events: Sequence[Prepared], seconds: float) -> None:
        """Records a transaction."""
        self._commit.observe(seconds)
        self._group.observe(len(events))
        for event in events:
            if _found_it_full(event):
                self._quarantine_full.labels(event.key_class or KeyClass.SERVER).inc()
            elif event.violations and not event.rejected:
                for rule in {rule_label(violation.rule_id) for violation in event.violations}:
                    self._broken.labels(rule).inc()

    def watch(
        self,
        *,
        pending: Callable[[], float],
        faults: Callable[[], float],
        can_store: Callable[[], bool],
        pool: Pool,
    ) -> None:
        """Reports these, when asked."""
        self._gauge("pending_events", "Events that wait for their COMMIT.", pending)
        self._gauge("store_faults", "Groups that the database could not store, for a statement.", faults)
        self._gauge("native_core", "1 while the native core reads events.", lambda: float(native.is_in_use()))
        self._gauge(
            "native_core_failures",
            "Failures in the native core; Python did its work.",
            lambda: float(native.failures()),
        )
        self._gauge("store_ready", "1 while PostgreSQL can store.", lambda: float(can_store()))
        for name, text in (
            ("pool_size", "Connections to PostgreSQL."),
            ("pool_available", "Connections that are idle."),
            ("requests_waiting", "Requests that wait for a connection."),
        ):
            self._gauge(f"store_{name}", text, lambda name=name: float(pool.get_stats().get(name, 0)))  # type: ignore[misc]

    def watch_quarantine(self, fill: Callable[[str], float]) -> None:
        """Reports how full the fullest project's quarantine is, by the class of the keys."""
        gauge = Gauge(
            "shopalytic_server_quarantine_fill_ratio",
            "How much of their part of quarantine the keys of a class have filled, where it is most.",
            ["key_class"],
            registry=self.registry,
        )
        for key_class in (KeyClass.BROWSER, KeyClass.SERVER):
            # An increase from nothing would not be seen.
            self._quarantine_full.labels(key_class)
            self._quarantine_expired.labels(key_class)
            gauge.labels(key_class).set_function(lambda key_class=key_class: fill(key_class))  # type: ignore[misc]

    def watch_reporter(self, state: Callable[[], ReporterState]) -> None:
        """Reports how the report process is doing, when asked."""
        for name, text, value in (
            ("reports_memory_bytes", "Memory of the report process; 0: it is away.", "memory_bytes"),
            ("reports_cpu_seconds", "What the report process has worked since its start.", "cpu_seconds"),
            ("reports_asked", "Reports that are being answered or wait.", "asked"),
            ("fact_days_missing", "Past days that reports read anew.", "days_missing"),
            ("fact_files_bytes", "What files of past days take.", "file_bytes"),
        ):
            self._gauge(name, text, lambda value=value: float(getattr(state(), value)))  # type: ignore[misc]

    def listen_as(self, number: int, settings: Settings, lifecycle: Lifecycle) -> None:
        """Answers GET /metrics of the process with this number, from 1, if a port is set. Raises OSError."""
        if not settings.metrics_port:
            return
        listen(self.registry, settings.metrics_host, settings.metrics_port + number - 1, lifecycle)

    def _counter(self, name: str, text: str, label: str) -> Counter:
        return Counter(f"shopalytic_server_{name}", text, [label], registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(f"shopalytic_server_{name}", text, buckets=buckets, registry=self.registry)

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(f"shopalytic_server_{name}", text, registry=self.registry).set_function(value)


def _found_it_full(event: Prepared) -> bool:
    result = event.verdict
    return (
        result is not None
        and result.status == _REJECTED
        and any(found.rule_id == FULL_RULE for found in result.violations)
    )


def listen(registry: CollectorRegistry, host: str, port: int, lifecycle: Lifecycle) -> None:
    """Answers GET /metrics with what a registry has, until `lifecycle` ends. Raises OSError."""
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        text = f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --metrics-port."
        raise OSError(error.errno, text) from error

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    lifecycle.callback(close)
