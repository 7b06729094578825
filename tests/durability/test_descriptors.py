"""A service that may open few files: connections that nobody uses keep nobody else out."""

import json
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import grpc
import pytest

from running.running_service import COMMAND, Service, folder
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from standins.rpc import batch, bearer

# The usual limit, as one that cannot be raised.
LIMITED = ("bash", "-c", 'ulimit -n 1024 && exec "$@"', "limited", *COMMAND)
EVENT = {
    "type": "page_view",
    "tracking_id": "a",
    "properties": {"url": "https://shop.example/", "referrer": ""},
}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as path, Service(path, command=LIMITED) as service:
        yield service


@contextmanager
def idle_connections(address: str, count: int, first: bytes) -> Iterator[list[socket.socket]]:
    """So many connections to an address, on which nothing is said but `first`."""
    host, _, port = address.rpartition(":")
    with ExitStack() as stack:
        found = [stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(count)]
        for each in found:
            try:
                each.sendall(first)
            except OSError:
                continue
        yield found


def collect(service: Service) -> int:
    body = json.dumps({"token": service.ready["keys"]["browser"], "events": [EVENT]}).encode()
    address = f"{service.ready['http_address']}/collect"
    request = urllib.request.Request(address, body, {"content-type": "text/plain"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return int(answer.status)


@pytest.mark.parametrize("first", [b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"])
def test_idle_connections_to_the_grpc_port_leave_http_its_own(service: Service, first: bytes) -> None:
    with idle_connections(service.ready["grpc_address"], 1_200, first):
        for _ in range(3):
            assert collect(service) == 200
        with urllib.request.urlopen(f"{service.ready['http_address']}/readyz", timeout=120) as answer:
            assert answer.status == 200
    with grpc.insecure_channel(service.ready["grpc_address"]) as channel:
        grpc.channel_ready_future(channel).result(timeout=60)
        track = CollectorServiceStub(channel).Track
        assert track(batch(), metadata=bearer(service.ready["keys"]["server"]), timeout=120).results


def test_idle_connections_to_the_http_port_leave_grpc_its_own(service: Service) -> None:
    address = service.ready["http_address"].removeprefix("http://")
    with (
        idle_connections(address, 1_200, b""),
        grpc.insecure_channel(service.ready["grpc_address"]) as channel,
    ):
        track = CollectorServiceStub(channel).Track
        assert track(batch(), metadata=bearer(service.ready["keys"]["server"]), timeout=120).results
        assert collect(service) == 200


def test_a_connection_that_does_not_begin_as_http2_does_is_closed(service: Service) -> None:
    with idle_connections(service.ready["grpc_address"], 1, b"") as [connection]:
        connection.settimeout(60)
        while connection.recv(1_000):
            pass


def test_doctor_tells_how_many_connections_there_may_be(service: Service) -> None:
    answer = service.command("doctor", "--json")
    checks = {check["check"]: check for check in json.loads(answer.stdout)["checks"]}
    assert "callers of gRPC" in checks["descriptors"]["message"]
