"""`shopalytic serve` as its users run it: a process, its files, its signals, its restarts."""

import contextlib
import json
import os
import pty
import select
import shlex
import signal
import socket
import stat
import subprocess
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import grpc
import psycopg
import pytest
from grpc_health.v1 import health_pb2

from running.running_service import COMMAND, Service, folder, run
from shopalytic.events.decoding import decode_event
from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub

KEY_CLASSES = ["browser", "server", "reports", "admin"]


@pytest.fixture
def place():
    with folder() as path:
        yield path


@pytest.fixture
def service(place):
    with Service(place) as running:
        yield running


def page_view(number=0, visitor="visitor-1"):
    properties = {"url": f"https://shop.example/{number}", "referrer": ""}
    return decode_event({"type": "page_view", "tracking_id": visitor, "properties": properties}, fill=True)


def track(service, *events, channel=None, timeout=60):
    with service.channel() as own:
        stub = CollectorServiceStub(channel or own)
        request = collector_pb2.TrackRequest(events=events)
        answer = stub.Track(request, metadata=service.metadata("server"), timeout=timeout)
    return [
        collector_pb2.EventStatus.Name(result.status).removeprefix("EVENT_STATUS_")
        for result in answer.results
    ]


def get(service, path):
    with urllib.request.urlopen(service.ready["http_address"] + path, timeout=120) as answer:
        return answer.status


def test_the_ready_file_says_where_everything_is(service):
    assert set(service.ready) == {"grpc_address", "http_address", "database_url", "project", "keys"}
    assert service.ready["grpc_address"].startswith("127.0.0.1:")
    assert service.ready["http_address"].startswith("http://127.0.0.1:")
    assert service.ready["project"] == "default"
    assert list(service.ready["keys"]) == KEY_CLASSES
    with psycopg.connect(service.ready["database_url"]) as connection:
        assert connection.execute("SELECT name FROM projects").fetchall() == [("default",)]


def test_files_with_keys_are_for_their_owner_only(service):
    for path in (service.ready_file, service.data_dir / "keys.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_event_is_accepted_once_and_http_answers(service):
    event = page_view()
    assert track(service, event) == ["ACCEPTED"]
    assert track(service, event) == ["DUPLICATE"]
    assert get(service, "/healthz") == 200
    assert get(service, "/readyz") == 200


def test_an_empty_directory_is_all_it_takes(place):
    with Service(place, from_nothing=True) as service:
        assert service.command("key", "list", "--json").returncode == 0


def test_a_restart_keeps_the_keys_and_the_events(service):
    event, keys = page_view(), service.ready["keys"]
    assert track(service, event) == ["ACCEPTED"]
    assert service.stop() == 0
    service.start()
    assert service.ready["keys"] == keys
    assert track(service, event) == ["DUPLICATE"]


def test_no_key_is_printed_into_a_file_and_the_command_that_shows_them_is(service):
    service.stop()
    service.start()
    log = service.log()
    assert [name for name in KEY_CLASSES if service.ready["keys"][name] in log] == []
    assert "shop_" not in log
    [command, *_] = [line for line in log.splitlines() if "shopalytic key show" in line]
    words = shlex.split(command, comments=True)
    for name in KEY_CLASSES:
        assert name in command
        shown = run(*[name if word == "admin" else word for word in words[1:]])
        assert shown.stdout.strip() == service.ready["keys"][name]


def test_new_keys_are_printed_to_a_terminal_once(place):
    data_dir, ready_file = place / "it's here", place / "ready.json"
    command = [*COMMAND, "serve", "--data-dir", data_dir, "--grpc-port", "0", "--http-port", "0"]
    secrets = []
    for _ in range(2):
        ready_file.unlink(missing_ok=True)
        printed = seen_at_a_terminal([*command, "--ready-file", ready_file], ready_file)
        secrets.append([printed.count(key) for key in json.loads(ready_file.read_text())["keys"].values()])
    assert secrets == [[1, 1, 1, 1], [0, 0, 0, 0]]


def seen_at_a_terminal(command, ready_file):
    """What a service prints to a terminal from its start to its end."""
    ours, its = pty.openpty()
    process = subprocess.Popen([*map(str, command)], stdout=its, stderr=its, stdin=subprocess.DEVNULL)
    os.close(its)
    printed, is_told = b"", False
    while process.poll() is None:
        if select.select([ours], [], [], 0.05)[0]:
            with contextlib.suppress(OSError):  # Linux tells the end of what is written as an error.
                printed += os.read(ours, 4096)
        if ready_file.exists() and not is_told:
            process.terminate()
            is_told = True
    os.close(ours)
    assert process.returncode == 0
    return printed.decode()


def test_a_second_service_on_the_same_directory_is_refused(service):
    done = run("serve", "--data-dir", service.data_dir, "--grpc-port", "0", "--http-port", "0")
    assert done.returncode == 1
    assert f"The data directory {service.data_dir} is in use by process" in done.stderr
    assert "Traceback" not in done.stderr
    assert track(service, page_view()) == ["ACCEPTED"]


@pytest.mark.parametrize("flag", ["--grpc-port", "--http-port"])
def test_a_port_in_use_is_told_and_the_directory_is_free_again(place, flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = {"--grpc-port": "0", "--http-port": "0", flag: str(port)}
        done = run("serve", "--data-dir", place / "data", *[text for pair in ports.items() for text in pair])
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr
    with Service(place) as service:
        assert track(service, page_view()) == ["ACCEPTED"]


def test_a_database_that_is_not_there_is_told(place):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    done = run(
        "serve", "--data-dir", place, "--database-url", f"postgresql://shop:s3cret@127.0.0.1:{port}/shop"
    )
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


def test_a_setting_that_cannot_be_used_is_wrong_usage(place):
    done = run("serve", "--data-dir", place, "--grpc-port", "gRPC")
    assert done.returncode == 2
    assert "--grpc-port is 'gRPC'" in done.stderr


def test_settings_that_contradict_each_other_are_wrong_usage(place):
    done = run("serve", "--data-dir", place / "data", "--collect-path", "/healthz")
    assert done.returncode == 2
    assert "collect_path is '/healthz', which is already used" in done.stderr
    assert not (place / "data").exists()


def test_an_outside_database_keeps_its_project_whatever_directory_is_used(place, database_url):
    (place / "one").mkdir()
    (place / "other").mkdir()
    with Service(place / "one", "--database-url", database_url) as first:
        event, keys = page_view(), first.ready["keys"]
        assert first.ready["database_url"] == database_url
        assert track(first, event) == ["ACCEPTED"]
    with Service(place / "other", "--database-url", database_url) as second:
        assert not set(second.ready["keys"].values()) & set(keys.values())
        assert track(second, event) == ["DUPLICATE"]
        second.ready["keys"] = keys
        assert track(second, event) == ["DUPLICATE"]


def test_a_kept_key_that_was_revoked_is_replaced_at_the_next_start(service):
    listed = service.json("key", "list")["keys"]
    browser = next(key for key in listed if key["key_class"] == "browser")
    service.json("key", "revoke", browser["key_id"])
    keys = service.ready["keys"]
    service.stop()
    service.start()
    assert service.ready["keys"].pop("browser") != keys.pop("browser")
    assert service.ready["keys"] == keys


def test_sigterm_lets_a_request_in_flight_finish(service):
    with psycopg.connect(service.ready["database_url"]) as blocker, ThreadPoolExecutor(1) as pool:
        blocker.execute("LOCK TABLE event_keys IN ACCESS EXCLUSIVE MODE")
        waiting = pool.submit(track, service, page_view())
        wait_for_blocked_statement(service)
        service.process.send_signal(signal.SIGTERM)
        wait_for_log(service, "[stopping]")
        assert not waiting.done()
        blocker.rollback()
        assert waiting.result() == ["ACCEPTED"]
    assert service.wait() == 0
    assert not (service.data_dir / "run.json").exists()


def test_a_second_signal_does_not_wait_for_requests(place):
    with (
        Service(place, "--drain-timeout", "600") as service,
        closing(psycopg.connect(service.ready["database_url"])) as blocker,
        ThreadPoolExecutor(1) as pool,
    ):
        blocker.execute("LOCK TABLE event_keys IN ACCESS EXCLUSIVE MODE")
        waiting = pool.submit(track, service, page_view())
        wait_for_blocked_statement(service)
        service.process.send_signal(signal.SIGTERM)
        wait_for_log(service, "[stopping]")
        service.process.send_signal(signal.SIGTERM)
        assert service.wait() == 1
        with pytest.raises(grpc.RpcError):
            waiting.result()
        assert "Stopped at once" in service.log()
        assert "Traceback" not in service.log()


def test_two_signals_at_once_end_the_service_without_a_traceback(place):
    with Service(place) as service:
        # A call, so that there is something of every part to take down.
        assert track(service, page_view()) == ["ACCEPTED"]
        service.process.send_signal(signal.SIGTERM)
        service.process.send_signal(signal.SIGINT)
        assert service.wait() in (0, 1)
        assert "Traceback" not in service.log()


def test_health_says_not_serving_before_the_end(service):
    with service.channel() as channel:
        watch = channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        statuses = watch(health_pb2.HealthCheckRequest(service="shopalytic.v1.CollectorService"), timeout=60)
        assert next(statuses).status == health_pb2.HealthCheckResponse.SERVING
        service.process.send_signal(signal.SIGTERM)
        assert next(statuses).status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert service.wait() == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_answered_is_lost_when_the_service_ends_under_load(service, how):
    answered, sent, enough = [], [], threading.Event()

    def send(sender):
        with service.channel() as channel:
            for number in range(100_000):
                events = [page_view(number, f"visitor-{sender}-{each}") for each in range(20)]
                sent.extend(events)
                try:
                    verdicts = track(service, *events, channel=channel)
                except grpc.RpcError:
                    return
                assert verdicts == ["ACCEPTED"] * 20
                answered.extend(events)
                if len(answered) > 2_000:
                    enough.set()

    with ThreadPoolExecutor(4) as pool:
        senders = [pool.submit(send, sender) for sender in range(4)]
        assert enough.wait(60)
        assert service.stop(how) == (0 if how is signal.SIGTERM else -signal.SIGKILL)
        for sender in senders:
            sender.result()
    service.start()
    for batch in batches(answered, 1_000):
        assert set(track(service, *batch)) == {"DUPLICATE"}
    for batch in batches(sent, 1_000):
        assert set(track(service, *batch)) <= {"DUPLICATE", "ACCEPTED"}
    with psycopg.connect(service.ready["database_url"]) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (len(sent),)


def test_the_server_runs_without_http(place):
    done = run("server", "--help")
    assert "--http-port" not in done.stdout
    service = Service(place)
    service.start_as("server", "--data-dir", str(service.data_dir), "--grpc-port", "0")
    try:
        assert service.ready["http_address"] is None
        assert track(service, page_view()) == ["ACCEPTED"]
    finally:
        assert service.stop() == 0


def test_a_gateway_runs_alone_in_front_of_a_server_elsewhere(service, place):
    (place / "gateway").mkdir()
    gateway = Service(place / "gateway")
    gateway.start_as("gateway", "--collector", service.address, "--http-port", "0")
    try:
        assert get(gateway, "/readyz") == 200
    finally:
        assert gateway.stop() == 0


def test_the_run_file_tells_other_commands_where_the_service_is(service):
    facts = json.loads(Path(service.data_dir / "run.json").read_text())
    assert facts["pid"] == service.process.pid
    assert facts["grpc_address"] == service.address
    service.stop(signal.SIGKILL)
    done = service.command("project", "show")
    assert done.returncode == 1
    assert f"The service of {service.data_dir} has ended" in done.stderr
    assert "--target" in done.stderr


def test_a_data_directory_without_a_service_is_told_and_no_other_service_is_asked(service, tmp_path):
    # A service may listen on the default address: it must not see a key of this directory.
    (tmp_path / "keys.json").write_text(json.dumps({"project": "default", "keys": service.ready["keys"]}))
    done = run("project", "show", "--data-dir", tmp_path)
    assert done.returncode == 1
    assert f"No service runs on {tmp_path}" in done.stderr


def batches(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


def wait_for_log(service, text):
    while text not in service.log():
        assert service.process.poll() is None, service.log()


def wait_for_blocked_statement(service):
    with psycopg.connect(service.ready["database_url"], autocommit=True) as connection:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while connection.execute(waiting).fetchone() == (0,):
            assert service.process.poll() is None, service.log()
