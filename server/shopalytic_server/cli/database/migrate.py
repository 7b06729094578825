"""`shopalytic migrate`: bring a database's schema up to date."""

import click

from shopalytic_server.cli.database.location import database_of
from shopalytic_server.cli.options import json_option, with_settings
from shopalytic_server.cli.output import print_json, say
from shopalytic_server.config import Settings
from shopalytic_server.storage.schema.migrate import migrate as apply_migrations
from shopalytic_server.storage.schema.migrate import pending as pending_migrations


@click.command()
@click.option("--check", is_flag=True, help="Only list what is pending; exit code 1 if anything is.")
@with_settings("database_url", "direct_database_url", "data_dir")
@json_option
def migrate(settings: Settings, check: bool, as_json: bool) -> None:
    """Bring the database's schema up to date; `serve` does the same when it starts.

    \b
    Example:  shopalytic migrate --database-url postgresql://shop@db.example/shopalytic
    """
    with database_of(settings) as url:
        names = pending_migrations(url) if check else apply_migrations(url)
    if as_json:
        print_json({"pending" if check else "applied": names})
    elif names:
        say(f"{'Pending' if check else 'Applied'}: {', '.join(names)}.")
    else:
        say("The schema is up to date.")
    if check and names:
        raise SystemExit(1)
