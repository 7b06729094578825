"""The spool on disk: what had no verdict survives the process, arrives once, and is told of truthfully."""

import errno
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from shopalytic import AsyncClient, Client, CloseResult, QueueFull
from shopalytic.sending import spool
from standins.scripted_collector import KEY, ScriptedCollector, fail, lose_the_answer, wait_for

PAGE = {"url": "https://shop.example/", "referrer": ""}
UNTIL_RETRIED = "while not client.stats.retries: time.sleep(0.01)"
FORK = "child = os.fork()\nif child == 0:\n    page()\n    os._exit(0)\nos.waitpid(child, 0)\n"


@pytest.fixture
def collector() -> Iterator[ScriptedCollector]:
    collector = ScriptedCollector().start()
    yield collector
    collector.stop()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()


def client_of(collector: ScriptedCollector, folder: Path, **settings) -> Client:
    return Client(
        collector.target,
        KEY,
        spool_dir=folder,
        **{"linger": 0.01, "strict": True, "overflow": "block", **settings},
    )


def page(client: Client, number: int = 0, **more) -> str:
    return client.track("page_view", PAGE | {"title": f"page {number}"}, tracking_id="device-1", **more)


def killed(target: str, folder: Path, program: str, linger: float = 0.0) -> list[str]:
    """Runs a program with a client until it kills itself with SIGKILL; the ids that it printed."""
    head = f"""
import os, signal, time
from shopalytic import Client
client = Client({target!r}, {KEY!r}, spool_dir={str(folder)!r}, linger={linger}, source="till")
def page(): print(client.track("page_view", {PAGE!r}, tracking_id="device-1"), flush=True)
"""
    command = [sys.executable, "-c", head + program + "\nos.kill(os.getpid(), signal.SIGKILL)\n"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    return done.stdout.split()


def test_events_survive_a_killed_process_and_arrive_before_later_ones(
    collector: ScriptedCollector, tmp_path: Path
) -> None:
    ids = killed("127.0.0.1:1", tmp_path, "for _ in range(5): page()")
    with client_of(collector, tmp_path) as client:
        assert client.stats.queued == 5
        ids.append(page(client))
        assert client.flush()
    assert collector.stored_ids == ids
    assert list(tmp_path.iterdir()) == []
    told = {(each.instance, each.source) for request in collector.requests for each in request.deliveries}
    numbers = [
        (each.source, each.first_sequence, each.count)
        for request in collector.requests
        for each in request.deliveries
        if each.count
    ]
    assert len(told) == 2
    # The dead one's numbers are its own, so that no gap is reported.
    assert sorted(numbers) == [("", 1, 1), ("till", 1, 5)]


def test_an_answer_lost_with_the_process_makes_no_second_event(
    collector: ScriptedCollector, tmp_path: Path
) -> None:
    collector.script += [lose_the_answer, fail(grpc.StatusCode.UNAVAILABLE)]
    ids = killed(
        collector.target, tmp_path, "page(); page()\nwhile not client.stats.retries: time.sleep(0.01)"
    )
    assert len(ids) == 2
    with client_of(collector, tmp_path) as client:
        assert client.flush()
        assert client.stats.duplicate >= 1
    assert sorted(collector.stored_ids) == sorted(ids)
    assert list(tmp_path.iterdir()) == []


def test_what_had_its_verdict_is_not_sent_again(collector: ScriptedCollector, tmp_path: Path) -> None:
    program = "page(); client.flush()\nfor _ in range(2): page(); client.flush()"
    assert len(killed(collector.target, tmp_path, program)) == 3
    sent = len(collector.requests)
    with client_of(collector, tmp_path) as client:
        assert client.stats.queued == 0
    assert len(collector.requests) == sent
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_was_cut_short_costs_only_itself(
    collector: ScriptedCollector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ids = killed("127.0.0.1:1", tmp_path, "for _ in range(3): page()")
    [segment] = tmp_path.glob("*/*.log")
    segment.write_bytes(segment.read_bytes()[:-5])
    [mark] = tmp_path.glob("*/settled")
    mark.write_bytes(b"\x02\0\0")
    with caplog.at_level(logging.WARNING), client_of(collector, tmp_path) as client:
        assert client.flush()
    assert collector.stored_ids == ids[:2]
    assert "are cut short" in caplog.text


def test_two_clients_share_a_directory_and_neither_takes_the_others_events(
    collector: ScriptedCollector, gate: threading.Event, tmp_path: Path
) -> None:
    collector.script.append(wait_for(gate))
    with client_of(collector, tmp_path) as first:
        ids = [page(first)]
        assert collector.asked.wait(120)
        with client_of(collector, tmp_path) as second:
            assert second.stats.queued == 0
            ids.insert(0, page(second))
        gate.set()
    assert collector.stored_ids == ids
    assert list(tmp_path.iterdir()) == []


def test_a_forked_child_leaves_its_parents_events_alone(collector: ScriptedCollector, tmp_path: Path) -> None:
    # Nothing is sent before the end: what is looked at is the files, not gRPC in a fork.
    ids = killed("127.0.0.1:1", tmp_path, f"page()\n{FORK}page()", linger=60.0)
    assert len(ids) == 3
    with client_of(collector, tmp_path) as client:
        assert client.flush()
    assert sorted(collector.stored_ids) == sorted(ids)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("state", ["dead", "stalled"])
@pytest.mark.parametrize("spooled", [True, False])
def test_close_tells_what_it_could_not_deliver(
    collector: ScriptedCollector, gate: threading.Event, tmp_path: Path, state: str, spooled: bool
) -> None:
    collector.script.append(wait_for(gate))
    if state == "dead":
        collector.stop()
    client = Client(collector.target, KEY, spool_dir=tmp_path if spooled else None, on_error=lambda _: None)
    ids = [page(client, number) for number in range(3)]
    result = client.close(0.3)
    assert (result.delivered, result.spooled) == (0, 3 if spooled else 0)
    assert [event.event_id for event in result.undelivered] == ([] if spooled else ids)
    assert bool(result) is spooled
    stats = client.stats
    assert (stats.queued, stats.pending, stats.spooled) == (3, 0, result.spooled)
    assert sum(stats.dropped.values()) == len(result.undelivered)
    assert client.close(0.3) == CloseResult((), 0, 0)


@pytest.mark.parametrize("spooled", [True, False])
def test_close_into_a_slow_server_tells_exactly_what_got_through(
    collector: ScriptedCollector, gate: threading.Event, tmp_path: Path, spooled: bool
) -> None:
    seen: list[int] = []

    def first_two_batches(call):
        seen.append(len(call.request.events))
        if len(seen) < 3:
            return call.collector.store(call.request)
        return wait_for(gate)(call)

    collector.script += [first_two_batches] * 3
    settings = {"batch_size": 2, "linger": 60.0, "on_error": lambda _: None}
    client = Client(collector.target, KEY, spool_dir=tmp_path if spooled else None, **settings)
    ids = [page(client, number) for number in range(2)]
    client.flush()
    ids += [page(client, number) for number in range(5)]
    result = client.close(3.0)
    # Whether the batch that was cut off is stored nobody can know; it is not called delivered.
    assert collector.stored_ids[:4] == ids[:4]
    left = (3, 0) if spooled else (0, 3)
    assert (result.delivered, result.spooled, len(result.undelivered)) == (2, *left)
    assert client.stats.accepted == 4
    collector.script.clear()
    if spooled:
        with client_of(collector, tmp_path) as heir:
            assert heir.flush()
        assert collector.stored_ids == ids


def test_a_refused_key_is_waited_for_and_said(
    collector: ScriptedCollector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    collector.script += [fail(grpc.StatusCode.UNAUTHENTICATED), fail(grpc.StatusCode.PERMISSION_DENIED)]
    with client_of(collector, tmp_path) as client:
        ids = [page(client)]
        assert client.flush()
    assert collector.stored_ids == ids
    assert "Events wait and are sent again: the key is unknown" in caplog.text


def test_the_queue_bounds_the_spool_and_segments_go_with_their_events(
    collector: ScriptedCollector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "_SEGMENT_BYTES", 2_000)
    with client_of(collector, tmp_path, batch_size=10) as client:
        for number in range(200):
            page(client, number)
            if number % 50 == 49:
                client.flush()
                assert len(list(tmp_path.glob("*/*.log"))) <= 2
    collector.stop()
    with client_of(collector, tmp_path, max_queue=3, overflow="error", linger=60) as client:
        for number in range(3):
            page(client, number)
        with pytest.raises(QueueFull):
            page(client)
        assert client.close(0.1).spooled == 3
    assert len(collector.stored) == 200


def test_a_full_disk_is_told_at_the_call_and_costs_nothing_else(
    collector: ScriptedCollector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_write = os.write

    def half(descriptor: int, data: bytes) -> int:
        real_write(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    collector.stop()
    client = client_of(collector, tmp_path, linger=60)
    ids = [page(client)]
    with monkeypatch.context() as patch:
        patch.setattr(spool.os, "write", half)
        with pytest.raises(OSError, match="No space left"):
            page(client)
    ids.append(page(client))
    assert client.close(0.0).spooled == 2
    collector.start()
    with client_of(collector, tmp_path) as heir:
        assert heir.flush()
    assert collector.stored_ids == ids


async def test_the_asyncio_client_spools_too(collector: ScriptedCollector, tmp_path: Path) -> None:
    client = AsyncClient("127.0.0.1:1", KEY, spool_dir=tmp_path, spool_fsync=True)
    ids = [await client.track("page_view", PAGE, tracking_id="device-1") for _ in range(3)]
    assert (await client.close(0.1)).spooled == 3
    async with AsyncClient(collector.target, KEY, spool_dir=tmp_path) as heir:
        assert await heir.flush()
        assert heir.stats.accepted == 3
    assert collector.stored_ids == ids
