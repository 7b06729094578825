"""How many events a second one network address may send over HTTP, and how much without a key."""

import ipaddress
import math
import time
from collections.abc import Iterable
from functools import lru_cache

from starlette.types import Scope

from shopalytic.v1.collector_pb2 import EVENT_STATUS_QUARANTINED, EVENT_STATUS_REJECTED, EventResult
from shopalytic_server.domain.access.rates import BYTES_OF_AN_EVENT, UNUSED, Buckets, price
from shopalytic_server.domain.privacy.addresses import parsed
from shopalytic_server.domain.projects import KeyClass, class_of
from shopalytic_server.domain.requests import sender
from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.requests.addresses import raw_address

# What a request without a valid key costs, beside what was read of its body: the question to the collector.
_REFUSED = 5

_UNUSABLE = (EVENT_STATUS_QUARANTINED, EVENT_STATUS_REJECTED)


class AddressLimit:
    """Counts requests and the events in them, by the sender's address."""

    def __init__(self, rate: int, trusted_proxies: int) -> None:
        """`rate`: events a second; 0: any number."""
        self._buckets = Buckets(rate) if rate else None
        self._trusted_proxies = trusted_proxies

    def charge(self, scope: Scope, cost: int = 1) -> None:
        """Refuses with 429 when there have been too many. From then on the request has its sender's name."""
        name = bucket_name(raw_address(scope, self._trusted_proxies))
        sender.set(name or "")
        if self._buckets is None:
            return
        wait = self._buckets.take(name, cost, time.monotonic()) if name else 0.0
        if wait:
            text = (
                f"More than {self._buckets.rate:,} events a second came from this address; "
                "nothing of this request was stored, send it again after the delay."
            )
            raise Refusal(429, "resource_exhausted", text, retry_after=math.ceil(wait))

    def charge_events(self, scope: Scope, key: str | None, count: int, size: int) -> None:
        """Counts the events of a request but the first, which `charge` counted, and refuses as that does.

        A public key's long events, of `size` bytes together as they were unpacked, count as several.
        """
        if count > 1:
            self.charge(scope, count - 1)
        if _is_public(key) and (further := price(count, size) - count):
            self._owe(scope, further)

    def owe_for_unused(self, scope: Scope, key: str | None, results: Iterable[EventResult]) -> None:
        """Charges what a public key sent and cannot be used, by the verdicts."""
        if self._buckets is not None and _is_public(key):
            self._owe(scope, UNUSED * sum(result.status in _UNUSABLE for result in results))

    def owe(self, scope: Scope, size: int) -> None:
        """Charges a request that came without a valid key, and `size` bytes of it that were looked at."""
        self._owe(scope, _REFUSED + size // BYTES_OF_AN_EVENT)

    def owe_for_nothing(self, scope: Scope, size: int) -> None:
        """Charges `size` bytes, as they were unpacked, that were looked at and could not be used."""
        self._owe(scope, size // BYTES_OF_AN_EVENT)

    def _owe(self, scope: Scope, cost: int) -> None:
        if self._buckets is None:
            return
        name = bucket_name(raw_address(scope, self._trusted_proxies))
        if name and cost:
            self._buckets.owe(name, cost, time.monotonic())


def _is_public(key: str | None) -> bool:
    return key is None or class_of(key) is not KeyClass.SERVER


@lru_cache(maxsize=4_096)
def bucket_name(address: str | None) -> str | None:
    """Whose bucket an address uses; None: nobody's.

    One household has a whole /64 of IPv6. This machine is not limited: behind a
    proxy on it that we were not told of, everybody has its address.
    """
    found = parsed(address or "")
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    if found is None or found.is_loopback:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((found, 64), strict=False).network_address)
    return str(found)
