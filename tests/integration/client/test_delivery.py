"""The threaded client and a server that fails as told: nothing is lost, doubled or reordered."""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from shopalytic import Client, DeliveryError, LossReason, Result, Status, Violation
from shopalytic.sending.batching import MAX_BATCH_BYTES
from shopalytic.v1 import collector_pb2 as pb
from standins.scripted_collector import KEY, ScriptedCollector, answer, fail, lose_the_answer, wait_for

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


def page(client: Client, number: int = 0, **more: Any) -> str:
    return client.track("page_view", PAGE | {"title": f"page {number}"}, tracking_id="device-1", **more)


def test_events_of_all_calls_arrive_in_the_order_of_the_calls(collector: ScriptedCollector) -> None:
    with client_of(collector, batch_size=7) as client:
        ids = [page(client, n) for n in range(20)]
        ids.append(client.identify("anna", tracking_id="device-1"))
        ids.append(client.alias("anna@example.org", existing_identity="anna"))
        ids.append(client.identify("berta"))
        ids.append(
            client.track("cart_add", {"cart_id": "c", "sku": "s", "price": "1.5", "qty": 2}, identity="anna")
        )
    assert collector.stored_ids == ids
    assert all(len(request.events) <= 7 for request in collector.requests)
    identify, alias, alone = (collector.stored[event_id] for event_id in ids[20:23])
    assert (identify.tracking_id, identify.identity, identify.identify.identity) == ("device-1", "", "anna")
    assert (alias.identity, alias.alias.identity) == ("anna", "anna@example.org")
    assert (alone.identity, alone.identify.identity) == ("berta", "berta")


def test_a_request_names_the_key_and_the_time_of_sending(collector: ScriptedCollector) -> None:
    with client_of(collector) as client:
        page(client)
    assert collector.metadata[0]["authorization"] == f"Bearer {KEY}"
    assert collector.requests[0].HasField("sent_at")


def test_every_verdict_reaches_the_callback_and_the_counters(collector: ScriptedCollector) -> None:
    results: list[Result] = []
    violation = pb.Violation(field="page_view.url", rule_id="required", message="is required")
    link = pb.LinkResult(outcome=pb.LINK_OUTCOME_LINKED, customer_id="c-1")
    collector.script.append(
        answer(
            pb.EventResult(status=pb.EVENT_STATUS_ACCEPTED, link=link),
            pb.EventResult(status=pb.EVENT_STATUS_DUPLICATE),
            pb.EventResult(status=pb.EVENT_STATUS_CONFLICT),
            pb.EventResult(status=pb.EVENT_STATUS_QUARANTINED, violations=[violation]),
            pb.EventResult(status=pb.EVENT_STATUS_REJECTED),
            pb.EventResult(status=77),  # type: ignore[arg-type]  # a later version's verdict
        )
    )
    with client_of(collector, batch_size=6, linger=60, on_result=results.append) as client:
        ids = [page(client, n) for n in range(6)]
        assert client.flush()
    assert [result.event_id for result in results] == ids
    assert [result.status for result in results] == list(Status)
    assert results[0].link == link
    assert results[1].link is None
    assert results[3].violations == (Violation("page_view.url", "required", "is required"),)
    stats = client.stats
    assert (stats.accepted, stats.duplicate, stats.conflict, stats.quarantined) == (1, 1, 1, 1)
    assert (stats.rejected, stats.unknown, stats.queued, stats.sent, stats.pending) == (1, 1, 6, 6, 0)


def test_without_callbacks_a_refusal_is_logged_without_personal_data(
    collector: ScriptedCollector, caplog: pytest.LogCaptureFixture
) -> None:
    violation = pb.Violation(field="identify.identity", rule_id="x.rule", message="anna@example.org is bad")
    collector.script.append(answer(pb.EventResult(status=pb.EVENT_STATUS_CONFLICT, violations=[violation])))
    collector.script.append(fail(grpc.StatusCode.UNAUTHENTICATED, details="anna@example.org has no key"))
    with client_of(collector) as client:
        event_id = client.identify("anna@example.org")
        client.flush()
        client.identify("anna@example.org")
    assert f"{event_id} is CONFLICT: identify.identity x.rule" in caplog.text
    assert "1 events were not delivered (refused, UNAUTHENTICATED)" in caplog.text
    assert "anna" not in caplog.text


def test_the_log_is_not_flooded(collector: ScriptedCollector, caplog: pytest.LogCaptureFixture) -> None:
    bad = pb.EventResult(status=pb.EVENT_STATUS_QUARANTINED)
    collector.script.append(answer(*[bad] * 50))
    with client_of(collector, batch_size=50, linger=60) as client:
        for n in range(50):
            page(client, n)
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


@pytest.mark.parametrize(
    "code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED", "CANCELLED", "INTERNAL", "UNKNOWN"]
)
def test_a_passing_failure_is_sent_again(collector: ScriptedCollector, code: str) -> None:
    collector.script.extend([fail(grpc.StatusCode[code], retry_after=0.001)] * 3)
    # Long enough for all three to go in one request, however slow this machine is.
    with client_of(collector, linger=60) as client:
        ids = [page(client, n) for n in range(3)]
        assert client.flush()
    assert collector.stored_ids == ids
    assert len(collector.requests) == 4
    assert client.stats.retries == 3
    assert client.stats.sent == 12
    assert client.stats.accepted == 3


def test_an_answer_that_was_lost_is_asked_for_again_and_stores_nothing_twice(
    collector: ScriptedCollector,
) -> None:
    collector.script.append(lose_the_answer)
    with client_of(collector) as client:
        event_id = page(client)
        assert client.flush()
    assert collector.stored_ids == [event_id]
    assert client.stats.duplicate == 1


def test_a_call_without_an_answer_ends_by_its_timeout_and_is_made_again(
    collector: ScriptedCollector, gate: threading.Event
) -> None:
    collector.script.append(wait_for(gate))
    with client_of(collector, timeout=3) as client:
        event_id = page(client)
        assert client.flush()
    assert collector.stored_ids == [event_id]
    assert client.stats.retries == 1


@pytest.mark.parametrize(
    "code", ["UNAUTHENTICATED", "PERMISSION_DENIED", "INVALID_ARGUMENT", "UNIMPLEMENTED"]
)
def test_a_final_refusal_gives_the_events_back_and_delivery_goes_on(
    collector: ScriptedCollector, code: str
) -> None:
    errors: list[DeliveryError] = []
    collector.script.append(fail(grpc.StatusCode[code]))
    with client_of(collector, on_error=errors.append) as client:
        refused = page(client)
        flushed = client.flush()
        delivered = page(client)
    assert not flushed
    assert (flushed.remaining, flushed.lost) == (0, 1)
    assert collector.stored_ids == [delivered]
    assert [(error.reason, error.code, error.event_ids) for error in errors] == [
        (LossReason.REFUSED, grpc.StatusCode[code], (refused,))
    ]
    assert errors[0].events[0].page_view.title == "page 0"
    assert client.stats.failed == 1


def test_a_failure_inside_the_server_is_not_sent_again_for_ever(collector: ScriptedCollector) -> None:
    errors: list[DeliveryError] = []
    collector.script.extend([fail(grpc.StatusCode.INTERNAL, retry_after=0.001)] * 50)
    with client_of(collector, on_error=errors.append) as client:
        page(client)
        client.flush()
    assert [error.code for error in errors] == [grpc.StatusCode.INTERNAL]
    assert len(collector.requests) == 5


def test_an_event_past_its_deadline_is_given_back(collector: ScriptedCollector) -> None:
    errors: list[DeliveryError] = []
    collector.script.append(fail(grpc.StatusCode.UNAVAILABLE, retry_after=3600))
    with client_of(collector, retry_deadline=5, on_error=errors.append) as client:
        event_id = page(client)
        client.flush()
    assert [(error.reason, error.event_ids) for error in errors] == [(LossReason.EXPIRED, (event_id,))]


def test_an_answer_with_too_few_verdicts_is_not_taken_for_success(collector: ScriptedCollector) -> None:
    errors: list[DeliveryError] = []
    collector.script.append(answer(pb.EventResult(status=pb.EVENT_STATUS_ACCEPTED)))
    with client_of(collector, batch_size=2, linger=60, on_error=errors.append) as client:
        ids = [page(client, n) for n in range(2)]
    assert [error.event_ids for error in errors] == [tuple(ids)]
    assert "2 events were sent, 1 verdicts came back" in str(errors[0])


def test_a_batch_too_large_for_the_server_is_halved_until_it_fits() -> None:
    collector = ScriptedCollector().start(options=(("grpc.max_receive_message_length", 2_000),))
    errors: list[DeliveryError] = []
    try:
        with client_of(collector, batch_size=16, linger=60, on_error=errors.append) as client:
            ids = [page(client, n) for n in range(7)]
            too_large = client.track("page_view", PAGE | {"url": "u" * 3_000}, tracking_id="device-1")
            ids += [page(client, n) for n in range(8)]
            result = client.close()
    finally:
        collector.stop()
    assert collector.stored_ids == ids
    assert [(error.reason, error.event_ids) for error in errors] == [(LossReason.TOO_LARGE, (too_large,))]
    assert [event.event_id for event in result.undelivered] == [too_large]


def test_no_request_passes_the_limit_of_bytes() -> None:
    collector = ScriptedCollector().start(options=(("grpc.max_receive_message_length", -1),))
    lines = [{"sku": "s" * 200, "price": "1", "qty": 1}] * 1_100
    order = {"order_id": "o", "cart_id": "c", "total": "1", "subtotal": "1", "line_items": lines}
    try:
        with client_of(collector, linger=60) as client:
            ids = [client.track("order", order | {"order_id": str(n)}, identity="anna") for n in range(20)]
    finally:
        collector.stop()
    assert collector.stored_ids == ids
    assert len(collector.requests) == 2
    assert all(request.ByteSize() <= MAX_BATCH_BYTES + 100 for request in collector.requests)


def test_events_wait_for_a_server_that_is_down_at_the_start() -> None:
    collector = ScriptedCollector().start()
    collector.stop()
    with client_of(collector) as client:
        ids = [page(client, n) for n in range(3)]
        assert client.flush(0.1).remaining == 3
        collector.start()
        assert client.flush()
    collector.stop()
    assert collector.stored_ids == ids
    assert client.stats.retries > 0


def test_a_server_that_restarts_gets_every_event_once_and_in_order(collector: ScriptedCollector) -> None:
    with client_of(collector, batch_size=5) as client:
        ids = []
        for restart in range(3):
            ids += [page(client, n) for n in range(restart * 20, restart * 20 + 20)]
            collector.stop()
            collector.start()
        assert client.flush()
    assert collector.stored_ids == ids


def test_many_threads_lose_nothing_and_each_keeps_its_order(collector: ScriptedCollector) -> None:
    sent: dict[str, list[str]] = {}

    def run(name: str, client: Client) -> None:
        sent[name] = [client.track("page_view", PAGE, tracking_id=name) for _ in range(200)]

    with client_of(collector, batch_size=100, max_queue=50) as client:
        threads = [threading.Thread(target=run, args=(f"device-{n}", client)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(collector.stored) == 1_600
    for name, ids in sent.items():
        assert [event_id for event_id, event in collector.stored.items() if event.tracking_id == name] == ids


def test_tls_with_own_certificate_authority(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    pair = (key.read_bytes(), certificate.read_bytes())
    collector = ScriptedCollector().start(grpc.ssl_server_credentials([pair]))
    try:
        with client_of(collector, tls=grpc.ssl_channel_credentials(certificate.read_bytes())) as client:
            event_id = page(client)
            assert client.flush()
        with client_of(collector, tls=True, retry_deadline=0) as stranger:
            page(stranger)
            assert stranger.flush().lost == 1
    finally:
        collector.stop()
    assert collector.stored_ids == [event_id]
