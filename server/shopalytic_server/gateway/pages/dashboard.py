"""The dashboard's page and its parts, as clients/dashboard builds them."""

from importlib.resources.abc import Traversable

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from shopalytic_server.gateway.access.local_session import SessionRoute
from shopalytic_server.gateway.http.answers import Header, answer_wrong_method
from shopalytic_server.gateway.http.middleware import ROUTE
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.pages.static import (
    FOR_EVER,
    JAVASCRIPT,
    StaticFile,
    answer_file,
    static_folder,
)

# Nothing is loaded from elsewhere, nothing runs that is not in our files, and
# no other page can put this one into a frame.
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The page names its parts by their content: only the page itself may grow old.
_PAGE_HEADERS: list[Header] = [
    (b"content-security-policy", _POLICY),
    (b"cache-control", b"no-cache"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
_ASSET_HEADERS: list[Header] = [(b"cache-control", FOR_EVER)]
_TYPES = {".js": JAVASCRIPT, ".css": b"text/css; charset=utf-8"}
_HTML = b"text/html; charset=utf-8"


def dashboard_routes(options: GatewayOptions) -> list[Route]:
    """The page, its assets and its session; nothing if this build has no dashboard."""
    folder = static_folder() / "dashboard"
    index = folder / "index.html"
    if not index.is_file():
        return []
    # The page shows shops where the tag is.
    content = index.read_bytes().replace(b'"/shopalytic.js"', f'"{options.script_path}"'.encode())
    assets = [
        Route(f"/assets/{path.name}", _File(file, _ASSET_HEADERS))
        for path in (folder / "assets").iterdir()
        if (file := _asset(path)) is not None
    ]
    page = _File(StaticFile.make(content, _HTML), _PAGE_HEADERS)
    return [Route("/", page), *assets, Route("/session.json", SessionRoute(options))]


def _asset(path: Traversable) -> StaticFile | None:
    content_type = _TYPES.get(path.name[path.name.rfind(".") :])
    return None if content_type is None else StaticFile.load(path, content_type)


class _File:
    """Serves one file."""

    def __init__(self, file: StaticFile, headers: list[Header]) -> None:
        self._file = file
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = "dashboard"
        if scope["method"] in ("GET", "HEAD"):
            await answer_file(scope, send, self._file, self._headers)
        else:
            await answer_wrong_method(send, "GET, HEAD")
