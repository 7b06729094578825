"""The cookie of who has signed in by a password: how it is set, and when it counts."""

from starlette.types import Scope

from shopalytic_server.gateway.http.answers import Header
from shopalytic_server.gateway.requests.addresses import is_https
from shopalytic_server.gateway.requests.keys import key_of
from shopalytic_server.gateway.requests.own_page import is_from_elsewhere

_NAME = "shopalytic_session"
_LONGEST = 100


def session_cookie(scope: Scope, trusted_proxies: int, token: str, seconds: int) -> Header:
    """Sets the cookie; 0 seconds end it."""
    secure = is_https(scope, trusted_proxies)
    parts = [f"{_name(scope, secure)}={token}", f"Max-Age={seconds}", "Path=/", "HttpOnly", "SameSite=Strict"]
    if secure:
        parts.append("Secure")
    return (b"set-cookie", "; ".join(parts).encode("ascii"))


def session_of(scope: Scope, trusted_proxies: int) -> str | None:
    """The session that a request comes with; None without one, and where another page asks."""
    if is_from_elsewhere(scope, trusted_proxies):
        return None
    wanted = f"{_name(scope, is_https(scope, trusted_proxies))}="
    for key, value in scope["headers"]:
        if key == b"cookie":
            for part in value.decode("latin-1").split(";"):
                if part.strip().startswith(wanted):
                    return part.strip()[len(wanted) :][:_LONGEST] or None
    return None


def credential_of(scope: Scope, trusted_proxies: int) -> str | None:
    """The key of a request, or else its session."""
    return key_of(scope) or session_of(scope, trusted_proxies)


def _name(scope: Scope, secure: bool) -> str:
    """With the prefix that no other host and no plain HTTP can set (RFC 6265bis), where there is TLS.

    Else with the port: browsers keep cookies by host, and a machine may have several services.
    """
    return f"__Host-{_NAME}" if secure else f"{_NAME}_{scope['server'][1]}"
