"""The strangers' rounds: what one input costs the shop whose ordinary traffic runs beside it."""

import asyncio
import contextlib
import math
import multiprocessing
import os
import statistics
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from faults.inputs import STRANGERS
from faults.lines import Line, Stranger
from faults.stage import PATIENCE, InOne, Stage

# The promises: how much slower the ordinary caller may become, and what the service may hold.
MOST_TIMES_SLOWER = 3.0
MOST_MEGABYTES = 1_024
# Below this, what is measured is the machine and not the service.
_LEAST_SECONDS = 0.025
_SAMPLE_SECONDS = 0.1
# The service looks every few seconds whether it has memory to give back.
_GIVE_BACK_SECONDS = 10.0
_FAULTS = ("HTTP 500", "INTERNAL", "UNKNOWN", "no status")
_CALLERS = ("single", "tag")


class Cost(NamedTuple):
    """What one input came to."""

    input: str
    quiet: dict[str, float]
    """Caller → its p99 without strangers, in seconds."""
    beside: dict[str, float]
    """The same beside them."""
    before: int
    """Memory of the service, in MB."""
    peak: int
    after: int
    acknowledged: int
    missing: int
    answers: dict[str, int]
    """What the strangers were told."""
    problems: list[str]

    @property
    def good(self) -> bool:
        """Whether nothing was lost, and nobody met a fault."""
        return not (self.missing or self.problems)

    @property
    def cheap(self) -> bool:
        """Whether it cost no more than it may."""
        slow = any(
            self.beside[each] > MOST_TIMES_SLOWER * max(self.quiet[each], _LEAST_SECONDS)
            for each in self.quiet
        )
        return self.peak <= MOST_MEGABYTES and not slow


class Besieged(InOne):
    """A service behind a proxy, so that strangers have addresses that are not this machine's."""

    kind = "besieged"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "--trusted-proxies", "1")


def besiege(stage: Stage, stranger: Stranger, seconds: float, quiet_seconds: float) -> Cost:
    """Lets an ordinary shop be alone for a while, and then beside strangers."""
    stage.books.problems.clear()
    before = len(stage.books.acknowledged)
    answers: Counter[str] = Counter()
    stage.start_senders()
    stage.warm_up()
    _p99(stage)
    time.sleep(quiet_seconds)
    quiet = _p99(stage)
    held = _megabytes(stage)
    with _sampled(stage) as samples, _sending(stage, stranger, seconds) as told:
        _p99(stage)
        answers.update(told())
    # Who was kept waiting all the time is answered only now.
    stage.wait_until_back(time.monotonic())
    beside = _p99(stage)
    stage.stop_senders()
    if seconds >= _GIVE_BACK_SECONDS:
        time.sleep(_GIVE_BACK_SECONDS)
    acknowledged, missing, twice = stage.count()
    for fault in _FAULTS:
        if answers[fault]:
            stage.books.problem(f"strangers met a fault: {fault}, {answers[fault]} times")
    if twice:
        stage.books.problem(f"{twice} events are there twice")
    if "Traceback" in stage.log():
        stage.books.problem("a traceback is in the log")
    # In a moment on a busy machine not everybody gets an answer.
    if not answers and seconds >= _GIVE_BACK_SECONDS:
        stage.books.problem("the strangers sent nothing")
    after = _megabytes(stage)
    return Cost(
        *(stranger.name, quiet, beside, held, max([held, *samples]), after),
        *(acknowledged - before, missing, dict(answers), list(stage.books.problems[:5])),
    )


def tell_head() -> None:
    """Prints the head of the table."""
    print(f"{'':28} {'p99 over gRPC, ms':>19}  {'p99 over HTTP, ms':>19}  {'memory, MB':>17}")
    print(f"{'input':28} {'quiet':>9} {'beside':>9}  {'quiet':>9} {'beside':>9}  {'before':>6} {'peak':>5}"
          f" {'after':>4}  {'acknowledged':>12} {'missing':>7}  told to strangers", flush=True)  # fmt: skip


def tell(cost: Cost) -> None:
    """Prints a row of it."""
    times = "  ".join(
        f"{cost.quiet[each] * 1_000:9.1f} {cost.beside[each] * 1_000:9.1f}" for each in _CALLERS
    )
    answers = ", ".join(f"{what} {times}" for what, times in sorted(cost.answers.items()))
    print(f"{cost.input:28} {times}  {cost.before:6} {cost.peak:5} {cost.after:5}  {cost.acknowledged:12,}"
          f" {cost.missing:7}  {answers}{'' if cost.cheap else '  <- too much'}", flush=True)  # fmt: skip
    for problem in cost.problems:
        print(f"    {problem}", flush=True)


def chosen(only: str) -> list[Stranger]:
    """The strangers whose name has this in it."""
    return [each for each in STRANGERS if only in each.name]


@contextmanager
def _sending(stage: Stage, stranger: Stranger, seconds: float) -> Iterator[Callable[[], Counter[str]]]:
    """Runs the strangers in a process of their own, from now on; gives what waits until they have ended.

    They yield to everybody else, because real ones would not have this machine's processors.
    """
    keys = stage.services["server"].ready["keys"]
    grpc_port = int(stage.grpc_address.rpartition(":")[2])
    http_port = urllib.parse.urlsplit(stage.http_address).port
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    given = (there, stranger.name, seconds, grpc_port, http_port, keys["browser"], keys["reports"])
    process = context.Process(target=_send, args=given, daemon=True)
    process.start()
    there.close()

    def told() -> Counter[str]:
        found = _received(here, seconds + PATIENCE)
        if isinstance(found, str):
            raise AssertionError(f"the strangers failed: {found}")
        return Counter(found)

    try:
        _received(here, PATIENCE)  # they are ready
        here.send(True)
        yield told
    finally:
        process.kill()
        process.join()


def _received(end: "Connection[Any, Any]", patience: float) -> Any:
    if not end.poll(patience):
        raise AssertionError(f"nothing came from the strangers for {patience:g} seconds")
    return end.recv()


def _send(
    end: "Connection[Any, Any]",
    name: str,
    seconds: float,
    grpc_port: int,
    http_port: int,
    browser_key: str,
    reports_key: str,
) -> None:
    _yield_to_all()
    [stranger] = [each for each in STRANGERS if each.name == name]
    end.send(True)
    end.recv()
    line = Line(grpc_port, http_port, browser_key, reports_key, time.monotonic() + seconds)
    try:
        asyncio.run(stranger.send(line))
    except Exception as error:  # noqa: BLE001 - told to who waits
        end.send(repr(error))
    else:
        end.send({what: times for what, times in line.answers.items() if times})


def _yield_to_all() -> None:
    """Runs this process behind all others.

    Where Linux shares the processors among sessions first, being nice counts within one's own session
    alone: so the strangers get one of their own, which is nice too.
    """
    os.setsid()
    os.nice(19)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text("19")


def _p99(stage: Stage) -> dict[str, float]:
    """Of each caller since this was last asked."""
    return {name: _ninety_ninth(stage.books.taken(name)) for name in _CALLERS}


def _ninety_ninth(seconds: list[float]) -> float:
    if len(seconds) < 2:
        return max(seconds, default=math.nan)
    return statistics.quantiles(seconds, n=100, method="inclusive")[98]


@contextmanager
def _sampled(stage: Stage) -> Iterator[list[int]]:
    """Looks at the memory in use every moment, in MB."""
    samples: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(_SAMPLE_SECONDS):
            samples.append(_megabytes(stage))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def _megabytes(stage: Stage) -> int:
    """Memory of the service's own processes; PostgreSQL's is shared and set by its own settings."""
    return (
        sum(psutil.Process(each.process.pid).memory_info().rss for each in stage.services.values()) // 2**20
    )
