"""Middleware for Django, for synchronous and asynchronous views.

Put "shopalytic.contrib.django.ShopalyticMiddleware" into MIDDLEWARE after Django's
AuthenticationMiddleware. The setting SHOPALYTIC, a dict, may have `target`, `key` and
every other setting of `Client`, and `identity` (a function of the request; the signed-in
user's primary key unless given), `consent` (likewise; True, False or None), `cookie`
and `gateway`. Then `shopalytic.track("cart_add", {...})` in a view belongs to the visitor at hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from shopalytic import current
from shopalytic.contrib.first_party import FirstParty
from shopalytic.contrib.visits import COOKIE, Visits
from shopalytic.current import Request, bound

_OWN = ("identity", "consent", "cookie", "gateway")


class ShopalyticMiddleware:
    """Binds each request to its visitor."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        given = dict(getattr(settings, "SHOPALYTIC", {}))
        own = {name: given.pop(name, None) for name in _OWN}
        self._identity: Callable[[HttpRequest], Any] = own["identity"] or _primary_key
        self._consent: Callable[[HttpRequest], bool | None] | None = own["consent"]
        client = current.configure(**given) if given else current.default_client()
        self._visits = Visits(client, own["cookie"] or COOKIE)
        self._first_party = FirstParty(own["gateway"]) if own["gateway"] else None
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Answers a request; awaited where Django runs asynchronously."""
        if self._is_async:
            return self._answer_async(request)
        if self._first_party is not None and self._first_party.takes(request.path):
            return _passed_on(self._first_party, request)
        with bound(self._read(request)):
            return self._get_response(request)

    async def _answer_async(self, request: HttpRequest) -> Any:
        if self._first_party is not None and self._first_party.takes(request.path):
            return await asyncio.to_thread(_passed_on, self._first_party, request)
        # Who is signed in may be a question to the database, which the loop must not wait for.
        with bound(await asyncio.to_thread(self._read, request)):
            return await self._get_response(request)

    def _read(self, request: HttpRequest) -> Request:
        consent = self._consent
        return self._visits.request(
            request.META.get("HTTP_COOKIE", ""),
            lambda: self._identity(request),
            None if consent is None else lambda: consent(request),
            url=request.build_absolute_uri(),
            referrer=request.META.get("HTTP_REFERER"),
            user_agent=request.META.get("HTTP_USER_AGENT"),
            address=request.META.get("REMOTE_ADDR"),
        )


def _primary_key(request: HttpRequest) -> Any:
    user = getattr(request, "user", None)
    return user.pk if user is not None and user.is_authenticated else None


def _passed_on(to: FirstParty, request: HttpRequest) -> HttpResponse:
    status, headers, body = to.answer(
        request.method or "GET",
        request.path,
        request.META.get("QUERY_STRING", ""),
        request.headers.items(),
        request.body,
        address=request.META.get("REMOTE_ADDR"),
        scheme=request.scheme or "http",
        host=request.get_host(),
    )
    response = HttpResponse(body, status=status)
    for name, value in headers:
        response[name] = value
    return response
