"""The pool of connections: a cancelled task gets none, and none is lost with it."""

import asyncio

import pytest

from shopalytic_server.storage.database.connections import open_pool


@pytest.mark.parametrize("turns", range(12))
async def test_a_cancellation_that_comes_together_with_a_connection_is_kept(
    database_url: str, turns: int
) -> None:
    pool, begun = await open_pool(database_url, size=1), asyncio.Event()

    async def work() -> None:
        begun.set()
        async with pool.connection():
            pass

    held = await pool.getconn()
    waiting = asyncio.create_task(work())
    await begun.wait()
    while not pool.get_stats().get("requests_waiting"):  # noqa: ASYNC110 - the pool has no event of it
        await asyncio.sleep(0)
    await pool.putconn(held)
    for _ in range(turns):
        await asyncio.sleep(0)
    was_waiting = waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled() or not was_waiting
    async with pool.connection() as conn:
        assert await (await conn.execute("SELECT 1")).fetchall() == [(1,)]
    await pool.close()
