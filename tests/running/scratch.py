"""Where the data of the tests' services lies: in memory, where there is plenty.

Each test makes a database of nearly 500 files and drops it, and each service of
the tests starts on a copy of 1,400 files. On disk a third of the CPU of a small
test is the file system's, most of it in looking for places of files that were
not deleted just now.
"""

from pathlib import Path

import psutil

_MEMORY = Path("/dev/shm")
# The workers of a run together take less than a third of it.
_ENOUGH_BYTES = 8 * 1024**3


def scratch() -> str | None:
    """The folder for temporary folders; None: the usual one."""
    if not _MEMORY.is_dir() or psutil.virtual_memory().available < _ENOUGH_BYTES:
        return None
    return str(_MEMORY) if psutil.disk_usage(str(_MEMORY)).free >= _ENOUGH_BYTES else None
