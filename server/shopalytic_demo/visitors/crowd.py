"""The synthetic visitors: tells their past, then lets them come at their pace until it is stopped."""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from heapq import heappop, heappush
from random import Random, SystemRandom
from typing import Any

from shopalytic_demo.shop.times import now
from shopalytic_demo.visitors.history import lives
from shopalytic_demo.visitors.ids import Ids
from shopalytic_demo.visitors.people import Person, new_person
from shopalytic_demo.visitors.public_api import Dated, PublicApi
from shopalytic_demo.visitors.visits import Act, Purchase, Visit, aftermath

log = logging.getLogger(__name__)

DAY_SECONDS = 60.0
"""How long visitors wait instead of a day, so that parcels arrive while somebody watches."""
MAX_KNOWN = 400
MAX_AT_ONCE = 3_000
RETURNING = 0.35
GREETERS = 10
"""So many visitors come in the first minutes, that whoever looks sees something happen."""
PAUSE_SECONDS = 0.05
"""Between two days of the past."""
LOOK_SECONDS = 2.0
"""How often it is looked whether the time of somebody's next act has come."""
_CANCEL_AGAIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How many visitors come."""

    per_minute: float | None
    """Beside those whose lives are told; None: only a few at first."""
    days: int
    """How long the shop has been open."""


class Crowd:
    """Visitors with a past and a present. Whatever goes wrong with one does not touch the others."""

    def __init__(
        self, seed: int, pace: Pace, *, collect_url: str, grpc_address: str, keys: Mapping[str, str]
    ) -> None:
        self._seed = seed
        self._pace = pace
        self._rng = Random(seed)  # noqa: S311 - chance, not secrets
        # The present of each start is its own: ids of an earlier one would be CONFLICTs now.
        self._ids = Ids(SystemRandom())
        self._open_api = partial(PublicApi, collect_url, keys["browser"], grpc_address, keys["server"])
        self._api = self._open_api()
        self._known: list[Person] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._to_come: list[tuple[datetime, str, Dated]] = []

    def start(self) -> None:
        """Begin, in the background."""
        self._spawn(self._tell_lives(now().date()))
        self._spawn(self._keep_coming())

    async def stop(self) -> None:
        """Send everybody away."""
        # A call that fails at this moment raises its own error instead, and a visitor would go on.
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_CANCEL_AGAIN_SECONDS)
            await asyncio.sleep(0)
        await self._api.close()

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

    async def _tell_lives(self, today: date) -> None:
        """What has happened, the newest first; then each further act when its time comes.

        So today is as busy as the days before, and a later start tells the same.
        """
        midnight = datetime.combine(today, time(), UTC)
        going_on = asyncio.create_task(self._go_on(today))
        api = self._open_api()
        try:
            for ago in range(1, self._pace.days + 1):
                for life in lives(self._seed, today - timedelta(days=ago)):
                    await api.tell([dated for dated in life if dated.at < midnight])
                    self._expect(dated for dated in life if dated.at >= midnight)
                # Whoever looks at the shop meanwhile comes first.
                await asyncio.sleep(PAUSE_SECONDS)
            await api.settle()
            log.info("The visitors' past is told: %s. [demo_history]", _counts(api.verdicts))
            await going_on
        finally:
            going_on.cancel()
            await api.close()

    def _expect(self, acts: Iterable[Dated]) -> None:
        for dated in acts:
            heappush(self._to_come, (dated.at, dated.event_id, dated))

    async def _go_on(self, today: date) -> None:
        """Lets everybody do what they are to do from `today` on, when its time comes."""
        api = self._open_api()
        try:
            while True:
                while today <= now().date():
                    for life in lives(self._seed, today):
                        self._expect(life)
                    today += timedelta(days=1)
                while self._to_come and self._to_come[0][0] <= now():
                    await api.tell([heappop(self._to_come)[2]])
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await api.close()

    async def _keep_coming(self) -> None:
        come = 0
        while self._pace.per_minute is not None or come < GREETERS:
            await asyncio.sleep(self._rng.expovariate((self._pace.per_minute or 1.0) / 60))
            if len(self._tasks) < MAX_AT_ONCE:
                self._spawn(self._visit(self._somebody()))
                come += 1

    def _somebody(self) -> Person:
        """Somebody new, or somebody known who is not in the shop now."""
        if self._known and self._rng.random() < RETURNING:
            return self._known.pop(self._rng.randrange(len(self._known)))
        return new_person(self._rng, self._ids)

    async def _visit(self, person: Person) -> None:
        visit = Visit(self._rng, self._ids, person, now().month)
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
                await self._api.send(page)
                page = []
            if pause:
                await asyncio.sleep(pause)
            at = now()
            page.append(Dated(act, at, self._ids.event(at)))
        if page:
            await self._api.send(page)


def _counts(verdicts: Counter[str]) -> str:
    told = [f"{number} {status.lower()}" for status, number in sorted(verdicts.items())]
    return ", ".join(told) or "nothing to tell"
