"""Where requests of other tools' SDKs carry the key: user of Basic, Bearer, address, or the body."""

import base64
import binascii
import re
from urllib.parse import unquote_plus

from starlette.types import Scope

from shopalytic_server.domain.projects import is_secret
from shopalytic_server.gateway.requests.bodies import header

LOOKED_AT_BYTES = 65_536
"""How much of a body's beginning is looked at for a key."""
LOOKED_AT_END_BYTES = 4_096
"""How much of its end: PostHog's Python SDK writes the key last."""

_LONGEST = 400
_IN_ADDRESS = (b"token", b"api_secret", b"api_key", b"writeKey", b"tid")
_IN_BODY = re.compile(rb'"(?:writeKey|api_key|api_secret|token)"\s{0,10}:\s{0,10}"([^"\\]{1,200})"')


def key_of(scope: Scope) -> str | None:
    """The key in the headers, the path or the address; None: in none of them."""
    scheme, _, value = (header(scope, b"authorization") or "").partition(" ")
    value = value.strip()
    if scheme.lower() == "basic" and value:
        return _user_of(value)
    if scheme.lower() == "bearer" and value:
        return value
    in_path = scope.get("path_params", {}).get("key")
    if in_path:
        return str(in_path)
    return _in_address(scope["query_string"])


def _user_of(credentials: str) -> str | None:
    """The user of HTTP's Basic scheme (RFC 7617); these SDKs leave the password empty."""
    try:
        text = base64.b64decode(credentials[:_LONGEST], validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return None
    return text.partition(":")[0] or None


def _in_address(query: bytes) -> str | None:
    found = None
    for part in query.split(b"&", 200):
        name, _, value = part.partition(b"=")
        if name in _IN_ADDRESS:
            key = unquote_plus(value[:_LONGEST].decode("latin-1"))
            if is_secret(key):
                return key
            # A number of Google's (tid=G-...) is no key; an unreadable key is refused as one.
            if name != b"tid":
                found = found or key or None
    return found


def seen_in(beginning: bytes) -> str | None:
    """The first key in a body's beginning that looks like one of ours."""
    for match in _IN_BODY.finditer(beginning[:LOOKED_AT_BYTES]):
        key = match[1].decode("latin-1")
        if is_secret(key):
            return key
    return None


def seen_at_the_end(body: bytes) -> str | None:
    """The same in its last bytes."""
    return seen_in(body[-LOOKED_AT_END_BYTES:])
