"""The paths of other tools' HTTP surfaces."""

import re
from collections.abc import Callable

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shopalytic_server.gateway.collect.collect_service import CollectService
from shopalytic_server.gateway.compatibility.route import CompatibleRoute, GtagRoute, answer_refused
from shopalytic_server.gateway.compatibility.surfaces import (
    GA4,
    POSTHOG,
    SEGMENT,
    Surface,
    no_flags,
    remote_config,
    segment_settings,
)
from shopalytic_server.gateway.compatibility.tools.segment import KINDS, SHORT
from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.http.answers import (
    Header,
    answer,
    answer_empty,
    answer_json,
    answer_wrong_method,
)
from shopalytic_server.gateway.http.cors import collect_headers, preflight
from shopalytic_server.gateway.http.middleware import ROUTE
from shopalytic_server.gateway.metrics import Metrics
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.requests.addresses import is_https
from shopalytic_server.gateway.requests.bodies import header, read_body
from shopalytic_server.gateway.requests.forwarded import values_of
from shopalytic_server.gateway.work import Work

_SEGMENT: dict[str, str | None] = {
    **dict.fromkeys(("/v1/batch", "/v1/import", "/v1/b")),
    **{f"/v1/{kind}": kind for kind in KINDS},
    **{f"/v1/{short}": kind for short, kind in SHORT.items()},
}
_SETTINGS = "/v1/projects/{key}/settings"
POSTHOG_PATHS = ("/batch", "/batch/", "/capture", "/capture/", "/i/v0/e", "/i/v0/e/", "/e", "/e/")
_FLAGS = ("/flags", "/flags/", "/decide", "/decide/")
_CONFIG = ("/array/{key}/config", "/array/{key}/config.js")
_MEASUREMENT = ("/mp/collect", "/debug/mp/collect")
_GTAG = ("/g/collect", "/{key}/g/collect")
_MOST_OF_A_QUESTION = 65_536
_PLAIN_PATHS = frozenset({*_SEGMENT, *POSTHOG_PATHS, *_FLAGS, *_MEASUREMENT, _GTAG[0]})
_SLASHES = re.compile("/{2,10}")


_BESIDES = ("/v1/projects/", "/array/")


def tidied(path: str) -> str | None:
    """The path of these surfaces that is meant, where slashes are doubled or one follows; None: it is none.

    An SDK whose address ends with a slash asks for `//v1/batch`.
    """
    plain = _SLASHES.sub("/", path)
    for candidate in (plain, plain.rstrip("/")):
        if candidate != path and (candidate in _PLAIN_PATHS or candidate.startswith(_BESIDES)):
            return candidate
    return None


def paths() -> list[str]:
    """Every path of these surfaces, as the router writes it."""
    return [*_SEGMENT, *POSTHOG_PATHS, *_FLAGS, *_CONFIG, *_MEASUREMENT, *_GTAG, _SETTINGS]


def compatible_routes(
    collect_service: CollectService, options: GatewayOptions, work: Work, metrics: Metrics
) -> list[Route]:
    """Every route of other tools' SDKs."""

    def take(surface: Surface, kind: str | None = None) -> ASGIApp:
        return CompatibleRoute(surface, collect_service, options, work, metrics, kind=kind)

    gtag = GtagRoute(GA4, collect_service, options, work, metrics)
    flags, config = _Fixed(options, no_flags, "POST"), _Fixed(options, remote_config, "GET")
    posthog, measurement = take(POSTHOG), take(GA4)
    return [
        *(Route(path, take(SEGMENT, kind)) for path, kind in _SEGMENT.items()),
        Route(_SETTINGS, _Settings(options)),
        *(Route(path, posthog) for path in POSTHOG_PATHS),
        *(Route(path, flags) for path in _FLAGS),
        Route(_CONFIG[0], config),
        Route(_CONFIG[1], _ConfigScript()),
        *(Route(path, measurement) for path in _MEASUREMENT),
        *(Route(path, gtag) for path in _GTAG),
    ]


class _Fixed:
    """Answers a question whose answer nobody's key changes."""

    def __init__(self, options: GatewayOptions, value: Callable[[], object], method: str) -> None:
        self._options = options
        self._value = value
        self._method = method

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = "posthog"
        headers = _open(scope)
        if scope["method"] == "OPTIONS":
            allowed = self._method.encode()
            await answer_empty(send, 204, preflight(scope, headers, allowed, ("content-type",)))
        elif scope["method"] != self._method:
            await answer_wrong_method(send, f"{self._method}, OPTIONS", headers)
        else:
            try:
                await read_body(scope, receive, limit=_MOST_OF_A_QUESTION, seconds=self._options.body_seconds)
            except Refusal as refusal:
                await answer_refused(send, refusal, headers)
                return
            await answer_json(send, 200, self._value(), headers)


class _ConfigScript:
    """PostHog's browser SDK loads its settings as a script; without them it asks for the JSON."""

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = "posthog"
        script = b"/* Shopalytic has no further settings. */"
        await answer(send, 200, script, b"text/javascript; charset=utf-8", _open(scope))


class _Settings:
    """What Segment's browser SDK asks its CDN for."""

    def __init__(self, options: GatewayOptions) -> None:
        self._options = options

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = "segment"
        headers = _open(scope)
        if scope["method"] == "OPTIONS":
            await answer_empty(send, 204, preflight(scope, headers, b"GET", ("content-type",)))
            return
        if scope["method"] != "GET":
            await answer_wrong_method(send, "GET, OPTIONS", headers)
            return
        key = str(scope["path_params"]["key"])[:200]
        proxies = self._options.trusted_proxies
        told = values_of(scope["headers"], b"x-forwarded-host") if proxies else []
        host = told[0] if told else header(scope, b"host") or ""
        scheme = "https" if is_https(scope, proxies) else "http"
        await answer_json(send, 200, segment_settings(key, host, scheme), headers)


def _open(scope: Scope) -> list[Header]:
    return [*collect_headers(scope), (b"cross-origin-resource-policy", b"cross-origin")]
