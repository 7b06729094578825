"""POST /collect: events from browsers, as JSON, with a verdict on each."""

import json
from typing import Any

from starlette.types import Receive, Scope, Send

from shopalytic.v1.collector_pb2 import EventResult
from shopalytic_server.gateway.answers import (
    JSON,
    NO_STORE,
    answer,
    answer_empty,
    answer_refusal,
    answer_wrong_method,
)
from shopalytic_server.gateway.bodies import decompress, header, read_body
from shopalytic_server.gateway.cors import collect_headers, preflight
from shopalytic_server.gateway.edge import ROUTE
from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.intake import Intake, Taken, status_name
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.payload import read_payload

_CONTENT_TYPES = ("", "application/json", "text/plain")
_REQUEST_HEADERS = ("content-type", "content-encoding", "authorization")
_CROSS_ORIGIN = (b"cross-origin-resource-policy", b"cross-origin")


class CollectRoute:
    """The ASGI application at the collect path."""

    def __init__(self, intake: Intake, options: GatewayOptions) -> None:
        self._intake = intake
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = "collect"
        headers = [*collect_headers(scope), _CROSS_ORIGIN]
        if scope["method"] == "OPTIONS":
            await answer_empty(send, 204, preflight(scope, headers, b"POST", _REQUEST_HEADERS))
        elif scope["method"] != "POST":
            await answer_wrong_method(send, "POST, OPTIONS", headers)
        else:
            try:
                taken = await self._take(scope, receive)
            except Refusal as refusal:
                await answer_refusal(send, refusal, headers)
            else:
                await answer(send, 200, _body(taken), JSON, [NO_STORE, *headers, *taken.cookie])

    async def _take(self, scope: Scope, receive: Receive) -> Taken:
        self._intake.charge(scope)
        limit = self._options.max_body_bytes
        sent = await read_body(scope, receive, limit=limit, seconds=self._options.body_seconds)
        content_type = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
        if content_type not in _CONTENT_TYPES:
            text = "Content-Type: send JSON as application/json or text/plain."
            raise Refusal(415, "unsupported_media_type", text)
        body = decompress(sent, header(scope, b"content-encoding"), limit=limit)
        return await self._intake.take(scope, read_payload(body), len(body))


def _body(taken: Taken) -> bytes:
    value = {"tracking_id": taken.tracking_id, "results": [_result(result) for result in taken.results]}
    for result in taken.results:
        if result.denied_consent:
            # The tag then sends no more than is kept.
            value["denied_consent"] = result.denied_consent
            break
    return json.dumps(value, separators=(",", ":")).encode()


def _result(result: EventResult) -> dict[str, Any]:
    return {
        "event_id": result.event_id,
        "status": status_name(result),
        "violations": [
            {"field": violation.field, "rule_id": violation.rule_id, "message": violation.message}
            for violation in result.violations
        ],
    }
