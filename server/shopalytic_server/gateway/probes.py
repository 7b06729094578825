"""What operators ask: alive, able to store, in numbers; and a page that says what this is."""

from starlette.types import Receive, Scope, Send

from shopalytic_server.gateway.answers import NO_STORE, answer, answer_json, answer_wrong_method
from shopalytic_server.gateway.collector import Collector
from shopalytic_server.gateway.edge import ROUTE
from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.metrics import CONTENT_TYPE, Metrics

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
    """The small routes that need no key."""

    def __init__(self, collector: Collector, metrics: Metrics) -> None:
        self._collector = collector
        self._metrics = metrics

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
        """GET /metrics"""
        if await _is_get(scope, send, "metrics"):
            await answer(send, 200, self._metrics.exposition(), CONTENT_TYPE.encode(), [NO_STORE])


async def _is_get(scope: Scope, send: Send, route: str) -> bool:
    scope[ROUTE] = route
    if scope["method"] in ("GET", "HEAD"):
        return True
    await answer_wrong_method(send, "GET, HEAD")
    return False
