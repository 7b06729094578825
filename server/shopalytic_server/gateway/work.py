"""Long work beside short work: in steps of a few milliseconds, or in one thread apart.

What the gateway reads is mostly small and read at once. A body that is large,
though allowed, would hold up everybody whose request the same loop serves. One
such body is read at a time; between two steps the loop has its turn.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")

SMALL_BYTES = 32_768
"""What is this small is read at once."""

# Answering one of the others takes the loop dozens of rounds, with a step in each that is not left to them.
_STEP_SECONDS = 0.001
_OTHERS_SECONDS = 0.003
# What a round of the loop takes in which nobody else has something to do.
_ALONE_SECONDS = 0.0002
# Whoever waits for the interpreter while the thread computes waits this long;
# uvloop asks for it at each of its calls, and Python's own 5 ms would add up.
_SWITCH_SECONDS = 0.001


class Work:
    """Reads large bodies, one after another. Close it once."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._until = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits until no other large body is being read."""
        async with self._one:
            await asyncio.sleep(0)
            self._until = time.perf_counter() + _STEP_SECONDS
            yield

    async def rest(self) -> None:
        """Lets others have the loop, if this step has taken long enough.

        Those who have something to do have three times as long as this step, for an answer takes
        them many rounds; where nobody has, the work goes on.
        """
        begun = time.perf_counter()
        if begun >= self._until:
            await asyncio.sleep(0)
            if time.perf_counter() - begun > _ALONE_SECONDS:
                await asyncio.sleep(_OTHERS_SECONDS)
            self._until = time.perf_counter() + _STEP_SECONDS

    async def through(self, steps: Iterable[None]) -> None:
        """Takes every step of an iterator that pauses by itself after a little work."""
        for _ in steps:
            await self.rest()

    async def apart(self, function: Callable[..., T], *arguments: object) -> T:
        """What cannot be done in steps, done in a thread; there is one."""
        if self._thread is None:
            sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))
            self._thread = ThreadPoolExecutor(1, "shopalytic-gateway")
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
