"""Requests of one address go on a few at a time: a burst of hundreds of them holds up nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

MOST_AT_ONCE = 16
"""Small requests of one address whose events are read and stored at once."""


@dataclass(slots=True)
class _Sender:
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))
    here: int = 0
    """Those who are in and those who wait."""


class SenderTurns:
    """Lets requests in by their sender's name, first come, first served."""

    def __init__(self) -> None:
        self._senders: dict[str, _Sender] = {}

    def __len__(self) -> int:
        return len(self._senders)

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Runs the block once there is room for it; at once for "", which is the name of no one sender."""
        if not name:
            yield
            return
        sender = self._senders.setdefault(name, _Sender())
        sender.here += 1
        try:
            async with sender.room:
                yield
        finally:
            sender.here -= 1
            if not sender.here:
                del self._senders[name]
