"""How long the tests look: the short form is `make test`, the long one `make test-long` before a release."""

import os
import random
from collections.abc import Iterable
from typing import TypeVar

# A process that starts others tells them.
_VARIABLE = "TEST_LENGTH"
Case = TypeVar("Case")
LONG = os.environ.get(_VARIABLE, "short") == "long"


def either(short: int, long: int) -> int:
    """How many examples, rows or rounds: enough to notice that a law broke, or to search for a rare case."""
    return long if LONG else short


def some(cases: Iterable[Case], short: int) -> list[Case]:
    """All cases in the long form; in the short one so many of them, always the same, in their order."""
    found = list(cases)
    if LONG or len(found) <= short:
        return found
    return [found[place] for place in sorted(random.Random(len(found)).sample(range(len(found)), short))]
