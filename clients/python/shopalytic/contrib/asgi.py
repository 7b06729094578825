"""Middleware for Starlette, FastAPI and every other ASGI application.

    app.add_middleware(ShopalyticMiddleware, identity=lambda scope: ...)

Then `shopalytic.track("cart_add", {...})` in a handler belongs to the visitor at hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from shopalytic.client import Client
from shopalytic.contrib.first_party import MAX_BODY_BYTES, FirstParty
from shopalytic.contrib.visits import COOKIE, Visits
from shopalytic.current import bound, default_client

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class ShopalyticMiddleware:
    """Binds each request to its visitor."""

    def __init__(
        self,
        app: Application,
        *,
        client: Client | None = None,
        identity: Callable[[Scope], Any] | None = None,
        consent: Callable[[Scope], bool | None] | None = None,
        cookie: str = COOKIE,
        gateway: str | None = None,
    ) -> None:
        """`identity` tells who is signed in, `consent` whether the visitor agreed; both get the scope.

        `gateway` is its address, if this application is to serve the tag as its own.
        """
        self._app = app
        self._visits = Visits(client or default_client(), cookie)
        self._identity = identity
        self._consent = consent
        self._first_party = FirstParty(gateway) if gateway else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = [
            (key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in scope["headers"]
        ]
        given = dict(reversed(headers))
        address = scope["client"][0] if scope.get("client") else None
        if self._first_party is not None and self._first_party.takes(scope["path"]):
            await _pass_on(self._first_party, scope, headers, address, receive, send)
            return
        identity, consent = self._identity, self._consent
        at_hand = self._visits.request(
            given.get("cookie", ""),
            None if identity is None else lambda: identity(scope),
            None if consent is None else lambda: consent(scope),
            url=_url(scope, given.get("host", "")),
            referrer=given.get("referer"),
            user_agent=given.get("user-agent"),
            address=address,
        )
        with bound(at_hand):
            await self._app(scope, receive, send)


async def _pass_on(
    to: FirstParty,
    scope: Scope,
    headers: list[tuple[str, str]],
    address: str | None,
    receive: Receive,
    send: Send,
) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
    host = next((value for name, value in headers if name == "host"), "")
    status, answered, content = await asyncio.to_thread(
        to.answer,
        scope["method"],
        scope["path"],
        scope["query_string"].decode("latin-1"),
        headers,
        body,
        address=address,
        scheme=scope.get("scheme", "http"),
        host=host,
    )
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answered]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})


def _url(scope: Scope, host: str) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{scope.get('scheme', 'http')}://{host}{scope['path']}{'?' + query if query else ''}"
