"""Ends what takes too long, with one timer for all: one of its own costs a call more than its key does."""

import asyncio
from types import TracebackType
from typing import Any

_TICK_SECONDS = 0.25


class Deadlines:
    """Of many calls at once. Each ends up to a quarter of a second late."""

    def __init__(self) -> None:
        self._blocks: dict[_Block, None] = {}
        self._ticking = False

    def ends_after(self, seconds: float) -> "_Block":
        """A block that is cancelled after so many seconds, and then raises TimeoutError."""
        return _Block(self, seconds)

    def begin(self, block: "_Block") -> None:
        """Counts its time from now on."""
        self._blocks[block] = None
        if not self._ticking:
            self._ticking = True
            asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)

    def end(self, block: "_Block") -> None:
        """Counts it no more."""
        del self._blocks[block]

    def _tick(self) -> None:
        self._ticking = bool(self._blocks)
        if not self._ticking:
            return
        asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)
        for block in self._blocks:
            block.grow_older(_TICK_SECONDS)


class _Block:
    """The work of one call."""

    __slots__ = ("_cancelled_before", "_deadlines", "_is_late", "_left", "_task")

    def __init__(self, deadlines: Deadlines, seconds: float) -> None:
        self._deadlines = deadlines
        # The first tick may come at once.
        self._left = seconds + _TICK_SECONDS
        self._is_late = False
        self._task: asyncio.Task[Any] | None = None
        self._cancelled_before = 0

    def grow_older(self, seconds: float) -> None:
        """Cancels the work once its time is over."""
        self._left -= seconds
        if self._left <= 0 and not self._is_late and self._task is not None:
            self._is_late = True
            self._task.cancel()

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        if self._task is not None:
            self._cancelled_before = self._task.cancelling()
        self._deadlines.begin(self)

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        self._deadlines.end(self)
        if self._is_late and self._task is not None:
            # If somebody else has cancelled it as well, it is not ours to say that the time was over.
            alone = self._task.uncancel() <= self._cancelled_before
            if alone and kind is asyncio.CancelledError:
                raise TimeoutError
