"""Turns: a few requests of one address at once, and all of others."""

import asyncio

from shopalytic_server.gateway.access.turns import MOST_AT_ONCE, SenderTurns


class Requests:
    """Requests that stay until they are let go, and how many of each sender are in."""

    def __init__(self) -> None:
        self.turns = SenderTurns()
        self.inside: dict[str, int] = {}
        self.done = asyncio.Event()

    async def come(self, name: str) -> None:
        async with self.turns.turn(name):
            self.inside[name] = self.inside.get(name, 0) + 1
            await self.done.wait()


async def rounds(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_sender_has_a_few_requests_at_once_and_no_other_waits_for_it() -> None:
    requests = Requests()
    tasks = [asyncio.create_task(requests.come("flood")) for _ in range(100)]
    await rounds(5)
    others = [asyncio.create_task(requests.come(name)) for name in ("shop", "", "", *[""] * 40)]
    await rounds(5)
    assert requests.inside == {"flood": MOST_AT_ONCE, "shop": 1, "": 42}
    assert len(requests.turns) == 2
    requests.done.set()
    await asyncio.gather(*tasks, *others)
    assert requests.inside["flood"] == 100
    assert len(requests.turns) == 0


async def test_who_goes_while_waiting_leaves_its_place_to_the_next() -> None:
    requests = Requests()
    tasks = [asyncio.create_task(requests.come("flood")) for _ in range(MOST_AT_ONCE + 5)]
    await rounds(5)
    for task in tasks[MOST_AT_ONCE : MOST_AT_ONCE + 3]:
        task.cancel()
    requests.done.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert requests.inside["flood"] == MOST_AT_ONCE + 2
    assert len(requests.turns) == 0
