"""`shopalytic retention`: remove the events that have expired, or see which."""

import asyncio

import click

from shopalytic_server.cli.database.location import database_of
from shopalytic_server.cli.errors import Failure
from shopalytic_server.cli.options import json_option, with_settings
from shopalytic_server.cli.output import print_json, print_table, say
from shopalytic_server.config import Settings
from shopalytic_server.storage.privacy.data_retention import Expired, Expiry, remove_expired
from shopalytic_server.storage.schema.migrate import migrate


@click.group()
def retention() -> None:
    """Remove events that are older than a project keeps them.

    How long that is, `shopalytic project update --retain` says. A server does
    the same by itself, soon after its start and about once an hour.

    \b
    Example:  shopalytic retention run --dry-run
    """


@retention.command()
@click.option("--dry-run", is_flag=True, help="Only count what has expired; nothing is removed.")
@with_settings("database_url", "direct_database_url", "data_dir")
@json_option
def run(settings: Settings, dry_run: bool, as_json: bool) -> None:
    """Remove what has expired in every project, and print how much.

    A service may run meanwhile, and goes on storing.

    \b
    Example:  shopalytic retention run --dry-run
    """
    with database_of(settings) as url:
        migrate(url)
        expiry = asyncio.run(remove_expired(url, dry_run=dry_run))
    if expiry is None:
        raise Failure("A server is removing expired events right now; its log will say how many.")
    if as_json:
        print_json(_data(expiry, dry_run))
        return
    if not expiry.expired:
        say("Every project keeps all events for ever (see `shopalytic project update --help`).")
        return
    number = "events to remove" if dry_run else "events removed"
    print_table(
        ["project", "type", "days", "before", number],
        [
            (row.project, row.event_type, f"{row.days:,}", _moment(row), f"{row.events:,}")
            for row in expiry.expired
        ],
        right=["days", number],
    )


def _data(expiry: Expiry, dry_run: bool) -> dict[str, object]:
    rows = [
        {
            "project": each.project,
            "event_type": each.event_type,
            "days": each.days,
            "before": _moment(each),
            "events": each.events,
        }
        for each in expiry.expired
    ]
    return {"dry_run": dry_run, "expired": rows}


def _moment(expired: Expired) -> str:
    return f"{expired.before:%Y-%m-%dT%H:%M:%SZ}"
