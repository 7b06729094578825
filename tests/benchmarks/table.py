"""Runs the benchmarks and prints one table: targets, what was measured, and each limit's own figure.

It judges nothing and never fails: what could not be measured says so.
Run: .venv/bin/python tests/benchmarks/table.py [--small] [--only ingest,start]
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parent
_MISSING = "not measured"

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it is of, and how it is read from the JSON that a benchmark prints."""

    source: str
    work: str
    target: str
    measured: Callable[[Figures], str]
    limit: Callable[[Figures], str]


def _rate(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}/s"


def _batch(index: int) -> tuple[Callable[[Figures], str], Callable[[Figures], str]]:
    def measured(figures: Figures) -> str:
        found = figures["batch"][index]
        return f"{found['ratio']:.2f} ({_rate(found['events_per_second'], 'events')})"

    def limit(figures: Figures) -> str:
        return f"COPY {_rate(figures['batch'][index]['copy_rows_per_second'], 'rows')}"

    return measured, limit


def _collect(layout: str) -> tuple[Callable[[Figures], str], Callable[[Figures], str]]:
    def measured(figures: Figures) -> str:
        found = figures[layout]
        rate = _rate(found["requests_per_second"], "requests")
        return f"{figures[f'{layout}_to_node']:.2f} ({rate}), p99 {found['p99_ms']:.1f} ms"

    def limit(figures: Figures) -> str:
        node = figures["node"]
        return f"Node {_rate(node['requests_per_second'], 'requests')}, p99 {node['p99_ms']:.1f} ms"

    return measured, limit


def _client(figures: Figures) -> str:
    ours = figures["shopalytic"]
    return f"{ours['call_us']:.1f} us, {_rate(ours['through_flush_per_s'], 'events')}"


def _peers(figures: Figures) -> str:
    found = [
        f"{name} {each['call_us']:.1f} us, {_rate(each['through_flush_per_s'], 'events')}"
        for name, each in figures.items()
        if isinstance(each, dict) and "call_us" in each and name not in ("shopalytic", "targets")
    ]
    return "; ".join(found) or "peers left out"


def _slowest(figures: Figures) -> tuple[str, Figures]:
    """Of the shop's reports: those that DuckDB answers too."""
    lines = {name: line for name, line in figures["reports"].items() if "ratio" in line}
    name: str = max(lines, key=lambda name: lines[name]["first_ms"])
    return name, lines[name]


def _reports(figures: Figures) -> str:
    name, slowest = _slowest(figures)
    first, again = slowest["first_ms"], slowest["again_ms"]
    return f"slowest: {name} {first:.0f} ms, again {again:.0f} ms, {figures['events']:,} events"


def _duckdb(figures: Figures) -> str:
    lines = {name: line for name, line in figures["reports"].items() if "ratio" in line}
    name = max(lines, key=lambda name: lines[name]["ratio"])
    return f"worst against DuckDB: {name} {lines[name]['ratio']:.1f} x of {lines[name]['duckdb_ms']:.0f} ms"


def _slower(figures: Figures, ours: str, limit: str) -> str:
    return f"p99 {figures[ours] / figures[limit]:.1f} x"


LINES = (
    Line("ingest", "Track, 1,000 events, 4 in flight", ">= 0.6 of COPY", *_batch(0)),
    Line("ingest", "Track, 100 events, 8 in flight", ">= 0.45 of COPY", *_batch(1)),
    Line(
        "ingest",
        "Track, one event, 64 in flight",
        ">= 0.8 of an empty RPC, p99 <= 3 x",
        lambda of: (
            f"{of['single']['ratio']:.2f} ({_rate(of['single']['calls_per_second'], 'calls')}), "
            + _slower(of["single"], "p99_ms", "empty_p99_ms")
        ),
        lambda of: (
            f"empty RPC {_rate(of['single']['empty_calls_per_second'], 'calls')}, "
            f"p99 {of['single']['empty_p99_ms']:.1f} ms"
        ),
    ),
    Line(
        "stream",
        "TrackStream, 1,000 unanswered, a response each",
        "said only",
        lambda of: f"{of['stream_to_single']:.2f} ({_rate(of['stream_per_second'], 'events')})",
        lambda of: (
            f"single Track {_rate(of['single_per_second'], 'calls')}, "
            f"empty stream {_rate(of['empty_stream_per_second'], 'events')}"
        ),
    ),
    Line(
        "stream",
        "TrackStream, the same answered together",
        ">= 3 x single Track",
        lambda of: f"{of['together_to_single']:.2f} ({_rate(of['together_per_second'], 'events')})",
        lambda of: f"single Track {_rate(of['single_per_second'], 'calls')}",
    ),
    Line(
        "stream",
        "Identify of known links",
        ">= 0.95 of single Track, no write",
        lambda of: (
            f"{of['identify_to_single']:.2f} ({_rate(of['identify_per_second'], 'calls')}), "
            f"{of['writing_transactions_of_identify']} writes"
        ),
        lambda of: f"single Track {_rate(of['single_per_second'], 'calls')}",
    ),
    Line(
        "gateway",
        "POST /collect, 32 connections",
        ">= 1.0 of Node with pg, p99 < 50 ms",
        *_collect("gateway"),
    ),
    Line("gateway", "the same, the gateway in its own process", "", *_collect("gateway_apart")),
    Line("client", "Client.track(); through flush", "<= 8 us; >= 60,000 events/s", _client, _peers),
    Line(
        "import_speed",
        "import",
        ">= 0.5 of the batch rate",
        lambda of: f"{of['ratio']:.2f} ({_rate(of['import_per_s'], 'events')})",
        lambda of: f"batches {_rate(of['batch_per_s'], 'events')}",
    ),
    Line(
        "reports",
        "customer page; timeline, at the server",
        "<= 10 ms",
        lambda of: "; ".join(
            f"{of['reports'][name]['again_ms']:.0f} ms" for name in ("customer page", "timeline")
        ),
        lambda of: f"{of['events']:,} events",
    ),
    Line(
        "reports", "each shop report over a year, first answer", "<= 2 s; again <= 150 ms", _reports, _duckdb
    ),
    Line(
        "reports",
        "facts of it built",
        ">= 150,000 events/s",
        lambda of: _rate(of["facts"]["events_a_second"], "events"),
        lambda of: f"{of['facts']['megabytes']:.0f} MB, {of['events']:,} events",
    ),
    Line(
        "growth",
        "batch rate at 50 M stored events against 1 M",
        ">= 0.8",
        lambda of: f"{of['ratio']:.2f} ({of['stored_last']:,} events)",
        lambda of: f"{of['stored_first']:,} events {_rate(of['events_per_second_first'], 'events')}",
    ),
    Line(
        "memory",
        "server memory after 5 M events against 1 M",
        "0.9 to 1.1",
        lambda of: f"{of['last_to_first']:.2f}",
        lambda of: ", ".join(f"{size:.0f}" for size in of["megabytes"]) + " MB",
    ),
    Line(
        "workers",
        "two server processes, batches of 100",
        "same guarantees",
        lambda of: f"{of['ratio']:.2f} x ({_rate(of['two_per_second'], 'events')})",
        lambda of: f"one process {_rate(of['one_per_second'], 'events')}",
    ),
    Line(
        "start",
        "serve from nothing to the first event",
        "<= 5 s",
        lambda of: f"{of['first_event_seconds']:.1f} s",
        lambda of: f"PostgreSQL alone {of['postgres_seconds']:.1f} s",
    ),
)


def run(source: str, *, small: bool) -> Figures | None:
    """What a benchmark prints; None if it is not there or did not work."""
    file = _FOLDER / f"{source}.py"
    if not file.exists():
        return None
    print(f"Running {file.name} ...", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, str(file), *(["--small"] if small else [])],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        figures: Figures = json.loads(done.stdout)
    except ValueError:
        print(f"{file.name} did not work:\n{done.stderr[-2_000:]}", file=sys.stderr)
        return None
    return figures


def rows(figures: dict[str, Figures | None]) -> list[tuple[str, str, str, str]]:
    """The cells of the table, top to bottom."""
    found = []
    for line in LINES:
        measured, limit = _MISSING, ""
        source = figures.get(line.source)
        if source is not None:
            try:
                measured, limit = line.measured(source), line.limit(source)
            except (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError) as error:
                print(f"{line.source}.py prints no figure for {line.work!r}: {error!r}", file=sys.stderr)
        found.append((line.work, line.target, measured, limit))
    return found


def text(cells: list[tuple[str, str, str, str]]) -> str:
    """The table, as Markdown whose columns are aligned."""
    table = [("work", "target", "measured", "the limit's own figure"), *cells]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    table.insert(1, tuple("-" * width for width in widths))  # type: ignore[arg-type]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in table
    )


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="quick runs that prove the benchmarks work")
    parser.add_argument("--only", default="", help="the benchmarks to run, separated by commas")
    given = parser.parse_args()
    wanted = set(given.only.split(",")) if given.only else {line.source for line in LINES}
    sources = [name for name in dict.fromkeys(line.source for line in LINES) if name in wanted]
    figures = {source: run(source, small=given.small) for source in sources}
    print(text(rows(figures)))


if __name__ == "__main__":
    main()
