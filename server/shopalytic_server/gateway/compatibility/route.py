"""Answers the SDKs of other tools: who sends, what they sent, and what became of each event."""

import hashlib
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from shopalytic.v1.collector_pb2 import EventResult
from shopalytic_server.gateway.collect.collect_service import CollectService, status_name
from shopalytic_server.gateway.collect.events import decode_sent_at, describe
from shopalytic_server.gateway.compatibility.body import Body, Reading, plain_json
from shopalytic_server.gateway.compatibility.decoding import Decoded, Decoder, chunks
from shopalytic_server.gateway.compatibility.keys import key_of, seen_at_the_end, seen_in
from shopalytic_server.gateway.compatibility.message import namespace_of
from shopalytic_server.gateway.compatibility.surfaces import GA4, Surface
from shopalytic_server.gateway.compatibility.tools.ga4 import lines_of, parameters_in, read_hits
from shopalytic_server.gateway.compatibility.values import moment
from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.http.answers import (
    JSON,
    NO_STORE,
    Header,
    answer,
    answer_empty,
    answer_json,
    answer_wrong_method,
    refusal_headers,
)
from shopalytic_server.gateway.http.cors import collect_headers, preflight
from shopalytic_server.gateway.http.middleware import HOLD, ROUTE
from shopalytic_server.gateway.metrics import Metrics
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.requests.bodies import header, is_zipped, read_body, unzipped
from shopalytic_server.gateway.requests.keys import KEYLESS_PLAIN_BYTES, KEYLESS_SENT_BYTES
from shopalytic_server.gateway.work import SMALL_BYTES, Work

MAX_BODY_BYTES = 5 * 1024 * 1024
"""The largest body whose key stands in its headers or its address, packed and unpacked."""
MAX_CALL_BYTES = 3_000_000
"""How much of a body one call of the collector gets; it takes 4 MiB."""
MAX_CALL_EVENTS = 250
"""How many events of a body: what is done with all of a call at once takes a few milliseconds."""
MAX_WORK_BYTES = 16 * 1024 * 1024
"""Bytes of a body that are read, those beside the messages counted for each of them."""
MAX_PARAMETERS = 20_000
"""Parameters of all hits of `gtag` in one request, those of the address counted for each of them."""
# So many results are written as JSON at once.
_RESULTS_A_STEP = 500

_REQUEST_HEADERS = ("content-type", "content-encoding", "authorization")
_CROSS_ORIGIN: Header = (b"cross-origin-resource-policy", b"cross-origin")
_KEY_NAMES = ("writeKey", "api_key", "api_secret", "token")
_SENT_AT = ("sentAt", "sent_at", "$sent_at")


class CompatibleRoute:
    """The ASGI application at one path of one tool."""

    def __init__(
        self,
        surface: Surface,
        collect_service: CollectService,
        options: GatewayOptions,
        work: Work,
        metrics: Metrics,
        *,
        kind: str | None = None,
    ) -> None:
        """`kind`: what every message of this path is; None: each says it itself."""
        self._surface = surface
        self._collect_service = collect_service
        self._options = options
        self._work = work
        self._strangers = Work()
        self._metrics = metrics
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = self._surface.name
        headers = [*collect_headers(scope), _CROSS_ORIGIN]
        if scope["method"] == "OPTIONS":
            await answer_empty(send, 204, preflight(scope, headers, b"POST", _REQUEST_HEADERS))
        elif scope["method"] != "POST":
            await answer_wrong_method(send, "POST, OPTIONS", headers)
        else:
            try:
                results = await self._take(scope, receive)
            except Refusal as refusal:
                await answer_refused(send, refusal, headers)
            else:
                body = await self._written(results)
                await answer(send, 200, body, JSON, [NO_STORE, *headers])

    async def _written(self, results: list[dict[str, Any]]) -> bytes:
        value = self._surface.answer(results)
        if len(results) > _RESULTS_A_STEP:
            parts = []
            async with self._work.turn():
                for begin in range(0, len(results), _RESULTS_A_STEP):
                    parts.append(orjson.dumps(results[begin : begin + _RESULTS_A_STEP])[1:-1])
                    await self._work.rest()
            value["results"] = orjson.Fragment(b"[" + b",".join(parts) + b"]")
        return orjson.dumps(value)

    async def _take(self, scope: Scope, receive: Receive) -> list[dict[str, Any]]:
        self._collect_service.charge(scope)
        key, text = await self._read(scope, receive)
        try:
            body = await self._apart(text)
        except Refusal:
            self._collect_service.owe_for_nothing(scope, len(text))
            raise
        key = await self._stated(scope, key, body)
        if body.work_bytes > MAX_WORK_BYTES:
            self._collect_service.owe_for_nothing(scope, len(text))
            reason = "What stands beside the messages counts for each of them, which is too much together"
            raise Refusal(413, "too_large", f"{reason}; send fewer at once.")
        self._collect_service.charge_events(scope, key, len(body.parts), body.work_bytes)
        decoder = Decoder(self._surface, self._namespace(key), self._metrics)
        results: list[dict[str, Any]] = []
        async with aclosing(self._decoded(body, decoder)) as calls:
            async for decoded in calls:
                results += await self._store(scope, key, decoded, _sent_at(body), len(text))
        return results

    async def _read(self, scope: Scope, receive: Receive) -> tuple[str, bytes]:
        """The key and the body. Without a key before the body only so much is read as one is found by."""
        key = key_of(scope)
        if key is None:
            return await self._read_keyless(scope, receive)
        await self._collect_service.admit(scope, key)
        sent = await read_body(scope, receive, limit=MAX_BODY_BYTES, seconds=self._options.body_seconds)
        return key, await plain_json(await self._plain(scope, sent, MAX_BODY_BYTES, self._work), self._work)

    async def _read_keyless(self, scope: Scope, receive: Receive) -> tuple[str, bytes]:
        sent = text = b""
        limit = self._options.max_body_bytes
        try:
            sent = await read_body(scope, receive, limit=limit, seconds=self._options.body_seconds)
            text = sent
            if _is_zipped(scope, sent):
                if len(sent) > KEYLESS_SENT_BYTES:
                    raise _no_key()
                text = await self._plain(scope, sent, KEYLESS_PLAIN_BYTES, self._strangers)
            text = await plain_json(text, self._strangers)
            key = seen_in(text) or seen_at_the_end(text)
            if key is None:
                raise _no_key()
        except Refusal:
            self._collect_service.owe(scope, max(len(sent), len(text)))
            raise
        await self._collect_service.admit(scope, key, len(text))
        return key, text

    async def _plain(self, scope: Scope, sent: bytes, limit: int, work: Work) -> bytes:
        if not _is_zipped(scope, sent):
            return sent
        text = await unzipped(sent, limit=limit, work=work)
        scope[HOLD](len(text))
        return text

    async def _apart(self, text: bytes) -> Body:
        reading = Reading(text, self._surface.list_name, self._surface.beside, single=self._surface.single)
        if len(text) <= SMALL_BYTES:
            for _ in reading.steps():
                pass
            return reading.body()
        async with self._work.turn():
            await self._work.through(reading.steps())
            return reading.body()

    async def _stated(self, scope: Scope, key: str, body: Body) -> str:
        """The key that the body names where headers and address name none."""
        if key_of(scope) is not None:
            return key
        stated = next(
            (body.beside[name] for name in _KEY_NAMES if isinstance(body.beside.get(name), str)), key
        )
        if stated != key:
            await self._collect_service.admit(scope, stated)
        return str(stated)

    def _namespace(self, key: str) -> Any:
        project = self._collect_service.project_of(key)
        # A server of the version before does not tell the project.
        return namespace_of(project or f"key:{hashlib.sha256(key.encode()).hexdigest()}")

    async def _decoded(self, body: Body, decoder: Decoder) -> AsyncGenerator[list[Decoded], None]:
        """The events, as many at a time as one call gets: no more of them are held than that."""
        count = len(body.parts)
        if count == 1 and body.size(0) <= SMALL_BYTES:
            yield decoder.message(body, 0, self._kind)
            return
        index = 0
        while index < count:
            decoded: list[Decoded] = []
            async with self._work.turn():
                while index < count and len(decoded) < MAX_CALL_EVENTS:
                    if body.size(index) > SMALL_BYTES:
                        decoded += await self._work.apart(decoder.message, body, index, self._kind)
                    else:
                        decoded += decoder.message(body, index, self._kind)
                    index += 1
                    await self._work.rest()
            yield decoded

    async def _store(
        self, scope: Scope, key: str, decoded: Iterable[Decoded], sent_at: float | None, size: int
    ) -> list[dict[str, Any]]:
        sender = self._collect_service.sender(scope, key)
        answers: list[dict[str, Any]] = []
        for part in chunks(decoded, MAX_CALL_EVENTS, MAX_CALL_BYTES):
            sendable = [each.event for each in part if each.refused is None]
            for event in sendable:
                describe(event, sender)
            results = iter(
                await self._collect_service.submit(scope, key, sendable, sent_at, size) if sendable else []
            )
            answers += [_told(each, None if each.refused else next(results)) for each in part]
        return answers


class GtagRoute(CompatibleRoute):
    """The ASGI application at `/g/collect`: hits in the address, or a line of the body each."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request; `gtag` also sends by GET."""
        if scope["method"] == "GET":
            scope = {**scope, "method": "POST"}
        await super().__call__(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive) -> list[dict[str, Any]]:
        self._collect_service.charge(scope)
        key = key_of(scope)
        if key is None:
            self._collect_service.owe(scope, 0)
            raise _no_key()
        await self._collect_service.admit(scope, key)
        sent = await read_body(scope, receive, limit=KEYLESS_SENT_BYTES, seconds=self._options.body_seconds)
        text, query = sent.decode("utf-8", "replace"), scope["query_string"].decode("latin-1")
        lines = lines_of(text)
        self._collect_service.charge_events(scope, key, len(lines), len(sent))
        if parameters_in(query, lines) > MAX_PARAMETERS:
            self._collect_service.owe_for_nothing(scope, len(sent))
            text = f"The hits have more than {MAX_PARAMETERS:,} parameters together; send fewer hits at once."
            raise Refusal(413, "too_large", text)
        decoder = Decoder(GA4, self._namespace(key), self._metrics)
        results: list[dict[str, Any]] = []
        async with aclosing(self._hits(query, lines, decoder)) as calls:
            async for decoded in calls:
                results += await self._store(scope, key, decoded, None, len(sent))
        if not results:
            raise Refusal(400, "invalid_argument", "en: give the event's name.")
        return results

    async def _hits(
        self, query: str, lines: list[str], decoder: Decoder
    ) -> AsyncGenerator[list[Decoded], None]:
        """The events of the hits, as many at a time as one call gets."""
        messages = read_hits(query, lines)
        more = True
        while more:
            decoded: list[Decoded] = []
            async with self._work.turn():
                while more and len(decoded) < MAX_CALL_EVENTS:
                    try:
                        message = next(messages, None)
                    except ValueError:
                        text = "A hit has more than 1,000 parameters."
                        raise Refusal(400, "invalid_argument", text) from None
                    more = message is not None
                    decoded += decoder.read(message) if message is not None else []
                    await self._work.rest()
            if decoded:
                yield decoded


async def answer_refused(send: Send, refusal: Refusal, headers: list[Header]) -> None:
    """A refusal in the words that the SDKs read: RudderStack's `code` and `message`, PostHog's `detail`."""
    value = {
        "success": False,
        "code": refusal.code,
        "message": refusal.message,
        "detail": refusal.message,
        "error": {"code": refusal.code, "message": refusal.message},
    }
    await answer_json(send, refusal.status, value, [*refusal_headers(refusal), *headers])


def _told(decoded: Decoded, result: EventResult | None) -> dict[str, Any]:
    if result is None:
        return {
            "event_id": decoded.event.event_id,
            "status": "REJECTED",
            "violations": [decoded.refused],
            **decoded.told,
        }
    violations = [
        {"field": violation.field, "rule_id": violation.rule_id, "message": violation.message}
        for violation in result.violations
    ]
    return {
        "event_id": result.event_id,
        "status": status_name(result),
        "violations": violations,
        **decoded.told,
    }


def _sent_at(body: Body) -> float | None:
    for name in _SENT_AT:
        if name in body.beside:
            return decode_sent_at(moment(body.beside[name]))
    return None


def _is_zipped(scope: Scope, sent: bytes) -> bool:
    """Whether a body is gzip; also where a proxy has unpacked it and left the header."""
    if b"compression=lz64" in scope["query_string"]:
        text = "compression=lz64 is not taken: use a release of posthog-js since 2021, which sends gzip."
        raise Refusal(415, "unsupported_encoding", text)
    return is_zipped(sent, header(scope, b"content-encoding")) and sent[:1] not in (b"{", b"[")


def _no_key() -> Refusal:
    text = (
        "Give the project's key as the user of Basic, as Bearer, in the address as ?token=KEY, or in the "
        "body as writeKey, api_key or api_secret: in its first 64 KB or at its end. A packed body above "
        "64 KB needs it outside."
    )
    return Refusal(401, "unauthenticated", text)
