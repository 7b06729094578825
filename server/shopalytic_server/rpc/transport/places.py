"""Calls that stay: how many there may be, of one caller and in all, and how long each may last."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shopalytic_server.domain.errors import Overloaded, Unavailable


class Places:
    """The places for one kind of call.

    Law: never more than `most` are taken, and never more than `most_each` by one name.
    """

    def __init__(self, what: str, *, most: int, most_each: int, seconds: float | None = None) -> None:
        """`what`: the calls' name in a sentence. `seconds`: how long one may last; None: as it likes."""
        self._what = what
        self._most = most
        self._most_each = most_each
        self._seconds = seconds
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """Places that are taken."""
        return self._taken.total()

    @asynccontextmanager
    async def take(self, name: str) -> AsyncIterator[None]:
        """A place for a caller of this name, for as long as the block runs.

        Raises Overloaded when there is none, and Unavailable when the time is over.
        """
        if self._taken[name] >= self._most_each:
            raise self._full(f"this caller has {self._most_each}")
        if self.taken >= self._most:
            raise self._full(f"all callers together have {self._most}")
        self._taken[name] += 1
        try:
            async with asyncio.timeout(self._seconds) as limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            text = f"A call of {self._what} lasts {self._seconds:,.0f} seconds at most; call again."
            raise Unavailable(text, retry_after=0.1) from None
        finally:
            self._taken[name] -= 1
            if not self._taken[name]:
                del self._taken[name]

    def _full(self, reason: str) -> Overloaded:
        return Overloaded(
            f"There are too many calls of {self._what}: {reason}; end one, or try again later.",
            retry_after=10.0,
        )
