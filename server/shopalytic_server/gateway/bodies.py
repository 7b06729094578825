"""Reads request bodies: whole, in time, decompressed, and never more than allowed in memory."""

import asyncio
import zlib

from starlette.types import Receive, Scope

from shopalytic_server.gateway.errors import ClientGone, Refusal

_GZIP_MAGIC = b"\x1f\x8b"
_DRAIN_FACTOR = 4
_MAX_GZIP_MEMBERS = 16


def header(scope: Scope, name: bytes) -> str | None:
    """The first value of a header, or None."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


async def read_body(scope: Scope, receive: Receive, *, limit: int, seconds: float) -> bytes:
    """The body as it was sent. Refused with 413 when it is too large, with 408 when it is too slow."""
    announced = header(scope, b"content-length")
    if announced is not None and int(announced) > _DRAIN_FACTOR * limit:
        raise too_large(limit, close=True)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                chunk = message.get("body", b"")
                size += len(chunk)
                if size <= limit:
                    chunks.append(chunk)
                elif size > _DRAIN_FACTOR * limit:
                    raise too_large(limit, close=True)
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        text = f"The body did not arrive within {seconds:g} seconds."
        raise Refusal(408, "request_timeout", text, close=True) from None
    if size > limit:
        # Read to its end and thrown away: an answer sent while the client still writes is often lost to it.
        raise too_large(limit)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def too_large(limit: int, *, close: bool = False) -> Refusal:
    """The refusal of a body above the limit."""
    text = f"The body is larger than {limit:,} bytes; send fewer events at once."
    return Refusal(413, "too_large", text, close=close)


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
