"""A backup made under load, and a service that goes on from it elsewhere."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from running.running_service import Service, folder, run
from shopalytic.v1.collector_pb2 import EVENT_STATUS_DUPLICATE, TrackRequest
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.embedded import EmbeddedPostgresError
from shopalytic_server.embedded.backup import restore


def order(number: int) -> Event:
    event = Event(event_id=str(uuid4()), identity=f"person-{number % 7}")
    event.occurred_at.FromDatetime(datetime.now(UTC))
    event.order.order_id, event.order.cart_id = f"o-{number}", "c"
    event.order.total = event.order.subtotal = "1.50"
    event.order.line_items.add(sku="a", price="1.50", qty=1)
    return event


def test_a_backup_under_load_has_all_that_was_answered_before_it_began_and_is_refused_once_damaged():
    with folder() as path:
        answered: list[Event] = []
        enough, done = threading.Event(), threading.Event()
        with Service(made(path / "one")) as service:

            def send() -> None:
                stub = CollectorServiceStub(service.channel())
                while not done.is_set():
                    events = [order(len(answered) + number) for number in range(20)]
                    stub.Track(TrackRequest(events=events), metadata=service.metadata("server"))
                    answered.extend(events)
                    if len(answered) >= 400:
                        enough.set()

            sender = threading.Thread(target=send)
            sender.start()
            assert enough.wait(60)
            before = list(answered)
            backed_up = service.command("backup", path / "copy")
            done.set()
            sender.join()
            assert backed_up.returncode == 0, backed_up.stderr
            assert service.command("backup", path / "copy").returncode == 1
        again = restored(path)
        with Service(made(path / "two")) as service:
            assert again.returncode == 0, again.stderr
            stub = CollectorServiceStub(service.channel())
            for start in range(0, len(before), 400):
                request = TrackRequest(events=before[start : start + 400])
                answer = stub.Track(request, metadata=service.metadata("server"))
                assert {result.status for result in answer.results} == {EVENT_STATUS_DUPLICATE}
            assert service.json("rebuild", "--check")["equal"]
            [report] = service.json("report", "sales")["reports"]
            assert len(before) <= int(report["total"]["orders"]) <= len(answered)
        assert restored(path).returncode == 1
        damaged = next((path / "copy" / "postgres" / "base").rglob("*_fsm"))
        damaged.write_bytes(b"x" + damaged.read_bytes()[1:])
        with pytest.raises(EmbeddedPostgresError, match="is not what was backed up"):
            restore(path / "copy", path / "three")
        assert not (path / "three" / "postgres").exists()


def made(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


def restored(path: Path):
    return run("restore", path / "copy", "--data-dir", path / "two" / "data")
