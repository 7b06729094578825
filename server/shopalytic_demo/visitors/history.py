"""The visitors' lives: a pure function of the seed and the day, so that a restart tells the same ones."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from shopalytic_demo.visitors.ids import Ids
from shopalytic_demo.visitors.people import Person, new_person
from shopalytic_demo.visitors.public_api import Dated
from shopalytic_demo.visitors.visits import Act, Visit, aftermath

DAYS = 365
_NEW_PEOPLE = (62, 54, 52, 53, 58, 72, 76)
"""By the day of the week, from Monday."""
_SEASON = (0.95, 0.92, 0.95, 1.0, 1.0, 0.95, 0.9, 0.92, 1.0, 1.05, 1.15, 1.2)
"""By the month: a quiet summer, and presents at the end of the year."""
_HOURS = [4, 3, 2, 2, 2, 3, 5, 7, 9, 10, 10, 10, 11, 10, 9, 9, 10, 12, 14, 16, 17, 14, 9, 6]
_MOST_RETURNS = 8
# Between two events of one page.
_MOMENT = timedelta(milliseconds=40)


def lives(seed: int, day: date) -> Iterator[list[Dated]]:
    """All that each person does who comes first on this day (UTC), in order of time, however late."""
    for number in range(round(_NEW_PEOPLE[day.weekday()] * _SEASON[day.month - 1])):
        rng = Random(f"{seed}/{day.isoformat()}/{number}")  # noqa: S311 - no secrets here
        yield sorted(_life(rng, day), key=_time)


def _life(rng: Random, day: date) -> Iterator[Dated]:
    ids = Ids(rng)
    person = new_person(rng, ids)
    yield from _visit(rng, ids, person, _some_time(rng, day))
    for _ in range(_MOST_RETURNS):
        if person.is_bot or rng.random() > (0.62 if person.registered else 0.25):
            return
        # Some come back within the week, others when the tea is used up.
        soon = rng.random() < 0.6
        day += timedelta(days=1 + int(rng.expovariate(1 / 5)) if soon else 18 + int(rng.expovariate(1 / 25)))
        yield from _visit(rng, ids, person, _some_time(rng, day))


def _visit(rng: Random, ids: Ids, person: Person, begin: datetime) -> Iterator[Dated]:
    visit = Visit(rng, ids, person, begin.month)
    end = begin
    for end, act in _timed(visit.acts(), begin):
        yield Dated(act, end, ids.event(end))
    if visit.purchase is not None:
        for at, act in _timed(aftermath(rng, ids, visit.purchase), end):
            yield Dated(act, at, ids.event(at))


def _timed(acts: Iterator[Act], at: datetime) -> Iterator[tuple[datetime, Act]]:
    for act in acts:
        at += _MOMENT + timedelta(days=act.days, seconds=act.seconds)
        yield at, act


def _some_time(rng: Random, day: date) -> datetime:
    (hour,) = rng.choices(range(24), _HOURS)
    return datetime.combine(day, time(hour), UTC) + timedelta(seconds=rng.uniform(0, 3600))


def _time(dated: Dated) -> datetime:
    return dated.at
