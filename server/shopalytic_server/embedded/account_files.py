"""Files in folders of PostgreSQL's account, handled by us, who may be root.

Whatever runs as that account may put a symbolic link, a pipe or another file in the place of one of
ours at any moment. So nothing is opened for writing by a name there, a link is never followed, and what is
read must belong to the account. The folder itself is reached through directories that are not the account's.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

_LONGEST = 1_000_000


def owner(folder: Path) -> int:
    """The user id of the account that a folder belongs to; raises OSError."""
    return folder.stat(follow_symlinks=False).st_uid


def read(folder: Path, name: str) -> str | None:
    """A small text file; None where there is none that is the owner's own plain file."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with _opened(folder) as directory:
            descriptor = os.open(name, flags, dir_fd=directory)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode) or status.st_uid != os.fstat(directory).st_uid:
                    return None
                return file.read(_LONGEST).decode(errors="replace")
    except OSError:
        return None


def write(folder: Path, name: str, text: str, owner: tuple[int, int] | None) -> None:
    """Puts a new file in the place of whatever has this name, for this user and group; raises OSError.

    A file that says so already is left alone, so that a full disk keeps no server from its start.
    """
    if read(folder, name) == text:
        return
    draft = f".{name}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with _opened(folder) as directory:
        try:
            with os.fdopen(os.open(draft, flags, 0o600, dir_fd=directory), "w", encoding="utf-8") as file:
                if owner is not None:
                    os.fchown(file.fileno(), *owner)
                file.write(text)
            os.rename(draft, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(draft, dir_fd=directory)
            raise


def remove(folder: Path, *names: str) -> None:
    """Removes names from a folder, not what they may lead to; raises OSError."""
    with _opened(folder) as directory:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=directory)


def give(folder: Path, user: int, group: int) -> None:
    """Makes somebody the owner of a folder with everything in it; the folder itself comes last.

    So until then its owner is the only one who may go in, if nobody else was let in before.
    """
    for _, folders, files, directory in os.fwalk(folder, topdown=False):
        for name in (*folders, *files):
            os.chown(name, user, group, dir_fd=directory, follow_symlinks=False)
    os.chown(folder, user, group, follow_symlinks=False)


def take(folder: Path) -> None:
    """Makes us the owner, of the folder first: what is in it changes no more then."""
    user, group = os.geteuid(), os.getegid()
    os.chown(folder, user, group, follow_symlinks=False)
    folder.chmod(0o700)
    for _, folders, files, directory in os.fwalk(folder):
        for name in (*folders, *files):
            os.chown(name, user, group, dir_fd=directory, follow_symlinks=False)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield directory
    finally:
        os.close(directory)
