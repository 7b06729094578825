"""Opens the dashboard signed in for the person who runs the service, on the machine where it runs.

`shopalytic serve` and `shopalytic dashboard` print an address that works once.
The page sends what is in it here, and gets the keys and a cookie with which it
stays signed in. The keys read customers' data, so each of these must hold, too:
the gateway listens on loopback only and no proxy is configured; the request
comes over loopback, names a loopback host (a page elsewhere whose name was made
to lead here names its own), has passed no proxy that says so, and is the
dashboard's own (browsers do not let pages set Sec-Fetch-Site).
"""

import ipaddress
import json
import secrets
import time
from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from shopalytic_server.domain.access.sign_in import (
    ADDRESS_SECONDS,
    RANDOM_BYTES,
    SESSION_SECONDS,
    Purpose,
    opened,
    seal,
)
from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.http.answers import (
    NO_STORE,
    Header,
    answer_empty,
    answer_json,
    answer_wrong_method,
)
from shopalytic_server.gateway.http.middleware import ROUTE
from shopalytic_server.gateway.options import GatewayOptions, LocalKeys
from shopalytic_server.gateway.requests.bodies import header, read_body
from shopalytic_server.gateway.requests.forwarded import values_of

_LOCAL_NAME = "localhost"
_FORWARDED = (
    b"forwarded",
    b"via",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-real-ip",
)
_MOST_BYTES = 1_000


class LocalSessions:
    """Knows which addresses were used, and which cookies are sessions."""

    def __init__(self, reports_key: str, clock: Callable[[], float] = time.time) -> None:
        """`clock`: Unix seconds, as whoever prints addresses has them."""
        self._key = reports_key
        self._clock = clock
        # What was used before this process began is forgotten, so all that is older counts as used.
        self._began = clock()
        self._used: dict[bytes, float] = {}

    def redeem(self, text: str) -> str | None:
        """The session that a one-time address begins; None if it was used, is too old, or is none."""
        now = self._clock()
        found = opened(self._key, Purpose.ADDRESS, text)
        if found is None or found.random in self._used:
            return None
        if not max(self._began, now - ADDRESS_SECONDS) <= found.made_at <= now + 1:
            return None
        self._used = {random: until for random, until in self._used.items() if until > now}
        self._used[found.random] = now + ADDRESS_SECONDS + 1
        return seal(self._key, Purpose.SESSION, now, secrets.token_bytes(RANDOM_BYTES))

    def is_session(self, text: str) -> bool:
        """Whether a cookie is a session that goes on."""
        found = opened(self._key, Purpose.SESSION, text)
        return found is not None and self._clock() < found.made_at + SESSION_SECONDS


class SessionRoute:
    """/session.json: the keys for the page, or 204 for all whom they are none of the business.

    POST with what a one-time address holds begins a session, DELETE ends it.
    """

    def __init__(self, options: GatewayOptions) -> None:
        self._options = options
        self._keys: LocalKeys | None = options.local_keys if opens_signed_in(options) else None
        self._sessions = LocalSessions(self._keys.reports) if self._keys is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = "session"
        if scope["method"] not in ("GET", "POST", "DELETE"):
            await answer_wrong_method(send, "GET, POST, DELETE")
        elif self._sessions is None or self._keys is None or not _is_own_page(scope):
            await answer_empty(send, 204, [NO_STORE])
        elif scope["method"] == "DELETE":
            await answer_empty(send, 204, [NO_STORE, _cookie(scope, "", 0)])
        elif scope["method"] == "GET":
            if self._sessions.is_session(_given(scope)):
                await _answer_keys(send, self._keys)
            else:
                await answer_empty(send, 204, [NO_STORE])
        else:
            session = self._sessions.redeem(await self._token(scope, receive))
            if session is None:
                text = "This address has been used or is too old. Print another by `shopalytic dashboard`."
                raise Refusal(403, "permission_denied", text)
            await _answer_keys(send, self._keys, _cookie(scope, session, round(SESSION_SECONDS)))

    async def _token(self, scope: Scope, receive: Receive) -> str:
        body = await read_body(scope, receive, limit=_MOST_BYTES, seconds=self._options.body_seconds)
        try:
            token = json.loads(body)["token"]
        except (ValueError, TypeError, KeyError, RecursionError):
            token = None
        if not isinstance(token, str):
            raise Refusal(400, "invalid_argument", 'Send {"token": "..."} from a one-time address.')
        return token


def opens_signed_in(options: GatewayOptions) -> bool:
    """Whether a one-time address works: nobody but this machine reaches the gateway, and it has the keys."""
    return options.local_keys is not None and is_only_here(options)


def is_only_here(options: GatewayOptions) -> bool:
    """Whether nobody but this machine reaches a gateway, as far as it was told."""
    return is_loopback(options.host) and not options.trusted_proxies


async def _answer_keys(send: Send, keys: LocalKeys, *headers: Header) -> None:
    await answer_json(send, 200, {"reports_key": keys.reports, "browser_key": keys.browser}, headers)


def _cookie(scope: Scope, value: str, seconds: int) -> Header:
    parts = [
        f"{_name(scope)}={value}",
        f"Max-Age={seconds}",
        "Path=/session.json",
        "HttpOnly",
        "SameSite=Strict",
    ]
    if scope.get("scheme") == "https":
        parts.append("Secure")
    return (b"set-cookie", "; ".join(parts).encode())


def _name(scope: Scope) -> str:
    # Browsers keep cookies by host and not by port, and a machine may have several services.
    return f"shopalytic_dashboard_{scope['server'][1]}"


def _given(scope: Scope) -> str:
    wanted = f"{_name(scope)}="
    for key, value in scope["headers"]:
        if key == b"cookie":
            for part in value.decode("latin-1").split(";"):
                if part.strip().startswith(wanted):
                    return str(part.strip()[len(wanted) :])
    return ""


def _is_own_page(scope: Scope) -> bool:
    return is_local(scope) and header(scope, b"sec-fetch-site") == "same-origin" and is_loopback(_host(scope))


def is_local(scope: Scope) -> bool:
    """Whether a request comes from this machine, and through no proxy that says so."""
    client, server = scope.get("client"), scope.get("server")
    if client is None or server is None or not is_loopback(client[0]):
        return False
    return not any(values_of(scope["headers"], name) for name in _FORWARDED)


def is_loopback(host: str) -> bool:
    """Whether a name or address leads to this machine and nowhere else."""
    if host.lower() == _LOCAL_NAME:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host(scope: Scope) -> str:
    hosts = values_of(scope["headers"], b"host")
    if len(hosts) != 1:
        return ""
    host = hosts[0]
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
