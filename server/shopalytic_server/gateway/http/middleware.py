"""Wraps the application: security headers, counts, bounded memory, and an answer whatever goes wrong."""

import logging
import traceback

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shopalytic_server.domain.requests import HEADER, id_or_new, request_id
from shopalytic_server.gateway.errors import ClientGone, Refusal
from shopalytic_server.gateway.http.answers import Header, answer_refusal
from shopalytic_server.gateway.metrics import Metrics
from shopalytic_server.gateway.requests.bodies import header

log = logging.getLogger(__name__)

_REQUEST_ID = HEADER.encode()

ROUTE = "shopalytic.route"
"""Key of the scope under which a route leaves its name for the counts."""

HOLD = "shopalytic.hold"
"""Key of the scope under which a route finds the function that counts further bytes as held in memory."""

_SECURITY: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"interest-cohort=()"),
)
_DEFAULTS: tuple[Header, ...] = (
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Middleware:
    """The outermost ASGI application."""

    def __init__(self, app: ASGIApp, metrics: Metrics, max_held_bytes: int) -> None:
        self._app = app
        self._metrics = metrics
        self._max_held_bytes = max_held_bytes
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            return
        status = 0
        held = 0
        name = id_or_new(header(scope, _REQUEST_ID))
        request_id.set(name)

        def hold(size: int) -> None:
            nonlocal held
            held += size
            self._held_bytes += size
            if self._held_bytes > self._max_held_bytes:
                raise _full()

        async def receive_counted() -> Message:
            message = await receive()
            hold(len(message.get("body", b"")))
            return message

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*_guarded(message["headers"]), (_REQUEST_ID, name.encode())]
            await send(message)

        scope[HOLD] = hold
        try:
            await self._app(scope, receive_counted, send_guarded)
        except Refusal as refusal:
            await answer_refusal(send_guarded, refusal)
        except ClientGone:
            pass
        except Exception as error:
            _log_bug(error)
            if status:
                raise
            text = "The gateway failed on this request; its log says where. Sending it again is safe."
            await answer_refusal(send_guarded, Refusal(500, "internal", text, close=True))
        finally:
            self._held_bytes -= held
        self._metrics.request(scope.get(ROUTE, "unknown"), status or 499)


def _full() -> Refusal:
    text = "The gateway holds as many requests as it may; send this again later."
    return Refusal(429, "resource_exhausted", text, retry_after=1, close=True)


def _guarded(headers: list[Header]) -> list[Header]:
    given = {name for name, _ in headers}
    return [*headers, *_SECURITY, *(pair for pair in _DEFAULTS if pair[0] not in given)]


def _log_bug(error: Exception) -> None:
    # The exception's own words are left out: they may quote what a visitor sent.
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("A request failed with %s; this is a fault of ours. [fault]\n%s", type(error).__name__, where)
