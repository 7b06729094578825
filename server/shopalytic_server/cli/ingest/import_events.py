"""`shopalytic import`: events from a file into a running service."""

import time
from collections.abc import Callable
from typing import Any

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from shopalytic_server.cli.errors import Failure
from shopalytic_server.cli.ingest.import_export import export_of, print_finding
from shopalytic_server.cli.ingest.import_send import STATUSES, Sender, Tally
from shopalytic_server.cli.json_lines import LineFile, event_of
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import console, print_json, print_table, say
from shopalytic_server.cli.remote import connect
from shopalytic_server.config import Settings
from shopalytic_server.domain.formats.terminal_text import one_line, several_lines
from shopalytic_server.gateway.exports.finding import Finding
from shopalytic_server.gateway.exports.reading import EXPORTS, Export, read_export


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--from",
    "system",
    type=click.Choice(EXPORTS),
    metavar="SYSTEM",
    help=f"What exported the files: {', '.join(EXPORTS)}. Without it they are events.",
)
@click.option("--map", "map_file", metavar="YAML", help="Which column is what: order_id: Order No, ...")
@click.option("--time-zone", metavar="ZONE", help="Time zone where none is given.  [default: the project's]")
@click.option("--currency", metavar="CODE", help="Currency of rows that name none.  [default: the project's]")
@click.option("--dry-run", is_flag=True, help="Only show what the files contain; send nothing.")
@click.option(
    "--patience",
    type=click.FloatRange(0, 86_400),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to retry while the service cannot be reached.",
)
@with_settings(*REMOTE)
@json_option
def import_events(
    settings: Settings,
    files: tuple[str, ...],
    system: str | None,
    map_file: str | None,
    time_zone: str | None,
    currency: str | None,
    dry_run: bool,
    patience: float,
    as_json: bool,
) -> None:
    """Import a shop's past from FILE: JSON Lines of events, plain or gzip; - reads standard input.

    With --from the files are what another system exported: a shop's orders,
    customers and refunds in CSV, or the events of Segment and Google Analytics.
    What they hold is said before anything is sent. The ids are made from the
    files, so that an import can be repeated.

    One event per line, with the names of the event catalogue:

    \b
      {"type": "order", "identity": "17850", "occurred_at": "2026-01-31T12:00:00Z",
       "properties": {"order_id": "A-1", "cart_id": "C-1", "total": "9.99", ...}}

    Each line needs an occurred_at, and a tracking_id or an identity. A line
    without an event_id gets one made from its text; so running the same import
    again, also after an interruption, stores nothing twice, and two equal lines
    without an event_id are one event. Lines that break a rule or cannot be read
    are kept in quarantine with their reasons.

    Exit code 0 means that every line was read and the counts tell what became
    of each event; 1 that no event of the file is stored; 2 that the file is not
    JSON Lines, and nothing was sent.

    \b
    Example:  shopalytic import orders.jsonl.gz
    Example:  shopalytic import --from shopify --dry-run orders_export.csv customers_export.csv
    Example:  zcat old/*.gz | shopalytic import - --target 10.0.0.5:50051 --key KEY --json
    """
    if system is not None:
        export = export_of(settings, system, files, map_file, time_zone, currency)
        _import_export(export, settings, patience, dry_run=dry_run, as_json=as_json)
        return
    if dry_run or map_file or time_zone or currency:
        raise click.UsageError("--dry-run, --map, --time-zone and --currency need --from.")
    for file in files:
        _import_file(settings, file, patience, as_json)


def _import_file(settings: Settings, file: str, patience: float, as_json: bool) -> None:
    begin = time.monotonic()
    tally = Tally()
    try:
        with (
            LineFile(file) as lines,
            connect(settings, "server") as remote,
            _Bar(lines.size, lambda: lines.position) as bar,
            Sender(remote, tally, patience, on_wait=bar.say) as sender,
        ):
            _send_all(lines, sender, tally, bar)
    except BaseException:
        # What was done so far matters to whoever has to finish it.
        if tally.read:
            _print_tally(tally, time.monotonic() - begin, as_json)
        raise
    _end(tally, begin, as_json)


def _import_export(
    export: Export, settings: Settings, patience: float, *, dry_run: bool, as_json: bool
) -> None:
    finding = Finding()
    events = list(read_export(export, finding))
    if dry_run and as_json:
        print_json(finding.as_json())
        return
    print_finding(finding)
    if not events:
        raise Failure("The files hold no events: no row has an order's number or a customer's address.")
    if dry_run:
        say("Nothing was sent: this was a dry run.", err=True)
        return
    begin = time.monotonic()
    tally = Tally()
    with (
        connect(settings, "server") as remote,
        _Bar(len(events), lambda: tally.read) as bar,
        Sender(remote, tally, patience, on_wait=bar.say) as sender,
    ):
        for line, event in events:
            tally.read += 1
            sender.add(line, event)
            if tally.read % 1_000 == 0:
                bar.move(tally.read)
        sender.finish()
    _end(tally, begin, as_json)


def _end(tally: Tally, begin: float, as_json: bool) -> None:
    _print_tally(tally, time.monotonic() - begin, as_json)
    if tally.read and not (tally.counts["accepted"] or tally.counts["duplicate"]):
        raise Failure("No event of this file is stored: the reasons stand above.")


def _send_all(lines: LineFile, sender: Sender, tally: Tally, bar: "_Bar") -> None:
    for line in lines:
        tally.read += 1
        if line.is_too_long:
            tally.counts["rejected"] += 1
            tally.add_violation(
                line.number, "rejected", "event.max_bytes", "", "is larger than 256 KB; not sent"
            )
        else:
            event = event_of(line)
            # Of what happened at one time, the file's order tells what came first.
            if not event.HasField("tie_breaker"):
                event.tie_breaker = line.number
            sender.add(line.number, event)
        if tally.read % 1_000 == 0:
            bar.move(tally.read)
    sender.finish()
    bar.move(tally.read)


class _Bar:
    """A progress bar, when a person watches."""

    def __init__(self, total: int | None, position: Callable[[], int]) -> None:
        """`position` tells how much of `total` is done."""
        screen = console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[events]:,} events"),
            TimeRemainingColumn(),
        )
        self._position = position
        self._progress = Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal)
        self._task = self._progress.add_task("Importing", total=total, events=0)
        self._said = ""

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def move(self, events: int) -> None:
        """Show how far the import is."""
        self._progress.update(self._task, completed=self._position(), events=events)

    def say(self, sentence: str) -> None:
        """Tell once why it does not go on at the moment."""
        if sentence != self._said:
            self._said = sentence
            self._progress.console.print(several_lines(f"Waiting: {sentence}"))


def _print_tally(tally: Tally, seconds: float, as_json: bool) -> None:
    counts: dict[str, Any] = {"read": tally.read, **{word: tally.counts[word] for word in STATUSES}}
    _print_examples(tally)
    if as_json:
        print_json({**counts, "seconds": round(seconds, 3)})
        return
    print_table(
        ["events", "number"], [(word, f"{number:,}") for word, number in counts.items()], right=["number"]
    )
    if seconds > 0:
        say(f"{seconds:.1f} s, {tally.read / seconds:,.0f} events/s", err=True)


def _print_examples(tally: Tally) -> None:
    for (word, rule_id), examples in tally.examples.items():
        say(f"{word}, rule {rule_id}: {tally.broken[word, rule_id]:,} times", err=True)
        for line, path, message in examples:
            place = f"line {line}: {path}" if path else f"line {line}"
            say(f"  {place} {one_line(message)}", err=True)
