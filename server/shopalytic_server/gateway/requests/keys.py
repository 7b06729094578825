"""Where a request carries its key: in its headers, in its address, or from older tags in its body."""

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from starlette.types import Scope

from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.requests.bodies import header
from shopalytic_server.gateway.requests.json_scan import MAX_PARTS, Malformed, Scanner
from shopalytic_server.gateway.requests.payload import refused
from shopalytic_server.gateway.work import SMALL_BYTES, Work

KEYLESS_SENT_BYTES = 65_536
"""The largest body in which a key is looked for, as it was sent; tags send less."""
KEYLESS_PLAIN_BYTES = 262_144
"""The same, decompressed."""

# Its value is cut where no key goes on: an address may be a stranger's, and each of its escapes takes as
# long as a hundred letters.
_parameter = re.compile(rb"(?:^|&)token=([^&]{0,600})").search
_QUOTE = ord('"')
_LONGEST = 200
# Tags and the pages of our guides write the key first.
_first = re.compile(
    rb'(?:\xef\xbb\xbf)?[ \t\n\r]*{[ \t\n\r]*"token"[ \t\n\r]*:[ \t\n\r]*"([^"\\]{1,%d})"' % (_LONGEST - 2)
).match


def key_of(scope: Scope) -> str | None:
    """The key in `Authorization: Bearer KEY`, or in the address as `?token=KEY`; None: in neither."""
    scheme, _, value = (header(scope, b"authorization") or "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    found = _parameter(scope["query_string"])
    return unquote_plus(found[1].decode("latin-1")) or None if found else None


async def key_in(body: bytes, work: Work) -> str | None:
    """The `token` of a body of /collect: found by a look at its brackets, without reading it."""
    if (first := _first(body)) is not None:
        return first[1].decode("latin-1")
    if len(body) <= SMALL_BYTES:
        scanning = _scanner(body)
        found = next(filter(None, (_token(scanning, body) for _ in _steps(scanning))), None)
        return found or _token(scanning, body)
    async with work.turn():
        scanning = _scanner(body)
        for _ in _steps(scanning):
            if (found := _token(scanning, body)) is not None:
                return found
            await work.rest()
    return _token(scanning, body)


def _scanner(body: bytes) -> Scanner:
    return Scanner(body, "events", lambda _name: None, MAX_PARTS)


def _steps(scanning: Scanner) -> Iterator[None]:
    try:
        yield from scanning.steps()
    except Malformed as error:
        raise refused(error) from None


def _token(scanning: Scanner, body: bytes) -> str | None:
    part = scanning.parts.members.get("token")
    if part is None or part.end - part.start > _LONGEST or body[part.start] != _QUOTE:
        return None
    return body[part.start + 1 : part.end - 1].decode("latin-1")


def no_key() -> Refusal:
    """The refusal of a request without a key."""
    text = "Give the project's browser key in the address as ?token=KEY, or as Authorization: Bearer KEY."
    return Refusal(401, "unauthenticated", text)


def too_large_without_key() -> Refusal:
    """The refusal of a body that is too large to look for a key in it."""
    text = (
        f"A body above {KEYLESS_SENT_BYTES:,} bytes needs its key in the address as ?token=KEY, "
        "or as Authorization: Bearer KEY."
    )
    return Refusal(401, "unauthenticated", text)
