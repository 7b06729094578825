"""Which web pages may call what, in the terms of CORS (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from collections.abc import Collection

from starlette.types import Scope

from shopalytic_server.gateway.answers import Header
from shopalytic_server.gateway.bodies import header

_DAY = b"86400"
_VARY: Header = (b"vary", b"Origin")
# Without this a page cannot see how long to wait.
_RETRY_AFTER: Header = (b"access-control-expose-headers", b"retry-after")


def collect_headers(scope: Scope) -> list[Header]:
    """Any page may send events with a browser key, cookie included, and read the verdicts on them."""
    origin = header(scope, b"origin")
    return [*_allow(origin), _RETRY_AFTER] if origin is not None else [_VARY]


def rpc_headers(scope: Scope, origins: Collection[str]) -> list[Header]:
    """Only the pages of configured origins may call RPCs: their answers hold customers' data."""
    origin = header(scope, b"origin")
    if origin is None or origin not in origins:
        return [_VARY]
    return [*_allow(origin), _RETRY_AFTER]


def preflight(allowed: list[Header], methods: bytes, request_headers: bytes) -> list[Header]:
    """The headers that answer a preflight; they permit nothing if the origin may not call."""
    if allowed == [_VARY]:
        return allowed
    return [
        *allowed,
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", request_headers),
        (b"access-control-max-age", _DAY),
    ]


def _allow(origin: str) -> list[Header]:
    # Credentials rule out "*": the very origin must be named.
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        _VARY,
    ]
