"""Who is at the other end of a request: network address and scheme, with and without proxies in front."""

from collections.abc import Iterable

from starlette.types import Scope

from shopalytic_server.domain.addresses import AddressLevel, kept

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


def client_address(scope: Scope, trusted_proxies: int, level: AddressLevel) -> str | None:
    """What may be kept of the client's address, or None if there is none to be had."""
    address = raw_address(scope, trusted_proxies)
    return kept(address, level) if address is not None else None


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
