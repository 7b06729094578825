"""A background task that does the same again and again."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from shopalytic_server.background.cancelling import end, end_if_cancelled

Pause = float | tuple[float, float]
"""Seconds, or between how many: processes that were started together then do not go on together."""


class Periodic:
    """Awaits `work` again and again, with a pause between, until it is stopped.

    Law: `work` never runs twice at once, and never after `stop` has returned. What `work` raises ends the
    task, so `work` itself answers for failures that it expects.
    """

    def __init__(
        self, name: str, work: Callable[[], Awaitable[object]], pause: Pause, *, first: Pause | None = None
    ) -> None:
        """`first` is the pause before the first time, if it is another one."""
        self._name = name
        self._work = work
        self._pause = pause
        self._first = pause if first is None else first
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; it needs a running loop."""
        self._task = asyncio.create_task(self._run(), name=f"shopalytic-{self._name}")

    async def stop(self) -> None:
        """End, in the middle of the work if it is at it; nothing happens where it was not started."""
        if self._task is not None:
            await end(self._task)

    async def _run(self) -> None:
        await asyncio.sleep(_seconds(self._first))
        while True:
            await self._work()
            end_if_cancelled()
            await asyncio.sleep(_seconds(self._pause))


def _seconds(pause: Pause) -> float:
    return random.uniform(*pause) if isinstance(pause, tuple) else pause  # noqa: S311 - no secret
