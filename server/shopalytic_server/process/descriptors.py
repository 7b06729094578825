"""File descriptors: how many this process may have open, and how they are divided among its ports.

Each connection takes one. A process that has none left accepts nobody on any
port, opens no file and reaches no database. So the ports get their shares, and
a part is kept for everything else.
"""

import resource
from typing import NamedTuple

# What is soon enough for anybody, where the system allows any number.
_MOST = 65_536
# Files, the database's connections, pipes of workers, the loop's own.
_KEPT_PART, _KEPT_LEAST = 0.2, 128
_MOST_GRPC, _MOST_HTTP = 2_000, 10_000
_FEWEST = 16

ENOUGH = 4_096
"""From here on no port is short of connections."""


class Shares(NamedTuple):
    """How many connections each port may have."""

    grpc: int
    """Of the outer port; this machine's own gateway has as many beside it."""
    http: int


def limit() -> int:
    """How many descriptors this process may have open."""
    return _number(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def highest_limit() -> int:
    """What `raise_limit` can raise that to."""
    return _number(resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def raise_limit() -> int:
    """Raises the limit as far as the system lets this process do, and returns it.

    Many systems start services with 1,024, for programs that cannot count
    further, and let those that can ask for more (systemd.exec(5), LimitNOFILE).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = highest_limit()
    if _number(soft) < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return limit()


def shares(descriptors: int, *, with_http: bool) -> Shares:
    """The ports' shares of so many descriptors.

    Law: both shares, once more that of gRPC for the inner port, and what is
    kept are together no more than there are, as long as there are at least 256.
    """
    kept = max(_KEPT_LEAST, round(descriptors * _KEPT_PART))
    parts = 4 if with_http else 2
    each = max(_FEWEST, (descriptors - kept) // parts)
    http = min(_MOST_HTTP, 2 * each) if with_http else 0
    return Shares(min(_MOST_GRPC, each), http)


def _number(value: int) -> int:
    return _MOST if value == resource.RLIM_INFINITY else min(value, _MOST)
