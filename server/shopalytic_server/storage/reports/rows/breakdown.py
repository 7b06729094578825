"""The rows of a breakdown: which values a row has, and how many rows there are."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from shopalytic_server.storage.facts.facts import Row
from shopalytic_server.storage.facts.scope import Scope

Values = tuple[str, ...]
Key = TypeVar("Key", bound=tuple[object, Values])


def values_of(scope: Scope, row: Row) -> Values:
    """The values of a row that a statement found, in the order of the breakdown."""
    return tuple(row[f"by_{place}"] for place, _ in enumerate(scope.by, 1))


def dimensions_of(scope: Scope, values: Sequence[str]) -> dict[str, str]:
    """The values by the names of the dimensions."""
    return dict(zip(scope.by, values, strict=True))


def within_limit(scope: Scope, keys: Iterable[Key]) -> Iterator[Key]:
    """Of each interval as many as the breakdown may have; the keys begin with the interval."""
    seen = Counter[object]()
    for key in keys:
        seen[key[0]] += 1
        if seen[key[0]] <= scope.breakdown_limit:
            yield key
