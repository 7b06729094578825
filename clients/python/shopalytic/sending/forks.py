"""Keeps the threaded clients whole when the process forks, and closes them when it exits."""

from __future__ import annotations

import atexit
import os
import time
from typing import Protocol
from weakref import WeakSet

_EXIT_SECONDS = 5.0


class Guarded(Protocol):
    """What a client lets this module do to it."""

    def before_fork(self) -> None:
        """Stands still."""

    def after_fork_in_parent(self) -> None:
        """Goes on."""

    def after_fork_in_child(self) -> None:
        """Starts anew: the parent delivers what was queued before."""

    def close(self, timeout: float | None = None) -> object:
        """Delivers what waits, within the time."""


_clients: WeakSet[Guarded] = WeakSet()
_held: list[Guarded] = []


def guard(client: Guarded) -> None:
    """Has the client told of forks, and closed at exit if its user did not do so."""
    _clients.add(client)


def _before_fork() -> None:
    # Remembered, because a client may be made by another thread before the fork is over.
    _held[:] = _clients
    for client in _held:
        client.before_fork()


def _after_fork_in_parent() -> None:
    for client in _held:
        client.after_fork_in_parent()
    _held.clear()


def _after_fork_in_child() -> None:
    _held.clear()
    for client in list(_clients):
        client.after_fork_in_child()


def _close_all() -> None:
    deadline = time.monotonic() + _EXIT_SECONDS
    for client in list(_clients):
        client.close(max(0.0, deadline - time.monotonic()))


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
