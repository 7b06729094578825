"""The visitors' past: a pure function of the seed and the day, so that a restart tells the same one."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from shopalytic_server.demo.doors import Dated
from shopalytic_server.demo.ids import Ids
from shopalytic_server.demo.people import Person, new_person
from shopalytic_server.demo.visits import Act, Visit, aftermath

DAYS = 30
_NEW_PEOPLE = (34, 28, 27, 27, 30, 38, 40)
"""By the day of the week, from Monday."""
_HOURS = [2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 10, 11, 10, 9, 9, 10, 12, 14, 16, 17, 14, 9, 5]
_MOST_RETURNS = 5
# Between two events of one page.
_MOMENT = timedelta(milliseconds=40)


def history(seed: int, today: date, days: int = DAYS) -> Iterator[list[Dated]]:
    """The past of each person who came first on one of these days, up to last midnight in UTC.

    Whoever came in these days and returns later is told of up to `today` only;
    told again on a later day, the story goes on, with the same ids so far.
    """
    midnight = datetime.combine(today, time(), UTC)
    for ago in range(days, 0, -1):
        day = today - timedelta(days=ago)
        for number in range(_NEW_PEOPLE[day.weekday()]):
            rng = Random(f"{seed}/{day.isoformat()}/{number}")  # noqa: S311 - no secrets here
            acts = [dated for dated in _life(rng, day) if dated.at < midnight]
            if acts:
                yield sorted(acts, key=_time)


def _life(rng: Random, day: date) -> Iterator[Dated]:
    ids = Ids(rng)
    person = new_person(rng, ids)
    yield from _visit(rng, ids, person, _some_time(rng, day))
    for _ in range(_MOST_RETURNS):
        if person.is_bot or rng.random() > (0.55 if person.registered else 0.3):
            return
        day += timedelta(days=1 + int(rng.expovariate(1 / 6)))
        yield from _visit(rng, ids, person, _some_time(rng, day))


def _visit(rng: Random, ids: Ids, person: Person, begin: datetime) -> Iterator[Dated]:
    visit = Visit(rng, ids, person)
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
