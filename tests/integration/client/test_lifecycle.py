"""Queue limits, flush, close, callbacks, forks and exits of the threaded client."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from shopalytic import Client, ClientClosed, DeliveryError, InvalidEvent, LossReason, QueueFull, Result
from standins.scripted_collector import KEY, Call, ScriptedCollector, fail, wait_for

PAGE = {"url": "https://shop.example/", "referrer": ""}


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


def client_of(collector: ScriptedCollector, **settings: Any) -> Client:
    return Client(collector.target, KEY, **{"linger": 0.01, "strict": True, "overflow": "block", **settings})


def page(client: Client) -> str:
    return client.track("page_view", PAGE, tracking_id="device-1")


def busy_client(collector: ScriptedCollector, gate: threading.Event, **settings: Any) -> tuple[Client, str]:
    """A client whose first event is in flight until the gate opens, and that event's id."""
    collector.script.append(wait_for(gate))
    client = client_of(collector, **settings)
    first = page(client)
    assert collector.asked.wait(120)
    return client, first


def test_a_full_queue_raises_with_the_policy_error(
    collector: ScriptedCollector, gate: threading.Event
) -> None:
    client, first = busy_client(collector, gate, max_queue=2, overflow="error")
    taken = [page(client), page(client)]
    with pytest.raises(QueueFull, match="queue is full"):
        page(client)
    gate.set()
    assert client.close()
    assert collector.stored_ids == [first, *taken]
    assert client.stats.queued == 3


def test_a_full_queue_drops_the_oldest_waiting_event_and_says_so(
    collector: ScriptedCollector, gate: threading.Event
) -> None:
    errors: list[DeliveryError] = []
    settings: dict[str, Any] = {"max_queue": 2, "overflow": "drop_oldest", "on_error": errors.append}
    client, first = busy_client(collector, gate, **settings)
    ids = [page(client) for _ in range(5)]
    gate.set()
    assert client.close()
    assert collector.stored_ids == [first, *ids[3:]]
    assert [event_id for error in errors for event_id in error.event_ids] == ids[:3]
    assert client.stats.dropped == {LossReason.QUEUE_FULL: 3}


def test_a_full_queue_makes_the_call_wait_for_room(
    collector: ScriptedCollector, gate: threading.Event
) -> None:
    client, first = busy_client(collector, gate, max_queue=1)
    second = page(client)
    later: list[str] = []
    waiting = threading.Thread(target=lambda: later.append(page(client)))
    waiting.start()
    waiting.join(0.2)
    assert not later
    gate.set()
    waiting.join(10)
    assert client.close()
    assert collector.stored_ids == [first, second, *later]


def test_the_queue_is_bounded_by_bytes_too(collector: ScriptedCollector, gate: threading.Event) -> None:
    client, _ = busy_client(collector, gate, max_queue_bytes=5_000, overflow="error")
    client.track("page_view", PAGE | {"url": "u" * 4_000}, tracking_id="device-1")
    with pytest.raises(QueueFull):
        client.track("page_view", PAGE | {"url": "u" * 4_000}, tracking_id="device-1")
    gate.set()
    client.close()


def test_flush_tells_how_many_events_have_no_verdict_yet(
    collector: ScriptedCollector, gate: threading.Event
) -> None:
    client, _ = busy_client(collector, gate)
    page(client)
    flushed = client.flush(0.05)
    assert not flushed
    assert (flushed.remaining, flushed.lost) == (2, 0)
    gate.set()
    assert client.flush()
    assert client.stats.pending == 0
    assert client.close()


def test_flush_does_not_wait_for_the_linger(collector: ScriptedCollector) -> None:
    client = client_of(collector, linger=3600)
    event_id = page(client)
    assert client.flush()
    assert collector.stored_ids == [event_id]
    assert client.close()


def test_flush_of_an_unused_client_is_done(collector: ScriptedCollector) -> None:
    client = client_of(collector)
    assert client.flush()
    assert client.close()


def test_close_in_time_gives_back_what_has_no_verdict_and_a_new_client_takes_it(
    collector: ScriptedCollector, gate: threading.Event
) -> None:
    errors: list[DeliveryError] = []
    client, first = busy_client(collector, gate, on_error=errors.append)
    second = page(client)
    closed = client.close(0.05)
    assert not closed
    assert [event.event_id for event in closed.undelivered] == [first, second]
    assert [(error.reason, error.event_ids) for error in errors] == [(LossReason.CLOSED, (first, second))]
    assert client.stats.dropped == {LossReason.CLOSED: 2}
    gate.set()
    with client_of(collector) as successor:
        assert [successor.send(event) for event in closed.undelivered] == [first, second]
    assert sorted(collector.stored_ids) == sorted([first, second])


def test_close_does_not_sleep_past_its_time_between_attempts(collector: ScriptedCollector) -> None:
    collector.script.append(fail(grpc.StatusCode.UNAVAILABLE, retry_after=3600))
    before = set(threading.enumerate())
    client = client_of(collector, retry_deadline=10_000)
    event_id = page(client)
    assert collector.asked.wait(120)
    own = [each for each in threading.enumerate() if each not in before and each.name == "shopalytic-client"]
    assert [event.event_id for event in client.close(0.1).undelivered] == [event_id]
    assert len(collector.requests) == 1
    for thread in own:
        thread.join(10)
    assert own
    assert not any(thread.is_alive() for thread in own)


def test_close_tells_of_events_that_were_refused_while_it_waited(collector: ScriptedCollector) -> None:
    collector.script.append(fail(grpc.StatusCode.PERMISSION_DENIED))
    client = client_of(collector, linger=3600)
    event_id = page(client)
    assert [event.event_id for event in client.close().undelivered] == [event_id]


def test_a_closed_client_takes_nothing_and_closes_again(collector: ScriptedCollector) -> None:
    client = client_of(collector)
    page(client)
    assert client.close()
    with pytest.raises(ClientClosed, match="make a new one"):
        page(client)
    assert client.close()
    assert len(collector.stored) == 1


def test_a_call_that_waits_for_room_ends_when_the_client_is_closed(
    collector: ScriptedCollector, gate: threading.Event
) -> None:
    client, _ = busy_client(collector, gate, max_queue=1)
    page(client)
    ends: list[str] = []

    def wait_for_room() -> None:
        try:
            page(client)
        except ClientClosed:
            ends.append("closed")

    waiting = threading.Thread(target=wait_for_room)
    waiting.start()
    waiting.join(0.1)
    client.close(0)
    waiting.join(10)
    assert ends == ["closed"]


def test_an_invalid_event_raises_at_the_call_and_queues_nothing(collector: ScriptedCollector) -> None:
    with client_of(collector) as client:
        with pytest.raises(InvalidEvent) as caught:
            client.track("page_view", {"url": ""}, tracking_id="device-1")
        assert client.stats.queued == 0
    assert {(found.field, found.rule_id) for found in caught.value.violations} == {
        ("page_view.url", "required"),
        ("page_view.referrer", "required"),
    }
    assert not collector.requests


@pytest.mark.parametrize("mistake", [KeyError("a mistake of the shop"), SystemExit(1)])
def test_a_callback_that_fails_stops_neither_delivery_nor_other_callbacks(
    collector: ScriptedCollector, caplog: pytest.LogCaptureFixture, mistake: BaseException
) -> None:
    seen: list[str] = []

    def on_result(result: Result) -> None:
        seen.append(result.event_id)
        raise mistake

    with client_of(collector, on_result=on_result) as client:
        ids = [page(client), page(client)]
        assert client.flush()
        ids.append(page(client))
    assert seen == collector.stored_ids == ids
    assert "A callback of the Shopalytic client failed" in caplog.text


def test_a_callback_may_track_but_not_wait_for_itself(collector: ScriptedCollector) -> None:
    caught: list[Exception] = []
    followed: list[str] = []

    def on_result(_: Result) -> None:
        if followed:
            return
        followed.append(page(client))
        for wait in (client.flush, client.close, lambda: page(client)):
            try:
                wait()
            except (RuntimeError, QueueFull) as error:
                caught.append(error)

    client = client_of(collector, on_result=on_result, max_queue=1)
    first = page(client)
    while len(collector.stored) < 2:
        client.flush()
    assert client.close()
    assert collector.stored_ids == [first, *followed]
    assert [type(error) for error in caught] == [RuntimeError, RuntimeError, QueueFull]


def run_program(collector: ScriptedCollector, program: str) -> list[str]:
    """Runs a program of its own, with a client made, and returns the lines it printed."""
    # As a user's program has it: the tests' own process does without gRPC's handlers of forks.
    environment = {name: value for name, value in os.environ.items() if name != "GRPC_ENABLE_FORK_SUPPORT"}
    start = "import os, sys\nfrom shopalytic import Client\n"
    start += f"client = Client({collector.target!r}, {KEY!r}, timeout=600)\n"
    start += f"def page(device): return client.track('page_view', {PAGE!r}, tracking_id=device)\n"
    done = subprocess.run(
        [sys.executable, "-c", start + program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_process_that_exits_without_close_still_delivers(collector: ScriptedCollector) -> None:
    ids = run_program(collector, "print(page('a'))\nprint(page('b'))")
    assert collector.stored_ids == ids


def test_a_fork_while_sending_leaves_each_process_with_its_own_events(collector: ScriptedCollector) -> None:
    program = """
for n in range(300):
    page('parent')
children = []
for n in range(4):
    child = os.fork()
    if child == 0:
        fresh = client.stats.queued == 0
        page(f'child-{n}')
        os._exit(0 if fresh and client.close(20) and client.stats.queued == 1 else 1)
    children.append(child)
    page('parent')
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
assert client.close(20)
assert client.stats.queued == 304
"""
    run_program(collector, program)
    devices = [event.tracking_id for event in collector.stored.values()]
    assert sorted(devices) == sorted(["parent"] * 304 + [f"child-{n}" for n in range(4)])


def test_a_fork_does_not_wait_for_a_call_that_hangs(
    collector: ScriptedCollector, gate: threading.Event, tmp_path: Path
) -> None:
    hangs = tmp_path / "hangs"

    def hang(call: Call) -> Any:
        hangs.touch()
        return wait_for(gate)(call)

    collector.script.append(hang)
    program = f"""
page('parent')
import time
while not os.path.exists({str(hangs)!r}): time.sleep(0.01)
child = os.fork()
if child == 0:
    page('child')
    os._exit(0 if client.close(20) else 1)
assert os.waitpid(child, 0)[1] == 0
assert client.close(20)
"""
    run_program(collector, program)
    assert sorted(event.tracking_id for event in collector.stored.values()) == ["child", "parent"]
