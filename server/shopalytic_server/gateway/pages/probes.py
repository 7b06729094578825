"""What operators ask: alive, able to store, in numbers; and a page that says what this is."""

import grpc
from starlette.types import Receive, Scope, Send

from shopalytic_server.gateway.access.admission import Admission
from shopalytic_server.gateway.access.local_session import is_local
from shopalytic_server.gateway.collector import Collector
from shopalytic_server.gateway.errors import Refusal, collect_refusal
from shopalytic_server.gateway.http.answers import NO_STORE, answer, answer_json, answer_wrong_method
from shopalytic_server.gateway.http.middleware import ROUTE
from shopalytic_server.gateway.metrics import CONTENT_TYPE, Metrics
from shopalytic_server.gateway.requests.keys import key_of

_REPORTS = "shopalytic.v1.ReportService"
_HOME = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Shopalytic</title>
<h1>Shopalytic is running</h1>
<p>Browsers send their events here, services over gRPC.
Every RPC also answers here, as <code>POST /shopalytic.v1.CollectorService/Track</code>.</p>
<p>The README and <code>protos/README.md</code> of the project say how to send the first event.
<a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a> and <a href="/metrics">/metrics</a>
are for those who run it.</p>
</html>
"""


class Probes:
    """The small routes."""

    def __init__(
        self, collector: Collector, metrics: Metrics, admission: Admission, *, only_here: bool
    ) -> None:
        """`only_here`: nobody but this machine reaches the gateway."""
        self._collector = collector
        self._metrics = metrics
        self._admission = admission
        self._only_here = only_here

    async def home(self, scope: Scope, receive: Receive, send: Send) -> None:
        """GET /"""
        if await _is_get(scope, send, "home"):
            await answer(send, 200, _HOME, b"text/html; charset=utf-8", [NO_STORE])

    async def alive(self, scope: Scope, receive: Receive, send: Send) -> None:
        """GET /healthz: this process answers."""
        if await _is_get(scope, send, "healthz"):
            await answer_json(send, 200, {"status": "ok"})

    async def ready(self, scope: Scope, receive: Receive, send: Send) -> None:
        """GET /readyz: the collector can store."""
        if await _is_get(scope, send, "readyz"):
            reason = await self._collector.ready()
            if reason is not None:
                raise Refusal(503, "unavailable", reason, retry_after=2)
            await answer_json(send, 200, {"status": "ok"})

    async def metrics(self, scope: Scope, receive: Receive, send: Send) -> None:
        """GET /metrics: where others reach this gateway, with a key that reads reports only."""
        if await _is_get(scope, send, "metrics"):
            if not (self._only_here and is_local(scope)):
                await self._admit(scope)
            await answer(send, 200, self._metrics.exposition(), CONTENT_TYPE.encode(), [NO_STORE])

    async def _admit(self, scope: Scope) -> None:
        key = key_of(scope)
        if key is None:
            text = (
                "Others can reach this gateway, so its metrics need a key of class reports or admin, "
                "as Authorization: Bearer KEY; --metrics-port opens a port of their own."
            )
            raise Refusal(401, "unauthenticated", text)
        try:
            await self._admission.admit(key, _REPORTS)
        except grpc.aio.AioRpcError as error:
            raise collect_refusal(error) from error


async def _is_get(scope: Scope, send: Send, route: str) -> bool:
    scope[ROUTE] = route
    if scope["method"] in ("GET", "HEAD"):
        return True
    await answer_wrong_method(send, "GET, HEAD")
    return False
