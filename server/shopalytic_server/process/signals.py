"""How a service ends: the first SIGTERM or SIGINT drains, the second stops waiting, the third kills."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

log = logging.getLogger(__name__)

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
    """The parts that run, ended in the opposite order of their start."""

    def __init__(self, shutdown: Shutdown) -> None:
        super().__init__()
        self._shutdown = shutdown

    def ends_in_order(self, end: Callable[..., Awaitable[None]], *args: Any) -> None:
        """End a part when its turn comes; when it is urgent, leave it to the end of the process."""

        async def end_unless_urgent() -> None:
            if not self._shutdown.is_urgent:
                await end(*args)

        self.push_async_callback(end_unless_urgent)
