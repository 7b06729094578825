"""Every RPC by the Connect protocol: both codecs, errors with details, deadlines and streams."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2

from shopalytic.v1 import collector_pb2
from shopalytic_server.gateway.access.admission import Admission
from shopalytic_server.gateway.access.rate import AddressLimit
from shopalytic_server.gateway.errors import CODES
from shopalytic_server.gateway.http.http_server import HttpServer
from shopalytic_server.gateway.http.middleware import Middleware
from shopalytic_server.gateway.metrics import Metrics
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.rpc.connect import ConnectRoute
from shopalytic_server.gateway.rpc.connect_stream import envelope
from shopalytic_server.gateway.services import methods_of, published_files
from standins.gateway import KEY, Answer, ScriptedHealth, refusal, retry_in, running_gateway

TRACK = "CollectorService/Track"
# Without the time of day: names of cases must be the same in every process.
GZIPPED = gzip.compress(b"{}", mtime=0)
GZIPPED_ZEROS = gzip.compress(bytes(9_000_000), mtime=0)
EVENT = {
    "eventId": "0198c0de-1111-7000-8000-000000000001",
    "occurredAt": "2025-05-01T12:00:00Z",
    "trackingId": "device",
    "pageView": {"url": "https://shop.example/", "referrer": ""},
}
BODY = json.dumps({"events": [EVENT]}).encode()


def test_every_method_of_the_contract_has_a_route():
    paths = set(methods_of(published_files()))
    assert {
        "/shopalytic.v1.CollectorService/Track",
        "/shopalytic.v1.ReportService/GetCustomer",
        "/shopalytic.v1.AdminService/CreateProject",
    } <= paths


async def test_json_in_json_out_with_the_key_passed_on():
    async with running_gateway() as gateway:
        answer = await gateway.rpc(TRACK, BODY, {"connect-protocol-version": "1"})
        (event,) = gateway.collector.events
        (metadata,) = gateway.collector.metadata
    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    assert answer.json == {"results": [{"eventId": EVENT["eventId"], "status": "EVENT_STATUS_ACCEPTED"}]}
    assert event.page_view.HasField("referrer")
    assert metadata["authorization"] == f"Bearer {KEY}"


async def test_binary_in_binary_out():
    request = collector_pb2.TrackRequest()
    request.events.add(event_id="e", tracking_id="t")
    async with running_gateway() as gateway:
        headers = {"content-type": "application/proto"}
        answer = await gateway.rpc(TRACK, request.SerializeToString(), headers)
    assert answer.header("content-type") == "application/proto"
    assert collector_pb2.TrackResponse.FromString(answer.body).results[0].event_id == "e"


async def test_names_as_in_the_proto_and_gzip_are_taken():
    body = json.dumps({"events": [{"event_id": "e", "page_view": {"url": "u"}}]}).encode()
    async with running_gateway() as gateway:
        answer = await gateway.rpc(TRACK, gzip.compress(body), {"content-encoding": "gzip"})
    assert answer.json["results"][0]["eventId"] == "e"


async def test_an_empty_body_is_an_empty_message():
    async with running_gateway() as gateway:
        assert (await gateway.rpc("ReportService/GetCustomer", b"")).json["code"] == "not_found"


@pytest.mark.parametrize("code", CODES)
async def test_each_code_has_connects_name_and_status(code: grpc.StatusCode):
    async with running_gateway() as gateway:
        gateway.collector.refusal = refusal(code, "The reason.", error_details_pb2.ErrorInfo(reason="R"))
        answer = await gateway.rpc(TRACK, BODY)
    assert answer.status == CODES[code].rpc_status
    assert answer.header("content-type") == "application/json"
    assert answer.json["code"] == code.value[1].replace(" ", "_").replace("cancelled", "canceled")


async def test_errors_carry_the_message_and_the_typed_details():
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field="events", description="give 1 to 1,000 events")
    async with running_gateway() as gateway:
        gateway.collector.refusal = refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many.", bad, retry_in(9))
        answer = await gateway.rpc(TRACK, BODY)
    assert answer.json["message"] == "Too many."
    first, second = answer.json["details"]
    assert first["type"] == "google.rpc.BadRequest"
    padded = first["value"] + "=" * (-len(first["value"]) % 4)
    assert error_details_pb2.BadRequest.FromString(base64.b64decode(padded)) == bad
    assert second["debug"] == {"retryDelay": "9s"}
    assert "=" not in first["value"] + second["value"]
    assert answer.header("retry-after") == "9"


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        (TRACK, b"{", {}, 400, "invalid_argument"),
        (TRACK, b"[]", {}, 400, "invalid_argument"),
        (TRACK, b'{"event": []}', {}, 400, "invalid_argument"),
        (TRACK, b'{"events": 5}', {}, 400, "invalid_argument"),
        (TRACK, b'{"events": [], "events": []}', {}, 400, "invalid_argument"),
        (TRACK, b"[" * 100_000, {}, 400, "invalid_argument"),
        (TRACK, b'{"events":' * 5_000, {}, 400, "invalid_argument"),
        (TRACK, b"\xff", {}, 400, "invalid_argument"),
        (TRACK, b"\xff", {"content-type": "application/proto"}, 400, "invalid_argument"),
        (TRACK, b"{}", {"content-type": "text/plain"}, 415, "invalid_argument"),
        (TRACK, b"{}", {"content-type": "application/xml"}, 415, "invalid_argument"),
        (TRACK, b"{}", {"content-type": "application/connect+json"}, 415, "invalid_argument"),
        (TRACK, b"{}", {"content-encoding": "br"}, 501, "unimplemented"),
        (TRACK, GZIPPED[:-4], {"content-encoding": "gzip"}, 400, "invalid_argument"),
        (TRACK, GZIPPED_ZEROS, {"content-encoding": "gzip"}, 413, "resource_exhausted"),
        (TRACK, b" " * 5_000_000, {}, 413, "resource_exhausted"),
        (TRACK, b"{}", {"connect-protocol-version": "2"}, 400, "invalid_argument"),
        (TRACK, b"{}", {"connect-timeout-ms": "soon"}, 400, "invalid_argument"),
        (TRACK, b"{}", {"connect-timeout-ms": "12345678901"}, 400, "invalid_argument"),
        (TRACK, b"{}", {"authorization": "Bearer ключ".encode().decode("latin-1")}, 400, "invalid_argument"),
        ("CollectorService/TrackStream", b"{}", {}, 501, "unimplemented"),
        ("CollectorService/Nothing", b"{}", {}, 404, "unimplemented"),
        ("Nothing/Track", b"{}", {}, 404, "unimplemented"),
    ],
)
async def test_what_cannot_be_called_is_refused_in_connects_form(path, body, headers, status, code):
    async with running_gateway() as gateway:
        answer = await gateway.rpc(path, body, headers)
        assert not gateway.collector.requests
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json["message"]


@pytest.mark.parametrize("pad", [0, 20_000])
@pytest.mark.parametrize(
    "spoiled",
    [
        '{"eventId": "\\ud800"}',
        '{"pageViews": {}}',
        '{"occurredAt": "yesterday"}',
        '{"a":' * 1_000 + "1" + "}" * 1_000,
        '{"pageView": {"url": "a", "url": "b"}}',
        "[]",
        '{"eventId": NaN, "trackingId": "till"}',
    ],
)
async def test_an_unreadable_event_of_track_spoils_only_itself_and_the_hour_it_was_sent_none(
    spoiled: str, pad: int
):
    good = json.dumps({**EVENT, "pageView": {"url": "https://shop.example/" + "a" * pad, "referrer": ""}})
    body = f'{{"events": [{good}, {spoiled}, {good}], "sentAt": "soon"}}'.encode()
    async with running_gateway() as gateway:
        answer = await gateway.rpc(TRACK, body)
        [request] = gateway.collector.requests
    statuses = [result["status"] for result in answer.json["results"]]
    assert statuses == [f"EVENT_STATUS_{name}" for name in ("ACCEPTED", "QUARANTINED", "ACCEPTED")]
    assert request.events[1].undecoded.json == spoiled
    assert not request.HasField("sent_at")
    assert [event.event_id for event in request.events][::2] == [EVENT["eventId"]] * 2


async def test_get_is_405():
    async with running_gateway() as gateway:
        answer = await gateway.get(f"/shopalytic.v1.{TRACK}")
    assert (answer.status, answer.header("allow")) == (405, "POST, OPTIONS")


async def test_the_clients_deadline_holds():
    async with running_gateway() as gateway:
        gateway.collector.gate.clear()
        answer = await gateway.rpc(TRACK, BODY, {"connect-timeout-ms": "50"})
    assert (answer.status, answer.json["code"]) == (504, "deadline_exceeded")


# The contract has no stream that a test could script, so the streams are those
# of gRPC's own health service, on a route made in the same way as ours.


class Watch:
    """POSTs to the route and reads envelopes as they come."""

    def __init__(self, port: int, health: ScriptedHealth, stopping: asyncio.Event) -> None:
        self.port = port
        self.health = health
        self.stopping = stopping
        self.content_type = "application/connect+json"

    async def open(self, body: bytes = envelope(b"{}"), **headers: str) -> Answer:
        """Sends the request, and returns what the headers of the answer say."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [
            "POST /grpc.health.v1.Health/Watch HTTP/1.1",
            "host: localhost",
            f"content-type: {self.content_type}",
            f"content-length: {len(body)}",
            f"authorization: Bearer {KEY}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = [line.partition(": ") for line in head[1:] if line]
        self.buffer = b""
        return Answer(int(head[0].split()[1]), [(name, value) for name, _, value in pairs], b"")

    async def next(self) -> tuple[int, bytes]:
        """The flags and the message of the next envelope."""
        while len(self.buffer) < 5 or len(self.buffer) < 5 + int.from_bytes(self.buffer[1:5]):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            self.buffer += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        length = int.from_bytes(self.buffer[1:5])
        flags, message = self.buffer[0], self.buffer[5 : 5 + length]
        self.buffer = self.buffer[5 + length :]
        return flags, message

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def anybody(key: str, service: str) -> None:
    """Lets every key in."""


@asynccontextmanager
async def watching(max_streams: int = 90) -> AsyncIterator[Watch]:
    """A scripted health service behind a Connect route of its own."""
    async with running_gateway() as gateway, grpc.aio.insecure_channel(gateway.grpc_address) as channel:
        stopping = asyncio.Event()
        options = GatewayOptions(port=0, max_streams=max_streams)
        methods, admission = methods_of([health_pb2.DESCRIPTOR]), Admission(anybody)
        route = ConnectRoute(methods, lambda _: channel, options, stopping, AddressLimit(0, 0), admission)
        server = HttpServer(Middleware(route, Metrics(), 1_000_000), options)
        watch = Watch(await server.start(), gateway.health, stopping)
        try:
            yield watch
            await watch.close()
        finally:
            stopping.set()
            await server.stop(5)


SERVING = health_pb2.HealthCheckResponse.SERVING


async def test_messages_of_a_stream_arrive_one_by_one_and_its_end_is_said():
    async with watching() as watch:
        answer = await watch.open()
        assert answer.status == 200
        assert answer.header("content-type") == "application/connect+json"
        for status in ("SERVING", "NOT_SERVING"):
            watch.health.told.put_nowait(health_pb2.HealthCheckResponse.ServingStatus.Value(status))
            assert await watch.next() == (0, json.dumps({"status": status}).encode())
        watch.health.told.put_nowait(None)
        assert await watch.next() == (2, b"{}")


async def test_streams_speak_binary_too():
    async with watching() as watch:
        watch.content_type = "application/connect+proto"
        watch.health.told.put_nowait(SERVING)
        await watch.open(envelope(b""))
        flags, message = await watch.next()
    assert flags == 0
    assert health_pb2.HealthCheckResponse.FromString(message).status == SERVING


async def test_an_error_of_a_stream_comes_in_its_last_envelope():
    async with watching() as watch:
        watch.health.told.put_nowait(SERVING)
        watch.health.told.put_nowait(grpc.StatusCode.PERMISSION_DENIED)
        await watch.open()
        await watch.next()
        flags, message = await watch.next()
    assert flags == 2
    assert json.loads(message) == {"error": {"code": "permission_denied", "message": "The watch broke."}}


@pytest.mark.parametrize(
    "body", [b"", b"{}", envelope(b"{"), envelope(b"{}") + b"more", envelope(b"{}")[:-1], envelope(b"{}", 1)]
)
async def test_an_unreadable_request_of_a_stream_is_refused_in_an_envelope(body: bytes):
    async with watching() as watch:
        assert (await watch.open(body)).status == 200
        flags, message = await fixed_length_envelope(watch)
    assert flags == 2
    assert json.loads(message)["error"]["code"] == "invalid_argument"


async def test_compressed_requests_of_a_stream_are_taken():
    async with watching() as watch:
        watch.health.told.put_nowait(None)
        await watch.open(envelope(gzip.compress(b"{}"), 1), connect_content_encoding="gzip")
        assert await watch.next() == (2, b"{}")


async def test_a_client_that_leaves_ends_the_call_behind_it():
    async with watching() as watch:
        watch.health.told.put_nowait(SERVING)
        await watch.open()
        await watch.next()
        await watch.close()
        await asyncio.wait_for(watch.health.watch_ended.wait(), 120)


async def test_a_stopping_gateway_ends_its_streams_with_a_reason():
    async with watching() as watch:
        watch.health.told.put_nowait(SERVING)
        await watch.open()
        await watch.next()
        watch.stopping.set()
        flags, message = await watch.next()
    assert flags == 2
    assert json.loads(message)["error"]["code"] == "unavailable"


async def test_the_deadline_of_a_stream_holds():
    async with watching() as watch:
        await watch.open(connect_timeout_ms="50")
        flags, message = await watch.next()
    assert flags == 2
    assert json.loads(message)["error"]["code"] == "deadline_exceeded"


async def test_a_stream_more_than_the_gateway_passes_on_is_refused_and_not_left_waiting():
    async with watching(max_streams=1) as watch:
        watch.health.told.put_nowait(SERVING)
        await watch.open()
        await watch.next()
        second = Watch(watch.port, watch.health, watch.stopping)
        assert (await second.open()).status == 200
        flags, message = await fixed_length_envelope(second)
        assert flags == 2
        assert json.loads(message)["error"]["code"] == "resource_exhausted"
        await second.close()
        await watch.close()
        await asyncio.wait_for(watch.health.watch_ended.wait(), 120)
        watch.health.told.put_nowait(SERVING)
        await watch.open()
        assert (await watch.next())[0] == 0


async def fixed_length_envelope(watch: Watch) -> tuple[int, bytes]:
    head = await watch.reader.readexactly(5)
    return head[0], await watch.reader.readexactly(int.from_bytes(head[1:]))
