"""The long form: many rounds, and a table of what was acknowledged, missing and there twice."""

import argparse
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

for name in [name for name in os.environ if name.startswith(("PG", "SHOPALYTIC_"))]:
    del os.environ[name]
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # as in tests/conftest.py
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from faults.outside import may_mount  # noqa: E402
from faults.rounds import Row, play  # noqa: E402 - what it imports reads the environment
from faults.stage import Apart, FakeClock, InOne, SmallDisk, Stage, Workers, clock_library  # noqa: E402
from faults.strangers import Besieged, besiege, chosen, tell, tell_head  # noqa: E402
from faults.strikes import STRIKES, Strike  # noqa: E402
from running.running_service import folder  # noqa: E402

STAGES: dict[str, Callable[[Path], Stage]] = {
    "serve": InOne,
    "apart": lambda place: Apart(place, postgres="max_connections = 30"),
    "workers": Workers,
    "small": SmallDisk,
    "clock": FakeClock,
}

# A fresh stage after so many rounds: the check against a rebuild reads everything that was stored.
_ROUNDS_OF_A_STAGE = 6


def main() -> int:
    """Plays the rounds; the exit code says whether every promise held."""
    options = _options()
    print(f"seed {options.seed}: python tests/faults --seed {options.seed} --rounds {options.rounds}")
    print(
        f"{'round':>5}  {'stage':7}  {'fault':30} {'acknowledged':>12} {'missing':>7} {'twice':>5}"
        f" {'back after':>10} {'memory':>7}  told to come back",
        flush=True,
    )
    bad = number = 0
    for kind, strikes in _plan(options):
        with folder() as place, STAGES[kind](place) as stage:
            for strike, seed in strikes:
                number += 1
                row = play(stage, strike, random.Random(seed), options.seconds)
                _tell(number, row)
                bad += not row.good
                if not row.good:
                    Path(f"faults-round-{number}.log").write_text(stage.log())
                    break
    print(f"{number} rounds, {bad} in which a promise was broken")
    bad += _besiege(options)
    return min(bad, 1)


def _besiege(options: argparse.Namespace) -> int:
    """What strangers send, for a minute each, beside a shop's ordinary traffic; gives the broken promises."""
    strangers = chosen(options.only)
    if not strangers or not options.stranger_seconds:
        return 0
    bad = 0
    print("\nstrangers, beside a shop's ordinary traffic")
    tell_head()
    with folder() as place, Besieged(place) as stage:
        for stranger in strangers:
            cost = besiege(stage, stranger, options.stranger_seconds, options.stranger_seconds / 3)
            tell(cost)
            bad += not (cost.good and cost.cheap)
        if differences := stage.differences():
            print(f"a rebuild would change {differences}")
            bad += 1
        if bad:
            Path("faults-strangers.log").write_text(stage.log())
    print(f"{len(strangers)} inputs of strangers, {bad} by which a promise was broken")
    return bad


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--seconds", type=float, default=6.0, help="how long what lasts is to last")
    parser.add_argument("--only", default="", help="only faults and strangers whose name has this in it")
    parser.add_argument("--stranger-seconds", type=float, default=60.0, help="how long each of them sends")
    return parser.parse_args()


def _plan(options: argparse.Namespace) -> Iterator[tuple[str, list[tuple[Strike, int]]]]:
    """Every fault at least once if the rounds allow it, in any order, in stages of few rounds each."""
    dice = random.Random(options.seed)
    missing = _missing_here()
    for kind, reason in missing.items():
        print(f"not played: {', '.join(each.name for each in STRIKES if each.kind == kind)}: {reason}")
    wanted = [each for each in STRIKES if options.only in each.name and each.kind not in missing]
    rounds: list[Strike] = []
    while wanted and len(rounds) < options.rounds:
        rounds += dice.sample(wanted, len(wanted))
    by_kind: dict[str, list[tuple[Strike, int]]] = {kind: [] for kind in STAGES}
    for strike in rounds[: options.rounds]:
        kind = strike.kind or dice.choice(("serve", "apart"))
        by_kind[kind].append((strike, dice.randrange(2**32)))
    for kind, strikes in by_kind.items():
        for start in range(0, len(strikes), _ROUNDS_OF_A_STAGE):
            yield kind, strikes[start : start + _ROUNDS_OF_A_STAGE]


def _missing_here() -> dict[str, str]:
    """Stages that this machine does not have, and why."""
    missing = {}
    if not may_mount():
        missing["small"] = "only root can make a small disk"
    if clock_library() is None:
        missing["clock"] = "needs libfaketime (Debian: apt-get install libfaketime)"
    return missing


def _tell(number: int, row: Row) -> None:
    refusals = ", ".join(f"{code} {times}" for code, times in sorted(row.refusals.items()))
    print(f"{number:5}  {row.stage:7}  {row.fault:30} {row.acknowledged:12,} {row.missing:7} {row.twice:5}"
          f" {row.back_seconds:9.1f}s {row.megabytes:4} MB  {refusals}", flush=True)  # fmt: skip
    for problem in row.problems:
        print(f"       {problem}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
