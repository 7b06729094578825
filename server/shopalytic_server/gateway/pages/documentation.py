"""The pages of docs/ as `make docs` builds them, below /docs."""

import base64
import hashlib
import re
from collections.abc import Iterator
from importlib.resources.abc import Traversable

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.http.answers import Header, answer_empty, answer_wrong_method
from shopalytic_server.gateway.http.middleware import ROUTE
from shopalytic_server.gateway.pages.static import JAVASCRIPT, StaticFile, answer_file, static_folder

_TYPES = {
    "html": b"text/html; charset=utf-8",
    "css": b"text/css; charset=utf-8",
    "js": JAVASCRIPT,
    "json": b"application/json",
    "svg": b"image/svg+xml",
    "png": b"image/png",
    "ico": b"image/x-icon",
    "woff": b"font/woff",
    "woff2": b"font/woff2",
}
_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_MISSING = "This build has no documentation; run `make docs`, then restart."
_NO_PAGE = "The documentation has no such page. Go to /docs/."


def documentation_routes() -> list[Route]:
    """The site, or an answer that says how to get it."""
    site = _Site(static_folder() / "docs")
    return [Route("/docs", _to_index), Route("/docs/{path:path}", site)]


class _ToIndex:
    """Sends /docs on to /docs/, below which the links of the site are right."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = "docs"
        # Relative, because a proxy may put a path before ours.
        await answer_empty(send, 308, [(b"location", b"docs/")])


_to_index = _ToIndex()


class _Site:
    """Serves the files of one folder by their paths. A file is read when it is first asked for, then kept."""

    def __init__(self, folder: Traversable) -> None:
        # Only what is listed here is served: no path leads out of the folder.
        self._places = dict(_files(folder)) if folder.is_dir() else {}
        self._kept: dict[str, tuple[StaticFile, list[Header]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = "docs"
        if scope["method"] not in ("GET", "HEAD"):
            await answer_wrong_method(send, "GET, HEAD")
            return
        if not self._places:
            raise Refusal(404, "not_found", _MISSING)
        path = scope["path_params"]["path"] or "index.html"
        if path not in self._places:
            raise Refusal(404, "not_found", _NO_PAGE)
        file, headers = self._file(path)
        await answer_file(scope, send, file, headers)

    def _file(self, path: str) -> tuple[StaticFile, list[Header]]:
        if path not in self._kept:
            content = self._places[path].read_bytes()
            file = StaticFile.make(content, _TYPES[path.rpartition(".")[2]])
            headers = [(b"cache-control", b"no-cache"), (b"content-security-policy", _policy(content))]
            self._kept[path] = (file, headers)
        return self._kept[path]


def _files(folder: Traversable, below: str = "") -> Iterator[tuple[str, Traversable]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _files(each, f"{below}{each.name}/")
        elif each.name.rpartition(".")[2] in _TYPES:
            yield below + each.name, each


def _policy(content: bytes) -> bytes:
    """Lets a page load from here alone, and run the inline scripts that it was built with and no other."""
    hashes = [base64.b64encode(hashlib.sha256(each).digest()) for each in _INLINE.findall(content)]
    scripts = b" ".join([b"'self'", *(b"'sha256-" + each + b"'" for each in dict.fromkeys(hashes))])
    return (
        b"default-src 'none'; script-src " + scripts + b"; worker-src 'self'; connect-src 'self'; "
        b"style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
        b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
