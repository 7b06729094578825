"""`shopalytic tail` against a service that ends its calls: it watches again, or says what was wrong."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import grpc
import pytest

from running.running_service import COMMAND
from shopalytic.v1 import reports_pb2, reports_pb2_grpc

Answer = reports_pb2.TailEventsResponse
PATIENCE = 180


def told(number: int) -> Answer:
    event = reports_pb2.StoredEvent(event_id=f"0198c0de-0000-7000-8000-{number:012}", type="page_view")
    return Answer(event=event)


@dataclass
class Watched(reports_pb2_grpc.ReportServiceServicer):
    """Answers one call after another as the test says: with events, and then a status."""

    calls: list[tuple[list[Answer], grpc.StatusCode]] = field(default_factory=list)
    target: str = ""

    def TailEvents(  # noqa: N802 - the name of the call
        self, request: reports_pb2.TailEventsRequest, context: grpc.ServicerContext
    ) -> Iterator[Answer]:
        answers, code = self.calls.pop(0)
        if answers:
            context.send_initial_metadata(())
        yield from answers
        if code is not grpc.StatusCode.OK:
            context.abort(code, f"The call ended with {code.name}.")


@pytest.fixture
def watched() -> Iterator[Watched]:
    servicer, server = Watched(), grpc.server(ThreadPoolExecutor(2))
    reports_pb2_grpc.add_ReportServiceServicer_to_server(servicer, server)
    servicer.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield servicer
    server.stop(None).wait()


def tail(watched: Watched) -> "subprocess.CompletedProcess[str]":
    """The command, which ends once a call ends with what no waiting mends."""
    flags = ("--target", watched.target, "--key", "shop_reports_" + "x" * 43, "--json")
    command = [*COMMAND, "tail", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_it_watches_again_after_its_age_a_restart_and_an_end_without_a_reason(watched: Watched) -> None:
    watched.calls = [
        ([told(1)], grpc.StatusCode.UNAVAILABLE),
        ([], grpc.StatusCode.UNAVAILABLE),
        ([told(2)], grpc.StatusCode.OK),
        ([told(3)], grpc.StatusCode.RESOURCE_EXHAUSTED),
        ([], grpc.StatusCode.UNAUTHENTICATED),
    ]
    done = tail(watched)
    assert done.returncode == 1
    assert [line.count("page_view") for line in done.stdout.splitlines()] == [1, 1, 1]
    assert "The service has gone away. Trying again." in done.stderr
    assert "The service ended the call. Trying again." in done.stderr
    assert done.stderr.count("Watching again after") == 2
    assert done.stderr.splitlines()[-1] == "Error: The call ended with UNAUTHENTICATED."


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED]
)
def test_who_never_watched_is_told_at_once_why_not(watched: Watched, code: grpc.StatusCode) -> None:
    watched.calls = [([], code)]
    done = tail(watched)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [f"Error: The call ended with {code.name}."]
