"""Stands before the gateway and breaks requests: cut off, told to wait, or stored without an answer."""

import http.client
import json
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

CUT, WAIT, UNANSWERED, PASS = "cut", "wait", "unanswered", "pass"

# What SDKs ask for beside sending events.
_QUESTIONS = ("/flags", "/decide")


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A sender that hangs up is no fault of the test's."""


class FaultyFront:
    """An HTTP server for one sender: its first requests with events go as `faults` says, others through."""

    def __init__(self, port: int, faults: Iterable[str]) -> None:
        """`port`: the gateway's, at which nobody need listen all the time."""
        self.gateway_port = port
        self.acknowledged: list[str] = []
        self.played: list[str] = []
        self._faults = list(faults)
        self._lock = threading.Lock()
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                front._answer(self)

            def do_GET(self) -> None:
                front._answer(self)

            def do_OPTIONS(self) -> None:
                front._answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Where the sender sends to."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        fault = self._next_fault(handler)
        if fault == WAIT:
            handler.send_response(429)
            handler.send_header("retry-after", "1")
            handler.send_header("content-length", "2")
            handler.end_headers()
            handler.wfile.write(b"{}")
            return
        answer = None if fault == CUT else self._forward(handler, body)
        if answer is None or fault == UNANSWERED:
            handler.close_connection = True
            return
        status, headers, content = answer
        if status == 200 and b'"results"' in content:
            self.acknowledged += [result["event_id"] for result in json.loads(content)["results"]]
        handler.send_response(status)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def _next_fault(self, handler: BaseHTTPRequestHandler) -> str:
        if handler.command != "POST" or handler.path.startswith(_QUESTIONS):
            return PASS
        with self._lock:
            fault = self._faults.pop(0) if self._faults else PASS
            self.played.append(fault)
            return fault

    def _forward(
        self, handler: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes] | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway_port, timeout=120)
        try:
            connection.request(handler.command, handler.path, body, dict(handler.headers.items()))
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        except OSError:
            return None
        except http.client.HTTPException:
            return None
        finally:
            connection.close()
