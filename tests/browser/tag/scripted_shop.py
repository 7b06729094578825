"""A shop's web pages and a collect endpoint that does as the test says: answers, delays, fails or hangs."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

REPOSITORY = Path(__file__).resolve().parents[3]
DIST = REPOSITORY / "clients" / "javascript" / "dist"
KEY = "shop_browser_0123456789"
COOKIE = "shopalytic_id"
# For conditions that a working tag brings about at once; a loaded machine may take longer.
PATIENCE_SECONDS = 120.0

# What the endpoint does with a request: a status with headers, or None for no answer at all.
Behaviour = Callable[["Sent"], "Reply | None"]


@dataclass
class Sent:
    """One request to the collect endpoint."""

    body: dict[str, Any]
    size: int
    headers: dict[str, str]
    path: str
    at: float = field(default_factory=time.monotonic)
    answered: bool = False

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its events, in order."""
        return list(self.body["events"])

    @property
    def ids(self) -> list[str]:
        """The ids of its events, in order."""
        return [event["event_id"] for event in self.events]


@dataclass
class Reply:
    """What a request is answered with."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None


def accept(sent: Sent) -> Reply:
    """Answers as the gateway does when everything is well."""
    known = sent.headers.get("cookie", "").partition(f"{COOKIE}=")[2].partition(";")[0]
    visitor = known if known and not sent.body.get("reset") else sent.body.get("tracking_id", "of-nobody")
    results = [{"event_id": id_, "status": "ACCEPTED", "violations": []} for id_ in sent.ids]
    cookie = f"{COOKIE}={visitor}; Path=/; SameSite=Lax; Max-Age=34560000"
    return Reply(200, {"set-cookie": cookie}, {"tracking_id": visitor, "results": results})


def always(reply: Reply) -> Behaviour:
    """Answers each request alike."""
    return lambda _: reply


def refuse(status: int, **headers: str) -> Behaviour:
    """Answers each request with an error."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    error = {"error": {"code": "test", "message": "The test refuses this."}}
    return always(Reply(status, named, error))


def hang_up(_: Sent) -> None:
    """Closes the connection without an answer."""


def snippet(script_url: str) -> str:
    """What the README tells people to paste, with this address in it."""
    return (DIST / "snippet.js").read_text().strip().replace("SCRIPT_URL", script_url)


class ScriptedShop:
    """Serves pages, the built tag and the endpoint from one port of this machine."""

    def __init__(self) -> None:
        self.pages = {"/elsewhere": "<!doctype html><title>A page without the tag</title>"}
        self.page_headers: dict[str, str] = {}
        self.served: list[str] = []
        self.requests: list[Sent] = []
        self.preflights: list[str] = []
        self.behave: Behaviour = accept
        self.script_missing = False
        self.script_gate = threading.Event()
        self.script_gate.set()
        self.answer_gate = threading.Event()
        self.answer_gate.set()
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.script_gate.set()
        self.answer_gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str = "/", host: str = "localhost") -> str:
        """The address of a page."""
        return f"http://{host}:{self._server.server_port}{path}"

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event of every request, in order of arrival."""
        return [event for sent in self.requests for event in sent.events]

    @property
    def stored(self) -> list[dict[str, Any]]:
        """The events of the requests that were answered with verdicts, each id once."""
        seen = {e["event_id"]: e for sent in self.requests if sent.answered for e in sent.events}
        return list(seen.values())

    def types(self) -> list[str]:
        """The types of all events, in order of arrival."""
        return [event["type"] for event in self.events]

    def add_page(self, path: str, *calls: str, options: str = "{}", head: str = "") -> None:
        """A page with the snippet, `init`, and these further lines of script."""
        script = "\n".join([f"shopalytic.init('{KEY}', {options});", *calls])
        self.pages[path] = (
            f"<!doctype html><title>Page {path}</title>{head}"
            f"<script>{snippet('/shopalytic.js')}\n{script}</script><h1>Shop</h1><a href='/next'>Next</a>"
        )

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Waits for something that a request brings about."""
        with self._changed:
            if not self._changed.wait_for(condition, PATIENCE_SECONDS):
                arrived = [sent.body for sent in self.requests]
                raise AssertionError(f"never came: {what}. Arrived: {json.dumps(arrived, indent=1)}")

    def until_events(self, count: int) -> Sequence[dict[str, Any]]:
        """Waits until so many events have arrived, and gives them."""
        self.until(lambda: len(self.events) >= count, f"{count} events")
        return self.events

    def until_stored(self, count: int) -> Sequence[dict[str, Any]]:
        """Waits until so many different events have been answered, and gives them."""
        self.until(lambda: len(self.stored) >= count, f"{count} answered events")
        return self.stored

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                shop._serve(self)

            def do_POST(self) -> None:
                shop._collect(self)

            def do_OPTIONS(self) -> None:
                shop.preflights.append(self.path)
                self.send_response(403)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keeps the test's output clean."""

        return Handler

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        with self._changed:
            self.served.append(path)
            self._changed.notify_all()
        if path.endswith(".js") and path not in self.pages:
            self.script_gate.wait(PATIENCE_SECONDS)
            file = DIST / path.rpartition("/")[2]
            found = file.is_file() and not self.script_missing
            content = file.read_bytes() if found else b""
            headers = {"content-type": "text/javascript", "access-control-allow-origin": "*"}
            _write(request, 200 if found else 404, headers, content)
            return
        html = self.pages.get(path)
        kind = "text/javascript" if path.endswith(".js") else "text/html; charset=utf-8"
        headers = {"content-type": kind, **self.page_headers}
        _write(request, 404 if html is None else 200, headers, (html or "").encode())

    def _collect(self, request: BaseHTTPRequestHandler) -> None:
        raw = request.rfile.read(int(request.headers["content-length"]))
        headers = {name.lower(): value for name, value in request.headers.items()}
        sent = Sent(json.loads(raw), len(raw), headers, request.path)
        with self._changed:
            self.requests.append(sent)
            behave = self.behave
            self._changed.notify_all()
        self.answer_gate.wait(PATIENCE_SECONDS)
        reply = behave(sent)
        if reply is None:
            request.close_connection = True
            return
        sent.answered = reply.status == 200
        cors = {
            "access-control-allow-origin": headers.get("origin", "*"),
            "access-control-allow-credentials": "true",
            "access-control-expose-headers": "retry-after",
            "content-type": "application/json",
        }
        _write(request, reply.status, {**cors, **reply.headers}, json.dumps(reply.body or {}).encode())
        with self._changed:
            self._changed.notify_all()


def _write(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    try:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
    except (BrokenPipeError, ConnectionResetError):
        # The page is gone; that is what some tests are about.
        request.close_connection = True
