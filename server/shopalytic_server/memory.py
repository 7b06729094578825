"""How a process that serves uses memory: Python's garbage collector, and what is given back to the system."""

import ctypes
import gc

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
