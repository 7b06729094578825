"""`shopalytic migrate`: bring a database's schema up to date, and distribute it over a Citus cluster."""

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from shopalytic_server.cli.database.location import database_of
from shopalytic_server.cli.options import json_option, with_settings
from shopalytic_server.cli.output import console, print_json, print_table, say
from shopalytic_server.config import Settings
from shopalytic_server.storage.schema.distribute import SHARDS
from shopalytic_server.storage.schema.migrate import migrate as apply_migrations
from shopalytic_server.storage.schema.migrate import migrate_onto_cluster, planned_onto_cluster
from shopalytic_server.storage.schema.migrate import pending as pending_migrations

_MOST_SHARDS = 1_024


@click.command()
@click.option("--check", is_flag=True, help="Only list what is pending; exit code 1 if anything is.")
@click.option("--citus", is_flag=True, help="Distribute the tables over the nodes of a Citus cluster, too.")
@click.option(
    "--shards",
    type=click.IntRange(1, _MOST_SHARDS),
    help=f"With --citus: shards of a table, more than there will be workers.  [default: {SHARDS}]",
)
@click.option("--dry-run", is_flag=True, help="With --citus: only print the statements.")
@with_settings("database_url", "direct_database_url", "data_dir")
@json_option
def migrate(
    settings: Settings, check: bool, citus: bool, shards: int | None, dry_run: bool, as_json: bool
) -> None:
    """Bring the database's schema up to date; `serve` does the same when it starts.

    With --citus every table is distributed over the cluster whose coordinator is
    --database-url, with its rows: stop all servers first. The command may be
    repeated, and goes on where it was stopped. Afterwards plain `migrate` and
    `serve` distribute what later versions add.

    \b
    Example:  shopalytic migrate --database-url postgresql://shop@db.example/shopalytic
    Example:  shopalytic migrate --citus --dry-run --database-url postgresql://shop@coordinator/shopalytic
    """
    if not citus and (shards is not None or dry_run):
        raise click.UsageError("--shards and --dry-run belong to --citus.")
    if citus and check:
        raise click.UsageError("--check is without --citus; --citus --dry-run prints what it would do.")
    with database_of(settings) as url:
        if citus:
            _distribute(url, shards or SHARDS, dry_run, as_json)
            return
        names = pending_migrations(url) if check else apply_migrations(url)
    if as_json:
        print_json({"pending" if check else "applied": names})
    elif names:
        say(f"{'Pending' if check else 'Applied'}: {', '.join(names)}.")
    else:
        say("The schema is up to date.")
    if check and names:
        raise SystemExit(1)


def _distribute(url: str, shards: int, dry_run: bool, as_json: bool) -> None:
    if dry_run:
        names, statements = planned_onto_cluster(url, shards)
        if as_json:
            print_json({"pending": names, "statements": statements})
            return
        if names:
            say(f"-- First these migrations: {', '.join(names)}.")
        for statement in statements:
            say(f"{statement};")
        return
    screen = console(stderr=True)
    columns = (TextColumn("Distributing {task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("", total=None)
        tables = migrate_onto_cluster(
            url,
            shards,
            lambda table, done, total: bar.update(task, description=table, completed=done, total=total),
        )
    names = ["table", "kind", "column", "shards", "rows", "bytes"]
    rows = [(one.table, one.kind, one.column, one.shards, count, one.bytes) for one, count in tables]
    if as_json:
        print_json({"tables": [dict(zip(names, row, strict=True)) for row in rows]})
        return
    told = [
        (table, kind, column, shards, f"{count:,}", f"{size:,}")
        for table, kind, column, shards, count, size in rows
    ]
    print_table(names, told, right=["shards", "rows", "bytes"])
