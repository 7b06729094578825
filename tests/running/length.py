"""How long the tests look: the short form is `make test`, the long one `make test-long` before a release."""

import os

# A process that starts others tells them.
_VARIABLE = "TEST_LENGTH"
LONG = os.environ.get(_VARIABLE, "short") == "long"


def either(short: int, long: int) -> int:
    """How many examples, rows or rounds: enough to notice that a law broke, or to search for a rare case."""
    return long if LONG else short
