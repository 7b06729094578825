"""Network addresses of visitors: how they are read, and how much of one is kept."""

import ipaddress
import json
import re
from enum import StrEnum
from functools import lru_cache

from shopalytic.v1.events_pb2 import Context, Event

_ADDRESS_IN_JSON = re.compile(r'("address"\s*:\s*)("(?:[^"\\]|\\.)*")')


class AddressLevel(StrEnum):
    """How much of a visitor's network address is kept."""

    NONE = "none"
    TRUNCATED = "truncated"
    FULL = "full"


def stricter(one: AddressLevel, other: AddressLevel) -> AddressLevel:
    """The level that keeps less."""
    order = list(AddressLevel)
    return min(one, other, key=order.index)


@lru_cache(maxsize=4_096)
def kept(text: str, level: AddressLevel) -> str | None:
    """What may be kept of an address; None if that is nothing, or it is no address.

    Truncated, it has none of the bits that tell one person from the next: IPv4
    to /24, IPv6 to /48.
    """
    address = None if level is AddressLevel.NONE else parsed(text)
    if address is None:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if level is AddressLevel.FULL:
        return str(address)
    prefix = 24 if isinstance(address, ipaddress.IPv4Address) else 48
    return str(ipaddress.ip_network((address, prefix), strict=False).network_address)


def parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address in a text, without port, brackets, quotes and zone; None if there is none."""
    host = text.strip().strip('"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def limit_address(context: Context, level: AddressLevel) -> str | None:
    """Leaves in a context what may be kept of its address, and returns that."""
    address = context.address
    left = kept(address, level)
    if left is None:
        context.ClearField("address")
    elif left != address:
        context.address = left
    return left


def limit_addresses(event: Event, level: AddressLevel) -> None:
    """The same for any event, also one that is the text of what could not be read."""
    if event.context.HasField("address"):
        limit_address(event.context, level)
    if event.HasField("undecoded") and level is not AddressLevel.FULL and "address" in event.undecoded.json:
        event.undecoded.json = _ADDRESS_IN_JSON.sub(
            lambda found: found[1] + _limited_text(found[2], level), event.undecoded.json
        )


def _limited_text(quoted: str, level: AddressLevel) -> str:
    """A text of JSON; if it is an address, what may be kept of it."""
    try:
        text = json.loads(quoted)
    except ValueError:
        return quoted
    return quoted if parsed(text) is None else json.dumps(kept(text, level))
