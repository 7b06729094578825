"""Who asks, and for what host: address, scheme and name, with and without proxies in front."""

from starlette.types import Scope

from shopalytic_server.domain.privacy.addresses import AddressLevel, kept
from shopalytic_server.gateway.requests.forwarded import forwarded, values_of


def client_address(scope: Scope, trusted_proxies: int, level: AddressLevel) -> str | None:
    """What may be kept of the client's address, or None if there is none to be had."""
    address = raw_address(scope, trusted_proxies)
    return kept(address, level) if address is not None else None


def raw_address(scope: Scope, trusted_proxies: int) -> str | None:
    """Where a request came from, as the connection or the trusted proxy says. Never kept."""
    if trusted_proxies:
        told = forwarded(scope["headers"], b"x-forwarded-for", "for", trusted_proxies)
        if told is not None:
            return told
    client = scope.get("client")
    return str(client[0]) if client else None


def is_https(scope: Scope, trusted_proxies: int) -> bool:
    """Whether the browser spoke https, to us or to a proxy that we may believe."""
    if trusted_proxies:
        scheme = forwarded(scope["headers"], b"x-forwarded-proto", "proto", trusted_proxies)
        if scheme is not None:
            return scheme.lower() == "https"
    return bool(scope.get("scheme") == "https")


def host_of(scope: Scope, trusted_proxies: int) -> str:
    """The host that the browser asked for, without the port, in lower case; empty if nobody says.

    Many proxies replace Host by the name that they know us by.
    """
    if trusted_proxies:
        told = forwarded(scope["headers"], b"x-forwarded-host", "host", trusted_proxies)
        if told is not None:
            return without_port(told)
    return without_port(next(iter(values_of(scope["headers"], b"host")), ""))


def without_port(host: str) -> str:
    """A host as it stands in a header or an address, without the port and a dot at its end, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0][1:]
    return host.partition(":")[0].removesuffix(".")
