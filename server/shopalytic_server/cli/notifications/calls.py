"""What the commands of digests and alerts share: the call, recipients and filters."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from shopalytic.filters import report_filters
from shopalytic.v1 import dimensions_pb2, notifications_pb2, notifications_pb2_grpc
from shopalytic_server.cli.remote import CALL_SECONDS, connect
from shopalytic_server.config import Settings

_Command = TypeVar("_Command", bound=Callable[..., Any])


def ask(settings: Settings, method: str, request: Any) -> Any:
    """Calls a method of NotificationService with the admin key."""
    with connect(settings, "admin") as remote:
        stub = notifications_pb2_grpc.NotificationServiceStub(remote.channel)
        return getattr(stub, method)(request, metadata=remote.metadata, timeout=CALL_SECONDS)


def recipient_options(command: _Command) -> _Command:
    """Adds the options that say to whom it goes, and what counts."""
    for option in (
        click.option("--currency", metavar="CODE", help="Currency of money.  [default: the project's]"),
        click.option(
            "--filter",
            "filters",
            metavar="DIMENSION=VALUE",
            multiple=True,
            callback=_read_filters,
            help="What has to hold of what is counted, as in reports; may be repeated.",
        ),
        click.option(
            "--webhook",
            "webhooks",
            metavar="URL",
            multiple=True,
            help="Address that gets a signed POST of JSON; may be repeated.",
        ),
        click.option(
            "--email", "emails", metavar="ADDRESS", multiple=True, help="Who gets a letter; may be repeated."
        ),
    ):
        command = option(command)
    return command


def recipients(emails: tuple[str, ...], webhooks: tuple[str, ...]) -> notifications_pb2.Recipients:
    """To whom it goes; raises UsageError where that is nobody."""
    if not emails and not webhooks:
        raise click.UsageError("Nobody would get it: give --email or --webhook.")
    return notifications_pb2.Recipients(emails=emails, webhooks=webhooks)


def _read_filters(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> list[dimensions_pb2.Filter]:
    try:
        return report_filters(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def told_recipients(message: notifications_pb2.Recipients) -> str:
    """Recipients in one cell."""
    return ", ".join([*message.emails, *message.webhooks])
