"""What the reports share that list something: how many rows, from which on, and in which order."""

from collections.abc import Callable, Sequence
from typing import Any

import click

ascending_option = click.option("--ascending", is_flag=True, help="Smallest first instead.")


def list_options(
    what: str, orders: Sequence[str], default: str, *, most: int = 10_000, shown: int = 100
) -> Callable[..., Any]:
    """Gives a command --limit, --offset, --sort and --ascending; `what` is what it lists."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            ascending_option,
            click.option(
                "--sort",
                type=click.Choice(tuple(orders)),
                default=default,
                show_default=True,
                help="Largest first.",
            ),
            click.option(
                "--offset", type=click.IntRange(0, 1_000_000), default=0, help=f"How many {what} to skip."
            ),
            click.option(
                "--limit",
                type=click.IntRange(1, most),
                help=f"How many {what}.  [default: {shown}; as CSV all]",
            ),
        ):
            command = option(command)
        return command

    return add


def named_order(enum: str, sort: str) -> Any:
    """The value of an enum of orders that --sort names, by its name in the contract."""
    return f"{enum}_{sort.upper().replace('-', '_')}"
