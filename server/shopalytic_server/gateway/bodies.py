"""Reads request bodies: whole, in time, decompressed, and never more than allowed in memory."""

import zlib

from starlette.types import Receive, Scope

from shopalytic_server.gateway.errors import ClientGone, Refusal
from shopalytic_server.gateway.pace import LEAST_BYTES_PER_SECOND, Pace, TooSlow

_GZIP_MAGIC = b"\x1f\x8b"
_MAX_GZIP_MEMBERS = 16


def header(scope: Scope, name: bytes) -> str | None:
    """The first value of a header, or None."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


async def read_body(scope: Scope, receive: Receive, *, limit: int, seconds: float) -> bytes:
    """The body as it was sent. Refused with 413 as soon as it is known to be too large, with 408 when it is
    too slow: when nothing comes for so many seconds, or too little in all."""
    announced = header(scope, b"content-length")
    if announced is not None and int(announced) > limit:
        raise too_large(limit)
    chunks: list[bytes] = []
    size = 0
    pace = Pace(seconds)
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


def _too_slow(seconds: float) -> Refusal:
    text = (
        f"The body was cut off: nothing came for {seconds:g} seconds, or less than "
        f"{LEAST_BYTES_PER_SECOND:,} bytes a second. Send this again in smaller parts."
    )
    return Refusal(408, "request_timeout", text, close=True)


def too_large(limit: int) -> Refusal:
    """The refusal of a body above the limit."""
    return Refusal(413, "too_large", f"The body is larger than {limit:,} bytes; send fewer events at once.")


def decompress(body: bytes, encoding: str | None, *, limit: int) -> bytes:
    """The body without its Content-Encoding. A tag that avoids preflights sends gzip without naming it."""
    name = (encoding or "identity").strip().lower()
    if name not in ("identity", "gzip", "x-gzip"):
        text = f"Content-Encoding is {name[:40]!r}: use gzip, or none."
        raise Refusal(415, "unsupported_encoding", text)
    if name == "identity" and not body.startswith(_GZIP_MAGIC):
        return body
    return gunzip(body, limit=limit) if body else body


def gunzip(body: bytes, *, limit: int) -> bytes:
    """Decompresses gzip, of one or more members, up to the limit."""
    parts: list[bytes] = []
    room = limit
    rest = body
    try:
        while rest:
            # Each member copies what follows it, so thousands of empty ones would cost seconds.
            if len(parts) == _MAX_GZIP_MEMBERS:
                raise Refusal(400, "invalid_argument", "The gzip body has too many members; send one.")
            member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            part = member.decompress(rest, room + 1)
            if len(part) > room:
                raise too_large(limit)
            if not member.eof:
                raise Refusal(400, "invalid_argument", "The gzip body is cut off; send it whole.")
            parts.append(part)
            room -= len(part)
            rest = member.unused_data
    except zlib.error:
        raise Refusal(400, "invalid_argument", "The body is not readable as gzip.") from None
    return b"".join(parts)
