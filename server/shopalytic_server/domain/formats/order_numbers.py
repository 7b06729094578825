"""Which order a number names, where the sources of a project number their orders apart.

A project may name groups of sources, each with order numbers of its own: two shops
that both have an order 1001. What the sources of one group say of a number is about
one order, and so is what all other sources say. The store knows an order by its key:
the number, and in a group the group's first source after a separator that no shop
writes. `order_key` of the migrations says the same in SQL.
"""

from collections.abc import Sequence

Groups = Sequence[Sequence[str]]
"""Sources that share their order numbers, by group."""

SEPARATOR = "\x1f\x1e"
"""Stands between a number and what its group is known by."""


def order_key(number: str, source: str | None, groups: Groups) -> str:
    """What the store knows the order by that a source means."""
    for group in groups:
        if source in group:
            return f"{number}{SEPARATOR}{group[0]}"
    return number


def order_keys(number: str, groups: Groups) -> list[str]:
    """All orders that a number may mean."""
    return [number, *(order_key(number, group[0], groups) for group in groups)]


def numbering_of(source: str, groups: Groups) -> str:
    """What follows the number in the keys of a source's orders; empty: nothing does."""
    return order_key("", source, groups)


def number_of(key: str) -> str:
    """The number of an order, as its source gave it."""
    return key.partition(SEPARATOR)[0]
