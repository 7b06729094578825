"""Closes a connection so that a client which still sends can read its answer.

Bytes that arrive after a close make the kernel reset the connection, and a
reset throws away what the client has not read yet: its answer. So whoever is
answered before the request was read gets the answer and the end of our side,
and what still comes is read and thrown away for a while (RFC 9112, 9.6; the
times are those of nginx's lingering_close).

The bounds are for strangers: such a connection costs no memory but its own.
"""

import asyncio

MOST_CONNECTIONS = 100
"""Connections of one server that linger at once; for one more the oldest is closed."""
MOST_BYTES = 64 * 1024 * 1024
LONGEST_SECONDS = 30.0
PAUSE_SECONDS = 5.0
"""How long the client may send nothing before it counts as done."""


class Linger:
    """One connection, from its answer to its end."""

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, others: "dict[Linger, None]"
    ) -> None:
        """Ends our side, after what is written. `others`: those of the same server, the oldest first."""
        while len(others) >= MOST_CONNECTIONS:
            next(iter(others)).end()
        others[self] = None
        self._transport = transport
        self._others = others
        self._clock = loop.time
        self._call_at = loop.call_at
        self._bytes = 0
        self._heard = self._clock()
        self._until = self._heard + LONGEST_SECONDS
        self._timer = loop.call_at(self._deadline, self._look)
        if transport.can_write_eof():  # not over TLS, where the answer's Connection: close must do
            transport.write_eof()

    def received(self, size: int) -> None:
        """So many bytes came, and are thrown away."""
        self._bytes += size
        self._heard = self._clock()
        if self._bytes > MOST_BYTES:
            self.end()

    def end(self) -> None:
        """Closes the connection. Does nothing the second time."""
        if self in self._others:
            del self._others[self]
            self._timer.cancel()
            self._transport.abort()

    @property
    def _deadline(self) -> float:
        return min(self._until, self._heard + PAUSE_SECONDS)

    def _look(self) -> None:
        if self._clock() < self._deadline:
            self._timer = self._call_at(self._deadline, self._look)
        else:
            self.end()
