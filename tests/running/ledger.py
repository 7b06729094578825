"""Load on a running service, with a ledger of what it acknowledged."""

import itertools
import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import psycopg

from running.running_service import PATIENCE_SECONDS, Service
from shopalytic.events.decoding import decode_event
from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.events_pb2 import Event

ACCEPTED = collector_pb2.EVENT_STATUS_ACCEPTED
DUPLICATE = collector_pb2.EVENT_STATUS_DUPLICATE
BATCH = 20
_IN_FLIGHT = 5
# That one of two workers has so many connections all for itself is one case in 128.
MANY = 8


def an_event(number: int) -> Event:
    """The number decides everything but the id and the time; no two are the same order."""
    person, device = f"person-{number % 7}", f"device-{number % 23}"
    order = {"order_id": f"order-{number}", "cart_id": "c", "total": "9.99", "subtotal": "9.99"}
    line = {"sku": f"sku-{number % 5}", "price": "9.99", "qty": 1}
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("page_view", {"url": f"https://shop.example/{number}", "referrer": ""}),
        ("order", {**order, "line_items": [line]}),
        ("identify", {"identity": person}),
        ("refund", {"order_id": f"order-{number - 2}", "refund_type": "full"}),
        ("cart_add", {"cart_id": f"cart-{number % 3}", **line}),
        ("product_view", {"sku": line["sku"], "name": f"Mug {number}", "price": "9.99"}),
    ]
    kind, properties = kinds[number % len(kinds)]
    sender = {"tracking_id": device} if number % 4 or kind == "identify" else {"identity": person}
    return decode_event({"type": kind, "properties": properties, **sender}, fill=True)


class Ledger:
    """Sends batches from several connections until they fail or it is told to stop."""

    def __init__(self) -> None:
        self.sent: list[collector_pb2.TrackRequest] = []
        self.acknowledged: dict[str, int] = {}
        self.failures: list[grpc.RpcError] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._stopping = threading.Event()

    @contextmanager
    def load(self, service: Service, times: int = 1) -> Iterator[None]:
        """Load from two unary callers and a stream, `times` over, each on a connection of its own.

        At the end it waits until all have stopped.
        """
        self._stopping.clear()
        works = (self._calls, self._calls, self._stream) * times
        with ThreadPoolExecutor(len(works)) as pool:
            senders = [pool.submit(work, service) for work in works]
            try:
                yield
            finally:
                self._stopping.set()
        for sender in senders:
            sender.result()

    def wait_for(self, batches: int) -> None:
        """Waits until so many more batches are acknowledged; nobody may fail meanwhile."""
        failed = len(self.failures)
        with self._changed:
            goal = len(self.acknowledged) + batches * BATCH
            done = self._changed.wait_for(
                lambda: len(self.acknowledged) >= goal or len(self.failures) > failed, PATIENCE_SECONDS
            )
        assert done, "the service acknowledges nothing"
        assert len(self.failures) == failed, self.failures

    def wait_for_failure(self) -> None:
        """Waits until somebody is not answered."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.failures, PATIENCE_SECONDS), "nobody noticed anything"

    def wait_until_back(self, service: Service) -> None:
        """Waits until many connections in a row are served, each of which any worker may get."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for _ in range(MANY):
            with service.channel() as channel:
                stub = CollectorServiceStub(channel)
                while not self._served(stub, service):
                    assert time.monotonic() < deadline, "it does not come back"
                    time.sleep(0.1)

    def _served(self, stub: CollectorServiceStub, service: Service) -> bool:
        """Whether a further batch is acknowledged now; nothing but UNAVAILABLE may come instead."""
        call = stub.Track.future(self._next(), metadata=service.metadata("server"), timeout=30)
        code = call.code()
        assert code in (grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE), call.details()
        if code is grpc.StatusCode.OK:
            self._note(call.result())
        return bool(code is grpc.StatusCode.OK)

    def resend(self, service: Service) -> dict[str, int]:
        """Sends everything again; gives each event's verdict."""
        verdicts: dict[str, int] = {}
        with service.channel() as channel:
            stub = CollectorServiceStub(channel)
            for request in self.sent:
                answer = stub.Track(request, metadata=service.metadata("server"), timeout=PATIENCE_SECONDS)
                verdicts.update({result.event_id: result.status for result in answer.results})
        return verdicts

    def _next(self) -> collector_pb2.TrackRequest:
        with self._changed:
            events = [an_event(next(self._numbers)) for _ in range(BATCH)]
            self.sent.append(collector_pb2.TrackRequest(events=events))
            return self.sent[-1]

    def _note(self, answer: collector_pb2.TrackResponse) -> None:
        with self._changed:
            self.acknowledged.update({result.event_id: result.status for result in answer.results})
            self._changed.notify_all()

    def _failed(self, error: grpc.RpcError) -> None:
        with self._changed:
            self.failures.append(error)
            self._changed.notify_all()

    def _calls(self, service: Service) -> None:
        with service.channel() as channel:
            stub = CollectorServiceStub(channel)
            while not self._stopping.is_set():
                try:
                    self._note(stub.Track(self._next(), metadata=service.metadata("server"), timeout=30))
                except grpc.RpcError as error:
                    return self._failed(error)
        return None

    def _stream(self, service: Service) -> None:
        room: queue.Queue[bool] = queue.Queue()
        for _ in range(_IN_FLIGHT):
            room.put(True)

        def requests() -> Iterator[collector_pb2.TrackRequest]:
            while room.get():
                yield self._next()

        with service.channel() as channel:
            try:
                stub = CollectorServiceStub(channel)
                for answer in stub.TrackStream(requests(), metadata=service.metadata("server")):
                    self._note(answer)
                    room.put(not self._stopping.is_set())
            except grpc.RpcError as error:
                self._failed(error)
            finally:
                room.put(False)


def stored_ids(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [event_id for (event_id,) in connection.execute("SELECT event_id::text FROM events")]


def check_once_each(service: Service, ledger: Ledger) -> None:
    """Everything acknowledged is stored, everything sent again gets in, and nothing is there twice."""
    acknowledged = set(ledger.acknowledged)
    assert set(ledger.acknowledged.values()) == {ACCEPTED}
    before = stored_ids(service.ready["database_url"])
    assert acknowledged <= set(before)
    verdicts = ledger.resend(service)
    assert {verdicts[event_id] for event_id in acknowledged} == {DUPLICATE}
    assert set(verdicts.values()) <= {ACCEPTED, DUPLICATE}
    after = stored_ids(service.ready["database_url"])
    assert sorted(after) == sorted(verdicts)
    checked = service.command("rebuild", "--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
