"""The configuration of the embedded PostgreSQL: what is set, and why it differs from the defaults."""

from pathlib import Path

import psutil

FILE_NAME = "shopalytic.conf"
LOCAL_FILE_NAME = "local.conf"
LOCAL_TEXT = "# Settings of your own for the embedded PostgreSQL; they win over shopalytic.conf.\n"

_MEGABYTE = 1024 * 1024
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_SHARED_MEMORY_MOUNT = Path("/dev/shm")  # noqa: S108 - the mount itself is looked at

# Durability (fsync, synchronous_commit, full_page_writes) is absent on purpose: the
# defaults are what makes "stored" mean stored.
_TEMPLATE = """\
# Written by Shopalytic at every start; changes belong into {local}, which is read last.

# The service comes over a socket in the file system, which only the accounts in pg_ident.conf may
# open; over TCP, where --sql-port asks for it, come the roles that `shopalytic sql grant` made.
listen_addresses = '{listens}'
port = {port}
unix_socket_directories = {socket_dir}
unix_socket_permissions = 0700
max_connections = 100

shared_buffers = {shared_buffers}MB
effective_cache_size = {cache}MB
work_mem = 16MB
dynamic_shared_memory_type = {shared_memory}
# A report over years touches every monthly partition and each of its indexes.
max_locks_per_transaction = 256

# Ingest writes much: checkpoints by time instead of by volume.
max_wal_size = 4GB
checkpoint_timeout = 15min

# A shop's first import is followed by its first reports, which need the statistics of what came.
autovacuum_naptime = 10s

# Fast disks, and statements too short for compilation to pay off.
random_page_cost = 1.1
jit = off

# Times are stored and logged in UTC whatever the machine's own zone is.
timezone = 'UTC'
log_timezone = 'UTC'

# The log names what failed but never carries values: terse leaves out the detail lines
# (which quote keys), panic leaves out the statements.
log_error_verbosity = terse
log_min_error_statement = panic
log_checkpoints = off
cluster_name = 'shopalytic'
"""


def render(socket_dir: Path, sql_port: int) -> str:
    """The text of the configuration file for a server whose socket lies in `socket_dir`.

    It listens on `sql_port` of the loopback address; 0: on none.
    """
    memory = _memory_megabytes()
    return _TEMPLATE.format(
        local=LOCAL_FILE_NAME,
        listens="127.0.0.1" if sql_port else "",
        port=sql_port or 5432,
        socket_dir=_quoted_directory(socket_dir),
        shared_buffers=max(128, min(1024, memory // 4)),
        cache=max(256, memory // 2),
        shared_memory="posix" if _has_room_for_shared_memory() else "mmap",
    )


def _quoted_directory(path: Path) -> str:
    """One entry of a list of directories: quoted as a list entry, then as a configuration value."""
    entry = '"' + str(path).replace('"', '""') + '"'
    return "'" + entry.replace("'", "''") + "'"


def _memory_megabytes() -> int:
    total = psutil.virtual_memory().total
    try:
        limit = int(_CGROUP_LIMIT.read_text())
    except (OSError, ValueError):
        limit = total
    return min(total, limit) // _MEGABYTE


def _has_room_for_shared_memory() -> bool:
    """Containers often come with 64 MB of /dev/shm, too little for a parallel query."""
    try:
        return psutil.disk_usage(str(_SHARED_MEMORY_MOUNT)).total >= 256 * _MEGABYTE
    except OSError:
        return True
