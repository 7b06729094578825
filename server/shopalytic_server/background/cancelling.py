"""Cancelling tasks so that they end, also where a library loses the cancellation.

A cancellation that comes together with an answer may be lost: the awaited call returns the answer, or raises
its own error, and the task goes on as if nothing had been. `asyncio.wait_for` before Python 3.12 does so, and
with it whoever waits for a connection of a pool; so do calls of grpc.aio that fail at that moment. A task
that works for ever then works for ever, and whoever waits for its end never goes on.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# When a task has not ended by then, it is cancelled once more. What it does at its end gets this long.
_AGAIN_SECONDS = 10.0


async def end(*tasks: "asyncio.Task[Any]", again_seconds: float = _AGAIN_SECONDS) -> None:
    """Cancels tasks, and returns when all have ended, however they did."""
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=again_seconds)


def end_if_cancelled() -> None:
    """Raises CancelledError when the running task was cancelled and works on; for loops."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@contextmanager
def cancellation_kept() -> Iterator[None]:
    """Raises CancelledError when the running task was cancelled in the block and the block lost it."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        yield
    except asyncio.CancelledError:
        raise
    except Exception:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError from None
        raise
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError
