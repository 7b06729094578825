"""Python's garbage collector, set for a process that serves."""

import gc

# A batch makes tens of thousands of objects that live until it is stored, and
# that no cycle holds; looking through them after every 700 costs a fifth of
# preparing them.
_NEW_OBJECTS = 20_000


def collect_seldom() -> None:
    """Leaves what was loaded at the start alone, and looks through new objects less often."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 20, 50)
