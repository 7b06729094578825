"""The funnel, customer by customer, attempt by attempt."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from oracles.digits import divided
from oracles.pages import campaign
from oracles.seen import Customer, Seen, counted
from oracles.traffic import sessions

Step = tuple[str, str]
Funnels = dict[str, list[tuple[int, str, str, list[str]]]]

_SPLITS: dict[str, Callable[[Seen], str]] = {
    "": lambda _: "",
    "source": lambda seen: seen.source,
    "campaign": campaign,
}


def funnel(
    seen: Iterable[Seen],
    steps: Sequence[Step],
    *,
    begin: int,
    end: int,
    window: int = 7 * 24 * 3600,
    split: str = "",
    **scope: Any,
) -> Funnels:
    """By value: per step its customers, conversion, median seconds, and ids of the events that took it."""
    timelines: dict[Customer, list[Seen]] = defaultdict(list)
    right = list(counted(seen, **scope))
    for each in right:
        if each.at >= begin:
            timelines[each.customer].append(each)
    begun = sessions([each for each in right if each.type == "page_view" and each.at < end])
    taken: dict[str, list[list[Seen]]] = defaultdict(list)
    for timeline in timelines.values():
        attempts = [
            _follow(timeline, position, steps, window)
            for position, each in enumerate(timeline)
            if each.at < end and _takes(each, steps[0])
        ]
        if attempts:
            best = max(attempts, key=len)
            said_by = best[0]
            if split == "campaign":
                before = [each for each in begun[said_by.customer] if each.key <= said_by.key]
                said_by = before[-1] if before else said_by
            taken[_SPLITS[split](said_by)].append(best)
    if not split:
        taken.setdefault("", [])
    return {value: _steps(attempts, len(steps)) for value, attempts in taken.items()}


def _takes(seen: Seen, step: Step) -> bool:
    kind, page_type = step
    return seen.type == kind and (not page_type or seen.properties.get("page_type") == page_type)


def _follow(timeline: Sequence[Seen], position: int, steps: Sequence[Step], window: int) -> list[Seen]:
    attempt = [timeline[position]]
    for each in timeline[position + 1 :]:
        if len(attempt) == len(steps):
            break
        if _takes(each, steps[len(attempt)]):
            if each.at > attempt[0].at + window * 1_000_000:
                break
            attempt.append(each)
    return attempt


def _steps(attempts: list[list[Seen]], count: int) -> list[tuple[int, str, str, list[str]]]:
    found = []
    for step in range(count):
        here = [attempt for attempt in attempts if len(attempt) > step]
        waits = sorted(max(0, attempt[step].at - attempt[step - 1].at) for attempt in here) if step else []
        median = ""
        if waits:
            median = divided(waits[(len(waits) - 1) // 2] + waits[len(waits) // 2], 2_000_000, 3)
        ids = sorted(attempt[step].event_id for attempt in here)
        found.append((len(here), divided(len(here), len(attempts), 4), median, ids))
    return found
