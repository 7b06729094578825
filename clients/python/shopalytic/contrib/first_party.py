"""Serves the browser tag through the shop's own application, whose cookies and names are the shop's own."""

from __future__ import annotations

import http.client
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

logger = logging.getLogger("shopalytic")

MAX_BODY_BYTES = 512_000
_SECONDS = 15.0
_PASSED_ON = frozenset(
    {
        "accept-encoding",
        "content-encoding",
        "content-type",
        "cookie",
        "dnt",
        "if-none-match",
        "origin",
        "referer",
    }
    | {"sec-fetch-site", "sec-gpc", "user-agent", "authorization"}
)
_NOT_PASSED_BACK = frozenset({"connection", "date", "keep-alive", "server", "transfer-encoding"})
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class FirstParty:
    """Passes the tag's own requests on to a gateway, such as http://127.0.0.1:8080.

    Start the gateway with `--trusted-proxies 1`: it then believes the address that is passed on.
    """

    gateway: str
    paths: tuple[str, ...] = ("/shopalytic.js", "/shopalytic-stub.js", "/collect", "/collect.gif")

    def takes(self, path: str) -> bool:
        """Whether a request is the tag's."""
        return path in self.paths

    def answer(
        self,
        method: str,
        path: str,
        query: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        *,
        address: str | None,
        scheme: str,
        host: str,
    ) -> tuple[int, Headers, bytes]:
        """The gateway's answer; 503 where it does not answer, so that the tag keeps its events. Blocks."""
        where = urlsplit(self.gateway)
        secure = where.scheme == "https"
        make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = make(where.hostname or "", where.port, timeout=_SECONDS)
        passed = {name: value for name, value in headers if name.lower() in _PASSED_ON}
        passed |= {"X-Forwarded-Proto": scheme, "X-Forwarded-Host": host}
        if address:
            passed["X-Forwarded-For"] = address
        target = f"{where.path.rstrip('/')}{path}{'?' + query if query else ''}"
        try:
            connection.request(method, target, body or None, passed)
            response = connection.getresponse()
            kept = [pair for pair in response.getheaders() if pair[0].lower() not in _NOT_PASSED_BACK]
            return response.status, kept, response.read()
        except (OSError, http.client.HTTPException) as error:
            logger.warning("The tag's request was not passed on: %s.", type(error).__name__)
            return 503, [("Retry-After", "5"), ("Content-Length", "0")], b""
        finally:
            connection.close()
