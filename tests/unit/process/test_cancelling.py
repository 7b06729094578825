"""A cancelled task ends, also where what it waits for loses the cancellation."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shopalytic_server.background.cancelling import cancellation_kept, end, end_if_cancelled
from shopalytic_server.background.periodic import Periodic


class Losing:
    """Work that loses a cancellation in one of the ways that libraries do; it can be cancelled again."""

    def __init__(self, raises: type[Exception] | None = None) -> None:
        self.begun = asyncio.Event()
        self.rounds = 0
        self._raises = raises

    async def work(self) -> None:
        self.rounds += 1
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if self._raises is not None:
                raise self._raises from None


@pytest.mark.parametrize("pause", [0.0, 3_600.0])
async def test_periodic_work_that_loses_its_cancellation_is_not_begun_again(pause: float) -> None:
    losing = Losing()
    periodic = Periodic("test", losing.work, pause, first=0.0)
    periodic.start()
    await losing.begun.wait()
    await periodic.stop()
    assert losing.rounds == 1


async def test_a_task_that_goes_on_waiting_is_cancelled_again() -> None:
    losing = Losing()

    async def stubborn() -> None:
        for _ in range(3):
            await losing.work()

    task, other = asyncio.create_task(stubborn()), asyncio.create_task(asyncio.Event().wait())
    await losing.begun.wait()
    await end(task, other, again_seconds=0.001)
    assert losing.rounds == 3
    assert other.cancelled()


async def test_tasks_that_have_ended_are_not_waited_for() -> None:
    async def fails() -> None:
        raise ValueError

    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    await end(task)
    await end()
    assert isinstance(task.exception(), ValueError)


async def cancelled_in(block: Callable[[], Awaitable[None]]) -> "asyncio.Task[None]":
    task = asyncio.ensure_future(block())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return task


@pytest.mark.parametrize("raises", [None, OSError, TimeoutError])
async def test_a_lost_cancellation_is_kept(raises: type[Exception] | None) -> None:
    went_on = False

    async def block() -> None:
        nonlocal went_on
        with cancellation_kept():
            await Losing(raises).work()
        went_on = True

    assert (await cancelled_in(block)).cancelled()
    assert not went_on


async def test_what_is_no_cancellation_is_left_as_it_is() -> None:
    end_if_cancelled()
    with cancellation_kept():
        pass
    with pytest.raises(OSError, match="it"), cancellation_kept():
        raise OSError("it")


async def test_what_a_cancelled_task_does_at_its_end_is_no_new_cancellation() -> None:
    done = asyncio.Event()

    async def block() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            with cancellation_kept():
                await asyncio.sleep(0)
            done.set()

    assert (await cancelled_in(block)).cancelled()
    assert done.is_set()


async def test_a_limit_of_time_whose_cancellation_was_lost_ends_in_its_own_error() -> None:
    async def limited() -> None:
        async with asyncio.timeout(0.001):
            with cancellation_kept():
                await Losing().work()

    with pytest.raises(TimeoutError):
        await limited()
