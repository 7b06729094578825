"""Makes and compares hashes of passwords: one at once, behind all other work, and a bounded number waits.

Strangers may guess without a key, so guesses take only time that events and reports leave.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shopalytic_server.domain.access.people import password_text
from shopalytic_server.domain.errors import Overloaded

AT_ONCE = 1
"""Each takes 64 MiB and most of a tenth of a second."""
MOST_WAITING = 50

# A tenth of the share of other threads, where they want all of a processor.
_NICE = 10

_BUSY = "Too many people sign in at the moment; try again after the delay."

_Answer = TypeVar("_Answer")


class Passwords:
    """Argon2 with the parameters that its library thinks right (RFC 9106)."""

    def __init__(self, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        self._hasher = PasswordHasher()
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="password", initializer=_step_back)
        self._most = at_once + most_waiting
        self._under_way = 0
        # What is compared where there is nobody: it takes as long, and fits no password that can be given.
        self._nobody = self._hasher.hash("\0nobody")

    async def hash(self, password: str) -> str:
        """What is kept of a password; raises Overloaded."""
        return await self._beside(lambda: self._hasher.hash(password_text(password)))

    async def is_right(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one that `kept` was made of; None takes as long. Raises Overloaded."""
        compared = await self._beside(lambda: self._compare(kept or self._nobody, password))
        return compared and kept is not None

    def is_old(self, kept: str) -> bool:
        """Whether hashes are made in another way by now."""
        return self._hasher.check_needs_rehash(kept)

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _compare(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password_text(password))
        except (VerificationError, InvalidHashError):
            return False

    def check_place(self) -> None:
        """Raises Overloaded when as many wait as may, before anybody is looked up."""
        if self._under_way >= self._most:
            raise Overloaded(_BUSY)

    async def _beside(self, work: Callable[[], _Answer]) -> _Answer:
        self.check_place()
        self._under_way += 1
        working: asyncio.Future[_Answer] = asyncio.get_running_loop().run_in_executor(self._threads, work)
        # Who hangs up leaves work behind, which counts until it is done.
        working.add_done_callback(self._done)
        return await asyncio.shield(working)

    def _done(self, working: "asyncio.Future[Any]") -> None:
        self._under_way -= 1
        if not working.cancelled():
            working.exception()


def _step_back() -> None:
    """Lets other threads go first; Linux alone has a priority for each thread."""
    if os.uname().sysname == "Linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
