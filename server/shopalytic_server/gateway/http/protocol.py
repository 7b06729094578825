"""The HTTP connection: uvicorn's, with limits that hold against strangers and for slow and early clients.

uvicorn waits for ever for the first request of a connection, keeps headers of
any size, parses as many requests as come at once, and loses the body of a
request that offers another protocol. Here
- headers have a bound in bytes and seconds, and connections one in number:
  when there are as many as there may be, the one that has been idle longest
  makes room for a new one;
- what comes is parsed in pieces, and not before the request ahead is answered;
- an offered upgrade is ignored, as RFC 9110, 7.8 lets a server do;
- an answer that is ready before its request was read closes the connection
  slowly, so that the client can read it (lingering.py).
"""

import asyncio
import itertools
from typing import Any, ClassVar, cast

import httptools
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shopalytic_server.gateway.http.lingering import Linger
from shopalytic_server.gateway.http.transport import GatheringTransport
from shopalytic_server.gateway.requests.pace import ARRIVED

MAX_HEADER_BYTES = 65_536
MAX_HEADERS = 200
MAX_PATH_BYTES = 2_048
_PATH_TOO_LONG = b"414 URI Too Long"
_TOO_LONG = f"The path is longer than {MAX_PATH_BYTES:,} bytes; no path here is."
_HEADERS_TOO_LARGE = b"431 Request Header Fields Too Large"
_TOO_LARGE = f"The headers are more than {MAX_HEADERS}, or larger than {MAX_HEADER_BYTES:,} bytes."
_HTTP2 = b"PRI * HTTP/2.0\r\n\r\n"
_ONLY_HTTP1 = b"This port speaks HTTP/1.1; gRPC has a port of its own."
# In frames of HTTP/2 (RFC 9113, 6): settings of nothing, and GOAWAY with no stream and HTTP_1_1_REQUIRED. To
# a client that knows of no HTTP/1.1, an answer in it is a broken connection, which crashes some.
_GO_AWAY = (
    b"\0\0\0\x04\0\0\0\0\0"
    + (8 + len(_ONLY_HTTP1)).to_bytes(3, "big")
    + b"\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0d"
    + _ONLY_HTTP1
)
# Of the oldest connections, how many are looked at for one that is idle.
_LOOK_AT = 100
# Parsed at once, so that thousands of tiny requests, or of chunks, in one read hold up nobody for long.
_PIECE = 4_096
# What is left of a body this small is waited for after an early answer, rather than to close the connection.
_SMALL_BODY = 65_536


class LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    header_seconds: ClassVar[float] = 10.0
    max_connections: ClassVar[int] = 10_000
    # By when each last sent something, the longest ago first.
    by_age: ClassVar[dict["LimitedProtocol", None]] = {}
    lingering: ClassVar[dict[Linger, None]] = {}

    _timer: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _in_body = False
    _known: Any = None
    """The scope of the last request whose headers were read; while another head comes, `scope` is not it."""
    _method = b""
    _announced: int | None = 0
    """Bytes of the request's body as its headers say; None: nobody knows, it comes in chunks."""
    _unseen = 0
    """Bytes that came since the last of the body: extensions of chunks, and trailers, which are kept."""
    _left = 0
    """Bytes of the body that must still come; 0 when nobody knows."""
    _offers_upgrade = False
    _is_spoiled = False
    """Whether what came is no HTTP, so that no further request can be read."""
    _held = b""
    """What came, and is parsed when it is its turn."""
    _linger: Linger | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request."""
        self._wire = GatheringTransport(transport, self.loop, self._lingers)
        super().connection_made(cast(asyncio.Transport, self._wire))
        if len(self.by_age) >= self.max_connections and not self._make_room():
            self._is_spoiled = True
            self._close_with(b"503 Service Unavailable\r\nretry-after: 2", "All connections are in use.")
            return
        self.by_age[self] = None
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the wait."""
        self._disarm()
        self.by_age.pop(self, None)
        self._wire.lost()
        if self._linger is not None:
            self._linger.end()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """The client says that nothing more will come."""
        if self._linger is not None:
            self._linger.end()

    def shutdown(self) -> None:
        """Ends the connection once nothing is under way."""
        if self._linger is not None:
            self._linger.end()
        elif self._is_idle:
            self._wire.close_now()
        else:
            super().shutdown()

    # What comes

    def data_received(self, data: bytes) -> None:
        """Takes what came, at once or when it is its turn."""
        if self._linger is not None:
            self._linger.received(len(data))
            return
        if self in self.by_age:
            del self.by_age[self]
            self.by_age[self] = None
        self._unset_keepalive_if_required()
        if self._is_spoiled:
            return
        if self._held:
            self._hold(self._held + data)
        elif len(data) <= _PIECE and not self.pipeline:
            self._take_piece(data)
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        """Parses data up to the first point at which something else has its turn."""
        whole = memoryview(data)  # whose parts are no copies
        at = 0
        while at < len(data) and not self._wire.is_closing() and not self._is_spoiled:
            if self.pipeline or (at and not self._left):
                self._hold(data[at:])
                self.loop.call_soon(self._take_held)
                return
            size = max(self._left, _PIECE)
            self._take_piece(whole[at : at + size])
            at += size

    def _hold(self, data: bytes) -> None:
        self._held = data
        self._wire.hold_reading()

    def _take_held(self) -> None:
        if self._held and not self.pipeline and not self._wire.is_closing():
            data, self._held = self._held, b""
            self._wire.release_reading()
            self._take(data)

    def _take_piece(self, data: bytes | memoryview) -> None:
        if self._in_body:
            self._unseen += len(data)
        else:
            self._header_bytes += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError:
            if self.cycle is None and bytes(data[: len(_HTTP2)]) == _HTTP2:
                self._refuse_http2()
            else:
                self._spoil(b"400 Bad Request", "This is not HTTP/1.1.")
            return
        if self._in_body and (self._unseen > MAX_HEADER_BYTES or len(self.headers) > MAX_HEADERS):
            self._spoil(b"400 Bad Request", "The chunks of the body have too much besides the body.")
        if self.scope is self._known or self._wire.is_closing():
            return
        if self._header_bytes > MAX_HEADER_BYTES or len(self.headers) > MAX_HEADERS:
            self._spoil(_HEADERS_TOO_LARGE, _TOO_LARGE)
        elif self._timer is None:
            self._arm()

    def _parse(self, data: bytes | memoryview) -> None:
        """Parses data. A head that offers an upgrade is parsed again without the offer.

        The parser takes the offer for accepted and what follows for another
        protocol; it cannot be told otherwise, but says where the head ended.
        After a head that also ends the connection it would take no further one,
        so a new parser goes on.
        """
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self._offers_upgrade = False
                if self._method == b"CONNECT":
                    self._spoil(b"405 Method Not Allowed\r\nallow: GET, POST", "This is no proxy.")
                    return
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self.parser.feed_data(self._head_without_upgrade())

    def _head_without_upgrade(self) -> bytes:
        version = self.scope["http_version"].encode()
        lines = [self._method + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _spoil(self, status: bytes, text: str) -> None:
        """What came cannot be used, nor what follows; whole requests before it are answered first."""
        if self._is_spoiled:
            return
        self._is_spoiled = True
        cycle = self.cycle
        if cycle is not None and cycle.response_complete and self._in_body:
            self._wire.close()  # it has its answer
        elif cycle is None or cycle.response_complete:
            self._close_with(status, text)
        elif not cycle.more_body:
            cycle.keep_alive = False
        elif cycle.response_started or self.pipeline:
            self._wire.drop()
        else:
            cycle.disconnected = True
            cycle.message_event.set()
            self._close_with(status, text)

    # What the parser finds

    def on_headers_complete(self) -> None:
        """The parser has a request's headers."""
        self._method = self.parser.get_method()
        if self.parser.should_upgrade():
            self.scope["http_version"] = self.parser.get_http_version()
            self._offers_upgrade = True
            return
        self._disarm()
        self._unset_keepalive_if_required()
        if len(self.headers) > MAX_HEADERS:
            self._spoil(_HEADERS_TOO_LARGE, _TOO_LARGE)
            return
        if len(self.url) > MAX_PATH_BYTES and self.url.find(b"?", 0, MAX_PATH_BYTES) < 0:
            self._spoil(_PATH_TOO_LONG, _TOO_LONG)
            return
        self._known = self.scope
        self._in_body = True
        self._unseen = 0
        self._header_bytes = 0
        self._announced = _announced(self.headers)
        self._left = self._announced or 0
        super().on_headers_complete()
        # Trailers go where nobody looks: none of them is one that we know.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """The parser has a part of a body."""
        self._unseen = 0
        if self._left:
            self._left -= len(body)
        if not self._is_spoiled:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The parser has a whole request."""
        if self._offers_upgrade or self._is_spoiled:
            return
        self._in_body = False
        super().on_message_complete()
        if self.cycle.response_complete:
            # The rest of a body that was answered early: now the connection is idle.
            self._disarm()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    # What goes out

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        cycle.scope[ARRIVED] = cycle.message_event.is_set
        announced = self._announced if cycle is self.cycle else None
        if announced is None or announced > _SMALL_BODY or cycle.waiting_for_100_continue:
            app = _ClosesWhenEarly(app, cycle)
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """An answer was sent: the next request may have its turn."""
        super().on_response_complete()
        if self._wire.is_closing():
            return
        if self._in_body and self.cycle.response_complete:
            self._unset_keepalive_if_required()
            self._arm()
        self._take_held()

    def _lingers(self, transport: asyncio.Transport) -> bool:
        """Takes over a connection that is to be closed, if the client may still be sending."""
        all_was_read = not (self._in_body or self.scope is not self._known or self.pipeline or self._held)
        if (all_was_read and not self._is_spoiled) or transport.is_closing():
            return False
        self._disarm()
        self.by_age.pop(self, None)
        self._held = b""
        self._wire.release_reading()
        self._wire.resume_reading()
        self._linger = Linger(transport, self.loop, self.lingering)
        return True

    def _close_with(self, status: bytes, text: str) -> None:
        transport = self._wire
        if not transport.is_closing():
            body = text.encode()
            head = b"\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: "
            transport.write(b"HTTP/1.1 " + status + head + b"%d\r\n\r\n" % len(body) + body)
            transport.close()

    def _refuse_http2(self) -> None:
        self._is_spoiled = True
        self._wire.write(_GO_AWAY)
        self._wire.close()

    # How long it may take

    def _make_room(self) -> bool:
        """Closes the connection that has been idle longest; False when all that are old are at work."""
        for oldest in itertools.islice(self.by_age, _LOOK_AT):
            if oldest._is_idle:
                del self.by_age[oldest]
                oldest._wire.drop()
                return True
        return False

    def pause_writing(self) -> None:
        """The client takes its answer more slowly than it is written."""
        super().pause_writing()
        self._wire.expect_progress()

    @property
    def _is_idle(self) -> bool:
        return not self._in_body and (self.cycle is None or self.cycle.response_complete)

    def _arm(self) -> None:
        self._timer = self.loop.call_later(self.header_seconds, self._too_slow)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._arm()  # an earlier request of this connection still waits for its answer
        elif self._in_body:
            self._wire.drop()  # it has its answer
        elif self.scope is self._known:
            # Nothing came. A browser that connects in advance could take an answer for that to its request.
            self._wire.close_now()
        else:
            text = f"The headers did not come within {self.header_seconds:g} seconds."
            self._close_with(b"408 Request Timeout", text)


class _ClosesWhenEarly:
    """An application whose answer ends the connection if the request is not read by then.

    The rest could be as long as its sender likes; and who waits for 100
    Continue does not say whether the body will come at all.
    """

    def __init__(self, app: ASGIApp, cycle: Any) -> None:
        self._app = app
        self._cycle = cycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        cycle = self._cycle

        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start" and cycle.more_body:
                cycle.keep_alive = False
            await send(message)

        await self._app(scope, receive, send_last)


def _announced(headers: list[tuple[bytes, bytes]]) -> int | None:
    for name, value in headers:
        if name == b"content-length":
            return int(value)
        if name == b"transfer-encoding":
            return None
    return 0


def limited_protocol(header_seconds: float, max_connections: int) -> type[LimitedProtocol]:
    """The protocol of one server: each request's headers must come within so many seconds."""
    own = {
        "header_seconds": header_seconds,
        "max_connections": max_connections,
        "by_age": {},
        "lingering": {},
    }
    return type("LimitedProtocol", (LimitedProtocol,), own)
