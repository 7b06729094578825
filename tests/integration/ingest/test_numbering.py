"""Loss accounting: what senders numbered, what arrived of it, and what they say they dropped."""

import random
import threading
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from running.running_service import Service, folder
from shopalytic import AsyncClient, Client, Reports
from shopalytic.events.decoding import uuid7
from shopalytic.v1 import collector_pb2, collector_pb2_grpc, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.events.numbering import Arrival
from shopalytic_server.storage.ingest.arrivals import note_arrivals
from shops.report_shop import Shop, open_shop

PAGE = {"url": "https://shop.example/", "referrer": ""}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NO_DROPS = (0, 0, 0, 0)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def service():
    with folder() as path, Service(path) as running:
        yield running


def arrival(first: int, end: int, hour: int = 0, instance: str = "a", source: str = "web", drops=NO_DROPS):
    dataset = 2  # of the shop's project
    return Arrival(dataset, source, instance, NOON + timedelta(hours=hour), first, end, drops)


async def note(shop: Shop, *arrivals: Arrival) -> None:
    async with shop.pool.connection() as conn:
        await note_arrivals(conn, arrivals)


async def report(shop: Shop, **scope) -> reports_pb2.GetDeliveryReportResponse:
    request = reports_pb2.GetDeliveryReportRequest(scope=reports_pb2.ReportScope(**scope))
    return await shop.reports.get_delivery_report(shop.project, request)


def numbers(row: reports_pb2.DeliveryRow) -> tuple[int, int, int]:
    return row.received, row.missing, row.unexplained


async def test_a_number_passed_over_is_missing_until_it_arrives(shop: Shop) -> None:
    await note(shop, arrival(1, 101), arrival(151, 201, hour=1))
    answer = await report(shop)
    assert [numbers(row) for row in answer.rows] == [(100, 0, 0), (50, 50, 50)]
    assert [row.start.ToDatetime(UTC).hour for row in answer.rows] == [12, 13]
    await note(shop, arrival(101, 141, hour=2))
    assert numbers((await report(shop)).total) == (190, 10, 10)
    await note(shop, arrival(141, 151, hour=2))
    assert numbers((await report(shop)).total) == (200, 0, 0)


async def test_the_first_numbers_of_a_sender_may_be_missing_too(shop: Shop) -> None:
    await note(shop, arrival(11, 21))
    assert numbers((await report(shop)).total) == (10, 10, 10)


async def test_what_is_sent_again_counts_once_also_in_another_hour(shop: Shop) -> None:
    await note(shop, arrival(1, 11), arrival(1, 11))
    await note(shop, arrival(1, 11, hour=3), arrival(11, 21, hour=3))
    assert numbers((await report(shop)).total) == (20, 0, 0)


async def test_drops_explain_what_is_missing_and_are_sums_since_the_start(shop: Shop) -> None:
    await note(shop, arrival(1, 11, drops=(0, 0, 0, 0)))
    await note(shop, arrival(31, 41, hour=1, drops=(12, 5, 0, 0)))
    await note(
        shop, arrival(41, 51, hour=2, drops=(12, 5, 0, 0)), arrival(41, 51, hour=2, drops=(12, 6, 1, 2))
    )
    rows = (await report(shop)).rows
    assert [numbers(row) for row in rows] == [(10, 0, 0), (10, 20, 3), (10, 0, 0)]
    assert [
        (r.dropped.queue_full, r.dropped.expired, r.dropped.refused, r.dropped.too_large) for r in rows
    ] == [
        (0, 0, 0, 0),
        (12, 5, 0, 0),
        (0, 1, 1, 2),
    ]


async def test_sources_and_senders_are_told_apart_and_hours_chosen(shop: Shop) -> None:
    await note(
        shop,
        arrival(1, 11),
        arrival(1, 6, instance="b"),
        arrival(2, 6, source="till", hour=1),
        arrival(11, 21, hour=2),
    )
    answer = await report(shop)
    assert [(row.source, row.senders, *numbers(row)) for row in answer.rows] == [
        ("web", 2, 15, 0, 0),
        ("till", 1, 4, 1, 1),
        ("web", 1, 10, 0, 0),
    ]
    assert answer.total.senders == 2
    assert [row.received for row in (await report(shop, source="till")).rows] == [4]
    request = reports_pb2.GetDeliveryReportRequest()
    getattr(request.scope, "from").FromDatetime(NOON + timedelta(hours=2, minutes=30))
    request.scope.to.FromDatetime(NOON + timedelta(hours=9))
    chosen = await shop.reports.get_delivery_report(shop.project, request)
    # What the sender got through before the range is not missing in it.
    assert [numbers(row) for row in chosen.rows] == [(10, 0, 0)]


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_and_repetition_gives_what_a_set_gives(shop: Shop, seed: int) -> None:
    pick = random.Random(seed)
    sent = []
    for _ in range(60):
        first = pick.randrange(1, 300)
        sent.append(arrival(first, first + pick.randrange(8), hour=pick.randrange(4)))
    pick.shuffle(sent)
    arrived = {number for each in sent for number in range(each.first, each.end)}
    while sent:
        size = pick.randrange(1, 9)
        await note(shop, *sent[:size])
        sent = sent[size:]
    assert numbers((await report(shop)).total)[:2] == (len(arrived), max(arrived) - len(arrived))


def test_a_client_reports_its_own_drops_and_the_rest_is_seen_as_missing(service: Service) -> None:
    """Through the real service, by the client, the typed call and the command."""
    gate = threading.Event()
    settings = {"source": "kiosk", "overflow": "drop_oldest", "max_queue": 5, "batch_size": 5, "linger": 0.0}
    with Client(
        service.address,
        service.ready["keys"]["server"],
        on_result=lambda _: gate.wait(60),
        on_error=lambda _: None,
        **settings,
    ) as client:
        repeated = {"event_id": uuid7(), "occurred_at": datetime.now(UTC), "tracking_id": "device-1"}
        client.track("page_view", PAGE, **repeated)
        while not client.stats.accepted:
            time.sleep(0.01)
        # The callback holds delivery up, so the queue overflows.
        for _ in range(30):
            client.track("page_view", PAGE, tracking_id="device-1")
        gate.set()
        client.flush()
        # Sent again it is a DUPLICATE, and a number of its own.
        client.track("page_view", PAGE, **repeated)
        client.flush()
        stats = client.stats
    assert stats.duplicate == 1
    drops = stats.dropped["queue_full"]
    assert drops > 0
    with Reports(service.address, service.ready["keys"]["reports"]) as reports:
        [row] = reports.delivery(source="kiosk").rows
    assert (row.senders, row.received, row.missing, row.unexplained) == (1, 32 - drops, drops, 0)
    assert row.dropped.queue_full == drops
    printed = service.json("report", "delivery", "--source", "kiosk")
    assert (int(printed["total"]["missing"]), printed["rows"][0]["source"]) == (drops, "kiosk")


async def test_the_asyncio_client_numbers_its_events_too(service: Service) -> None:
    async with AsyncClient(service.address, service.ready["keys"]["server"], source="async") as client:
        for _ in range(3):
            await client.track("page_view", PAGE, tracking_id="device-1")
    with Reports(service.address, service.ready["keys"]["reports"]) as reports:
        assert numbers(reports.delivery(source="async").total) == (3, 0, 0)


def test_numbers_count_with_refused_events_and_impossible_ones_are_refused(service: Service) -> None:
    def track(key: str, **delivery) -> collector_pb2.TrackResponse:
        request = collector_pb2.TrackRequest(events=[Event(event_id="none")], deliveries=[delivery])
        metadata = (("authorization", f"Bearer {service.ready['keys'][key]}"),)
        return stub.Track(request, metadata=metadata)

    with (
        grpc.insecure_channel(service.address) as channel,
        Reports(service.address, service.ready["keys"]["reports"]) as reports,
    ):
        stub = collector_pb2_grpc.CollectorServiceStub(channel)
        good = {"instance": "i", "source": "raw", "first_sequence": 1, "count": 1}
        assert track("server", **good).results[0].status == collector_pb2.EVENT_STATUS_QUARANTINED
        assert numbers(reports.delivery(source="raw").total) == (1, 0, 0)
        track("browser", **good | {"first_sequence": 900})
        assert numbers(reports.delivery(source="raw").total) == (1, 0, 0)
        for wrong in ({"instance": ""}, {"first_sequence": 0}, {"count": 1_001}, {"source": "s" * 101}):
            with pytest.raises(grpc.RpcError) as caught:
                track("server", **good | wrong)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert f"deliveries[0].{next(iter(wrong))}" in caught.value.details()
