"""The `shopalytic` command: the server's, or how to get it where only the client is installed."""

from __future__ import annotations

import sys
from importlib import import_module


def main() -> int:
    """Runs the command; returns its exit code, or leaves with it as the command does."""
    try:
        cli = import_module("shopalytic_server.cli")
    except ModuleNotFoundError as missing:
        sys.stderr.write(
            f"The shopalytic command needs the server's packages, and {missing.name} is not installed: "
            'pip install "shopalytic[server]"\n'
        )
        return 2
    cli.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
