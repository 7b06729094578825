"""/sign-in: people sign in by e-mail address and password, choose one by a link, and sign out.

POST takes JSON and sets the cookie of a session, GET says whose session it is, DELETE ends it.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from starlette.types import Receive, Scope, Send

from shopalytic_server.domain.access import sign_in_calls
from shopalytic_server.domain.access.attempts import Attempts
from shopalytic_server.gateway.access.person_session import session_cookie, session_of
from shopalytic_server.gateway.access.rate import bucket_name
from shopalytic_server.gateway.collector import Collector
from shopalytic_server.gateway.errors import Refusal, collector_error
from shopalytic_server.gateway.http.answers import NO_STORE, answer_empty, answer_json, answer_wrong_method
from shopalytic_server.gateway.http.middleware import ROUTE
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.requests.addresses import raw_address
from shopalytic_server.gateway.requests.bodies import header, read_body
from shopalytic_server.gateway.requests.own_page import is_from_elsewhere

MOST_FAILURES = 30
"""Attempts of one address that signed nobody in."""
FAILURES_SECONDS = 900.0
"""In this time."""
MAX_BODY_BYTES = 3_000

# Which call a body asks for, by what is in it.
_BODIES = (
    (sign_in_calls.CHOOSE_PASSWORD, frozenset({"link", "password"})),
    (sign_in_calls.CHANGE_PASSWORD, frozenset({"new_password", "password"})),
    (sign_in_calls.SIGN_IN, frozenset({"email", "password"})),
    (sign_in_calls.SIGN_IN, frozenset({"email", "password", "project"})),
)


class SignInRoute:
    """The ASGI application at /sign-in."""

    def __init__(self, collector: Collector, options: GatewayOptions) -> None:
        self._collector = collector
        self._options = options
        self._proxies = options.trusted_proxies
        self._failures = Attempts(MOST_FAILURES, FAILURES_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = "sign-in"
        if scope["method"] not in ("GET", "POST", "DELETE"):
            await answer_wrong_method(send, "GET, POST, DELETE")
        elif is_from_elsewhere(scope, self._proxies):
            raise Refusal(403, "permission_denied", "Only the dashboard's own page signs people in.")
        elif scope["method"] == "GET":
            await self._who(scope, send)
        elif scope["method"] == "DELETE":
            if (token := session_of(scope, self._proxies)) is not None:
                await self._ask(sign_in_calls.SIGN_OUT, {"token": token})
            await answer_empty(send, 204, [NO_STORE, session_cookie(scope, self._proxies, "", 0)])
        else:
            await self._sign_in(scope, receive, send)

    async def _who(self, scope: Scope, send: Send) -> None:
        token = session_of(scope, self._proxies)
        try:
            told = await self._ask(sign_in_calls.WHO, {"token": token}) if token else None
        except Refusal as refusal:
            if refusal.status != 401:
                raise
            told = None
        if told is None:
            await answer_empty(send, 204, [NO_STORE])
        else:
            await answer_json(send, 200, told)

    async def _sign_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, given = await self._read(scope, receive)
        address = raw_address(scope, self._proxies) or ""
        name = bucket_name(address) or address
        if wait := self._failures.take(name, time.monotonic()):
            text = "Too many attempts to sign in came from this address; try again later."
            raise Refusal(429, "resource_exhausted", text, retry_after=round(wait) + 1)
        given["user_agent"] = header(scope, b"user-agent") or ""
        if method == sign_in_calls.CHANGE_PASSWORD:
            given["token"] = session_of(scope, self._proxies) or ""
        told = await self._ask(method, given)
        self._failures.give_back(name)
        token, seconds = told.pop("token"), round(told.pop("seconds"))
        cookie = session_cookie(scope, self._proxies, token, seconds)
        await answer_json(send, 200, told, [cookie])

    async def _read(self, scope: Scope, receive: Receive) -> tuple[str, dict[str, Any]]:
        if (header(scope, b"content-type") or "").partition(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "unsupported_media_type", "Content-Type: use application/json.")
        body = await read_body(scope, receive, limit=MAX_BODY_BYTES, seconds=self._options.body_seconds)
        try:
            given = json.loads(body)
            if isinstance(given, dict) and all(isinstance(value, str) for value in given.values()):
                # What is no text in the end, such as a half of a pair of UTF-16, has no bytes.
                json.dumps(given, ensure_ascii=False).encode()
                for method, names in _BODIES:
                    if names == given.keys():
                        return method, given
        except (ValueError, RecursionError):
            pass
        text = 'Send JSON such as {"email": "...", "password": "..."}.'
        raise Refusal(400, "invalid_argument", text)

    async def _ask(self, method: str, given: Mapping[str, Any]) -> dict[str, Any]:
        request = Struct()
        request.update(given)
        try:
            return MessageToDict(await self._collector.sign_in(method, request))
        except grpc.aio.AioRpcError as error:
            failure = collector_error(error)
            row = failure.row
            raise Refusal(
                row.rpc_status, row.name, failure.message, retry_after=failure.retry_after
            ) from None
