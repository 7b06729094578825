"""How many events a second one key, and one address, may send over gRPC."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from shopalytic_server.domain.errors import RateLimited
from shopalytic_server.domain.projects import Key, KeyClass
from shopalytic_server.domain.rates import Buckets


@dataclass(frozen=True, slots=True)
class Rates:
    """Events a second; 0: any number."""

    browser_key: int = 0
    key: int = 0
    address: int = 0


class Limits:
    """Counts what is sent. A call that only asks costs as much as one event."""

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        others = _buckets(rates.key)
        self._keys: dict[KeyClass, Buckets | None] = dict.fromkeys(KeyClass, others)
        self._keys[KeyClass.BROWSER] = _buckets(rates.browser_key)
        self._addresses = _buckets(rates.address)

    def charge(self, key: Key, context: grpc.aio.ServicerContext[Any, Any], cost: int) -> None:
        """Raises RateLimited when there have been too many."""
        buckets = self._keys[key.key_class]
        if buckets is not None and (wait := buckets.take(key.key_id.int, cost, self._clock())):
            raise _limited("key", buckets, wait)
        if self._addresses is not None:
            name = _host(context.peer())
            wait = self._addresses.take(name, cost, self._clock())
            if wait:
                raise _limited("address", self._addresses, wait)


def _buckets(rate: int) -> Buckets | None:
    return Buckets(rate) if rate else None


def _host(peer: str) -> str:
    """The address in gRPC's name of a peer, which is "ipv4:127.0.0.1:50000" or "ipv6:%5B::1%5D:50000"."""
    return peer.rpartition(":")[0]


def _limited(what: str, buckets: Buckets, wait: float) -> RateLimited:
    return RateLimited(
        f"More than {buckets.rate:,} events a second came from this {what}; nothing of this call was stored, "
        "send it again after the delay.",
        retry_after=wait,
    )
