"""One round: load, a fault, and then the question what is there of all that was acknowledged."""

import random
import time
from typing import NamedTuple

import psutil

from faults.stage import Stage
from faults.strikes import Strike


class Row(NamedTuple):
    """What a round came to."""

    fault: str
    stage: str
    acknowledged: int
    missing: int
    twice: int
    back_seconds: float
    refusals: dict[str, int]
    megabytes: int
    """The most that a server of the stage held in memory by then."""
    problems: list[str]

    @property
    def good(self) -> bool:
        """Whether the promises held."""
        return not (self.missing or self.twice or self.problems)


def play(stage: Stage, strike: Strike, dice: random.Random, seconds: float) -> Row:
    """Strikes a stage at a random moment under load; gives what was found when all is quiet again."""
    before = set(stage.books.acknowledged)
    stage.books.problems.clear()
    stage.books.refusals.clear()
    back = float("nan")
    try:
        stage.start_senders()
        stage.warm_up()
        time.sleep(dice.uniform(0, 0.7))
        strike.happen(stage, dice, seconds)
        back = stage.wait_until_back(time.monotonic())
        stage.stop_senders()
        acknowledged, missing, twice = stage.count()
        differences = stage.differences()
        if differences:
            stage.books.problem(f"a rebuild would change {differences}")
    except Exception as error:  # noqa: BLE001 - the row tells, and the rounds go on
        stage.books.problem(f"{type(error).__name__}: {error}")
        acknowledged, missing, twice = len(stage.books.acknowledged), -1, -1
    return Row(
        strike.name,
        stage.kind,
        acknowledged - len(before),
        missing,
        twice,
        back,
        dict(stage.books.refusals),
        _memory(stage),
        list(stage.books.problems[:5]),
    )


def _memory(stage: Stage) -> int:
    sizes = [0]
    for service in stage.services.values():
        try:
            sizes.append(psutil.Process(service.process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return max(sizes) // 2**20
