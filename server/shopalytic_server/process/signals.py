"""How a service ends: the first SIGTERM or SIGINT drains, the second stops waiting, the third kills."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from shopalytic_server.process.ending import EndWatch, waiting

log = logging.getLogger(__name__)

Result = TypeVar("Result")

STEP_SECONDS = 30.0
"""How long the end of a part may take, beside what its requests have; a child may take less."""
LAST_STEP_SECONDS = 90.0
"""How long PostgreSQL may take: its last checkpoint writes all that memory holds."""
# When the loop itself has not looked at the time by then, it hangs.
_LOOP_SECONDS = 10.0
# What requests have whose part ends after others that took all the time there was.
_LEAST_DRAIN_SECONDS = 5.0

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Shutdown:
    """Knows whether the service was told to end, and how urgently."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._draining: asyncio.Task[object] | None = None
        self._count = 0
        self._is_urgent = False

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    @property
    def is_asked(self) -> bool:
        """Whether the service was told to end."""
        return self._asked.is_set()

    def ask(self) -> None:
        """Take one signal."""
        self._count += 1
        if self._count == 1:
            self._asked.set()
        elif self._count == 2 and self._draining is not None:
            log.warning("Told again to stop: not waiting any longer. [stop_at_once]")
            self._is_urgent = True
            self._draining.cancel()
        else:
            os._exit(1)

    @property
    def is_urgent(self) -> bool:
        """Whether a second signal came while the first one's work was under way."""
        return self._is_urgent

    async def unless_asked(self, starting: Coroutine[Any, Any, Result]) -> Result | None:
        """What this gives; None when the service is told to end before, and what was begun is given up.

        From then on a second signal cancels the calling task.
        """
        start, asked = asyncio.ensure_future(starting), asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait([start, asked], return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                return start.result()
            self._draining = asyncio.current_task()
            start.cancel()
            await asyncio.wait([start], timeout=LAST_STEP_SECONDS)
            if start.done() and not start.cancelled() and (error := start.exception()) is not None:
                log.info("The start was given up: %s. [start_given_up]", type(error).__name__)
            return None
        finally:
            asked.cancel()
            start.cancel()

    async def wait(self) -> None:
        """Wait until the service is told to end; from then on a second signal cancels the calling task."""
        await self._asked.wait()
        self._draining = asyncio.current_task()


def loop_factory() -> Any:
    """uvloop's loop where it exists; it is a little faster, nothing more."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


class Lifecycle(AsyncExitStack):
    """The parts that run, ended in the opposite order of their start.

    A part whose end takes too long is left behind, and the log tells which: what begun before it ends all
    the same.
    """

    def __init__(
        self, shutdown: Shutdown, drain_timeout: float = 0.0, *, step_seconds: float = STEP_SECONDS
    ) -> None:
        """`drain_timeout`: how many seconds requests in flight have, of all parts together."""
        super().__init__()
        self._shutdown = shutdown
        self._step_seconds = step_seconds
        self._drain_timeout = drain_timeout
        self._drains_until: float | None = None
        self._watch = EndWatch()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._watch.at("the first", self._step_seconds)
        self._drains_until = time.monotonic() + self._drain_timeout
        try:
            return bool(await super().__aexit__(kind, error, trace))
        finally:
            self._watch.over()

    def ends_in_order(self, end: Callable[..., Awaitable[None]], *args: Any) -> None:
        """End a part when its turn comes; when it is urgent, leave it to the end of the process."""
        self.push_async_callback(self._end_unless_urgent, end, args, False)

    def drains(self, end: Callable[..., Awaitable[None]], *args: Any) -> None:
        """The same for a part that takes requests; `end` is told how many seconds those in flight have."""
        self.push_async_callback(self._end_unless_urgent, end, args, True)

    def ends_at_last(self, end: Callable[[], object], *, blocks: bool = False) -> None:
        """End what must not be left behind: in its turn, when it is urgent, and when the process is cut off.

        What `blocks` has a thread.
        """
        self._watch.at_last(end)

        async def end_in_turn() -> None:
            if blocks:
                await self._step(asyncio.to_thread(end), _name(end), LAST_STEP_SECONDS)
            else:
                end()
            self._watch.at_last_no_more(end)

        self.push_async_callback(end_in_turn)

    def ends_also_when_urgent(self, end: Callable[[], Awaitable[None]]) -> None:
        """End a part in its turn whatever happens, because what it leaves behind would fail later."""

        async def end_in_turn() -> None:
            await self._step(end(), _name(end), self._step_seconds)

        self.push_async_callback(end_in_turn)

    async def _end_unless_urgent(
        self, end: Callable[..., Awaitable[None]], args: tuple[Any, ...], drains: bool
    ) -> None:
        if self._shutdown.is_urgent:
            return
        seconds = 0.0
        if drains:
            left = (self._drains_until or 0.0) - time.monotonic()
            seconds = max(left, min(_LEAST_DRAIN_SECONDS, self._drain_timeout))
            args = (*args, seconds)
        await self._step(end(*args), _name(end), seconds + self._step_seconds)

    async def _step(self, end: Awaitable[object], name: str, seconds: float) -> None:
        """Waits for a step, so long."""
        self._watch.at(name, seconds + _LOOP_SECONDS)
        ending = asyncio.ensure_future(end)
        try:
            await asyncio.wait([ending], timeout=seconds)
        finally:
            if not ending.done():
                ending.cancel()
        if ending.done():
            ending.result()
            return
        running = asyncio.all_tasks() - {asyncio.current_task()}
        log.error(
            "%r has not ended after %.0f seconds; the service ends without it. These wait: %s. [end_stuck]",
            name,
            seconds,
            waiting(each for each in running if each is not None),
        )


def _name(end: Callable[..., object]) -> str:
    while isinstance(end, partial):
        end = end.func
    return str(getattr(end, "__qualname__", end))
