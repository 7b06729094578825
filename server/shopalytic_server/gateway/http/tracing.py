"""Spans of the gateway: one for each request, carried on to the collector.

Without an OpenTelemetry SDK that somebody has set up, all of it does nothing;
the application is then not even wrapped.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shopalytic_server.domain.requests import HEADER, request_id
from shopalytic_server.gateway.http.middleware import ROUTE

_tracer = trace.get_tracer("shopalytic.gateway")
_CARRIED = (b"traceparent", b"tracestate")


class Traced:
    """An ASGI application whose requests have spans. They hold no address and nothing that a caller sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = {
            name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _CARRIED
        }
        parent = propagate.extract(given)
        with _tracer.start_as_current_span("HTTP", context=parent, kind=SpanKind.SERVER) as span:

            async def send_noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            try:
                await self._app(scope, receive, send_noting)
            finally:
                route = scope.get(ROUTE, "unknown")
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.route", route)


def origin() -> SpanContext | None:
    """What the work that is done now belongs to; None when it is not traced."""
    found = trace.get_current_span().get_span_context()
    return found if found.is_valid else None


@contextmanager
def joined(origins: Sequence[SpanContext | None]) -> Iterator[None]:
    """Makes what is done inside part of the first origin's trace, with links to the others."""
    traced = [each for each in origins if each is not None]
    if not traced:
        yield
        return
    parent = trace.set_span_in_context(NonRecordingSpan(traced[0]))
    links = [Link(each) for each in traced[1:]]
    with _tracer.start_as_current_span("Track joined", context=parent, links=links, kind=SpanKind.CLIENT):
        yield


def carried() -> tuple[tuple[str, str], ...]:
    """The metadata that tells the collector which trace and which request a call belongs to."""
    found: dict[str, str] = {}
    if origin() is not None:
        propagate.inject(found)
    if name := request_id.get():
        found[HEADER] = name
    return tuple(found.items())
