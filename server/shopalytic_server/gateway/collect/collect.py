"""POST /collect: events from browsers, as JSON, with a verdict on each."""

import asyncio
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from shopalytic.v1.collector_pb2 import EventResult
from shopalytic_server.domain.ingest.preparation import MAX_EVENT_BYTES
from shopalytic_server.domain.requests import sender
from shopalytic_server.gateway.access.turns import SenderTurns
from shopalytic_server.gateway.collect.collect_service import Collected, CollectService, status_name
from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.http.answers import (
    JSON,
    NO_STORE,
    answer,
    answer_empty,
    answer_refusal,
    answer_wrong_method,
)
from shopalytic_server.gateway.http.cors import collect_headers, preflight
from shopalytic_server.gateway.http.middleware import HOLD, ROUTE
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.requests.bodies import header, is_zipped, read_body, refuse_giant, unzipped
from shopalytic_server.gateway.requests.keys import (
    KEYLESS_PLAIN_BYTES,
    KEYLESS_SENT_BYTES,
    key_in,
    key_of,
    no_key,
    too_large_without_key,
)
from shopalytic_server.gateway.requests.payload import Payload, payload_of, read_payload, scanner, steps_of
from shopalytic_server.gateway.work import SMALL_BYTES, Work

_CONTENT_TYPES = ("", "application/json", "text/plain")
_REQUEST_HEADERS = ("content-type", "content-encoding", "authorization")
_CROSS_ORIGIN = (b"cross-origin-resource-policy", b"cross-origin")


class CollectRoute:
    """The ASGI application at the collect path."""

    def __init__(self, collect_service: CollectService, options: GatewayOptions, work: Work) -> None:
        self._collect_service = collect_service
        self._options = options
        self._work = work
        # Whoever has no key waits for others who have none, not the others for them.
        self._strangers = Work()
        self._turns = SenderTurns()

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

    async def _take(self, scope: Scope, receive: Receive) -> Collected:
        self._collect_service.charge(scope)
        content_type = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
        if content_type not in _CONTENT_TYPES:
            text = "Content-Type: send JSON as application/json or text/plain."
            raise Refusal(415, "unsupported_media_type", text)
        key = key_of(scope)
        if key is None:
            key, body = await self._read_keyless(scope, receive)
        else:
            sent = await self._read(scope, receive, key)
            body = await self._plain(scope, sent, self._options.max_body_bytes, self._work)
        async with self._turns.turn(sender.get()):
            return await self._stored(scope, key, body)

    async def _stored(self, scope: Scope, key: str, body: bytes) -> Collected:
        try:
            payload = await self._payload(body)
        except Refusal:
            self._collect_service.owe_for_nothing(scope, len(body))
            raise
        if (excess := len(body) - max(payload.count, 1) * MAX_EVENT_BYTES) > 0:
            self._collect_service.owe_for_nothing(scope, excess)
        return await self._collect_service.take(scope, key, payload, len(body))

    async def _read(self, scope: Scope, receive: Receive, key: str) -> bytes:
        """A body whose key is known before it."""
        limit, seconds = self._options.max_body_bytes, self._options.body_seconds
        announced = header(scope, b"content-length")
        if self._collect_service.knows(key) or announced is None or int(announced) > KEYLESS_SENT_BYTES:
            await self._collect_service.admit(scope, key)
            return await read_body(scope, receive, limit=limit, seconds=seconds)
        # A page that is left hangs up as soon as it has sent: what is small is taken while we ask.
        reading = asyncio.ensure_future(read_body(scope, receive, limit=limit, seconds=seconds))
        reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await self._collect_service.admit(scope, key)
            return await reading
        finally:
            reading.cancel()

    async def _read_keyless(self, scope: Scope, receive: Receive) -> tuple[str, bytes]:
        """The key in a body, and the body; nothing of it is read but what the key is found by."""
        # No key would make it fit, so it is not asked for one.
        refuse_giant(scope, self._options.max_body_bytes)
        sent = body = b""
        try:
            sent = await read_body(
                scope, receive, limit=KEYLESS_SENT_BYTES, seconds=self._options.body_seconds
            )
            body = await self._plain(scope, sent, KEYLESS_PLAIN_BYTES, self._strangers)
            key = await key_in(body, self._strangers)
            if key is None:
                raise no_key()
        except Refusal as refusal:
            self._collect_service.owe(scope, max(len(sent), len(body)) or KEYLESS_SENT_BYTES)
            if refusal.status == 413:
                raise too_large_without_key() from None
            raise
        await self._collect_service.admit(scope, key, len(body))
        return key, body

    async def _plain(self, scope: Scope, sent: bytes, limit: int, work: Work) -> bytes:
        if not is_zipped(sent, header(scope, b"content-encoding")):
            return sent
        body = await unzipped(sent, limit=limit, work=work)
        scope[HOLD](len(body))
        return body

    async def _payload(self, body: bytes) -> Payload:
        if len(body) <= SMALL_BYTES:
            return read_payload(body)
        scanning = scanner(body)
        async with self._work.turn():
            await self._work.through(steps_of(scanning))
            return payload_of(body, scanning.parts)


def _body(taken: Collected) -> bytes:
    value = {"tracking_id": taken.tracking_id, "results": [_result(result) for result in taken.results]}
    for result in taken.results:
        if result.denied_consent:
            # The tag then sends no more than is kept.
            value["denied_consent"] = result.denied_consent
            break
    return orjson.dumps(value)


def _result(result: EventResult) -> dict[str, Any]:
    value: dict[str, Any] = {
        "event_id": result.event_id,
        "status": status_name(result),
        "violations": [
            {"field": violation.field, "rule_id": violation.rule_id, "message": violation.message}
            for violation in result.violations
        ],
    }
    if result.robot:
        value["robot"] = True
    return value
