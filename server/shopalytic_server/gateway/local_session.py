"""Opens the dashboard signed in for the person who runs the service, on the machine where it runs.

The key that is handed out reads customers' data, so each of these must hold:
the gateway listens on loopback only and no proxy is configured; the request
comes over loopback, names a loopback host (a page elsewhere whose name was
made to lead here names its own), has passed no proxy that says so, and is the
dashboard's own (browsers do not let pages set Sec-Fetch-Site); and the process
that sends it belongs to the same account as this one, which a proxy or another
person on this machine does not.
"""

import asyncio
import ipaddress

from starlette.types import Receive, Scope, Send

from shopalytic_server.gateway.answers import NO_STORE, answer_empty, answer_json, answer_wrong_method
from shopalytic_server.gateway.bodies import header
from shopalytic_server.gateway.edge import ROUTE
from shopalytic_server.gateway.forwarded import values_of
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.peers import same_account

_LOCAL_NAME = "localhost"
_FORWARDED = (
    b"forwarded",
    b"via",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-real-ip",
)


class SessionRoute:
    """GET /session.json: the keys for the page, or 204 for all whom they are none of the business."""

    def __init__(self, options: GatewayOptions) -> None:
        only_here = is_loopback(options.host) and not options.trusted_proxies
        self._keys = options.local_keys if only_here else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = "session"
        if scope["method"] != "GET":
            await answer_wrong_method(send, "GET")
        elif self._keys is not None and await _is_own_page(scope):
            await answer_json(
                send, 200, {"reports_key": self._keys.reports, "browser_key": self._keys.browser}
            )
        else:
            await answer_empty(send, 204, [NO_STORE])


async def _is_own_page(scope: Scope) -> bool:
    client, server = scope.get("client"), scope.get("server")
    if client is None or server is None or not is_loopback(client[0]):
        return False
    if any(values_of(scope["headers"], name) for name in _FORWARDED):
        return False
    if header(scope, b"sec-fetch-site") != "same-origin" or not is_loopback(_host(scope)):
        return False
    return await asyncio.to_thread(same_account, client[1], server[1])


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
