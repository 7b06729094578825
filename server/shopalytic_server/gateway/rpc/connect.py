"""Every RPC over the Connect protocol (https://connectrpc.com/docs/protocol), for browsers and curl."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
from starlette.types import Receive, Scope, Send

from shopalytic.v1.collector_pb2 import TrackResponse
from shopalytic_server.domain.ingest.preparation import MAX_EVENT_BYTES
from shopalytic_server.gateway.access.admission import REFUSALS, Admission
from shopalytic_server.gateway.access.person_session import credential_of
from shopalytic_server.gateway.access.rate import AddressLimit
from shopalytic_server.gateway.errors import CollectorError, Refusal, collector_error
from shopalytic_server.gateway.http.answers import (
    NO_STORE,
    Header,
    answer,
    answer_empty,
    answer_json,
    answer_wrong_method,
    refusal_headers,
)
from shopalytic_server.gateway.http.cors import preflight, rpc_headers
from shopalytic_server.gateway.http.middleware import HOLD, ROUTE
from shopalytic_server.gateway.http.tracing import carried
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.requests.bodies import header, is_json, read_body, unzipped
from shopalytic_server.gateway.requests.keys import key_of, no_key
from shopalytic_server.gateway.rpc.codec import CODECS, Codec
from shopalytic_server.gateway.rpc.connect_errors import error_object, rpc_refusal_name
from shopalytic_server.gateway.rpc.connect_stream import end_envelope, read_envelope, stream_answer
from shopalytic_server.gateway.services import Method
from shopalytic_server.gateway.work import Work

_REQUEST_HEADERS = (
    "content-type",
    "content-encoding",
    "authorization",
    "connect-protocol-version",
    "connect-timeout-ms",
    "connect-content-encoding",
    "connect-accept-encoding",
    "x-user-agent",
)
_STREAM_PREFIX = "application/connect+"
_UNARY_PREFIX = "application/"


class ConnectRoute:
    """The ASGI application under /shopalytic.v1.<Service>/<Method>."""

    def __init__(
        self,
        methods: Mapping[str, Method],
        channel_for: Callable[[Method], grpc.aio.Channel],
        options: GatewayOptions,
        stopping: asyncio.Event,
        limit: AddressLimit,
        admission: Admission,
    ) -> None:
        self._calls = {path: (method, method.on(channel_for(method))) for path, method in methods.items()}
        self._options = options
        self._stopping = stopping
        self._limit = limit
        self._admission = admission
        # Streams that are open, by path.
        self._streams: Counter[str] = Counter()
        self._requests = Work()
        self._answers = Work()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = "rpc"
        cors = rpc_headers(scope, self._options.cors_origins)
        if scope["method"] == "OPTIONS":
            await answer_empty(send, 204, preflight(scope, cors, b"POST", _REQUEST_HEADERS))
        elif scope["method"] != "POST":
            await answer_wrong_method(send, "POST, OPTIONS", cors)
        else:
            try:
                await self._post(scope, receive, send, cors)
            except Refusal as refusal:
                await _refuse(scope, send, refusal, cors)

    async def _post(self, scope: Scope, receive: Receive, send: Send, cors: list[Header]) -> None:
        self._limit.charge(scope)
        method, call = self._found(scope["path"])
        codec, streaming = _content(header(scope, b"content-type"))
        if streaming != method.server_streaming:
            kind = "application/connect+json" if method.server_streaming else "application/json"
            raise Refusal(415, "unsupported_media_type", f"Content-Type: this RPC takes {kind}.")
        if header(scope, b"connect-protocol-version") not in (None, "1"):
            raise Refusal(400, "invalid_argument", 'connect-protocol-version: only "1" is known.')
        credential = credential_of(scope, self._options.trusted_proxies)
        timeout, metadata = self._timeout(scope), _metadata(scope, credential)
        if not await self._is_admitted(scope, send, credential, method, cors):
            return
        body = await read_body(
            scope, receive, limit=self._options.max_rpc_bytes, seconds=self._options.body_seconds
        )
        if streaming:
            body = await self._message(scope, body)
        elif _is_gzip(scope) and not (codec.name == "json" and is_json(body)):
            body = await self._unzipped(scope, body)
        if method.changes and codec.name == "json" and not body.strip():
            text = "The body is empty, and this call changes data: send {} if no field is to be set."
            raise Refusal(400, "invalid_argument", text)

        request = await self._read(scope, body, method, codec)
        if streaming:

            async def write(message: bytes) -> bytes:
                return await codec.write(message, method.response, self._answers)

            with self._place(method):
                calling = call(request, timeout=timeout, metadata=metadata)
                await stream_answer(scope, receive, send, calling, codec.name, write, cors, self._stopping)
        else:
            calling = call(request, timeout=timeout, metadata=metadata)
            await self._unary(scope, send, calling, method, codec, cors)

    @contextmanager
    def _place(self, method: Method) -> Iterator[None]:
        """A place among the open streams of a method; more than its connection takes would wait in there."""
        if self._streams[method.path] >= self._options.max_streams:
            text = "This gateway passes on as many of these streams as it may; end one, or try again later."
            raise Refusal(429, "resource_exhausted", text, retry_after=10)
        self._streams[method.path] += 1
        try:
            yield
        finally:
            self._streams[method.path] -= 1

    async def _read(self, scope: Scope, body: bytes, method: Method, codec: Codec) -> bytes:
        """The request in a body. Who sends what cannot be used pays for the bytes that were looked at."""

        def on_count(events: int) -> None:
            self._limit.charge_events(scope, key_of(scope), events, len(body))
            if (excess := len(body) - max(events, 1) * MAX_EVENT_BYTES) > 0:
                self._limit.owe_for_nothing(scope, excess)

        try:
            return await codec.read(body, method.request, self._requests, on_count)
        except Refusal as refusal:
            if refusal.status != 429:
                self._limit.owe_for_nothing(scope, len(body))
            raise

    async def _is_admitted(
        self, scope: Scope, send: Send, key: str | None, method: Method, cors: list[Header]
    ) -> bool:
        """Whether the key may call the method's service; otherwise the answer has been sent."""
        try:
            if key is None:
                raise no_key()
            await self._admission.admit(key, method.service)
        except grpc.aio.AioRpcError as error:
            if error.code() in REFUSALS:
                self._limit.owe(scope, 0)
            await _answer_error(scope, send, collector_error(error), cors)
            return False
        except Refusal:
            self._limit.owe(scope, 0)
            raise
        return True

    async def _message(self, scope: Scope, body: bytes) -> bytes:
        """The one message in the body of a server stream's request."""
        message, is_zipped = read_envelope(body, header(scope, b"connect-content-encoding"))
        return await self._unzipped(scope, message) if is_zipped else message

    async def _unzipped(self, scope: Scope, body: bytes) -> bytes:
        try:
            plain = await unzipped(body, limit=self._options.max_rpc_bytes, work=self._requests)
        except Refusal:
            self._limit.owe_for_nothing(scope, self._options.max_rpc_bytes)
            raise
        scope[HOLD](len(plain))
        return plain

    async def _unary(
        self,
        scope: Scope,
        send: Send,
        calling: Awaitable[bytes],
        method: Method,
        codec: Codec,
        cors: list[Header],
    ) -> None:
        try:
            response = await calling
        except grpc.aio.AioRpcError as error:
            await _answer_call_error(send, collector_error(error), cors)
        else:
            if method.response is TrackResponse:
                self._limit.owe_for_unused(scope, key_of(scope), TrackResponse.FromString(response).results)
            content_type = f"{_UNARY_PREFIX}{codec.name}".encode()
            body = await codec.write(response, method.response, self._answers)
            await answer(send, 200, body, content_type, [NO_STORE, *cors])

    def _found(self, path: str) -> tuple[Method, Any]:
        found = self._calls.get(path)
        if found is None:
            raise Refusal(404, "unimplemented", "There is no such RPC; the names are in the protos.")
        if found[0].client_streaming:
            text = "This RPC streams both ways, which needs gRPC; over HTTP use Track."
            raise Refusal(501, "unimplemented", text)
        return found

    def _timeout(self, scope: Scope) -> float | None:
        """Seconds that the call may take. Streams may last for ever, unless the client says how long."""
        given = header(scope, b"connect-timeout-ms")
        streaming = self._calls[scope["path"]][0].server_streaming
        longest = None if streaming else self._options.rpc_seconds
        if given is None:
            return longest
        if not (given.isascii() and given.isdigit() and len(given) <= 10):
            raise Refusal(400, "invalid_argument", "connect-timeout-ms: give milliseconds, up to 10 digits.")
        seconds = int(given) / 1_000
        return seconds if longest is None else min(seconds, longest)


def _content(content_type: str | None) -> tuple[Codec, bool]:
    """The codec, and whether the body is a stream of envelopes."""
    name = (content_type or "").partition(";")[0].strip().lower()
    for prefix, streaming in ((_STREAM_PREFIX, True), (_UNARY_PREFIX, False)):
        codec = CODECS.get(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if codec is not None:
            return codec, streaming
    text = "Content-Type: use application/json or application/proto; for streams application/connect+json."
    raise Refusal(415, "unsupported_media_type", text)


def _metadata(scope: Scope, key: str | None) -> tuple[tuple[str, str], ...]:
    given = [("authorization", header(scope, b"authorization") if key is None else f"Bearer {key}")]
    given += [(name.decode(), header(scope, name)) for name in (b"traceparent", b"tracestate")]
    pairs = {name: value for name, value in given if value is not None}
    for name, value in pairs.items():
        if not (value.isascii() and value.isprintable()):
            raise Refusal(400, "invalid_argument", f"{name}: use printable ASCII only.")
    return tuple({**pairs, **dict(carried())}.items())


def _is_gzip(scope: Scope) -> bool:
    name = (header(scope, b"content-encoding") or "identity").strip().lower()
    if name not in ("identity", "gzip"):
        raise Refusal(501, "unimplemented", "Content-Encoding: only gzip and identity are known.")
    return name == "gzip"


async def _refuse(scope: Scope, send: Send, refusal: Refusal, cors: list[Header]) -> None:
    value = {"code": rpc_refusal_name(refusal), "message": refusal.message}
    headers = [*refusal_headers(refusal), *cors]
    content_type = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    if content_type.startswith(_STREAM_PREFIX) and refusal.status not in (404, 415):
        # Clients of a stream look for its error in the last envelope, not in the status.
        await answer(send, 200, end_envelope(value), content_type.encode(), [NO_STORE, *headers])
    else:
        await answer_json(send, refusal.status, value, headers)


async def _answer_error(scope: Scope, send: Send, error: CollectorError, cors: list[Header]) -> None:
    """Answers before the call was made, in the form that the request's kind has."""
    content_type = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    if content_type.startswith(_STREAM_PREFIX):
        value = end_envelope(error_object(error))
        await answer(send, 200, value, content_type.encode(), [NO_STORE, *cors])
    else:
        await _answer_call_error(send, error, cors)


async def _answer_call_error(send: Send, error: CollectorError, cors: list[Header]) -> None:
    headers = list(cors)
    if error.retry_after is not None and error.row.rpc_status in (429, 503):
        headers.append((b"retry-after", str(error.retry_after).encode()))
    await answer_json(send, error.row.rpc_status, error_object(error), headers)
