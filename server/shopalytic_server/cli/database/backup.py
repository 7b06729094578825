"""`shopalytic backup` and `restore`: the embedded PostgreSQL as a folder, and back."""

from pathlib import Path

import click

from shopalytic_server.cli.database.location import database_of
from shopalytic_server.cli.errors import Failure
from shopalytic_server.cli.options import with_settings
from shopalytic_server.cli.output import say
from shopalytic_server.config import Settings
from shopalytic_server.embedded.backup import back_up
from shopalytic_server.embedded.backup import restore as put_back


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@with_settings("database_url", "data_dir")
def backup(settings: Settings, folder: Path) -> None:
    """Copy the embedded PostgreSQL and the first keys into FOLDER, which must not exist.

    The service goes on meanwhile. All that was answered before the backup began is in
    it. It holds people's data and keys: keep it where you keep such things.

    \b
    Example:  shopalytic backup /srv/backups/$(date +%F)
    """
    if settings.database_url:
        raise Failure("This backs the embedded PostgreSQL up; for one of your own use its pg_dump.")
    with database_of(settings):
        back_up(settings.data_dir, folder.absolute())
    say(f"Backed up and checked: {folder}. `shopalytic restore {folder} --data-dir NEW` puts it back.")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@with_settings("data_dir")
def restore(settings: Settings, folder: Path) -> None:
    """Put a backup into a data directory that has no data yet.

    The backup is checked first and stays as it is.

    \b
    Example:  shopalytic restore /srv/backups/2026-03-01 --data-dir /srv/shopalytic
    """
    put_back(folder.absolute(), settings.data_dir)
    say(f"Restored. `shopalytic serve --data-dir {settings.data_dir}` goes on from it.")
