"""A background task that does the same again and again: in turn, and never after its end."""

import asyncio

import pytest

from shopalytic_server.background.periodic import Periodic


async def test_it_works_again_and_again_one_at_a_time():
    running = 0
    rounds: asyncio.Queue[int] = asyncio.Queue()

    async def work() -> None:
        nonlocal running
        running += 1
        await asyncio.sleep(0)
        rounds.put_nowait(running)
        running -= 1

    periodic = Periodic("test", work, (0.0, 0.001))
    periodic.start()
    assert [await rounds.get() for _ in range(5)] == [1] * 5
    await periodic.stop()


async def test_it_ends_in_the_middle_of_its_work():
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    periodic = Periodic("test", work, 0.0)
    periodic.start()
    await begun.wait()
    await periodic.stop()
    assert ended.is_set()


async def test_the_first_pause_may_be_another_one():
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    periodic = Periodic("test", work, 3_600.0, first=0.0)
    periodic.start()
    await done.wait()
    await periodic.stop()


@pytest.mark.parametrize("times", [1, 2])
async def test_what_was_not_started_is_stopped_all_the_same(times: int):
    async def work() -> None:
        raise AssertionError

    periodic = Periodic("test", work, 0.0)
    for _ in range(times):
        await periodic.stop()
