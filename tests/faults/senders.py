"""Real clients that send until they are answered: calls, batches, a stream, the Python client, a tag."""

import collections
import http.client
import json
import queue
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import grpc
from google.rpc.error_details_pb2 import RetryInfo
from grpc_status import rpc_status

from faults.books import Books
from running.ledger import an_event
from shopalytic import Client, Result
from shopalytic.v1.collector_pb2 import EventStatus, TrackRequest, TrackResponse
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub

# After which a sender counts a call as lost and sends the same again.
CALL_SECONDS = 5.0
_AGAIN_SECONDS = 0.2
_PACE_SECONDS = 0.02
_WINDOW = 5

_COME_BACK = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,  # gRPC's word for a connection that broke within an answer
    }
)
_CHANNEL = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.use_local_subchannel_pool", 1),
)


class Sender:
    """One that goes on sending in a thread of its own; `stop` waits until everything sent is answered."""

    name = ""

    def __init__(self, books: Books) -> None:
        self.books = books
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to send, or goes on."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._guarded, name=self.name, daemon=True)
        self._thread.start()

    def stop(self, patience: float) -> None:
        """Sends nothing new, and sees what was sent answered."""
        self._stopping.set()
        self._thread.join(patience)
        if self._thread.is_alive():
            raise AssertionError(f"{self.name} still waits for answers after {patience:g} seconds")

    def close(self) -> None:
        """Gives back what it holds."""

    def run(self) -> None:
        """Sends until it is told to stop."""
        raise NotImplementedError

    def _guarded(self) -> None:
        try:
            self.run()
        except Exception as error:  # noqa: BLE001 - a thread's error must not get lost
            self.books.problem(f"{self.name}: {error!r}")

    def _refused(self, error: grpc.RpcError) -> None:
        """Notes a failed call, and waits as long as it says."""
        code, delay = error.code(), _delay(error)
        if code not in _COME_BACK and "fault" not in (error.details() or ""):
            # What breaks an HTTP/2 stream reads as one of many codes; only the service's own words count.
            code = grpc.StatusCode.UNKNOWN if code is grpc.StatusCode.INTERNAL else code
        if code not in _COME_BACK:
            self.books.problem(f"{self.name}: {code.name}: {error.details()}")
        own_words = code is grpc.StatusCode.RESOURCE_EXHAUSTED
        self.books.refuse(code.name, hinted=delay is not None or not own_words)
        time.sleep(min(1.0, delay or _AGAIN_SECONDS))


class Calls(Sender):
    """Unary Track calls of so many events."""

    def __init__(
        self, books: Books, address: str, key: str, size: int, name: str, pace: float = _PACE_SECONDS
    ) -> None:
        super().__init__(books)
        self.name = name
        self._size = size
        self._pace = pace
        self._channel = grpc.insecure_channel(address, options=_CHANNEL)
        self._metadata = (("authorization", f"Bearer {key}"),)

    def run(self) -> None:
        """One call after the other."""
        stub = CollectorServiceStub(self._channel)
        while not self._stopping.is_set():
            request = TrackRequest(events=[an_event(next(self.books.numbers)) for _ in range(self._size)])
            self.books.send(self.name, [event.event_id for event in request.events])
            first = time.monotonic()
            while True:
                begun = time.monotonic()
                try:
                    answer = stub.Track(request, metadata=self._metadata, timeout=CALL_SECONDS)
                except grpc.RpcError as error:
                    self._refused(error)
                    continue
                self.books.answer(self.name, _verdicts(answer), begun)
                self.books.take(self.name, time.monotonic() - first)
                break
            self._stopping.wait(self._pace)

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()


class Streaming(Sender):
    """A TrackStream with several requests under way, opened anew whenever it breaks."""

    name = "stream"

    def __init__(self, books: Books, address: str, key: str, size: int = 10) -> None:
        super().__init__(books)
        self._size = size
        self._channel = grpc.insecure_channel(address, options=_CHANNEL)
        self._metadata = (("authorization", f"Bearer {key}"),)
        self._unanswered: collections.deque[TrackRequest] = collections.deque()

    def run(self) -> None:
        """Streams until nothing is unanswered and no more is wanted."""
        while self._unanswered or not self._stopping.is_set():
            room: queue.SimpleQueue[bool] = queue.SimpleQueue()
            try:
                self._stream(room)
            except grpc.RpcError as error:
                self._refused(error)
            finally:
                room.put(False)

    def _stream(self, room: "queue.SimpleQueue[bool]") -> None:
        stub = CollectorServiceStub(self._channel)
        begun = time.monotonic()
        again = list(self._unanswered)
        for _ in range(max(1, _WINDOW - len(again))):
            room.put(True)
        for answer in stub.TrackStream(self._requests(again, room), metadata=self._metadata):
            self._unanswered.popleft()
            self.books.answer(self.name, _verdicts(answer), begun)
            begun = time.monotonic()
            time.sleep(_PACE_SECONDS)
            room.put(not self._stopping.is_set())

    def _requests(self, again: list[TrackRequest], room: "queue.SimpleQueue[bool]") -> Iterator[TrackRequest]:
        yield from again
        while room.get() and not self._stopping.is_set():
            request = TrackRequest(events=[an_event(next(self.books.numbers)) for _ in range(self._size)])
            self.books.send(self.name, [event.event_id for event in request.events])
            self._unanswered.append(request)
            yield request

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()


class PythonClient(Sender):
    """The product's own client, which repeats by itself."""

    name = "client"

    def __init__(self, books: Books, address: str, key: str) -> None:
        super().__init__(books)
        self._queued_at: dict[str, float] = {}
        self._client = Client(
            address,
            key=key,
            timeout=CALL_SECONDS,
            on_result=self._told,
            on_error=lambda error: books.problem(f"{self.name}: {error}"),
        )

    def run(self) -> None:
        """Queues events, as fast as the client takes them."""
        while not self._stopping.is_set():
            event = an_event(next(self.books.numbers))
            self.books.send(self.name, [event.event_id])
            self._queued_at[event.event_id] = time.monotonic()
            self._client.send(event)
            time.sleep(_PACE_SECONDS)

    def stop(self, patience: float) -> None:
        """Waits for the client's queue to be empty."""
        super().stop(patience)
        if not self._client.flush(patience):
            raise AssertionError(f"the Python client still has undelivered events after {patience:g} seconds")

    def close(self) -> None:
        """Closes the client."""
        self._client.close()

    def _told(self, result: Result) -> None:
        begun = self._queued_at.pop(result.event_id, 0.0)
        self.books.answer(self.name, [(result.event_id, result.status.value)], begun)


class Tag(Sender):
    """What a browser does: POST /collect, and the same body again when it is told to wait."""

    name = "tag"

    def __init__(self, books: Books, address: str, key: str) -> None:
        super().__init__(books)
        self._where = urllib.parse.urlsplit(address).netloc
        self._key = key
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """One page after the other."""
        while not self._stopping.is_set():
            events = [self._page(next(self.books.numbers)) for _ in range(2)]
            body = json.dumps({"token": self._key, "tracking_id": f"browser-{len(self.books.sent) % 9}",
                               "sent_at": _now(), "events": events})  # fmt: skip
            self.books.send(self.name, [event["event_id"] for event in events])
            first = time.monotonic()
            while not self._delivered(body):
                pass
            self.books.take(self.name, time.monotonic() - first)
            time.sleep(_PACE_SECONDS)

    def _delivered(self, body: str) -> bool:
        begun = time.monotonic()
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._where, timeout=CALL_SECONDS)
            self._connection.request("POST", "/collect", body, {"content-type": "text/plain"})
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            self.books.refuse("HTTP connection")
            time.sleep(_AGAIN_SECONDS)
            return False
        if response.status == 200:
            results = json.loads(content)["results"]
            self.books.answer(self.name, [(each["event_id"], each["status"]) for each in results], begun)
            return True
        delay = response.getheader("retry-after")
        if response.status not in (429, 503):
            self.books.problem(f"{self.name}: HTTP {response.status}: {content[:200]!r}")
        self.books.refuse(f"HTTP {response.status}", hinted=delay is not None)
        time.sleep(min(1.0, float(delay or _AGAIN_SECONDS)))
        return False

    def _page(self, number: int) -> dict[str, Any]:
        kinds: list[tuple[str, dict[str, Any]]] = [
            ("page_view", {"url": f"https://shop.example/{number}", "referrer": ""}),
            ("product_view", {"sku": f"sku-{number % 5}", "name": f"Mug {number}", "price": "9.99"}),
            ("cart_add", {"cart_id": f"cart-{number % 3}", "sku": "sku-1", "price": "9.99", "qty": 1}),
            ("identify", {"identity": f"person-{number % 7}"}),
        ]
        kind, properties = kinds[number % len(kinds)]
        return {"type": kind, "event_id": str(uuid.uuid4()), "occurred_at": _now(), "properties": properties}

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _verdicts(answer: TrackResponse) -> list[tuple[str, str]]:
    return [
        (result.event_id, EventStatus.Name(result.status).removeprefix("EVENT_STATUS_"))
        for result in answer.results
    ]


def _delay(error: grpc.RpcError) -> float | None:
    try:
        status = rpc_status.from_call(error)
    except ValueError:
        return None
    info = RetryInfo()
    for detail in status.details if status is not None else ():
        if detail.Unpack(info):
            return info.retry_delay.ToTimedelta().total_seconds()
    return None


def _now() -> str:
    return datetime.now(UTC).isoformat()
