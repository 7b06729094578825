"""Which web pages may call what, in the terms of CORS (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

import re
from collections.abc import Collection

from starlette.types import Scope

from shopalytic_server.gateway.http.answers import Header
from shopalytic_server.gateway.requests.bodies import header
from shopalytic_server.gateway.requests.forwarded import values_of

_DAY = b"86400"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_MOST_NAMES = 100
_ASKED = b"access-control-request-headers"
_LONGEST_ASKED = 8_192
_VARY: Header = (b"vary", b"Origin")
_VARY_PREFLIGHT: Header = (b"vary", b"Origin, Access-Control-Request-Headers")
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


def preflight(scope: Scope, allowed: list[Header], methods: bytes, known: tuple[str, ...]) -> list[Header]:
    """The headers that answer a preflight; they permit nothing if the origin may not call.

    Whoever may call may send the headers that it asks for, besides those that we
    `know`: tracing adds some to every call of a page, and a refusal would lose
    its events for headers that nobody reads here.
    """
    others = [pair for pair in allowed if pair != _VARY]
    if not any(name == b"access-control-allow-origin" for name, _ in others):
        return [*others, _VARY_PREFLIGHT]
    # Nobody asks for so much; a stranger may.
    is_long = len(header(scope, _ASKED) or "") > _LONGEST_ASKED
    asked = [] if is_long else [name.lower() for name in values_of(scope["headers"], _ASKED)]
    if len(asked) > _MOST_NAMES or not all(map(_HEADER_NAME.fullmatch, asked)):
        asked = []
    names = dict.fromkeys([*known, *asked])
    return [
        *others,
        _VARY_PREFLIGHT,
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", ", ".join(names).encode("ascii")),
        (b"access-control-max-age", _DAY),
    ]


def _allow(origin: str) -> list[Header]:
    # Credentials rule out "*": the very origin must be named.
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        _VARY,
    ]
