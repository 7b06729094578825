"""Stands around every method of the product's services: reads requests, and turns errors into statuses."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Any, NoReturn, TypeAlias

import grpc
from grpc_status import rpc_status

from shopalytic_server.domain.errors import TooLarge
from shopalytic_server.domain.requests import HEADER, id_or_new, request_id
from shopalytic_server.rpc.errors import to_status

MAX_REQUEST_BYTES = 4 * 1024 * 1024
OWN_SERVICES = "/shopalytic."

# gRPC's own types do not tell its two kinds of server apart, so a handler's methods are Any.
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context = grpc.aio.ServicerContext[Any, Any]
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"
Deserialize = Callable[[bytes], Any]
Answer = Callable[[Any, Context], Awaitable[Any]]


class AnsweringServer:
    """Stands for a server where the product's services are registered, and wraps their methods.

    It lets methods raise the domain's errors, and limits every request's size.
    Methods are coroutines, or async generators when they stream their answers;
    an answer that is bytes is taken as serialized. Requests are parsed here
    rather than by gRPC, which would answer an unreadable one with UNKNOWN. An
    interceptor of gRPC's could do the same, but costs each call a coroutine and
    a tenth of its time.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Registers a service's methods."""
        self._server.add_generic_rpc_handlers([_Answering(handler) for handler in handlers])

    def add_registered_method_handlers(self, _service: str, _handlers: Any) -> None:
        """The same methods again, which gRPC's asyncio server does not look at."""


class _Answering(grpc.GenericRpcHandler):
    """Finds the wrapped methods of one service."""

    def __init__(self, service: Any) -> None:
        self._service = service
        self._wrapped: dict[str, Handler] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "Handler | None":
        """A method, wrapped once; None: not of this service."""
        name = handler_call_details.method
        wrapped = self._wrapped.get(name)
        if wrapped is None:
            handler = self._service.service(handler_call_details)
            if handler is None:
                return None
            wrapped = self._wrapped[name] = _wrap(handler)
        return wrapped


def _wrap(handler: Any) -> Handler:
    parse = _limited(handler.request_deserializer)
    serialize = _unless_serialized(handler.response_serializer)
    if handler.request_streaming:
        streaming: Any = _answering(_writing(handler.stream_stream))
        return grpc.stream_stream_rpc_method_handler(streaming, parse, serialize)
    if handler.response_streaming:
        writing: Any = _answering(_parsing(_writing(handler.unary_stream), parse))
        return grpc.unary_stream_rpc_method_handler(writing, None, serialize)
    returning: Any = _answering(_parsing(handler.unary_unary, parse))
    return grpc.unary_unary_rpc_method_handler(returning, None, serialize)


def _limited(deserialize: Deserialize) -> Deserialize:
    def parse(data: bytes) -> Any:
        if len(data) > MAX_REQUEST_BYTES:
            raise TooLarge(
                f"The request has {len(data):,} bytes; at most {MAX_REQUEST_BYTES:,} are taken. "
                "Send fewer events at a time."
            )
        return deserialize(data)

    return parse


def _unless_serialized(serialize: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """Lets methods make the bytes of their answers themselves."""
    return lambda answer: answer if type(answer) is bytes else serialize(answer)


def _parsing(method: Answer, parse: Deserialize) -> Answer:
    async def parsed(data: bytes, context: Context) -> Any:
        return await method(parse(data), context)

    return parsed


def _writing(method: Callable[[Any, Context], AsyncIterator[Any]]) -> Answer:
    async def written(request: Any, context: Context) -> None:
        # Closed here and now, also when a write is cancelled, so that nothing
        # the method started outlives the call.
        async with aclosing(method(request, context)) as answers:  # type: ignore[type-var]
            async for answer in answers:
                await context.write(answer)

    return written


def _answering(method: Answer) -> Answer:
    async def answered(request: Any, context: Context) -> Any:
        try:
            return await method(request, context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - the table has a row for everything
            await _abort(context, error)

    return answered


async def _abort(context: Context, error: Exception) -> NoReturn:
    # Read only now: most calls have nothing to log.
    for name, value in context.invocation_metadata() or ():
        if name == HEADER:
            request_id.set(id_or_new(str(value)))
    await context.abort_with_status(rpc_status.to_status(to_status(error)))
