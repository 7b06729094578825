"""Load on a running service, with a ledger of what it acknowledged."""

import itertools
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import psycopg

from running_service import PATIENCE_SECONDS, Service
from shopalytic.decoding import decode_event
from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.events_pb2 import Event

BATCH = 20
_IN_FLIGHT = 5


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
    def load(self, service: Service) -> Iterator[None]:
        """Load from two unary callers and a stream; at the end it waits until all have stopped."""
        self._stopping.clear()
        with ThreadPoolExecutor(3) as pool:
            workers = [pool.submit(work, service) for work in (self._calls, self._calls, self._stream)]
            try:
                yield
            finally:
                self._stopping.set()
        for worker in workers:
            worker.result()

    def wait_for(self, batches: int) -> None:
        """Waits until so many more batches are acknowledged."""
        with self._changed:
            goal = len(self.acknowledged) + batches * BATCH
            done = self._changed.wait_for(
                lambda: len(self.acknowledged) >= goal or self.failures, PATIENCE_SECONDS
            )
        assert done, "the service acknowledges nothing"
        assert not self.failures, self.failures

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
