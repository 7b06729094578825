"""Lets one other account walk through private directories, and nothing more.

PostgreSQL refuses to run as root, so under root it runs as an account of its own, and
that account must be able to reach its folder inside our private data directory, which
may lie below a private home such as /root. An access control list entry opens each
closed parent for that account alone; opening it for everybody is the fallback for
file systems that know no such lists.
"""

import errno
import logging
import os
import stat
import struct
from pathlib import Path

logger = logging.getLogger(__name__)

_XATTR = "system.posix_acl_access"
# The kernel's format: https://github.com/torvalds/linux/blob/master/include/uapi/linux/posix_acl_xattr.h
_VERSION = struct.pack("<I", 2)
_ENTRY = struct.Struct("<HHI")
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NOBODY_NAMED = 0xFFFFFFFF
_WALK = 0o1

AclEntry = tuple[int, int, int]


def open_parents(path: Path, uid: int) -> None:
    """Let the account `uid` walk down to `path` through every directory above it."""
    for directory in path.resolve().parents:
        status = directory.stat()
        walkable = status.st_mode & stat.S_IXOTH or (status.st_uid == uid and status.st_mode & stat.S_IXUSR)
        if not walkable:
            _open_directory(directory, uid, stat.S_IMODE(status.st_mode))


def _open_directory(directory: Path, uid: int, mode: int) -> None:
    try:
        entries = _read_acl(directory, mode)
        opened = with_walker(entries, uid)
        if opened == entries:
            return
        _write_acl(directory, opened)
        logger.info("PostgreSQL's account may now walk through %s (and not list it).", directory)
    except (AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        directory.chmod(mode | stat.S_IXOTH)
        logger.warning(
            "Every account may now walk through %s: its file system has no access lists.", directory
        )


def with_walker(entries: list[AclEntry], uid: int) -> list[AclEntry]:
    """The same access list with the right to walk for `uid`, in the order the kernel asks for."""
    kept = [e for e in entries if e[0] != _MASK and not (e[0] == _USER and e[2] == uid)]
    granted = next((perm for tag, perm, who in entries if tag == _USER and who == uid), 0) | _WALK
    # Without a mask the group's own rights bound the list; the mask takes their place.
    bound = next((perm for tag, perm, _ in entries if tag == _MASK), None)
    if bound is None:
        bound = next(perm for tag, perm, _ in entries if tag == _GROUP)
    return sorted([*kept, (_USER, granted, uid), (_MASK, bound | _WALK, _NOBODY_NAMED)], key=_kernel_order)


def _kernel_order(entry: AclEntry) -> tuple[int, int]:
    return entry[0], entry[2]


def _read_acl(directory: Path, mode: int) -> list[AclEntry]:
    try:
        raw = os.getxattr(directory, _XATTR)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        owner, group, other = (mode >> 6) & 7, (mode >> 3) & 7, mode & 7
        return [
            (_OWNER, owner, _NOBODY_NAMED),
            (_GROUP, group, _NOBODY_NAMED),
            (_OTHER, other, _NOBODY_NAMED),
        ]
    return [_ENTRY.unpack_from(raw, at) for at in range(len(_VERSION), len(raw), _ENTRY.size)]


def _write_acl(directory: Path, entries: list[AclEntry]) -> None:
    os.setxattr(directory, _XATTR, _VERSION + b"".join(_ENTRY.pack(*entry) for entry in entries))
