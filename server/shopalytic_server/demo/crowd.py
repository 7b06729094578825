"""The synthetic visitors: tells their past, then lets them come at their pace until it is stopped."""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping
from functools import partial
from itertools import groupby
from random import Random, SystemRandom
from typing import Any

from shopalytic_server.demo.doors import Dated, Doors
from shopalytic_server.demo.history import history
from shopalytic_server.demo.ids import Ids
from shopalytic_server.demo.people import Device, Person, new_person
from shopalytic_server.demo.times import now
from shopalytic_server.demo.visits import Act, Purchase, Visit, aftermath

log = logging.getLogger(__name__)

DAY_SECONDS = 60.0
"""How long visitors wait instead of a day, so that parcels arrive while somebody watches."""
MAX_KNOWN = 400
MAX_AT_ONCE = 3_000
RETURNING = 0.35
_TELLERS = 4


class Crowd:
    """Visitors with a past and a present. Whatever goes wrong with one does not touch the others."""

    def __init__(
        self, seed: int, per_minute: float, *, collect_url: str, grpc_address: str, keys: Mapping[str, str]
    ) -> None:
        self._seed = seed
        self._per_minute = per_minute
        self._rng = Random(seed)  # noqa: S311 - chance, not secrets
        # The present of each start is its own: ids of an earlier one would be CONFLICTs now.
        self._ids = Ids(SystemRandom())
        self._open_doors = partial(Doors, collect_url, keys["browser"], grpc_address, keys["server"])
        self._doors = self._open_doors()
        self._known: list[Person] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin, in the background."""
        self._spawn(self._tell_history())
        self._spawn(self._keep_coming())

    async def stop(self) -> None:
        """Send everybody away."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._doors.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error(
                "A synthetic visitor was lost to %s. [demo_fault]", type(error).__name__, exc_info=error
            )

    async def _tell_history(self) -> None:
        """Everybody's past through the same doors; each person's in order, several people at a time."""
        doors = self._open_doors()
        try:
            lives = history(self._seed, now().date())
            await asyncio.gather(*(_tell(lives, doors) for _ in range(_TELLERS)))
            await doors.settle()
        finally:
            await doors.close()
        log.info("The visitors' past is told: %s. [demo_history]", _counts(doors.verdicts))

    async def _keep_coming(self) -> None:
        while True:
            await asyncio.sleep(self._rng.expovariate(self._per_minute / 60))
            if len(self._tasks) < MAX_AT_ONCE:
                self._spawn(self._visit(self._somebody()))

    def _somebody(self) -> Person:
        """Somebody new, or somebody known who is not in the shop now."""
        if self._known and self._rng.random() < RETURNING:
            return self._known.pop(self._rng.randrange(len(self._known)))
        return new_person(self._rng, self._ids)

    async def _visit(self, person: Person) -> None:
        visit = Visit(self._rng, self._ids, person)
        await self._act_out(visit.acts())
        if not person.is_bot:
            self._known.append(person)
            del self._known[:-MAX_KNOWN]
        if visit.purchase is not None:
            await self._follow(visit.purchase)

    async def _follow(self, purchase: Purchase) -> None:
        await self._act_out(aftermath(self._rng, self._ids, purchase))

    async def _act_out(self, acts: Iterator[Act]) -> None:
        """Do each act at its time. What a page sends at once is sent together, as the tag does."""
        page: list[Dated] = []
        for act in acts:
            pause = act.seconds + act.days * DAY_SECONDS
            if page and (pause or act.device is not page[0].act.device):
                await self._doors.send(page)
                page = []
            if pause:
                await asyncio.sleep(pause)
            at = now()
            page.append(Dated(act, at, self._ids.event(at)))
        if page:
            await self._doors.send(page)


async def _tell(lives: Iterator[list[Dated]], doors: Doors) -> None:
    for life in lives:
        for _, acts in groupby(life, key=_device):
            await doors.send(list(acts))


def _device(dated: Dated) -> Device | None:
    return dated.act.device


def _counts(verdicts: Counter[str]) -> str:
    told = [f"{number} {status.lower()}" for status, number in sorted(verdicts.items())]
    return ", ".join(told) or "nothing to tell"
