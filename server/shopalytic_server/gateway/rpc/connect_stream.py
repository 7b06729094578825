"""Server streams in the Connect protocol's envelopes."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from shopalytic_server.gateway.errors import Refusal, collector_error
from shopalytic_server.gateway.http.answers import Header
from shopalytic_server.gateway.rpc.connect_errors import error_object

_COMPRESSED = 1
_END = 2
_PREFIX = struct.Struct(">BI")
_STOPPING = {"code": "unavailable", "message": "The gateway is stopping; connect again."}


def envelope(data: bytes, flags: int = 0) -> bytes:
    """One message of a stream."""
    return _PREFIX.pack(flags, len(data)) + data


def end_envelope(error: dict[str, Any] | None) -> bytes:
    """The last message of a stream."""
    return envelope(json.dumps({} if error is None else {"error": error}).encode(), _END)


def read_envelope(body: bytes, encoding: str | None) -> tuple[bytes, bool]:
    """The one message of a server stream's request, and whether it is gzip."""
    if len(body) < _PREFIX.size:
        raise _unusable(
            "The body must be one enveloped message: a byte of flags, four of length, the message."
        )
    flags, length = _PREFIX.unpack_from(body)
    message = body[_PREFIX.size :]
    if length != len(message):
        raise _unusable(f"The envelope says {length:,} bytes, but {len(message):,} follow; send one message.")
    if flags & _COMPRESSED and (encoding or "").strip().lower() != "gzip":
        raise _unusable("The message is compressed, but connect-content-encoding is not gzip.")
    return message, bool(flags & _COMPRESSED)


def _unusable(text: str) -> Refusal:
    return Refusal(400, "invalid_argument", text)


async def stream_answer(
    scope: Scope,
    receive: Receive,
    send: Send,
    call: grpc.aio.UnaryStreamCall[Any, Any],
    codec: str,
    write: Callable[[bytes], Awaitable[bytes]],
    headers: list[Header],
    stopping: asyncio.Event,
) -> None:
    """Passes a stream on until it ends, the client leaves, or the gateway stops.

    `codec` is the name of the form that `write` gives its messages.
    """
    media_type = f"application/connect+{codec}"
    response = StreamingResponse(_envelopes(call, write, stopping), media_type=media_type)
    # Proxies that collect an answer before they pass it on would hold a live stream back.
    response.raw_headers += [*headers, (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
    await response(scope, receive, send)


async def _envelopes(
    call: grpc.aio.UnaryStreamCall[Any, Any],
    write: Callable[[bytes], Awaitable[bytes]],
    stopping: asyncio.Event,
) -> AsyncIterator[bytes]:
    error: dict[str, Any] | None = None
    stop = asyncio.ensure_future(stopping.wait())
    stop.add_done_callback(lambda _: call.cancel())
    try:
        async for message in call:
            yield envelope(await write(message))
    except grpc.aio.AioRpcError as failure:
        error = error_object(collector_error(failure))
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise  # the client has left
        error = _STOPPING
    finally:
        stop.cancel()
        call.cancel()
    yield end_envelope(error)
