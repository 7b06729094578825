"""The `shopalytic` command; each subcommand's module is imported when it is asked for."""

from shopalytic_server.cli.root import main

__all__ = ["main"]
