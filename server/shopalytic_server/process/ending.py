"""Sees to it that a process which was told to end does end, and that its log tells what kept it.

Each step of an end has so many seconds. `Lifecycle` goes on without a step that takes longer. Where it
cannot, because the event loop itself or Python hangs, a thread beside it ends what must not be left behind,
and then the process.
"""

import asyncio
import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

log = logging.getLogger(__name__)

# What is logged, and what is ended at last, must not keep the process, either.
_LOG_SECONDS = 2.0
_LAST_SECONDS = 90.0
# What Python does after the last statement of a program: it joins threads, and takes modules apart.
EXIT_SECONDS = 20.0
_MOST_NAMES = 12
_OWN = "shopalytic"


class EndWatch:
    """A thread that cuts the process off when a step of its end takes too long."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._step = ""
        self._until = 0.0
        self._is_over = False
        self._thread: threading.Thread | None = None
        self._last: list[Callable[[], object]] = []

    def at_last(self, end: Callable[[], object]) -> None:
        """Calls this before the process is cut off; the last one that was given is called first."""
        self._last.append(end)

    def at_last_no_more(self, end: Callable[[], object]) -> None:
        """It has been called in its turn."""
        if end in self._last:
            self._last.remove(end)

    def at(self, step: str, seconds: float) -> None:
        """From now on this step is taken, which may take so long."""
        with self._changed:
            self._step, self._until = step, time.monotonic() + seconds
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="end-watch", daemon=True)
            self._thread.start()

    def over(self) -> None:
        """There is nothing more to watch."""
        with self._changed:
            self._is_over = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        with self._changed:
            while not self._is_over:
                left = self._until - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            if self._is_over:
                return
            step = self._step
        _within(_LOG_SECONDS, lambda: _tell(step))
        for end in reversed(self._last):
            _within(_LAST_SECONDS, end)
        os._exit(1)


def _tell(step: str) -> None:
    log.critical(
        "The end of this process does not get past %r; it is cut off. It stood at: %s. [end_cut_off]",
        step,
        _standing(sys._current_frames().get(threading.main_thread().ident or 0)),
    )
    sys.stdout.flush()
    sys.stderr.flush()


def _within(seconds: float, work: Callable[[], object]) -> None:
    """Does something for so long at most, whatever becomes of it."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)


def exits_within(seconds: float = EXIT_SECONDS) -> None:
    """Cuts the process off unless it has ended by then: the last thing that a program does.

    Where no thread of Python's runs any more, Python's own watch prints where each stood, and ends it.
    """
    EndWatch().at("exit", seconds)
    faulthandler.dump_traceback_later(seconds + 2 * _LOG_SECONDS, exit=True)


def waiting(tasks: Iterable["asyncio.Task[Any]"]) -> str:
    """Which tasks have not ended, and where each of them waits."""
    names = sorted(f"{task.get_name()} at {_standing(_innermost(task))}" for task in tasks)
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _innermost(task: "asyncio.Task[Any]") -> FrameType | None:
    """Where in its own or another's code a task waits."""
    at: Any = task.get_coro()
    while (inner := getattr(at, "cr_await", None)) is not None and hasattr(inner, "cr_frame"):
        at = inner
    frame: FrameType | None = getattr(at, "cr_frame", None)
    return frame


def _standing(frame: FrameType | None) -> str:
    """A line of code, and the line of our own that led to it, if it is another's."""
    if frame is None:
        return "no line of Python"
    told = [_line(frame)]
    while frame is not None and _OWN not in frame.f_code.co_filename:
        frame = frame.f_back
    if frame is not None and (own := _line(frame)) != told[0]:
        told.append(own)
    return " from ".join(told)


def _line(frame: FrameType) -> str:
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
