"""The files that the gateway serves, each by its name: the tag, its stub, and the contract's image."""

import gzip
import hashlib
import logging
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.types import Receive, Scope, Send

from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.http.answers import Header, answer, answer_empty, answer_wrong_method
from shopalytic_server.gateway.http.middleware import ROUTE
from shopalytic_server.gateway.requests.bodies import header

_log = logging.getLogger(__name__)

_SHORT = b"public, max-age=300"
FOR_EVER = b"public, max-age=31536000, immutable"
JAVASCRIPT = b"text/javascript; charset=utf-8"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file in memory, with what HTTP needs to know of it."""

    content: bytes
    zipped: bytes
    content_type: bytes
    version: str

    @classmethod
    def load(cls, path: Traversable, content_type: bytes) -> "StaticFile | None":
        """The file, or None if this build has none."""
        return cls.make(path.read_bytes(), content_type) if path.is_file() else None

    @classmethod
    def make(cls, content: bytes, content_type: bytes) -> "StaticFile":
        """A file of this content."""
        zipped = gzip.compress(content, mtime=0)
        return cls(content, zipped, content_type, hashlib.sha256(content).hexdigest()[:16])


class StaticRoute:
    """Serves one file, under its plain name and, with `version` in the path, under a versioned one."""

    def __init__(self, name: str, file: StaticFile | None, missing: str) -> None:
        self._name = name
        self._file = file
        self._missing = missing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = self._name
        if scope["method"] not in ("GET", "HEAD"):
            await answer_wrong_method(send, "GET, HEAD")
            return
        file = self._file
        if file is None:
            raise Refusal(404, "not_found", self._missing)
        await answer_file(scope, send, file, _headers(file, scope["path_params"].get("version")))


async def answer_file(scope: Scope, send: Send, file: StaticFile, headers: list[Header]) -> None:
    """Sends a file as the client wants it: compressed, or not at all where it has this very version."""
    headers = [*headers, (b"etag", f'W/"{file.version}"'.encode()), (b"vary", b"Accept-Encoding")]
    if _known(header(scope, b"if-none-match"), file.version):
        await answer_empty(send, 304, headers)
    elif _takes_gzip(header(scope, b"accept-encoding")):
        await answer(send, 200, file.zipped, file.content_type, [*headers, (b"content-encoding", b"gzip")])
    else:
        await answer(send, 200, file.content, file.content_type, headers)


def _headers(file: StaticFile, version: str | None) -> list[Header]:
    # A page kept somewhere may ask for a version that is gone. It gets the
    # present one, but must not keep it for ever under the old name.
    return [
        (b"cache-control", FOR_EVER if version == file.version else _SHORT),
        (b"access-control-allow-origin", b"*"),
        (b"cross-origin-resource-policy", b"cross-origin"),
    ]


def _known(if_none_match: str | None, version: str) -> bool:
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in (if_none_match or "").split(",")]
    return version in tags or "*" in tags


def _takes_gzip(accept_encoding: str | None) -> bool:
    for part in (accept_encoding or "").lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def tag_script(script_path: str, collect_path: str) -> StaticFile | None:
    """The browser tag, made to send to where this gateway takes events.

    As built it sends to /collect beside the script. Browsers resolve "/..", and
    it stops at the root, so this also holds for pages that name an endpoint.
    None, and a line in the log, where there is none to serve.
    """
    try:
        built = (static_folder() / "shopalytic.js").read_bytes()
    except OSError as error:
        _log.warning(
            "The browser tag cannot be served (%s): pages that ask for %s get 404. "
            "Build it in clients/javascript, or install a release, then restart. [no_tag]",
            error.strerror,
            script_path,
        )
        return None
    up = "/.." * (script_path.count("/") - 1)
    target = f"{up}{collect_path}?token=".encode()
    return StaticFile.make(built.replace(b"/collect?token=", target), JAVASCRIPT)


def tag_stub() -> StaticFile | None:
    """The tag's stub as a file, for pages whose policy forbids inline scripts."""
    return StaticFile.load(static_folder() / "shopalytic-stub.js", JAVASCRIPT)


def static_folder() -> Traversable:
    """Where the builds of clients/ put what is served."""
    return files("shopalytic_server.gateway") / "static"


def contract_archive() -> StaticFile | None:
    """The protos as a zip, with the proto of their rules."""
    return StaticFile.load(files("shopalytic") / "shopalytic.v1.proto.zip", b"application/zip")


def contract_image() -> StaticFile | None:
    """The protos as a compiled descriptor set, for those who generate clients without a network."""
    return StaticFile.load(files("shopalytic") / "shopalytic.v1.binpb", b"application/octet-stream")
