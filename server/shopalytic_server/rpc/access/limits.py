"""How many events a second one key, and one address, may send over gRPC."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from shopalytic_server.domain.access.rates import Buckets
from shopalytic_server.domain.errors import RateLimited
from shopalytic_server.domain.projects import Key, KeyClass


@dataclass(frozen=True, slots=True)
class Rates:
    """Events a second; 0: any number.

    Each of several `processes` on one port allows its share, so that a sender
    who reaches all of them may send no more than one that reaches one.
    """

    browser_key: int = 0
    key: int = 0
    address: int = 0
    processes: int = 1


class Limits:
    """Counts what is sent. A call that only asks costs as much as one event."""

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._processes = rates.processes
        others = self._buckets(rates.key)
        self._keys: dict[KeyClass, Buckets | None] = dict.fromkeys(KeyClass, others)
        self._keys[KeyClass.BROWSER] = self._buckets(rates.browser_key)
        self._addresses = self._buckets(rates.address)

    def charge(self, key: Key, context: grpc.aio.ServicerContext[Any, Any], cost: int) -> None:
        """Raises RateLimited when there have been too many."""
        buckets = self._keys[key.key_class]
        if buckets is not None and (wait := buckets.take(key.key_id.int, cost, self._clock())):
            raise self._limited("key", buckets, wait)
        if self._addresses is not None:
            name = _host(context.peer())
            wait = self._addresses.take(name, cost, self._clock())
            if wait:
                raise self._limited("address", self._addresses, wait)

    def _buckets(self, rate: int) -> Buckets | None:
        return Buckets(rate / self._processes) if rate else None

    def _limited(self, what: str, buckets: Buckets, wait: float) -> RateLimited:
        share = f" over one of {self._processes} server processes" if self._processes > 1 else ""
        return RateLimited(
            f"More than {round(buckets.rate, 2):,.12g} events a second came from this {what}{share}; "
            "nothing of this call was stored, send it again after the delay.",
            retry_after=wait,
        )


def _host(peer: str) -> str:
    """The address in gRPC's name of a peer, which is "ipv4:127.0.0.1:50000" or "ipv6:%5B::1%5D:50000"."""
    return peer.rpartition(":")[0]
