"""The transactional outbox: events live and die with the shop's transaction, and arrive once."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing

import django
import grpc
import psycopg
import pytest
import sqlalchemy
from django.conf import settings as django_settings
from sqlalchemy.orm import Session

from running.running_service import run
from shopalytic import InvalidEvent, Result, Status, outbox
from shopalytic.outbox import Drained, Drainer
from shopalytic.v1 import collector_pb2 as pb
from standins.scripted_collector import KEY, ScriptedCollector, answer, fail, wait_for

PAGE = {"url": "https://shop.example/", "referrer": ""}


@pytest.fixture
def collector() -> Iterator[ScriptedCollector]:
    collector = ScriptedCollector().start()
    yield collector
    collector.stop()


@pytest.fixture
def shop(database_url: str) -> Iterator[psycopg.Connection]:
    with closing(psycopg.connect(database_url)) as connection:
        outbox.create_table(connection)
        connection.execute("CREATE TABLE IF NOT EXISTS shop_orders (number integer)")
        connection.commit()
        yield connection


def page(connection: object, number: int = 0, **more: str) -> str:
    properties = PAGE | {"title": f"page {number}"}
    return outbox.record(connection, "page_view", properties, tracking_id="device-1", **more)


def drainer_of(url: str, collector: ScriptedCollector, **settings: object) -> Drainer:
    return Drainer(lambda: psycopg.connect(url), collector.target, KEY, **settings)  # type: ignore[arg-type]


def waiting(shop: psycopg.Connection) -> list[str]:
    rows = shop.execute("SELECT event_id FROM shopalytic_outbox WHERE refused_at IS NULL ORDER BY position")
    found = [row[0] for row in rows]
    shop.rollback()
    return found


def test_what_was_committed_is_delivered_in_order_and_what_was_rolled_back_is_not(
    shop: psycopg.Connection, collector: ScriptedCollector, database_url: str
) -> None:
    ids = [page(shop, number) for number in range(5)]
    shop.commit()
    page(shop)
    shop.rollback()
    with shop.transaction(), shop.cursor() as cursor:
        ids.append(page(cursor, 5))
    with drainer_of(database_url, collector, batch_size=2) as drainer:
        assert drainer.drain() == Drained(delivered=6)
    assert collector.stored_ids == ids
    assert [len(request.events) for request in collector.requests] == [2, 2, 2]
    assert waiting(shop) == []


def test_a_mistake_is_told_in_the_transaction_and_nothing_is_recorded(shop: psycopg.Connection) -> None:
    with pytest.raises(InvalidEvent, match=r"page_view\.url"):
        outbox.record(shop, "page_view", {"referrer": ""}, tracking_id="device-1")
    shop.commit()
    assert waiting(shop) == []
    with pytest.raises(TypeError, match="str is no connection"):
        page("postgresql://shop")


def test_events_live_and_die_with_a_transaction_of_sqlalchemy(
    shop: psycopg.Connection, database_url: str
) -> None:
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database_url))
    try:
        with engine.begin() as connection:
            kept = [page(connection)]
        with Session(engine) as session:
            session.execute(sqlalchemy.text("INSERT INTO shop_orders VALUES (1)"))
            kept.append(page(session))
            session.commit()
            session.execute(sqlalchemy.text("INSERT INTO shop_orders VALUES (2)"))
            page(session)
            session.rollback()
    finally:
        engine.dispose()
    assert waiting(shop) == kept
    assert shop.execute("SELECT number FROM shop_orders").fetchall() == [(1,)]


def test_events_live_and_die_with_a_transaction_of_django(
    shop: psycopg.Connection, database_url: str
) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(database_url)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    database = {name: str(parts.get(part) or "") for name, part in names.items()}
    if not django_settings.configured:
        django_settings.configure(DATABASES={}, USE_TZ=True)
        django.setup()
    from django.db.utils import ConnectionHandler

    handler = ConnectionHandler({"default": {"ENGINE": "django.db.backends.postgresql", **database}})
    connection = handler["default"]
    try:
        connection.set_autocommit(False)
        kept = page(connection)
        connection.commit()
        page(connection)
        connection.rollback()
    finally:
        connection.close()
    assert waiting(shop) == [kept]


def test_refused_events_stay_with_their_reason_and_the_others_go_on(
    shop: psycopg.Connection, collector: ScriptedCollector, database_url: str
) -> None:
    ids = [page(shop, number) for number in range(3)]
    shop.commit()
    wrong = pb.Violation(field="page_view.url", rule_id="required", message="is required")
    collector.script.append(
        answer(
            pb.EventResult(status=pb.EVENT_STATUS_QUARANTINED, violations=[wrong]),
            pb.EventResult(status=pb.EVENT_STATUS_DUPLICATE),
            pb.EventResult(status=pb.EVENT_STATUS_REJECTED),
        )
    )
    results: list[Result] = []
    with drainer_of(database_url, collector, on_result=results.append) as drainer:
        assert drainer.drain() == Drained(delivered=1, refused=2)
    rows = shop.execute("SELECT event_id, status, reason FROM shopalytic_outbox ORDER BY position").fetchall()
    assert rows == [
        (ids[0], "QUARANTINED", "page_view.url: is required (required)"),
        (ids[2], "REJECTED", ""),
    ]
    assert [result.status for result in results] == [Status.QUARANTINED, Status.DUPLICATE, Status.REJECTED]


def test_a_server_that_is_away_is_waited_for_and_a_wrong_key_is_told(
    shop: psycopg.Connection, collector: ScriptedCollector, database_url: str
) -> None:
    kept = page(shop)
    shop.commit()
    collector.script += [fail(grpc.StatusCode.UNAVAILABLE, retry_after=0.01)] * 2
    stop = threading.Event()
    waits: list[Exception] = []
    with drainer_of(database_url, collector, on_result=lambda _: stop.set()) as drainer:
        assert drainer.run(stop, waits.append) == Drained(delivered=1)
    assert len(waits) == 2
    page(shop)
    shop.commit()
    collector.script.append(fail(grpc.StatusCode.UNAUTHENTICATED))
    with drainer_of(database_url, collector) as drainer, pytest.raises(grpc.RpcError):
        drainer.run(threading.Event())
    assert collector.stored_ids == [kept]
    assert len(waiting(shop)) == 1


def test_a_drainer_killed_between_sending_and_deleting_stores_nothing_twice(
    shop: psycopg.Connection, collector: ScriptedCollector, database_url: str
) -> None:
    ids = [page(shop, number) for number in range(3)]
    shop.commit()
    gate = threading.Event()
    stored = threading.Event()

    def store_and_say_nothing(call):  # type: ignore[no-untyped-def]
        response = call.collector.store(call.request)
        stored.set()
        wait_for(gate)(call)
        return response

    collector.script.append(store_and_say_nothing)
    arguments = ("drain", "--outbox-url", database_url, "--target", collector.target, "--key", KEY)
    process = subprocess.Popen([sys.executable, "-m", "shopalytic", "outbox", *arguments])
    try:
        assert stored.wait(60)
    finally:
        process.kill()
        process.wait()
        gate.set()
    assert collector.stored_ids == ids
    assert waiting(shop) == ids
    done = run("outbox", *arguments, "--once", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"delivered": 3, "refused": 0, "busy": False}
    assert collector.stored_ids == ids
    assert waiting(shop) == []


def test_of_two_drainers_one_works_and_the_other_takes_over(
    shop: psycopg.Connection, collector: ScriptedCollector, database_url: str
) -> None:
    ids = [page(shop, number) for number in range(40)]
    shop.commit()
    gate = threading.Event()
    collector.script.append(wait_for(gate))
    stop = threading.Event()
    drainers = [drainer_of(database_url, collector, batch_size=5, poll=0.02) for _ in range(2)]
    threads = [threading.Thread(target=drainer.run, args=(stop,)) for drainer in drainers]
    threads[0].start()
    assert collector.asked.wait(120)
    with drainer_of(database_url, collector) as third:
        assert third.drain().is_busy
    threads[1].start()
    gate.set()
    while len(collector.stored) < 40:
        collector.asked.clear()
        collector.asked.wait(0.1)
    stop.set()
    for thread, drainer in zip(threads, drainers, strict=True):
        thread.join()
        drainer.close()
    assert collector.stored_ids == ids
    assert len(collector.requests) == 8
    assert waiting(shop) == []


def test_a_database_without_the_table_is_one_sentence(database_url: str) -> None:
    done = run("outbox", "drain", "--outbox-url", database_url, "--key", KEY, "--once")
    assert done.returncode == 1
    assert "no table shopalytic_outbox" in done.stderr
