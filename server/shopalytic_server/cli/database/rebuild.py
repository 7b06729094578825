"""`shopalytic rebuild`: make customers, carts, orders and products again from the events."""

import asyncio

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from shopalytic_server.cli.database.location import database_of
from shopalytic_server.cli.options import json_option, with_settings
from shopalytic_server.cli.output import console, print_json, print_table, say
from shopalytic_server.config import Settings
from shopalytic_server.storage.rebuild.typed_tables import RebuildResult
from shopalytic_server.storage.rebuild.typed_tables import rebuild as rebuild_tables
from shopalytic_server.storage.schema.migrate import migrate


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 if anything differs.")
@click.option(
    "--midnights-are-days",
    is_flag=True,
    help="Read times at midnight UTC as days in the project's time zone.",
)
@with_settings("database_url", "direct_database_url", "data_dir")
@json_option
def rebuild(settings: Settings, check: bool, midnights_are_days: bool, as_json: bool) -> None:
    """Make every typed table again from the stored events, and say what differed.

    A service may run meanwhile. With --check it goes on storing; without, events
    wait until the rebuild is done, and reports go on.

    Days that came without a time of day are moved to the project's time zone,
    if that was changed; a running service does so by itself. Before there was a
    mark for them they came as midnights in UTC: --midnights-are-days moves these,
    too, and cannot be undone.

    \b
    Example:  shopalytic rebuild --check
    """
    if check and midnights_are_days:
        raise click.UsageError("--midnights-are-days changes events; leave --check out.")
    with database_of(settings) as url:
        migrate(url)
        result = _run(url, check, midnights_are_days)
    if as_json:
        print_json({"events": result.events, "equal": result.equal, "differences": result.differences})
    else:
        _tell(result, check)
    if check and not result.equal:
        raise SystemExit(1)


def _run(url: str, check: bool, midnights_are_days: bool) -> RebuildResult:
    screen = console(stderr=True)
    columns = (TextColumn("Reading events"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("", total=None)
        return asyncio.run(
            rebuild_tables(
                url,
                check=check,
                midnights_are_days=midnights_are_days,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        )


def _tell(result: RebuildResult, check: bool) -> None:
    if result.equal:
        say(f"{result.events:,} events read; every table is as they say.")
        return
    rows = [(table, f"{number:,}") for table, number in result.differences.items() if number]
    print_table(["table", "rows that differed"], rows, right=["rows that differed"])
    done = "Nothing was changed; `shopalytic rebuild` repairs it." if check else "They were repaired."
    say(f"{result.events:,} events read. {done}")
