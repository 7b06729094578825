"""Traces: one from the caller over gateway and server to the COMMIT, as an OTLP collector receives it."""

import http.client
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from running.running_service import Service, folder, run

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SECRET = "ada-secret@shop.example"


class Received:
    """An OTLP collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        received = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                request = ExportTraceServiceRequest.FromString(body)
                scopes = [scope for each in request.resource_spans for scope in each.scope_spans]
                received.spans += [span for scope in scopes for span in scope.spans]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def of(self, trace_id: str) -> dict[str, Any]:
        return {span.name: span for span in self.spans if span.trace_id.hex() == trace_id}


@pytest.fixture(scope="module")
def received() -> Iterator[Received]:
    """What a service exported while it took one traced event, one traced RPC and twenty events at once."""
    collector = Received()
    thread = threading.Thread(target=collector.server.serve_forever)
    thread.start()
    try:
        with folder() as path:
            traced = ("--otlp-endpoint", collector.address, "--log-format", "json", "--workers", "2")
            with Service(path, *traced) as service:
                collect(service, {"traceparent": f"00-{TRACE}-{PARENT}-01"})
                with ThreadPoolExecutor(20) as pool:
                    list(pool.map(lambda _: collect(service, {}), range(20)))
            yield collector
    finally:
        collector.server.shutdown()
        collector.server.server_close()
        thread.join()


def collect(service: Service, headers: dict[str, str]) -> http.client.HTTPResponse:
    event = {"type": "page_view", "identity": SECRET, "properties": {"url": "https://shop.example/"}}
    event["properties"]["referrer"] = ""
    body = json.dumps({"token": service.ready["keys"]["server"], "events": [event]})
    connection = http.client.HTTPConnection(
        service.ready["http_address"].removeprefix("http://"), timeout=120
    )
    connection.request("POST", "/collect", body, {"content-type": "text/plain", **headers})
    answer = connection.getresponse()
    assert json.loads(answer.read())["results"][0]["status"] == "ACCEPTED"
    connection.close()
    return answer


def test_a_callers_trace_goes_over_the_gateway_and_the_server_to_the_commit(received: Received) -> None:
    spans = received.of(TRACE)
    web, call, commit = (
        spans[name] for name in ("POST collect", "shopalytic.v1.CollectorService/Track", "COMMIT")
    )
    assert web.parent_span_id.hex() == PARENT
    assert (call.parent_span_id, commit.parent_span_id) == (web.span_id, call.span_id)
    assert commit.end_time_unix_nano <= call.end_time_unix_nano <= web.end_time_unix_nano


def test_calls_that_are_joined_are_linked(received: Received) -> None:
    requests = {span.span_id for span in received.spans if span.name == "POST collect"}
    joined = [span for span in received.spans if span.name == "Track joined"]
    members = {span.parent_span_id for span in joined} | {
        link.span_id for span in joined for link in span.links
    }
    assert len(requests) == 21
    assert joined
    assert members <= requests


def test_spans_hold_nothing_that_a_caller_sent(received: Received) -> None:
    assert received.spans
    assert not [span.name for span in received.spans if "shop.example" in str(span)]


def test_each_answer_names_its_request_and_a_given_name_is_kept() -> None:
    with folder() as path, Service(path) as service:
        made = collect(service, {}).getheader("x-request-id")
        assert len(made) == 16
        assert collect(service, {"x-request-id": "order-7.a"}).getheader("x-request-id") == "order-7.a"
        assert collect(service, {"x-request-id": "no id"}).getheader("x-request-id") != "no id"


def test_an_endpoint_that_is_none_is_wrong_usage() -> None:
    done = run("gateway", "--otlp-endpoint", "collector:4317")
    assert done.returncode == 2
    assert "http://127.0.0.1:4318" in done.stderr
