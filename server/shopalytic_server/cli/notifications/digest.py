"""`shopalytic digest`: the shop's numbers as a letter that comes by itself."""

import click

from shopalytic.v1 import dimensions_pb2, notifications_pb2
from shopalytic_server.cli.notifications.calls import ask, recipient_options, recipients, told_recipients
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import message_data, print_json, print_table, say, time_text
from shopalytic_server.config import Settings

_PERIODS = {
    "daily": notifications_pb2.DIGEST_PERIOD_DAILY,
    "weekly": notifications_pb2.DIGEST_PERIOD_WEEKLY,
}


@click.group()
def digest() -> None:
    """Send the shop's numbers by e-mail or webhook, each day or each Monday. Needs an admin key.

    \b
    Example:  shopalytic digest add monday --email owner@shop.example
    """


@digest.command()
@click.argument("name")
@click.option("--period", type=click.Choice(list(_PERIODS)), default="weekly", show_default=True)
@click.option(
    "--hour",
    type=click.IntRange(0, 23),
    default=7,
    show_default=True,
    help="Hour of the project's time zone from which on it is sent.",
)
@recipient_options
@with_settings(*REMOTE)
@json_option
def add(
    settings: Settings,
    name: str,
    period: str,
    hour: int,
    emails: tuple[str, ...],
    webhooks: tuple[str, ...],
    filters: list[dimensions_pb2.Filter],
    currency: str | None,
    as_json: bool,
) -> None:
    """Make a digest, or change the one of this name.

    \b
    Example:  shopalytic digest add monday --email owner@shop.example --filter country=DEU
    """
    wanted = notifications_pb2.Digest(
        name=name,
        period=_PERIODS[period],
        hour=hour,
        recipients=recipients(emails, webhooks),
        filters=filters,
        currency=currency,
    )
    answer = ask(settings, "SetDigest", notifications_pb2.SetDigestRequest(digest=wanted))
    if as_json:
        print_json(message_data(answer.digest))
        return
    say(f"The digest {answer.digest.name} comes next at {time_text(answer.digest.next_at)}.")
    if webhooks:
        say(f"Its webhooks are signed with {answer.digest.webhook_secret}")


@digest.command("list")
@with_settings(*REMOTE)
@json_option
def list_digests(settings: Settings, as_json: bool) -> None:
    """List the digests.

    \b
    Example:  shopalytic digest list
    """
    answer = ask(settings, "ListDigests", notifications_pb2.ListDigestsRequest())
    if as_json:
        print_json(message_data(answer))
    elif not answer.digests:
        say("No digests yet. Make one: shopalytic digest add monday --email owner@shop.example")
    else:
        rows = [
            [
                each.name,
                "daily" if each.period == notifications_pb2.DIGEST_PERIOD_DAILY else "weekly",
                told_recipients(each.recipients),
                time_text(each.next_at),
                time_text(each.sent_at) if each.HasField("sent_at") else "never",
            ]
            for each in answer.digests
        ]
        print_table(["name", "period", "to", "next", "sent"], rows)


@digest.command()
@click.argument("name")
@with_settings(*REMOTE)
def remove(settings: Settings, name: str) -> None:
    """End a digest.

    \b
    Example:  shopalytic digest remove monday
    """
    ask(settings, "DeleteDigest", notifications_pb2.DeleteDigestRequest(name=name))
    say(f"The digest {name} has ended.")


@digest.command()
@click.argument("name", default="")
@click.option("--dry-run", is_flag=True, help="Only show the letter.")
@with_settings(*REMOTE)
@json_option
def send(settings: Settings, name: str, dry_run: bool, as_json: bool) -> None:
    """Send a digest now, or show how it would be.

    Without a name and with --dry-run it shows the usual weekly letter.

    \b
    Example:  shopalytic digest send --dry-run
    """
    request = notifications_pb2.SendDigestRequest(name=name, dry_run=dry_run)
    answer = ask(settings, "SendDigest", request)
    if as_json:
        print_json(message_data(answer))
    elif dry_run:
        say(f"Subject: {answer.subject}\n\n{answer.text}")
    else:
        letters = "1 notification is" if answer.queued == 1 else f"{answer.queued} notifications are"
        say(f"{letters} on the way; shopalytic alerts sent lists what became of each.")
