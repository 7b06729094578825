"""How a process that serves uses memory: Python's garbage collector, and what is given back to the system."""

import asyncio
import ctypes
import gc
import os

from shopalytic_server.background.periodic import Periodic

# A batch makes tens of thousands of objects that live until it is stored, and
# that no cycle holds; looking through them after every 700 costs a fifth of
# preparing them.
_NEW_OBJECTS = 20_000

# Parameters of glibc's mallopt and what they are set to, in bytes:
# https://man7.org/linux/man-pages/man3/mallopt.3.html
_TRIM_THRESHOLD, _TOP_PAD = -1, -2
_KEPT_BYTES = 64 * 1024 * 1024
_STEP_BYTES = 4 * 1024 * 1024


def tune() -> None:
    """Sets both for a process that has loaded what it needs."""
    _collect_seldom()
    _keep_freed_memory()


def _collect_seldom() -> None:
    """Leaves what was loaded at the start alone, and looks through new objects less often."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 20, 50)


def _keep_freed_memory() -> None:
    """Keeps some freed memory at hand instead of giving it back to the system and asking for it anew.

    By default glibc does that whenever 128 KB at the end of its memory are free.
    Where that end happens to lie among short-lived objects, each of them costs
    two system calls, and preparing an event takes half as long again. Other C
    libraries have no such parameters and are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_TOP_PAD, _STEP_BYTES)


# How often the memory in use is looked at, and past which growth what was freed is given back.
_LOOK_SECONDS = 5.0
_GROWTH_BYTES = 48 * 1024 * 1024
_PAGE_BYTES = 4_096

_library = ctypes.PyDLL(None)


class GiveBack:
    """Gives freed memory back to the system after a burst. Start it once, then stop it once.

    glibc keeps what was freed between pieces that are in use, of each of its
    arenas, until malloc_trim(3) is called. It is, whenever the process has
    grown by some since the last time: so one that has what it needs pays nothing.
    """

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._least = 0
        self._periodic = Periodic("memory", self.look, _LOOK_SECONDS, first=0.0)

    def start(self) -> None:
        """Begins to look, where the system's C library can give memory back."""
        if self._trim is not None and resident_bytes():
            self._periodic.start()

    async def stop(self) -> None:
        """Ends."""
        await self._periodic.stop()

    async def look(self) -> None:
        """Gives back what was freed, if the process has grown."""
        now = resident_bytes()
        self._least = min(self._least or now, now)
        if now - self._least < _GROWTH_BYTES or self._trim is None:
            return
        # In a thread: it takes some milliseconds for each hundred megabytes.
        await asyncio.to_thread(self._trim, 0)
        self._least = resident_bytes()


def resident_bytes() -> int:
    """How much memory this process has; 0 where the system does not tell as Linux does."""
    # By the C library's own functions, without leaving the interpreter: this is asked many times a second,
    # also by a thread that would wait for the loop each time.
    descriptor = _library.open(b"/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    if descriptor < 0:
        return 0
    told = ctypes.create_string_buffer(200)
    size = _library.read(descriptor, told, len(told))
    _library.close(descriptor)
    pages = told.raw[: max(size, 0)].split()[1:2]
    return int(pages[0]) * _PAGE_BYTES if pages else 0
