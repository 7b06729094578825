"""Which identities are one customer, kept up while joins are added one after the other.

A customer may have thousands of identities, and each call asks who they are: to
look at all of them for each call would take a batch many seconds.
"""

import heapq
from collections.abc import Iterator
from typing import NamedTuple


class _Members(NamedTuple):
    """The identities of a customer."""

    names: list[str]
    """As a heap."""
    roots: list[str]
    """Of these, the ones that were no alias when they were put here; as a heap."""


class Joined:
    """Sets of identities, each with one that stands for it."""

    def __init__(self) -> None:
        self._members: dict[str, _Members] = {}
        # Identities that are an alias of another one.
        self._aliases: set[str] = set()
        self.anchors: set[str] = set()
        """Tracking ids whose owner aliases are joined to."""

    def all(self) -> Iterator[str]:
        """Every identity."""
        return iter(self._members)

    def add(self, identity: str) -> None:
        """An identity by itself, if it is new."""
        if identity not in self._members:
            self._members[identity] = _Members([identity], [identity])

    def join(self, alias: str, existing: str) -> None:
        """Makes an identity, and all that are joined with it, one with another."""
        self.add(alias)
        self.add(existing)
        self._aliases.add(alias)
        small, large = self._members[alias], self._members[existing]
        if small is large:
            return
        if len(small.names) > len(large.names):
            small, large = large, small
        for name in small.names:
            heapq.heappush(large.names, name)
            self._members[name] = large
        for name in small.roots:
            heapq.heappush(large.roots, name)

    def head(self, identity: str) -> str:
        """What stands for all that are joined: one that is no alias if there is one, the first by name.

        Not the earliest: events move the times of identities without looking at
        joins again, and what stands for a customer depends on the facts alone.
        """
        members = self._members.get(identity)
        if members is None:
            return identity
        while members.roots and members.roots[0] in self._aliases:
            heapq.heappop(members.roots)
        return members.roots[0] if members.roots else members.names[0]
