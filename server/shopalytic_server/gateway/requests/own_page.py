"""Whether a request with a cookie comes from a page of this gateway, and not from one elsewhere."""

from urllib.parse import urlsplit

from starlette.types import Scope

from shopalytic_server.gateway.requests.addresses import host_of, without_port
from shopalytic_server.gateway.requests.bodies import header


def is_from_elsewhere(scope: Scope, trusted_proxies: int) -> bool:
    """Whether a browser says that another page asks. Pages can set neither header themselves.

    Browsers send one of them with each request that is not a plain visit of an address; what is no browser
    sends none, and has no cookies but those that its owner gave it.
    """
    site = header(scope, b"sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    origin = header(scope, b"origin")
    if origin is None:
        return False
    try:
        named = urlsplit(origin).netloc
    except ValueError:
        return True
    return not named or without_port(named) != host_of(scope, trusted_proxies)
