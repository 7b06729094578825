"""Middleware for Flask and every other WSGI application.

    app.wsgi_app = ShopalyticMiddleware(app.wsgi_app, identity=lambda environ: ...)

Then `shopalytic.track("cart_add", {...})` in a view belongs to the visitor at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from shopalytic.client import Client
from shopalytic.contrib.first_party import MAX_BODY_BYTES, FirstParty
from shopalytic.contrib.visits import COOKIE, Visits
from shopalytic.current import bound, default_client

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class ShopalyticMiddleware:
    """Binds each request to its visitor."""

    def __init__(
        self,
        app: Application,
        *,
        client: Client | None = None,
        identity: Callable[[Environ], Any] | None = None,
        consent: Callable[[Environ], bool | None] | None = None,
        cookie: str = COOKIE,
        gateway: str | None = None,
    ) -> None:
        """`identity` tells who is signed in, `consent` whether the visitor agreed; both get the environ.

        `gateway` is its address, if this application is to serve the tag as its own.
        """
        self._app = app
        self._visits = Visits(client or default_client(), cookie)
        self._identity = identity
        self._consent = consent
        self._first_party = FirstParty(gateway) if gateway else None

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answers a request."""
        path = environ.get("PATH_INFO", "")
        if self._first_party is not None and self._first_party.takes(path):
            return self._pass_on(self._first_party, environ, start_response)
        identity, consent = self._identity, self._consent
        at_hand = self._visits.request(
            environ.get("HTTP_COOKIE", ""),
            None if identity is None else lambda: identity(environ),
            None if consent is None else lambda: consent(environ),
            url=_url(environ),
            referrer=environ.get("HTTP_REFERER"),
            user_agent=environ.get("HTTP_USER_AGENT"),
            address=environ.get("REMOTE_ADDR"),
        )
        with bound(at_hand):
            return self._app(environ, start_response)

    def _pass_on(
        self, to: FirstParty, environ: Environ, start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > MAX_BODY_BYTES:
            start_response("413 Content Too Large", [("Content-Length", "0")])
            return [b""]
        given = [
            (name.removeprefix("HTTP_").replace("_", "-"), str(value))
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        ]
        status, headers, body = to.answer(
            environ["REQUEST_METHOD"],
            environ.get("PATH_INFO", ""),
            environ.get("QUERY_STRING", ""),
            given,
            environ["wsgi.input"].read(length) if length else b"",
            address=environ.get("REMOTE_ADDR"),
            scheme=environ.get("wsgi.url_scheme", "http"),
            host=environ.get("HTTP_HOST", ""),
        )
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]


def _url(environ: Environ) -> str:
    host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
    query = environ.get("QUERY_STRING")
    path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    return f"{environ.get('wsgi.url_scheme', 'http')}://{host}{path}{'?' + query if query else ''}"
