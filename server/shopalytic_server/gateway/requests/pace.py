"""How slowly a request's body may come: a longest pause between two reads, and a least rate in all.

A limit on the whole body would cut off an honest sender on a slow line, who
would then send the same again for ever; a limit on the pause alone would let a
dishonest one hold a connection with a byte now and then. Both are known from
elsewhere: nginx's client_body_timeout, and MinRate of Apache's mod_reqtimeout.
"""

import asyncio
from collections.abc import Callable

from starlette.types import Message, Receive

LEAST_BYTES_PER_SECOND = 1_000

ARRIVED = "shopalytic.arrived"
"""Key of the scope under which the connection leaves what tells whether there is something to be read."""


class TooSlow(Exception):
    """The body paused for too long, or comes too slowly in all."""


class Pace:
    """Reads one body."""

    def __init__(self, pause_seconds: float, arrived: Callable[[], bool] | None) -> None:
        """`pause_seconds`: the longest pause, and how long the first bytes need not keep to the rate.

        `arrived` tells whether something is there already, so that nobody waits.
        """
        self._pause = pause_seconds
        self._arrived = arrived
        # When it was waited for first; most bodies come with their headers.
        self._begun: float | None = None
        self._size = 0

    async def next(self, receive: Receive) -> Message:
        """The next message of the body, or raises TooSlow."""
        if self._arrived is not None and self._arrived():
            message = await receive()
        else:
            try:
                async with asyncio.timeout_at(self._deadline()):
                    message = await receive()
            except TimeoutError:
                message = await _what_is_here(receive)
        self._size += len(message.get("body", b""))
        return message

    def _deadline(self) -> float:
        now = asyncio.get_running_loop().time()
        if self._begun is None:
            self._begun = now
        in_all = self._begun + self._pause + self._size / LEAST_BYTES_PER_SECOND
        return min(now + self._pause, in_all)


async def _what_is_here(receive: Receive) -> Message:
    """What had come in time but was not read, because this process was busy."""
    for _ in range(2):
        await asyncio.sleep(0)  # a turn of the loop, in which it reads from its connections
    try:
        async with asyncio.timeout(0):
            return await receive()
    except TimeoutError:
        raise TooSlow from None
