"""Spans of the gRPC server: one for each call, in the trace that the caller carries in the metadata."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from shopalytic_server.rpc.transport.interceptor import OWN_SERVICES, Context, Continuation, Handler

_tracer = trace.get_tracer("shopalytic.server")
_CARRIED = ("traceparent", "tracestate")
_KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")

Method: TypeAlias = "Callable[[Any, Context], Awaitable[Any]]"


class TracingInterceptor(grpc.aio.ServerInterceptor):
    """Stands before the methods that answer; there only where traces are wanted."""

    def __init__(self) -> None:
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> "Handler | None":
        """Wraps the method's handler, once for each method."""
        name = handler_call_details.method
        wrapped = self._wrapped.get(name)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None or not name.startswith(OWN_SERVICES):
                return handler
            wrapped = self._wrapped[name] = _wrap(handler, name.lstrip("/"))
        return wrapped


def _wrap(handler: Any, name: str) -> Handler:
    [kind] = [kind for kind in _KINDS if getattr(handler, kind) is not None]
    make = getattr(grpc, f"{kind}_rpc_method_handler")
    made: Handler = make(
        _traced(getattr(handler, kind), name), handler.request_deserializer, handler.response_serializer
    )
    return made


def _traced(method: Method, name: str) -> Method:
    async def traced(request: Any, context: Context) -> Any:
        metadata = context.invocation_metadata() or ()
        parent = propagate.extract({key: str(value) for key, value in metadata if key in _CARRIED})
        with _tracer.start_as_current_span(
            name, context=parent, kind=SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            span.set_attribute("rpc.system", "grpc")
            try:
                return await method(request, context)
            finally:
                _tell_code(span, context)

    return traced


def _tell_code(span: Span, context: Context) -> None:
    code = context.code() or 0
    number = code.value[0] if isinstance(code, grpc.StatusCode) else int(code)
    span.set_attribute("rpc.grpc.status_code", number)
    if number:
        span.set_status(Status(StatusCode.ERROR))
