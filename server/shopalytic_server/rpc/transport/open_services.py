"""The services that need no key, health and reflection: small requests, and few calls that stay."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import aclosing
from typing import Any

import grpc

from shopalytic_server.domain.access.rates import Buckets
from shopalytic_server.domain.errors import RateLimited, TooLarge
from shopalytic_server.rpc.transport.connections import Peer
from shopalytic_server.rpc.transport.interceptor import (
    REFUSING,
    Answer,
    Context,
    Handler,
    answering,
    has_endless_headers,
)
from shopalytic_server.rpc.transport.places import Places
from shopalytic_server.rpc.transport.receiving import Bounds, Receiver, Sender

# Names of services, files and symbols.
MAX_REQUEST_BYTES = 4 * 1024
_IDLE_SECONDS = 10.0


class OpenServer:
    """Stands for a server where health or reflection is registered; as AnsweringServer does for our own.

    Also these methods get no message of gRPC's: a stranger could make it 4 MB.
    """

    def __init__(
        self, server: grpc.aio.Server, what: str, receiver: Receiver, rate: float | None = None
    ) -> None:
        """`what`: the service's name in a sentence. `rate`: requests of streams a second, of all callers."""
        self._server = server
        self._receiver = receiver
        self._buckets = Buckets(rate) if rate else None
        bounds: Bounds = receiver.bounds
        self._places = Places(
            what, most=bounds.open_streams, most_each=bounds.open_streams_each, seconds=bounds.open_seconds
        )

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Registers a service's methods."""
        own = [_Open(handler, self._receiver, self._places, self._buckets) for handler in handlers]
        self._server.add_generic_rpc_handlers(own)

    def add_registered_method_handlers(self, _service: str, _handlers: Any) -> None:
        """The same methods again."""


class _Open(grpc.GenericRpcHandler):
    """Finds the wrapped methods of one service."""

    def __init__(self, service: Any, receiver: Receiver, places: Places, buckets: Buckets | None) -> None:
        self._buckets = buckets
        self._service = service
        self._receiver = receiver
        self._places = places
        self._wrapped: dict[str, Handler] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "Handler | None":
        """A method, wrapped once; None: not of this service."""
        if has_endless_headers(handler_call_details):
            return REFUSING
        name = handler_call_details.method
        wrapped = self._wrapped.get(name)
        if wrapped is None:
            handler = self._service.service(handler_call_details)
            if handler is None:
                return None
            wrapped = self._wrapped[name] = self._wrap(handler)
        return wrapped

    def _wrap(self, handler: Any) -> Handler:
        parse, serialize = handler.request_deserializer, handler.response_serializer
        if handler.request_streaming:
            streaming: Any = answering(self._streaming(parse, handler.stream_stream))
            return grpc.stream_stream_rpc_method_handler(streaming, None, serialize)
        if handler.response_streaming:
            writing: Any = answering(self._writing(parse, handler.unary_stream))
            return grpc.stream_stream_rpc_method_handler(writing, None, serialize)
        returning: Any = answering(self._returning(parse, handler.unary_unary))
        return grpc.stream_unary_rpc_method_handler(returning, None, serialize)

    async def _receive(self, parse: Any, context: Context, peer: Peer) -> Any:
        data = await self._receiver.receive(context, peer, Sender.STRANGER)
        self._receiver.done(peer, len(data))
        return parse(_limited(data))

    def _returning(self, parse: Any, method: Answer) -> Answer:
        async def returned(_: Any, context: Context) -> Any:
            with self._receiver.call(context) as peer:
                return await method(await self._receive(parse, context, peer), context)

        return returned

    def _writing(self, parse: Any, method: Answer) -> Answer:
        async def written(_: Any, context: Context) -> None:
            with self._receiver.call(context) as peer:
                async with self._places.take(context.peer()):
                    await method(await self._receive(parse, context, peer), context)

        return written

    def _streaming(self, parse: Any, method: Any) -> Answer:
        async def streamed(_: Any, context: Context) -> None:
            with self._receiver.call(context) as peer:
                async with (
                    self._places.take(context.peer()),
                    aclosing(method(self._requests(parse, context, peer), context)) as answers,
                ):
                    async for answer in answers:
                        await context.write(answer)

        return streamed

    async def _requests(self, parse: Any, context: Context, peer: Peer) -> Any:
        """The requests of a stream, until the caller has nothing to ask for a while."""
        while True:
            try:
                async with asyncio.timeout(_IDLE_SECONDS):
                    data = await self._receiver.receive_next(context, peer, Sender.STRANGER)
            except TimeoutError:
                return
            if data is None:
                return
            self._receiver.done(peer, len(data))
            if self._buckets and (wait := self._buckets.take("", 1, time.monotonic())):
                raise RateLimited("Too many ask this at the moment; ask again later.", retry_after=wait)
            yield parse(_limited(data))


def _limited(data: bytes) -> bytes:
    if len(data) > MAX_REQUEST_BYTES:
        raise TooLarge(f"The request has {len(data):,} bytes; at most {MAX_REQUEST_BYTES:,} are taken.")
    return data
