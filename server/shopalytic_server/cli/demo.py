"""`shopalytic demo`: everything that `serve` runs, with a shop to try it in."""

from functools import partial

import click

from shopalytic_server.cli.dashboard import open_option
from shopalytic_server.cli.options import with_settings
from shopalytic_server.cli.serve import (
    EVENTS,
    GRPC,
    HTTP,
    PROJECT,
    QUARANTINE,
    RUN,
    STORE,
    TLS,
    announce,
    run,
)
from shopalytic_server.config import Settings

MOST_VISITORS_PER_MINUTE = 1_000


@click.command()
@click.option(
    "--visitors-per-minute",
    type=click.FloatRange(0, MOST_VISITORS_PER_MINUTE),
    default=60.0,
    show_default=True,
    metavar="NUMBER",
    help="How many synthetic visitors come; with 0 the shop has no past either.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=1,
    show_default=True,
    metavar="NUMBER",
    help="Who the visitors are and what they do follows from it.",
)
@open_option
@with_settings(*STORE, *GRPC, *QUARANTINE, *EVENTS, *HTTP, *TLS, *PROJECT, *RUN)
def demo(settings: Settings, visitors_per_minute: float, seed: int, opens: bool) -> None:
    """Run everything, and beside it a small shop with visitors.

    The shop is at /demo/ of the HTTP address. Its pages carry the browser tag
    and show what it sends and what is answered; its backend uses the Python
    client. The visitors get a past of thirty days; started again with the same
    seed and data directory, the same past is recognised and not stored twice.

    Do not run it on the data of a real shop: the visitors' events go to the
    default project and count in its reports.

    \b
    Example:  shopalytic demo
    Example:  shopalytic demo --visitors-per-minute 0 --data-dir ./try
    """
    from shopalytic_server import app
    from shopalytic_server.demo.demo import DemoOptions

    options = DemoOptions(visitors_per_minute, seed)
    service = app.serve(
        settings, with_http=True, announce=partial(announce, settings=settings, opens=opens), demo=options
    )
    run(settings, service)
