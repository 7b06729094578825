"""GET /collect.gif: a page view from a page without scripts."""

import base64
import json
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from shopalytic_server.gateway.collect.collect_service import CollectService
from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.http.answers import NO_STORE, answer, answer_wrong_method
from shopalytic_server.gateway.http.middleware import ROUTE
from shopalytic_server.gateway.requests.bodies import header
from shopalytic_server.gateway.requests.keys import key_of, no_key
from shopalytic_server.gateway.requests.payload import read_payload

_GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_MAX_PARAMETERS = 20


class PixelRoute:
    """The ASGI application at the collect path with `.gif`."""

    def __init__(self, collect_service: CollectService) -> None:
        self._collect_service = collect_service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = "pixel"
        if scope["method"] != "GET":
            await answer_wrong_method(send, "GET")
            return
        self._collect_service.charge(scope)
        key = key_of(scope)
        if key is None:
            raise no_key()
        await self._collect_service.admit(scope, key)
        body = _body(scope)
        taken = await self._collect_service.take(scope, key, read_payload(body), len(body))
        headers = [NO_STORE, (b"cross-origin-resource-policy", b"cross-origin"), *taken.cookie]
        await answer(send, 200, _GIF, b"image/gif", headers)


def _body(scope: Scope) -> bytes:
    """The request as /collect would have it.

    The Referer of a picture is the page that shows it, so it stands in for a
    missing `url`; the page before it is known only if the picture's address
    says it.
    """
    try:
        query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        text = f"The address has more than {_MAX_PARAMETERS} parameters."
        raise Refusal(400, "invalid_argument", text) from None
    given = {name: values[0] for name, values in query.items()}
    url = given.get("url") or header(scope, b"referer")
    properties = {"url": url, "referrer": given.get("referrer", "")}
    if "title" in given:
        properties["title"] = given["title"]
    event = {
        "type": "page_view",
        "properties": properties,
        "source": given.get("source"),
        "context": {"library_name": "shopalytic-gif"},
    }
    return json.dumps({"events": [event]}).encode()
