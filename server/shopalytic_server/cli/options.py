"""Command-line options made from the table of settings."""

import functools
import os
from collections.abc import Callable
from typing import Any

import click

from shopalytic_server.config import TABLE, Settings, SettingsError, load

Command = Callable[..., Any]

REMOTE = ("target", "tls_ca", "tls_client_cert", "tls_client_key", "key", "data_dir")
"""What the commands that call a service take."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def with_settings(*names: str) -> Callable[[Command], Command]:
    """Give a command flags for these settings, and all settings as its argument `settings`."""

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def run(**arguments: Any) -> Any:
            given = {name: arguments.pop(name) for name in names}
            return function(settings=read_settings(given), **arguments)

        command: Command = run
        for name in reversed(names):
            command = _option(name)(command)
        return command

    return decorate


def read_settings(given: dict[str, str | None]) -> Settings:
    """Settings from flags and the environment; a value that cannot be used is wrong usage."""
    try:
        return load(given, os.environ)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


def _option(name: str) -> Callable[[Command], Command]:
    info = TABLE[name]
    return click.option(
        info.flag,
        name,
        metavar=name.rpartition("_")[2].upper(),
        default=None,
        help=f"{info.help}  [{info.variable}; default: {info.shown_default}]",
    )
