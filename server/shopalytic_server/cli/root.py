"""The command's root: which subcommands there are, and how their failures are told."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from shopalytic_server.cli.errors import readable

# Loaded by name, so that `customer show` does not wait for the imports of `serve`.
COMMANDS = {
    "serve": "shopalytic_server.cli.service.serve:serve",
    "server": "shopalytic_server.cli.service.serve:server",
    "gateway": "shopalytic_server.cli.service.serve:gateway",
    "demo": "shopalytic_server.cli.service.demo:demo",
    "dashboard": "shopalytic_server.cli.service.dashboard:dashboard",
    "import": "shopalytic_server.cli.ingest.import_events:import_events",
    "outbox": "shopalytic_server.cli.ingest.outbox:outbox",
    "customer": "shopalytic_server.cli.privacy.person:customer",
    "report": "shopalytic_server.cli.reports.report:report",
    "reconcile": "shopalytic_server.cli.commerce.reconcile:reconcile",
    "disputed-orders": "shopalytic_server.cli.commerce.disputed_orders:disputed_orders",
    "digest": "shopalytic_server.cli.notifications.digest:digest",
    "alerts": "shopalytic_server.cli.notifications.alerts:alerts",
    "tail": "shopalytic_server.cli.tail:tail",
    "quarantine": "shopalytic_server.cli.quarantine:quarantine",
    "merges": "shopalytic_server.cli.customers.merges:merges",
    "project": "shopalytic_server.cli.projects.project:project",
    "key": "shopalytic_server.cli.projects.key:key",
    "user": "shopalytic_server.cli.people.user:user",
    "audit": "shopalytic_server.cli.people.audit:audit",
    "sql": "shopalytic_server.cli.database.sql:sql_group",
    "migrate": "shopalytic_server.cli.database.migrate:migrate",
    "rebuild": "shopalytic_server.cli.database.rebuild:rebuild",
    "retention": "shopalytic_server.cli.privacy.data_retention:retention",
    "backup": "shopalytic_server.cli.database.backup:backup",
    "restore": "shopalytic_server.cli.database.backup:restore",
    "doctor": "shopalytic_server.cli.doctor.command:doctor",
}


class Root(click.Group):
    """A group that knows its commands by name and turns known errors into one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which they are met."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the root's own options."""
        with readable():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it raises for a known reason ends as a sentence and exit code 1."""
        with readable():
            return super().invoke(ctx)


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="shopalytic")
def shopalytic() -> None:
    """Customer analytics for web shops: typed events in, customers and sales out.

    \b
    Start everything:      shopalytic serve
    Look a customer up:    shopalytic customer show jane@example.com

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Entry of the console script."""
    try:
        shopalytic(args=args, prog_name="shopalytic")
    finally:
        # Only a command that ran a service has loaded this.
        if (ending := sys.modules.get("shopalytic_server.process.ending")) is not None:
            ending.exits_within()
