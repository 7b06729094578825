"""`shopalytic outbox`: delivers the events that a shop's own database keeps."""

import signal
import threading
from collections.abc import Callable

import click
import grpc
import psycopg

from shopalytic.outbox import Drainer
from shopalytic_server.cli.errors import Failure, call_sentence, first_line
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import print_json, say
from shopalytic_server.cli.remote import key_of, target_of
from shopalytic_server.config import Settings


@click.group()
def outbox() -> None:
    """Deliver the events that a shop's own database keeps (see shopalytic.outbox).

    \b
    Example:  shopalytic outbox drain --outbox-url postgresql://shop@db/shop
    """


@outbox.command()
@click.option(
    "--outbox-url",
    required=True,
    envvar="SHOPALYTIC_OUTBOX_URL",
    metavar="URL",
    help="The shop's database, with the table shopalytic_outbox.",
)
@click.option("--once", is_flag=True, help="Stop when the outbox is empty, instead of waiting for more.")
@with_settings(*REMOTE)
@json_option
def drain(settings: Settings, outbox_url: str, once: bool, as_json: bool) -> None:
    """Send what waits in the outbox, in order, and delete it after its verdict.

    Goes on until it is interrupted; while the service or the database is away
    it waits. Events that the service refuses stay in the table with their
    status and reason, and are counted. Several may run: one works at a time.

    \b
    Example:  shopalytic outbox drain --outbox-url postgresql://shop@db/shop --target 10.0.0.5:50051
    Example:  shopalytic outbox drain --outbox-url postgresql://shop@db/shop --once --json
    """
    target = target_of(settings)
    key = key_of(settings, "server", target)
    with Drainer(lambda: psycopg.connect(outbox_url, client_encoding="UTF8"), target, key) as drainer:
        try:
            done = drainer.drain() if once else drainer.run(_until_interrupted(), _say_once())
        except psycopg.errors.UndefinedTable:
            raise Failure(
                "This database has no table shopalytic_outbox: make it with shopalytic.outbox.create_table."
            ) from None
    if done.is_busy:
        say("Another drainer is at work on this outbox; nothing was done.", err=True)
    if as_json:
        print_json({"delivered": done.delivered, "refused": done.refused, "busy": done.is_busy})
    else:
        say(f"{done.delivered:,} delivered, {done.refused:,} refused and kept in the outbox.")


def _until_interrupted() -> threading.Event:
    """Set by SIGINT and SIGTERM; the batch under way is finished."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _say_once() -> Callable[[Exception], None]:
    """Tells why it waits, once for each reason."""
    said = ""

    def tell(error: Exception) -> None:
        nonlocal said
        sentence = call_sentence(error) if isinstance(error, grpc.RpcError) else first_line(error)
        if sentence != said:
            said = sentence
            say(f"Waiting: {sentence}", err=True)

    return tell
