"""`shopalytic dashboard`: an address that opens the dashboard of this machine's service signed in, once."""

import json
import os
import secrets
import time
import webbrowser
from pathlib import Path

import click

from shopalytic_server.cli.errors import Failure
from shopalytic_server.cli.options import with_settings
from shopalytic_server.cli.output import say
from shopalytic_server.cli.remote import kept_key
from shopalytic_server.config import Settings
from shopalytic_server.domain.access.sign_in import RANDOM_BYTES, sign_in_address
from shopalytic_server.state import DataDirectory, is_running

OPENER_FILE = "dashboard.html"

open_option = click.option("--open", "opens", is_flag=True, help="Also open the dashboard in the browser.")


@click.command()
@open_option
@with_settings("data_dir")
def dashboard(settings: Settings, opens: bool) -> None:
    """Print an address that opens the dashboard signed in.

    It works once, within ten minutes, on this machine. Who can read the keys
    in the data directory can make one.

    \b
    Example:  shopalytic dashboard
    Example:  shopalytic dashboard --open
    """
    running = DataDirectory(settings.data_dir).read_run()
    if not (running and is_running(running)):
        raise Failure(f"No service runs on {settings.data_dir}. Start one with `shopalytic serve`.")
    address = running.get("http_address")
    if not address:
        raise Failure("The service that runs here has no HTTP, so no dashboard. Start it with `serve`.")
    if not running.get("opens_signed_in"):
        say(f"{address}/")
        raise Failure(
            "Others can reach this service, so nobody is signed in by an address. "
            "Sign in with the key that `shopalytic key show reports` prints."
        )
    signed_in = one_time_address(address, kept_key(settings, "reports"))
    say(signed_in)
    if opens:
        open_in_browser(settings.data_dir, signed_in)


def one_time_address(http_address: str, reports_key: str) -> str:
    """An address that opens the dashboard signed in, once."""
    return sign_in_address(http_address, reports_key, time.time(), secrets.token_bytes(RANDOM_BYTES))


def open_in_browser(data_dir: Path, address: str) -> None:
    """Opens an address by way of a file that only its owner reads: others can see a program's arguments."""
    opener = data_dir / OPENER_FILE
    opener.unlink(missing_ok=True)
    page = f"<!doctype html><title>Shopalytic</title><script>location.replace({json.dumps(address)})</script>"
    with os.fdopen(os.open(opener, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(page)
    if not webbrowser.open(opener.as_uri()):
        say("No browser was found; open the address by hand.", err=True)
