"""Stands around every method of the product's services: lets callers in, reads requests, answers errors."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc
from grpc_status import rpc_status

from shopalytic_server.domain.errors import TooLarge
from shopalytic_server.domain.formats.wire import checking_values
from shopalytic_server.domain.requests import HEADER, id_or_new, request_id
from shopalytic_server.rpc.access.auth import Authenticator, Caller
from shopalytic_server.rpc.transport.connections import Peer
from shopalytic_server.rpc.transport.errors import to_status, with_pushback
from shopalytic_server.rpc.transport.places import Places
from shopalytic_server.rpc.transport.receiving import SMALL_BYTES, Bounds, Receiver, Sender, sender_of, weight

MAX_REQUEST_BYTES = 4 * 1024 * 1024
MAX_QUESTION_BYTES = 1024 * 1024
"""The largest request that carries no events: more than the longest lists of the contract have."""
OWN_SERVICES = "/shopalytic."
# A request of so many bytes has no more than half as many values, which do no harm.
_SURELY_FEW_VALUES = 1_000

# What metadata of as many bytes as are taken can have at most. Of headers that never end more may have come:
# gRPC makes a call of them when their connection ends, with all that it kept.
_MOST_PAIRS = 512

# gRPC's own types do not tell its two kinds of server apart, so a handler's methods are Any.
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context = grpc.aio.ServicerContext[Any, Any]
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"
Read = Callable[[bytes], Awaitable[Any]]
Answer = Callable[[Any, Context], Awaitable[Any]]
Tell = Callable[[Caller, str, Any], Awaitable[None]]


class AnsweringServer:
    """Stands for a server where the product's services are registered, and wraps their methods.

    gRPC hands a method that takes one request its call only with the whole
    request, which a stranger may make as long as he likes. So all are
    registered as methods that take a stream: the key is looked at first, then
    the one message is read, within the bounds of `receiver`.

    It lets methods raise the domain's errors, and limits every request's size.
    Methods are coroutines, or async generators when they stream their answers;
    an answer that is bytes is taken as serialized. Requests are parsed here
    rather than by gRPC, which would answer an unreadable one with UNKNOWN. An
    interceptor of gRPC's could do the same, but costs each call a coroutine and
    a tenth of its time.
    """

    def __init__(
        self,
        server: grpc.aio.Server,
        authenticator: Authenticator,
        receiver: Receiver,
        readers: Mapping[str, Read],
        tell: Tell,
    ) -> None:
        """`readers`: what reads the requests of some methods, by their paths; those of others are parsed.

        `tell`: what is told of a call with a parsed request, by whom, before it is answered.
        """
        self._server = server
        self._tell = tell
        self._authenticator = authenticator
        self._receiver = receiver
        self._readers = readers
        self._places = _PlacesOfCalls(receiver.bounds)

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Registers a service's methods."""
        own = [
            _Answering(handler, self._authenticator, self._receiver, self._readers, self._places, self._tell)
            for handler in handlers
        ]
        self._server.add_generic_rpc_handlers(own)

    def add_registered_method_handlers(self, _service: str, _handlers: Any) -> None:
        """The same methods again, for which gRPC would not ask `add_generic_rpc_handlers`."""


class _Answering(grpc.GenericRpcHandler):
    """Finds the wrapped methods of one service."""

    def __init__(
        self,
        service: Any,
        authenticator: Authenticator,
        receiver: Receiver,
        readers: Mapping[str, Read],
        places: "_PlacesOfCalls",
        tell: Tell,
    ) -> None:
        self._service = service
        self._tell = tell
        self._readers = readers
        self._places = places
        self._authenticator = authenticator
        self._receiver = receiver
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
            wrapped = self._wrapped[name] = self._wrap(name, handler)
        return wrapped

    def _wrap(self, name: str, handler: Any) -> Handler:
        read = self._readers.get(name)
        if read is not None:
            read = _limited(read, MAX_REQUEST_BYTES, "Send fewer events at a time.")
        else:
            read = _limited(
                _parser(handler.request_deserializer), MAX_QUESTION_BYTES, "Ask for less at a time."
            )
        serialize = _unless_serialized(handler.response_serializer)
        if handler.request_streaming:
            streaming: Any = answering(self._streaming(name, read, handler.stream_stream))
            return grpc.stream_stream_rpc_method_handler(streaming, None, serialize)
        if handler.response_streaming:
            writing: Any = answering(self._receiving(name, read, self._staying(name, handler.unary_stream)))
            return grpc.stream_stream_rpc_method_handler(writing, None, serialize)
        returning: Any = answering(self._receiving(name, read, handler.unary_unary))
        return grpc.stream_unary_rpc_method_handler(returning, None, serialize)

    def _receiving(self, name: str, read: Read, method: Answer) -> Answer:
        authenticator, receiver, tell = self._authenticator, self._receiver, self._tell
        parsed = name not in self._readers

        async def received(_: Any, context: Context) -> Any:
            with receiver.call(context) as peer:
                caller = await authenticator.enter(name, context.invocation_metadata() or (), once=True)
                sender = sender_of(caller.key.key_class)
                peer.trusted |= sender is Sender.KNOWN
                data = await receiver.receive(context, peer, sender)
                size = weight(len(data), sender)
                small = size <= SMALL_BYTES
                receiver.small_calls += small
                try:
                    request = await _paid(authenticator, caller, context, read)(data)
                    del data  # Not kept beside what was made of it.
                    if parsed:
                        await tell(caller, name, request)
                    return await method(request, context)
                finally:
                    receiver.small_calls -= small
                    receiver.done(peer, size)

        return received

    def _staying(self, name: str, method: Callable[[Any, Context], AsyncIterator[Any]]) -> Answer:
        authenticator, places = self._authenticator, self._places.answers[name.rpartition("/")[2]]

        async def stayed(request: Any, context: Context) -> None:
            caller = await authenticator.identify(context)
            # Closed here and now, also when a write is cancelled, so that nothing
            # the method started outlives the call.
            async with places.take(str(caller.key.key_id)), aclosing(method(request, context)) as answers:  # type: ignore[type-var]
                async for answer in answers:
                    await authenticator.still(caller, context)
                    await context.write(answer)

        return stayed

    def _streaming(
        self, name: str, read: Read, method: Callable[[Any, Context], AsyncIterator[Any]]
    ) -> Answer:
        authenticator, receiver, streams = self._authenticator, self._receiver, self._places.requests

        async def streamed(_: Any, context: Context) -> None:
            with receiver.call(context) as peer:
                caller = await authenticator.enter(name, context.invocation_metadata() or (), once=False)
                sender = sender_of(caller.key.key_class)
                peer.trusted |= sender is Sender.KNOWN
                async with streams[sender].take(context.peer()):
                    paid = _paid(authenticator, caller, context, read)
                    requests = _Requests(receiver, context, peer, sender, paid)
                    try:
                        async with aclosing(method(requests, context)) as answers:  # type: ignore[type-var]
                            async for answer in answers:
                                await context.write(answer)
                                requests.answered()
                    finally:
                        requests.end()

        return streamed


class _Requests:
    """The requests of a stream. Each has one answer, in the same order, which ends its work."""

    def __init__(self, receiver: Receiver, context: Context, peer: Peer, sender: Sender, read: Read) -> None:
        self._sender = sender
        self._receiver = receiver
        self._context = context
        self._read = read
        self._peer = peer
        self._sizes: deque[int] = deque()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        data = await self._receiver.receive_next(self._context, self._peer, self._sender)
        if data is None:
            raise StopAsyncIteration
        self._sizes.append(weight(len(data), self._sender))
        return await self._read(data)

    def answered(self) -> None:
        """The first of those that wait has its answer."""
        self._receiver.done(self._peer, self._sizes.popleft())

    def end(self) -> None:
        """Nobody waits for an answer any more."""
        while self._sizes:
            self.answered()


class _PlacesOfCalls:
    """How many calls may stay, of each kind that streams."""

    def __init__(self, bounds: Bounds) -> None:
        # By sender: a message of each of these may be half here. A connection
        # has no more than a quarter of them.
        self.requests = {
            sender: Places("TrackStream", most=most, most_each=max(1, most // 4))
            for sender, most in bounds.track_streams.items()
        }
        # By method; a key has its share of these.
        self.answers = {
            "TailEvents": Places(
                "TailEvents",
                most=bounds.watchers,
                most_each=bounds.watchers_each,
                seconds=bounds.watcher_seconds,
            ),
            "ExportCustomer": Places(
                "ExportCustomer",
                most=bounds.exports,
                most_each=bounds.exports,
                seconds=bounds.export_seconds,
            ),
        }


def _limited(read: Read, most: int, advice: str) -> Read:
    async def limited(data: bytes) -> Any:
        if len(data) > most:
            raise TooLarge(f"The request has {len(data):,} bytes; at most {most:,} are taken. {advice}")
        return await read(data)

    return limited


def _paid(authenticator: Authenticator, caller: Caller, context: Context, read: Read) -> Read:
    """Reads requests of callers who can pay for them, and charges what cannot be read."""
    limits = authenticator.limits

    async def paid(data: bytes) -> Any:
        limits.refuse_early(caller.key, context, len(data))
        try:
            return await read(data)
        except Exception:
            limits.owe_for_nothing(caller.key, context, len(data))
            raise

    return paid


def _parser(deserialize: Any) -> Read:
    """Parses requests by their messages' FromString, once it is known that no list in them is too long."""
    message = deserialize.__self__.DESCRIPTOR

    async def parse(data: bytes) -> Any:
        if len(data) > _SURELY_FEW_VALUES:
            for _ in checking_values(data, message):
                await asyncio.sleep(0)
        return deserialize(data)

    return parse


def _unless_serialized(serialize: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """Lets methods make the bytes of their answers themselves."""
    return lambda answer: answer if type(answer) is bytes else serialize(answer)


def has_endless_headers(details: grpc.HandlerCallDetails) -> bool:
    """Whether a call has more metadata than is taken; to look at it again, as methods do, would cost much."""
    return len(details.invocation_metadata or ()) > _MOST_PAIRS


async def _refuse(_: Any, context: Context) -> None:
    await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "The metadata is too large.")


_refusing: Any = _refuse
REFUSING: "Handler" = grpc.stream_unary_rpc_method_handler(_refusing, None, None)
"""What answers calls that have endless headers."""


def answering(method: Answer) -> Answer:
    """A method that may raise the domain's errors, as one that answers with their status."""

    async def answered(request: Any, context: Context) -> Any:
        try:
            return await method(request, context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - the table has a row for everything
            status = _status_of(error, context)
        # Here the error is gone, and with it the frames of its traceback, which
        # have the request: an error raised from it would keep them for long.
        await context.abort_with_status(status)
        return None

    return answered


def _status_of(error: Exception, context: Context) -> Any:
    # Read only now: most calls have nothing to log.
    for name, value in context.invocation_metadata() or ():
        if name == HEADER:
            request_id.set(id_or_new(str(value)))
    return with_pushback(rpc_status.to_status(to_status(error)), error)
