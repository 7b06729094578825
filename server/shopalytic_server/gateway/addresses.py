"""Who is at the other end of a request: network address and scheme, with and without proxies in front."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from starlette.types import Scope

Headers = Iterable[tuple[bytes, bytes]]


def values_of(headers: Headers, name: bytes) -> list[str]:
    """The comma-separated values of a header that may be given several times."""
    joined = ",".join(value.decode("latin-1") for key, value in headers if key == name)
    return [part.strip() for part in joined.split(",") if part.strip()]


def _from_trusted(values: list[str], trusted_proxies: int) -> str | None:
    """The value that the outermost trusted proxy added: each appends at the right, so count from there."""
    if not values:
        return None
    return values[max(len(values) - trusted_proxies, 0)]


def client_address(scope: Scope, trusted_proxies: int) -> str | None:
    """The client's truncated address, or None if there is none to be had."""
    address = raw_address(scope, trusted_proxies)
    return truncate(address) if address is not None else None


def raw_address(scope: Scope, trusted_proxies: int) -> str | None:
    """Where a request came from, as the connection or the trusted proxy says. Never kept."""
    if trusted_proxies:
        forwarded = _from_trusted(values_of(scope["headers"], b"x-forwarded-for"), trusted_proxies)
        if forwarded is not None:
            return forwarded
    client = scope.get("client")
    return str(client[0]) if client else None


def is_https(scope: Scope, trusted_proxies: int) -> bool:
    """Whether the browser spoke https, to us or to a proxy that we may believe."""
    if trusted_proxies:
        values = values_of(scope["headers"], b"x-forwarded-proto")
        # Many proxies replace this header where they append to X-Forwarded-For.
        scheme = values[0] if len(values) == 1 else _from_trusted(values, trusted_proxies)
        if scheme is not None:
            return scheme.lower() == "https"
    return bool(scope.get("scheme") == "https")


@lru_cache(maxsize=4_096)
def truncate(text: str) -> str | None:
    """An address without the bits that tell one person from the next: IPv4 to /24, IPv6 to /48."""
    address = parsed(text)
    if address is None:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.IPv6Network((address, 48), strict=False).network_address)
        address = address.ipv4_mapped
    return str(ipaddress.IPv4Network((address, 24), strict=False).network_address)


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
