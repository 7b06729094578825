"""`shopalytic demo`: everything that `serve` runs, with a shop to try it in."""

from functools import partial

import click

from shopalytic_server.cli.options import with_settings
from shopalytic_server.cli.service.dashboard import open_option
from shopalytic_server.cli.service.serve import (
    EVENTS,
    GRPC,
    HTTP,
    LETTERS,
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
MOST_HISTORY_DAYS = 730


@click.command()
@click.option(
    "--visitors-per-minute",
    type=click.FloatRange(0, MOST_VISITORS_PER_MINUTE),
    default=None,
    metavar="NUMBER",
    help="How many more visitors come; 0: nobody comes, and the shop has no history.",
)
@click.option(
    "--history-days",
    type=click.IntRange(0, MOST_HISTORY_DAYS),
    default=365,
    show_default=True,
    metavar="NUMBER",
    help="How long the shop has been open.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=1,
    show_default=True,
    metavar="NUMBER",
    help="Seed of the visitors and what they do.",
)
@open_option
@with_settings(*STORE, *GRPC, *QUARANTINE, *EVENTS, *LETTERS, *HTTP, *TLS, *PROJECT, *RUN)
def demo(
    settings: Settings, visitors_per_minute: float | None, history_days: int, seed: int, opens: bool
) -> None:
    """Run everything, and beside it a small shop with visitors.

    The shop is at /demo/ of the HTTP address. Its pages carry the browser tag
    and show what it sends and what is answered; its backend uses the Python
    client. The visitors get a past of a year, which is sent in the background, the
    newest days first, and they go on at the same pace. Started again with the same
    seed and data directory, the same story is recognised and not stored twice.

    Do not run it on the data of a real shop: the visitors' events go to the
    default project and count in its reports.

    \b
    Example:  shopalytic demo
    Example:  shopalytic demo --visitors-per-minute 0 --data-dir ./try
    """
    from shopalytic_demo.demo import DemoOptions
    from shopalytic_server import app

    options = DemoOptions(visitors_per_minute, history_days, seed)
    service = app.serve(
        settings, with_http=True, announce=partial(announce, settings=settings, opens=opens), demo=options
    )
    run(settings, service)
