"""How many events a second one key, and one address, may send over gRPC."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc

from shopalytic_server.domain.access.rates import BYTES_OF_AN_EVENT, UNUSED, Buckets, price
from shopalytic_server.domain.errors import RateLimited
from shopalytic_server.domain.projects import Key, KeyClass

Context = grpc.aio.ServicerContext[Any, Any]


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

    def charge(self, key: Key, context: Context, events: int, size: int = 0) -> None:
        """Counts events, of `size` bytes together. Raises RateLimited when there have been too many."""
        cost = price(events, size) if _is_public(key) else events
        for what, buckets, name in self._payers(key, context):
            if wait := buckets.take(name, cost, self._clock()):
                raise self._limited(what, buckets, wait)

    def refuse_early(self, key: Key, context: Context, size: int) -> None:
        """Raises RateLimited when a public key cannot pay for a request of so many bytes: it is not read."""
        if _is_public(key):
            for what, buckets, name in self._payers(key, context):
                if wait := buckets.wait(name, price(1, size), self._clock()):
                    raise self._limited(what, buckets, wait)

    def owe_for_nothing(self, key: Key, context: Context, size: int) -> None:
        """Charges `size` bytes that were looked at and could not be used: a public key, and any address."""
        self._owe(key, context, size // BYTES_OF_AN_EVENT)

    def owe_for_unused(self, key: Key, context: Context, events: int) -> None:
        """Charges what a public key sent and cannot be used."""
        if _is_public(key):
            self._owe(key, context, UNUSED * events)

    def _owe(self, key: Key, context: Context, cost: int) -> None:
        if not cost:
            return
        for what, buckets, name in self._payers(key, context):
            if what == "address" or _is_public(key):
                buckets.owe(name, cost, self._clock())

    def _payers(self, key: Key, context: Context) -> Iterator[tuple[str, Buckets, str | int]]:
        """Whose rates a call counts in."""
        buckets = self._keys[key.key_class]
        if buckets is not None:
            yield "key", buckets, key.key_id.int
        if self._addresses is not None and (name := host_of(context.peer())):
            yield "address", self._addresses, name

    def _buckets(self, rate: int) -> Buckets | None:
        return Buckets(rate / self._processes) if rate else None

    def _limited(self, what: str, buckets: Buckets, wait: float) -> RateLimited:
        share = f" over one of {self._processes} server processes" if self._processes > 1 else ""
        return RateLimited(
            f"More than {round(buckets.rate, 2):,.12g} events a second came from this {what}{share}; "
            "nothing of this call was stored, send it again after the delay.",
            retry_after=wait,
        )


def host_of(peer: str) -> str:
    """The address in gRPC's name of a peer, which is "ipv4:127.0.0.1:50000" or "ipv6:%5B::1%5D:50000".

    Events of a gateway in this process have none: it has charged their senders' addresses itself.
    """
    return peer.rpartition(":")[0]


def _is_public(key: Key) -> bool:
    return key.key_class is KeyClass.BROWSER
