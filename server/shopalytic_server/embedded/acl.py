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
    for directory in closed_parents(path, uid):
        try:
            entries = _read_acl(directory)
            _write_acl(directory, with_walker(entries, uid))
            logger.info("PostgreSQL's account may now walk through %s (and not list it).", directory)
        except (AttributeError, OSError) as error:
            if not _means_no_lists(error):
                raise
            directory.chmod(stat.S_IMODE(directory.stat().st_mode) | stat.S_IXOTH)
            logger.warning("Every account may now walk through %s: it takes no access list.", directory)


def closed_parents(path: Path, uid: int) -> list[Path]:
    """The directories above `path` that the account `uid` may not walk through."""
    return [directory for directory in path.resolve().parents if not _may_walk(directory, uid)]


def _may_walk(directory: Path, uid: int) -> bool:
    status = directory.stat()
    if status.st_mode & stat.S_IXOTH or (status.st_uid == uid and status.st_mode & stat.S_IXUSR):
        return True
    try:
        entries = _read_acl(directory)
    except (AttributeError, OSError) as error:
        if not _means_no_lists(error):
            raise
        return False
    return with_walker(entries, uid) == entries


def _means_no_lists(error: AttributeError | OSError) -> bool:
    """Whether the system (no such function) or the file system has no access control lists."""
    return not isinstance(error, OSError) or error.errno in (errno.EOPNOTSUPP, errno.ENOSYS)


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


def _read_acl(directory: Path) -> list[AclEntry]:
    try:
        raw = os.getxattr(directory, _XATTR)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        mode = directory.stat().st_mode
        classes = ((_OWNER, mode >> 6), (_GROUP, mode >> 3), (_OTHER, mode))
        return [(tag, bits & 7, _NOBODY_NAMED) for tag, bits in classes]
    return [_ENTRY.unpack_from(raw, at) for at in range(len(_VERSION), len(raw), _ENTRY.size)]


def _write_acl(directory: Path, entries: list[AclEntry]) -> None:
    os.setxattr(directory, _XATTR, _VERSION + b"".join(_ENTRY.pack(*entry) for entry in entries))
