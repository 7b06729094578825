"""TLS as an operator sets it up: real processes, certificates that change, callers with and without."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from running.certificates import Pair, make_pair
from running.running_service import Service, folder, run
from shopalytic import Client
from shopalytic.sending.connection import channel_credentials
from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub

VIEW = {"url": "https://shop.example/", "referrer": ""}


@pytest.fixture(scope="module", params=[(), ("--workers", "2")], ids=["alone", "workers"])
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    with folder() as path:
        pair = make_pair(path, "server")
        flags = ("--tls-cert", str(pair.certificate), "--tls-key", str(pair.key), *request.param)
        with Service(path, *flags) as running:
            yield running


def certificate_of(service: Service) -> Path:
    return service.data_dir.parent / "server.pem"


def shown_certificate(address: str) -> str:
    """What a server shows to a new connection."""
    host, _, port = address.rpartition(":")
    return ssl.get_server_certificate((host, int(port)))


def post(service: Service, body: dict[str, object], trust: Path) -> int:
    context = ssl.create_default_context(cafile=str(trust))
    port = int(service.ready["http_address"].rpartition(":")[2])
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=120, context=context)
    connection.request("POST", "/collect", json.dumps(body), {"content-type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


def test_grpc_and_http_are_encrypted_and_this_machine_s_commands_just_work(service: Service) -> None:
    trust = certificate_of(service)
    with Client(service.address, service.ready["keys"]["server"], tls=trust) as shop:
        shop.track("page_view", VIEW, tracking_id="tls-visitor")
        assert shop.flush(30)
    assert service.ready["http_address"].startswith("https://")
    event = {"type": "page_view", "properties": VIEW, "tracking_id": "tls-visitor"}
    assert post(service, {"token": service.ready["keys"]["browser"], "events": [event]}, trust) == 200
    assert len(service.json("customer", "events", "tls-visitor")["events"]) == 2
    key = service.ready["keys"]["admin"]
    told = run("key", "list", "--target", service.address, "--key", key, "--tls-ca", trust)
    assert told.returncode == 0, told.stderr


def test_a_caller_without_tls_or_with_another_authority_gets_nowhere(service: Service) -> None:
    with folder() as path:
        other = make_pair(path, "other").certificate
        for channel in (
            grpc.insecure_channel(service.address),
            grpc.secure_channel(service.address, channel_credentials(other)),
        ):
            stub = CollectorServiceStub(channel)
            with pytest.raises(grpc.RpcError) as refusal:
                stub.Track(collector_pb2.TrackRequest(), metadata=service.metadata("server"), timeout=120)
            assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]
            channel.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            post(service, {}, other)


def test_changed_files_are_taken_without_a_restart_and_half_a_change_harms_nothing(service: Service) -> None:
    addresses = (service.address, service.ready["http_address"].removeprefix("https://"))
    before = [shown_certificate(address) for address in addresses]
    path = service.data_dir.parent
    make_pair(path, "next")
    (path / "next.pem").replace(path / "server.pem")
    # The key is not there yet: HTTP goes on with the old pair.
    assert shown_certificate(addresses[1]) == before[1]
    (path / "next.key").replace(path / "server.key")
    after = [shown_certificate(address) for address in addresses]
    assert after == [(path / "server.pem").read_text()] * 2
    assert after[0] != before[0]
    with Client(service.address, service.ready["keys"]["server"], tls=path / "server.pem") as shop:
        shop.track("page_view", VIEW, tracking_id="tls-later")
        assert shop.flush(30)


def test_callers_must_show_a_certificate_where_an_authority_is_named() -> None:
    with folder() as path:
        server, caller = make_pair(path, "server"), make_pair(path, "caller")
        flags = ("--tls-cert", str(server.certificate), "--tls-key", str(server.key))
        with Service(path, *flags, "--tls-client-ca", str(caller.certificate)) as service:
            key = service.ready["keys"]["admin"]
            call = ("key", "list", "--target", service.address, "--key", key, "--tls-ca", server.certificate)
            assert run(*call).returncode == 1
            shown = ("--tls-client-cert", caller.certificate, "--tls-client-key", caller.key)
            told = run(*call, *shown)
            assert told.returncode == 0, told.stderr
            _gateway_reaches(service, path, server, shown)


def _gateway_reaches(service: Service, path: Path, server: Pair, shown: tuple[object, ...]) -> None:
    """A gateway of its own speaks TLS with the server, and plain HTTP on this machine."""
    (path / "gateway").mkdir()
    gateway = Service(path / "gateway")
    flags = ("--collector", service.address, "--http-port", "0", "--tls-ca", server.certificate, *shown)
    with_gateway = gateway.start_as("gateway", *map(str, flags))
    try:
        host, _, port = with_gateway.ready["http_address"].removeprefix("http://").rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=120)
        connection.request("GET", "/readyz")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        gateway.stop()


@pytest.mark.parametrize(
    ("command", "flags", "words"),
    [
        ("serve", ("--grpc-host", "0.0.0.0"), "--allow-plaintext"),
        ("serve", ("--http-host", "::"), "--tls-cert and --tls-key"),
        ("gateway", ("--http-host", "0.0.0.0"), "--http-host is 0.0.0.0"),
        ("serve", ("--tls-cert", "/nowhere.pem"), "belong together"),
        ("serve", ("--tls-client-ca", "/nowhere.pem"), "needs --tls-cert"),
        ("serve", ("--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.key"), "cannot be used"),
        ("gateway", ("--tls-ca", "/nowhere.pem"), "cannot be read"),
    ],
)
def test_what_would_be_open_or_cannot_be_is_refused_with_a_sentence(
    command: str, flags: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    where = ("--data-dir", str(tmp_path)) if command == "serve" else ()
    done = run(command, *where, *flags)
    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_plaintext_beyond_this_machine_is_possible_when_it_is_meant() -> None:
    with folder() as path:
        (path / "gateway").mkdir()
        gateway = Service(path / "gateway")
        flags = ("--http-host", "0.0.0.0", "--http-port", "0", "--allow-plaintext", "on")
        gateway.start_as("gateway", *flags)
        try:
            port = int(gateway.ready["http_address"].rpartition(":")[2])
            socket.create_connection(("127.0.0.1", port), timeout=120).close()
        finally:
            gateway.stop()
