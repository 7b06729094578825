"""Work that takes too long ends, whatever else ends it, and with one timer for all."""

import asyncio

import pytest

from shopalytic_server.rpc.transport.deadlines import Deadlines

LONG = 600.0


async def forever() -> None:
    await asyncio.Event().wait()


async def within(deadlines: Deadlines, seconds: float) -> None:
    with deadlines.ends_after(seconds):
        await forever()


async def test_what_takes_too_long_ends_and_the_rest_goes_on() -> None:
    deadlines = Deadlines()
    others = [asyncio.create_task(within(deadlines, LONG)) for _ in range(3)]
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await within(deadlines, 0.0)
    assert not any(other.done() for other in others)
    for other in others:
        other.cancel()
    ended = await asyncio.gather(*others, return_exceptions=True)
    assert [type(each) for each in ended] == [asyncio.CancelledError] * 3


async def test_what_ends_in_time_is_left_alone_for_good() -> None:
    deadlines = Deadlines()
    with deadlines.ends_after(0.0):
        pass
    with pytest.raises(TimeoutError):
        await within(deadlines, 0.0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_an_error_of_the_work_is_told_as_it_is() -> None:
    with pytest.raises(ValueError, match="its own"), Deadlines().ends_after(LONG):
        raise ValueError("its own")


async def test_whoever_cancels_it_beside_that_is_heard() -> None:
    deadlines = Deadlines()

    async def cancelled_again() -> None:
        with deadlines.ends_after(0.0):
            try:
                await forever()
            finally:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(cancelled_again())
