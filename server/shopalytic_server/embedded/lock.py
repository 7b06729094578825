"""One process per data directory: a lock that the operating system drops when its holder dies."""

import fcntl
import os
from pathlib import Path
from typing import Self

from shopalytic_server.embedded.errors import DataDirectoryInUse, EmbeddedPostgresError


class DataDirectoryLock:
    """An exclusive `flock` on DIR/lock; the file itself stays and holds the last owner's process id."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._descriptor: int | None = None

    def acquire(self) -> Self:
        """Make the directory if needed and take its lock, or raise `DataDirectoryInUse` at once."""
        make_private(self._data_dir)
        # Not inherited by children: PostgreSQL outlives a killed parent, the lock must not.
        try:
            descriptor = os.open(self._data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError:
            raise EmbeddedPostgresError(foreign_sentence(self._data_dir)) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise DataDirectoryInUse(in_use_sentence(self._data_dir, holder)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Let the next process in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def in_use_sentence(data_dir: Path, holder: str) -> str:
    """Say who holds the directory; the process id is missing for a moment while it is being taken."""
    process = f"process {holder}" if holder else "another process"
    return (
        f"The data directory {data_dir} is in use by {process}. "
        "Stop that one first, or choose another directory with --data-dir or SHOPALYTIC_DATA_DIR."
    )


def make_private(data_dir: Path) -> None:
    """Create the data directory so that only its owner may look inside."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The data directory {data_dir} cannot be made: {error.strerror}. "
            "Choose another one with --data-dir or SHOPALYTIC_DATA_DIR."
        ) from error
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        raise EmbeddedPostgresError(foreign_sentence(data_dir))


def foreign_sentence(data_dir: Path) -> str:
    """Say that we may not use the directory."""
    return (
        f"The data directory {data_dir} belongs to another user. "
        "Run as that user, or choose another one with --data-dir or SHOPALYTIC_DATA_DIR."
    )
