"""Reads request bodies: whole, in time, decompressed, and never more than allowed in memory."""

import zlib
from collections.abc import Iterator

from starlette.types import Receive, Scope

from shopalytic_server.gateway.errors import ClientGone, Refusal
from shopalytic_server.gateway.requests.pace import ARRIVED, LEAST_BYTES_PER_SECOND, Pace, TooSlow
from shopalytic_server.gateway.work import SMALL_BYTES, Work

# Blanks, and a mark of the order of bytes.
_BEFORE_JSON = b" \t\r\n\xef\xbb\xbf"
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_GZIP_MEMBERS = 16
_PIECE = 16_384


_FIRST_VALUES = "shopalytic.headers"


def header(scope: Scope, name: bytes) -> str | None:
    """The first value of a header, or None."""
    values = scope.get(_FIRST_VALUES)
    if values is None:
        # A request is asked for a dozen of them.
        values = scope[_FIRST_VALUES] = dict(reversed(scope["headers"]))
    value = values.get(name)
    return None if value is None else str(value.decode("latin-1"))


async def read_body(scope: Scope, receive: Receive, *, limit: int, seconds: float) -> bytes:
    """The body as it was sent. Refused with 413 as soon as it is known to be too large, with 408 when it is
    too slow: when nothing comes for so many seconds, or too little in all."""
    refuse_giant(scope, limit)
    announced = header(scope, b"content-length")
    chunks: list[bytes] = []
    size = 0
    pace = Pace(seconds, scope.get(ARRIVED))
    more = True
    while more:
        try:
            message = await pace.next(receive)
        except TooSlow:
            raise _too_slow(seconds) from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        chunks.append(chunk)
        more = message.get("more_body", False)
    if announced is not None and size != int(announced):
        text = f"The body has {size:,} bytes, but Content-Length says {int(announced):,}."
        raise Refusal(400, "invalid_argument", text)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def refuse_giant(scope: Scope, limit: int) -> None:
    """Refuses a body that says itself that it is too large, before any of it is read."""
    announced = header(scope, b"content-length")
    if announced is not None and int(announced) > limit:
        raise too_large(limit)


def _too_slow(seconds: float) -> Refusal:
    text = (
        f"The body was cut off: nothing came for {seconds:g} seconds, or less than "
        f"{LEAST_BYTES_PER_SECOND:,} bytes a second. Send this again in smaller parts."
    )
    return Refusal(408, "request_timeout", text, close=True)


def too_large(limit: int) -> Refusal:
    """The refusal of a body above the limit."""
    return Refusal(413, "too_large", f"The body is larger than {limit:,} bytes; send fewer events at once.")


def is_zipped(body: bytes, encoding: str | None) -> bool:
    """Whether a body is gzip. A tag that avoids preflights sends gzip without naming it."""
    name = (encoding or "identity").strip().lower()
    if name not in ("identity", "gzip", "x-gzip"):
        text = f"Content-Encoding is {name[:40]!r}: use gzip, or none."
        raise Refusal(415, "unsupported_encoding", text)
    return bool(body) and (body.startswith(_GZIP_MAGIC) or (name != "identity" and not is_json(body)))


def is_json(body: bytes) -> bool:
    """Whether a body begins as JSON does, and gzip never: some proxies unpack it and keep the header."""
    return body[:64].lstrip(_BEFORE_JSON)[:1] in (b"{", b"[")


async def unzipped(body: bytes, *, limit: int, work: Work) -> bytes:
    """Decompresses gzip up to the limit: what is small at once, the rest in steps."""
    parts: list[bytes] = []
    pieces = inflate(body, limit)
    size = 0
    for part in pieces:
        parts.append(part)
        size += len(part)
        if size > SMALL_BYTES:
            async with work.turn():
                for further in pieces:
                    parts.append(further)
                    await work.rest()
    return parts[0] if len(parts) == 1 else b"".join(parts)


def inflate(body: bytes, limit: int) -> Iterator[bytes]:
    """Decompresses gzip, of one or more members, in small pieces, up to the limit."""
    view = memoryview(body)
    at, room, members = 0, limit, 0
    try:
        while at < len(body):
            # Each has a window of its own to be made, so thousands of empty ones would cost seconds.
            if members == _MAX_GZIP_MEMBERS:
                raise Refusal(400, "invalid_argument", "The gzip body has too many members; send one.")
            members += 1
            member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            rest = view[:0]
            while not member.eof:
                if not rest:
                    rest = view[at : at + _PIECE]
                    at += len(rest)
                part = member.decompress(rest, _PIECE)
                if not (part or rest or member.eof):
                    raise Refusal(400, "invalid_argument", "The gzip body is cut off; send it whole.")
                rest = memoryview(member.unconsumed_tail)
                room -= len(part)
                if room < 0:
                    raise too_large(limit)
                yield part
            at -= len(member.unused_data)
    except zlib.error:
        raise Refusal(400, "invalid_argument", "The body is not readable as gzip.") from None
