"""`shopalytic alerts`: numbers that are watched, and what was sent."""

from typing import Any

import click

from shopalytic.v1 import notifications_pb2
from shopalytic_server.cli.notifications.calls import ask, recipient_options, recipients, told_recipients
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import message_data, print_json, print_table, say, time_text
from shopalytic_server.config import Settings

_CONDITIONS = {
    "below": "less than {}",
    "above": "more than {}",
    "percent_under_median": "{} % under the median",
    "percent_over_median": "{} % over the median",
}
_STATES = {
    notifications_pb2.NOTIFICATION_STATE_WAITING: "waits",
    notifications_pb2.NOTIFICATION_STATE_SENT: "sent",
    notifications_pb2.NOTIFICATION_STATE_FAILED: "failed",
}


def _read_hours(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> notifications_pb2.ShopHours | None:
    """Of "1-6:9-20": weekdays 1 to 6, from 9 to 20 o'clock; or "9-20" for all days."""
    if text is None:
        return None
    days, colon, hours = text.rpartition(":")
    try:
        begin, end = (int(each) for each in hours.split("-"))
        first, last = (int(each) for each in days.split("-")) if colon else (1, 7)
    except ValueError:
        message = f"{text!r} is no such time; write 9-20 for each day, or 1-6:9-20 for Monday to Saturday."
        raise click.BadParameter(message) from None
    return notifications_pb2.ShopHours(first_weekday=first, last_weekday=last, from_hour=begin, to_hour=end)


@click.group()
def alerts() -> None:
    """Watch numbers, and tell when one is out of bounds. Needs an admin key.

    \b
    Example:  shopalytic alerts add silence --report sales --number orders --hours 3 --below 1 \\
                --shop-hours 1-6:9-20 --email owner@shop.example
    """


@alerts.command()
@click.argument("name")
@click.option("--report", required=True, help="sales, conversion, traffic, carts or quarantine.")
@click.option("--number", required=True, help="A number of the report, by its name in --json.")
@click.option("--hours", type=click.IntRange(1, 168), help="Judge the latest so many hours.")
@click.option("--days", type=click.IntRange(1, 90), help="Judge the latest so many whole days.")
@click.option("--below", metavar="NUMBER", help="Tell when it is less than this.")
@click.option("--above", metavar="NUMBER", help="Tell when it is more than this.")
@click.option(
    "--percent-under-median",
    type=click.IntRange(1, 100),
    help="Tell when it is so many percent under the median of the same time in the eight weeks before.",
)
@click.option(
    "--percent-over-median", type=click.IntRange(1, 10_000), help="Tell when it is so many percent over it."
)
@click.option("--by", metavar="DIMENSION", default="", help="Judge each value of this dimension.")
@click.option(
    "--guard", metavar="NUMBER=LEAST", help="Judge only rows with so much of another number: sessions=100."
)
@click.option(
    "--shop-hours",
    metavar="[DAYS:]HOURS",
    callback=_read_hours,
    help="Judge hours only within these, of the project's time zone: 1-6:9-20 is Monday to Saturday.",
)
@recipient_options
@with_settings(*REMOTE)
@json_option
def add(
    settings: Settings,
    emails: tuple[str, ...],
    webhooks: tuple[str, ...],
    hours: int | None,
    days: int | None,
    guard: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Make an alert, or change the one of this name.

    \b
    Example:  shopalytic alerts add slump --report sales --number net_sales --days 1 \\
                --percent-under-median 40 --email owner@shop.example
    Example:  shopalytic alerts add campaigns --report conversion --number orders --days 7 --below 1 \\
                --by utm_campaign --guard sessions=100 --webhook https://chat.example/hook
    """
    if (hours is None) == (days is None):
        raise click.UsageError("Give one of --hours and --days.")
    conditions = [name for name in _CONDITIONS if given[name] is not None]
    if len(conditions) != 1:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in _CONDITIONS)
        raise click.UsageError(f"Give one of {flags}.")
    wanted = notifications_pb2.Alert(recipients=recipients(emails, webhooks), hours=hours, days=days, **given)
    if guard is not None:
        number, equals, least = guard.partition("=")
        if not equals:
            raise click.UsageError(f"--guard {guard!r} is not NUMBER=LEAST; write one such as sessions=100.")
        wanted.guard.number, wanted.guard.at_least = number, least
    answer = ask(settings, "SetAlert", notifications_pb2.SetAlertRequest(alert=wanted))
    if as_json:
        print_json(message_data(answer.alert))
        return
    say(f"The alert {answer.alert.name} is judged from now on. Try it: shopalytic alerts test")
    if webhooks:
        say(f"Its webhooks are signed with {answer.alert.webhook_secret}")


@alerts.command("list")
@with_settings(*REMOTE)
@json_option
def list_alerts(settings: Settings, as_json: bool) -> None:
    """List the alerts, and what is the matter now.

    \b
    Example:  shopalytic alerts list
    """
    answer = ask(settings, "ListAlerts", notifications_pb2.ListAlertsRequest())
    if as_json:
        print_json(message_data(answer))
    elif not answer.alerts:
        say("No alerts yet. `shopalytic alerts add --help` shows how to make one.")
    else:
        print_table(
            ["name", "watches", "tells when", "to", "incidents"], [_row(each) for each in answer.alerts]
        )


@alerts.command()
@click.argument("name")
@with_settings(*REMOTE)
def remove(settings: Settings, name: str) -> None:
    """End an alert.

    \b
    Example:  shopalytic alerts remove silence
    """
    ask(settings, "DeleteAlert", notifications_pb2.DeleteAlertRequest(name=name))
    say(f"The alert {name} has ended.")


@alerts.command()
@click.argument("name", default="")
@click.option(
    "--send", "send_test", is_flag=True, help="Send the recipients a notification that says: a test."
)
@with_settings(*REMOTE)
@json_option
def test(settings: Settings, name: str, send_test: bool, as_json: bool) -> None:
    """Judge alerts now, and say what they find. Nothing is sent without --send.

    \b
    Example:  shopalytic alerts test silence --send
    """
    request = notifications_pb2.TestAlertsRequest(name=name, send_test=send_test)
    answer = ask(settings, "TestAlerts", request)
    if as_json:
        print_json(message_data(answer))
        return
    if not answer.tests:
        say("No alerts yet. `shopalytic alerts add --help` shows how to make one.")
        return
    print_table(
        ["name", "incidents", "finding"], [[e.name, len(e.incidents), e.finding] for e in answer.tests]
    )
    if send_test:
        say(f"Notifications on the way: {answer.queued}.")


@alerts.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--page-token", default="", metavar="TOKEN", help="Where the next page begins.")
@with_settings(*REMOTE)
@json_option
def sent(settings: Settings, limit: int, page_token: str, as_json: bool) -> None:
    """List what was sent of digests and alerts, and what waits, newest first.

    \b
    Example:  shopalytic alerts sent --limit 20
    """
    request = notifications_pb2.ListNotificationsRequest(page_size=limit, page_token=page_token)
    answer = ask(settings, "ListNotifications", request)
    if as_json:
        print_json(message_data(answer))
        return
    if not answer.notifications:
        say("Nothing was sent yet.")
        return
    rows = [
        [time_text(e.created_at), e.name, e.recipient, _STATES[e.state], e.attempts, e.failure]
        for e in answer.notifications
    ]
    print_table(["made", "name", "to", "state", "attempts", "failure"], rows)
    if answer.next_page_token:
        say(f"More: --page-token {answer.next_page_token}", err=True)


def _row(alert: notifications_pb2.Alert) -> list[Any]:
    span = f"{alert.hours} h" if alert.hours else f"{alert.days} d"
    by = f" by {alert.by}" if alert.by else ""
    condition = alert.WhichOneof("condition") or "below"
    return [
        alert.name,
        f"{alert.report}: {alert.number}{by}, {span}",
        _CONDITIONS[condition].format(getattr(alert, condition)),
        told_recipients(alert.recipients),
        len(alert.incidents),
    ]
