"""The routes of the gateway, put together into one ASGI application."""

import asyncio
from collections.abc import Callable, Mapping

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from shopalytic_server.gateway.access.admission import Admission
from shopalytic_server.gateway.access.local_session import is_only_here
from shopalytic_server.gateway.access.rate import AddressLimit
from shopalytic_server.gateway.collect.collect import CollectRoute
from shopalytic_server.gateway.collect.collect_service import CollectService
from shopalytic_server.gateway.collect.joiner import Joiner
from shopalytic_server.gateway.collect.pixel import PixelRoute
from shopalytic_server.gateway.collector import Collector
from shopalytic_server.gateway.compatibility.routes import compatible_routes, tidied
from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.exports.route import PATH as IMPORT_PATH
from shopalytic_server.gateway.exports.route import ImportRoute
from shopalytic_server.gateway.http.middleware import ROUTE, Middleware
from shopalytic_server.gateway.metrics import Metrics
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.pages.dashboard import dashboard_routes
from shopalytic_server.gateway.pages.documentation import documentation_routes
from shopalytic_server.gateway.pages.probes import Probes
from shopalytic_server.gateway.pages.sign_in import SignInRoute
from shopalytic_server.gateway.pages.static import (
    StaticRoute,
    contract_archive,
    contract_image,
    tag_script,
    tag_stub,
)
from shopalytic_server.gateway.requests.cookies import prepare_domains
from shopalytic_server.gateway.rpc.connect import ConnectRoute
from shopalytic_server.gateway.services import methods_of, published_files
from shopalytic_server.gateway.work import Work


def make_application(
    collector: Collector,
    metrics: Metrics,
    options: GatewayOptions,
    stopping: asyncio.Event,
    guests: Mapping[str, ASGIApp],
) -> ASGIApp:
    """Everything that the gateway answers. `stopping` ends the streams that would otherwise never end.

    `guests` are applications that share the port, each with its path and all below it.
    """
    prepare_domains()
    joiner = Joiner(
        collector.track,
        linger_seconds=options.linger_seconds,
        max_waiting_events=options.max_waiting_events,
        max_waiting_bytes=options.max_held_bytes,
        joins=not collector.is_local,
    )
    metrics.watch_queue(lambda: joiner.unanswered)
    limit = AddressLimit(options.address_rate, options.trusted_proxies)
    admission = Admission(collector.check_key)
    work = Work()
    collect_service = CollectService(joiner, metrics, options, limit, admission, work)
    methods = methods_of(published_files())
    connect = ConnectRoute(methods, collector.channel_for, options, stopping, limit, admission)
    probes = Probes(collector, metrics, admission, only_here=is_only_here(options))
    importing = ImportRoute(collector.track, admission, limit, options.body_seconds, stopping)
    # The busiest first: they are tried in this order.
    routes = [
        Route(options.collect_path, CollectRoute(collect_service, options, work)),
        Route(f"{options.collect_path}.gif", PixelRoute(collect_service)),
        *_static_routes(options),
        Route("/shopalytic.v1.{service}/{method}", connect),
        *compatible_routes(collect_service, options, work, metrics),
        Route(IMPORT_PATH, importing),
        Route("/healthz", _App(probes.alive)),
        Route("/readyz", _App(probes.ready)),
        Route("/metrics", _App(probes.metrics)),
        *dashboard_routes(options),
        Route("/sign-in", SignInRoute(collector, options)),
        *documentation_routes(),
        Route("/", _App(probes.home)),
    ]
    for path, guest in guests.items():
        app = _Guest(path.strip("/"), guest)
        routes += [Route(path, app), Route(f"{path}/{{rest:path}}", app)]
    router = Router(routes, redirect_slashes=False, default=_Tidied(lambda: router))
    return Middleware(router, metrics, options.max_held_bytes)


def _static_routes(options: GatewayOptions) -> list[Route]:
    stem = options.script_path.removesuffix(".js")
    no_tag = "This build has no browser tag; build it in clients/javascript, then restart."
    script = StaticRoute("script", tag_script(options.script_path, options.collect_path), no_tag)
    stub = StaticRoute("stub", tag_stub(), no_tag)
    no_image = "This build has no image of the contract."
    return [
        Route(options.script_path, script),
        Route(f"{stem}-stub.js", stub),
        Route("/shopalytic.v1.binpb", StaticRoute("contract", contract_image(), no_image)),
        Route("/shopalytic.v1.proto.zip", StaticRoute("contract", contract_archive(), no_image)),
        Route(f"{stem}.{{version}}.js", script),
    ]


class _App:
    """Keeps starlette from taking a bound method for a function of a Request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        await self._app(scope, receive, send)


class _Guest:
    """Counts the requests of another application under its name."""

    def __init__(self, name: str, app: ASGIApp) -> None:
        self._name = name
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = self._name
        await self._app(scope, receive, send)


class _Tidied:
    """What is at no path: SDKs of other tools whose address ends with a slash are understood."""

    def __init__(self, router: Callable[[], Router]) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or raises Refusal."""
        path = tidied(scope["path"])
        if path is None:
            raise Refusal(404, "not_found", "There is nothing at this path.")
        # In place, because the route leaves its name in it for the counts.
        scope["path"], scope["raw_path"] = path, path.encode()
        await self._router()(scope, receive, send)
