"""A process that was told to end ends, whatever one of its parts does, and its log names that part."""

import asyncio
import logging
import subprocess
import sys

import pytest

from shopalytic_server.process import signals
from shopalytic_server.process.signals import Lifecycle, Shutdown


class Parts:
    """Parts of a service that tell when they end; one of them hangs."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.told: list[float] = []

    async def first(self) -> None:
        self.ended.append("first")

    async def last(self, seconds: float) -> None:
        self.told.append(seconds)
        self.ended.append("last")

    async def hanging(self) -> None:
        self.ended.append("hanging")
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if len(self.ended) > 2:  # Only when the others have ended.
                    raise


async def test_a_part_that_hangs_is_left_behind_and_named(caplog: pytest.LogCaptureFixture) -> None:
    parts = Parts()
    async with Lifecycle(Shutdown(), step_seconds=0.05) as lifecycle:
        lifecycle.ends_at_last(lambda: parts.ended.append("at last"))
        lifecycle.ends_in_order(parts.first)
        lifecycle.ends_in_order(parts.hanging)
        lifecycle.drains(parts.last)
        caplog.set_level(logging.ERROR)
    assert parts.ended == ["last", "hanging", "first", "at last"]
    [told] = [record.getMessage() for record in caplog.records if "[end_stuck]" in record.getMessage()]
    assert "Parts.hanging" in told
    assert "locks.py" in told or "test_ending.py" in told


async def test_parts_that_take_requests_share_the_time_of_the_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "_LEAST_DRAIN_SECONDS", 2.0)
    parts = Parts()

    async def takes_all(_: float) -> None:
        lifecycle._drains_until = 0.0

    async with Lifecycle(Shutdown(), 500.0) as lifecycle:
        lifecycle.drains(parts.last)
        lifecycle.drains(takes_all)
        lifecycle.drains(parts.last)
    first, second = parts.told
    assert 400 < first <= 500
    assert second == 2.0


async def test_what_a_part_raises_at_its_end_is_told_when_the_others_have_ended() -> None:
    parts = Parts()

    async def fails() -> None:
        raise OSError("it")

    lifecycle = Lifecycle(Shutdown())
    lifecycle.ends_in_order(parts.first)
    lifecycle.ends_in_order(fails)
    with pytest.raises(OSError, match="it"):
        await lifecycle.aclose()
    assert parts.ended == ["first"]


async def test_a_start_is_given_up_when_the_service_is_told_to_end() -> None:
    shutdown, begun, ended = Shutdown(), asyncio.Event(), asyncio.Event()

    async def starts() -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return "ready"

    waiting = asyncio.create_task(shutdown.unless_asked(starts()))
    await begun.wait()
    shutdown.ask()
    assert await waiting is None
    assert ended.is_set()


async def test_a_start_that_succeeds_or_fails_tells_so() -> None:
    async def starts(error: Exception | None) -> str:
        if error is not None:
            raise error
        return "ready"

    assert await Shutdown().unless_asked(starts(None)) == "ready"
    with pytest.raises(OSError, match="it"):
        await Shutdown().unless_asked(starts(OSError("it")))


PROCESS = """
import asyncio, logging, sys, threading, time
from shopalytic_server.process import ending, signals
from shopalytic_server.process.signals import Lifecycle, Shutdown
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
signals._LOOP_SECONDS = 0.0

async def hangs():
    time.sleep(600)  # The loop itself.

def at_last():
    print("ended at last", flush=True)

async def run():
    async with Lifecycle(Shutdown(), step_seconds={seconds}) as lifecycle:
        lifecycle.ends_at_last(at_last)
        {registers}

asyncio.run(run())
{then}
"""


def end_of_process(registers: str, then: str, seconds: float = 100) -> "subprocess.CompletedProcess[str]":
    program = PROCESS.format(registers=registers, then=then, seconds=seconds)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)


def test_a_process_whose_loop_hangs_is_cut_off_and_leaves_nothing_behind() -> None:
    done = end_of_process("lifecycle.ends_in_order(hangs)", "", seconds=0.2)
    assert done.returncode == 1
    assert "'hangs'" in done.stdout
    assert "[end_cut_off]" in done.stdout
    assert done.stdout.endswith("ended at last\n")


def test_a_process_that_hangs_after_its_last_statement_is_cut_off() -> None:
    thread = "threading.Thread(target=time.sleep, args=(600,)).start()\nending.exits_within(0.1)"
    done = end_of_process("pass", thread)
    assert done.returncode == 1
    assert "'exit'" in done.stdout


def test_a_process_that_ends_in_order_is_not_cut_off() -> None:
    done = end_of_process("pass", "ending.exits_within()")
    assert done.returncode == 0
    assert done.stdout == "ended at last\n"
