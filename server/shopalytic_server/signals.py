"""What SIGTERM and SIGINT do: the first drains, the second stops waiting, the third ends the process."""

import asyncio
import logging
import os
import signal
from types import TracebackType
from typing import Self

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Shutdown:
    """Knows whether the service was told to end, and how urgently."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._draining: asyncio.Task[object] | None = None
        self._count = 0

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
            self._draining.cancel()
        else:
            os._exit(1)

    async def wait(self) -> None:
        """Wait until the service is told to end; from then on a second signal cancels the calling task."""
        await self._asked.wait()
        self._draining = asyncio.current_task()
