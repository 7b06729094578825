"""Log lines: their form, what they leave out, and how a flood is held back."""

import io
import json
import logging
import os
import subprocess
import sys
import time

import psycopg
import pytest

from shopalytic_server.domain.requests import request_id
from shopalytic_server.process import logs


@pytest.fixture
def log_to():
    """Sets logging up and gives the stream it goes to; afterwards all is as before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def set_up(*settings):
        stream = io.StringIO()
        logs.set_up(*settings, stream)
        return stream

    yield set_up
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream):
    return stream.getvalue().splitlines()


def test_a_line_is_a_sentence_with_its_time_and_level(log_to):
    stream = log_to("info", "plain")
    logging.getLogger("shopalytic.test").warning("The store is %s. [store_away]", "away")
    [line] = lines(stream)
    assert line.endswith(" WARNING The store is away. [store_away]")


def test_a_json_line_has_the_machine_word_by_itself(log_to):
    stream = log_to("info", "json")
    logging.getLogger("shopalytic.test").warning("The store is away. [store_away]")
    entry = json.loads(stream.getvalue())
    assert entry["message"] == "The store is away."
    assert (entry["word"], entry["level"], entry["logger"]) == ("store_away", "warning", "shopalytic.test")


def test_a_json_line_without_a_machine_word_says_so(log_to):
    stream = log_to("info", "json")
    logging.getLogger("shopalytic.test").info("Something [else] happened.")
    assert json.loads(stream.getvalue())["word"] is None


def test_a_json_line_names_the_request_and_the_event_that_it_is_about(log_to):
    stream = log_to("info", "json")
    name = request_id.set("order-7.a")
    try:
        logging.getLogger("test").info("It happened.", extra={"event_id": "0198f0c2"})
    finally:
        request_id.reset(name)
    entry = json.loads(stream.getvalue())
    assert (entry["request_id"], entry["event_id"]) == ("order-7.a", "0198f0c2")
    assert "trace_id" not in entry


def test_lines_below_the_level_are_not_written(log_to):
    stream = log_to("warning", "plain")
    logging.getLogger("shopalytic.test").info("Not this.")
    assert lines(stream) == []


def test_an_exception_is_told_without_the_row_that_a_database_quotes(log_to):
    stream = log_to("info", "plain")
    text = f"duplicate key\nDETAIL: Key (email)=({'jane'}@example.com) exists"
    try:
        raise psycopg.errors.UniqueViolation(text)
    except psycopg.Error:
        logging.getLogger("shopalytic.test").exception("Storing failed. [unstorable]")
    assert "jane@example.com" not in stream.getvalue()
    assert "UniqueViolation (SQLSTATE 23505)" in stream.getvalue()


def test_an_exception_of_the_connection_keeps_its_first_line():
    assert logs.describe(psycopg.errors.AdminShutdown("terminating connection\nmore")) == (
        "AdminShutdown: terminating connection"
    )


def test_a_flood_of_like_lines_is_cut_and_counted(monkeypatch):
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    flood = logs.FloodFilter(burst=3, window=60)
    kept = [flood.filter(_record("Refused %d.", number)) for number in range(10)]
    assert kept == [True] * 3 + [False] * 7
    now = 60.0
    record = _record("Refused %d.", 10)
    assert flood.filter(record)
    assert record.getMessage() == "Refused 10. (7 more lines like this were left out.)"


def test_a_flood_of_one_kind_does_not_hold_back_another():
    flood = logs.FloodFilter(burst=1)
    assert flood.filter(_record("One."))
    assert not flood.filter(_record("One."))
    assert flood.filter(_record("Two."))


def _record(message, *args):
    return logging.LogRecord("test", logging.WARNING, __file__, 1, message, args, None)


IDLE_CONNECTION = """
import threading
from concurrent.futures import ThreadPoolExecutor
from shopalytic_server.process import logs
import grpc

logs.set_up("info", "text")
server = grpc.server(ThreadPoolExecutor(1), options=[("grpc.max_connection_idle_ms", 1_000)])
port = server.add_insecure_port("127.0.0.1:0")
server.start()
ready, left = threading.Event(), threading.Event()

def changed(state):
    if state is grpc.ChannelConnectivity.READY:
        ready.set()
    elif ready.is_set():
        left.set()

channel = grpc.insecure_channel(f"127.0.0.1:{port}")
channel.subscribe(changed, try_to_connect=True)
assert left.wait(60)
"""


def test_grpc_writes_no_lines_of_its_own_about_idle_connections():
    variables = {name: value for name, value in os.environ.items() if name != "GRPC_VERBOSITY"}
    done = subprocess.run(
        [sys.executable, "-c", IDLE_CONNECTION], env=variables, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
