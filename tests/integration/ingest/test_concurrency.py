"""Many at once: servers that share a database, and calls that join the same people."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import grpc
import psycopg
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from laws.ingest_answers import A, D, prepared, stored, words
from running.running_service import PATIENCE_SECONDS, Service, folder
from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.customers.identity import identity_subject
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.storage.ingest import transaction
from shopalytic_server.storage.ingest.decisions import lock_dataset
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import PROJECT, Shop, alias, event, identify, open_shop, order, page, refund

PEOPLE = [f"person-{number}" for number in range(5)]
DEVICES = [f"device-{number}" for number in range(40)]


@asynccontextmanager
async def two_servers(database_url: str) -> AsyncIterator[list[Shop]]:
    async with open_shop(database_url) as one, open_shop(database_url) as other:
        yield [one, other]


@pytest.fixture
def project(database_url: str) -> str:
    """The database, in which PROJECT exists; what a rebuild starts from."""
    stored_project = (
        PROJECT.project_id,
        PROJECT.name,
        PROJECT.currency,
        PROJECT.time_zone,
        PROJECT.created_at,
    )
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO projects (project_id, name, currency, time_zone, created_at, browser_event_types)"
            " VALUES (%s, %s, %s, %s, %s, '{}')",
            stored_project,
        )
    return database_url


def mixed_events(count: int) -> list[Event]:
    """Events of few people, products, carts and orders, so that everything meets."""
    events: list[Event] = []
    for number in range(count):
        person, device = PEOPLE[number % 5], DEVICES[number % 40]
        product = {"sku": f"sku-{number % 4}", "name": f"Mug {number}", "price": "1", "categories": ["mugs"]}
        cart = {"cart_id": f"cart-{number % 3}", "sku": f"sku-{number % 4}", "price": "1", "qty": 1}
        events += [
            page(device, at=number),
            page(device, identity=person, at=number),
            identify(device, person, at=number),
            order(f"order-{number % 30}", f"{number % 7}.00", identity=person, at=number),
            refund(f"order-{number % 30}", "0.50", identity=person, at=number),
            event("product_view", product, tracking_id=device, at=number),
            event("cart_add", cart, identity=person, at=number),
        ]
    return events


async def deliver(shop: Shop, batches: list[list[Event]]) -> dict[str, list[str]]:
    """Sends all batches at once; gives the verdicts on each event."""
    answers = [shop.writer.submit(prepared(shop, *batch)) for batch in batches]
    verdicts: dict[str, list[str]] = {}
    for batch, answer in zip(batches, answers, strict=True):
        for sent, verdict in zip(batch, words(list(await answer)), strict=True):
            verdicts.setdefault(sent.event_id, []).append(verdict)
    return verdicts


async def test_two_servers_with_the_same_events_store_each_once(project):
    events = mixed_events(120)
    chance = random.Random(7)
    async with two_servers(project) as servers:
        plans = []
        for _ in servers:
            chance.shuffle(events)
            plans.append([events[begin : begin + 60] for begin in range(0, len(events), 60)])
        both = await asyncio.gather(*(deliver(shop, plan) for shop, plan in zip(servers, plans, strict=True)))
    for event_id in both[0]:
        verdicts = sorted(both[0][event_id] + both[1][event_id])
        # An order may repeat the content of another one, and then both are duplicates.
        assert verdicts in ([A, D], [D, D]), event_id
    kept = [row[0] for row in stored(project, "SELECT event_id::text FROM events")]
    assert len(kept) == len(set(kept))
    ids_without_orders = {each.event_id for each in events if not each.HasField("order")}
    assert ids_without_orders <= set(kept)
    assert (await rebuild(project, check=True)).equal


async def test_two_servers_decide_on_one_email_alias_and_parcel_together(project):
    """What only one may have goes to one of them, whoever asks where."""

    def rivals(name: str) -> list[Event]:
        profile = {"email": "one@shop.test", "first_name": "A", "last_name": "B"}
        parcel = {"order_id": f"order-of-{name}", "shipment_id": "parcel", "carrier": "dhl"}
        return [
            event("customer_register", profile, identity=name),
            event("shipment", parcel, identity=name),
        ]

    async with two_servers(project) as servers:
        names = [f"rival-{number}" for number in range(20)]
        answers = [
            servers[number % 2].writer.submit(prepared(servers[number % 2], *rivals(name)))
            for number, name in enumerate(names)
        ]
        verdicts = [words(list(await answer)) for answer in answers]
    registered, shipped = zip(*verdicts, strict=True)
    assert sorted(registered) == [A] + ["CONFLICT"] * 19
    assert sorted(shipped) == [A] + ["CONFLICT"] * 19
    assert (await rebuild(project, check=True)).equal


async def test_two_servers_join_the_same_people_without_splitting_one(project):
    chance = random.Random(11)
    calls = [identify(device, PEOPLE[number % 5], at=number) for number, device in enumerate(DEVICES)]
    calls += [alias(f"{person}@work", identity=person, at=1) for person in PEOPLE]
    calls += [page(None, identity=f"{person}@work", at=50) for person in PEOPLE]
    calls += [page(device, at=number) for number, device in enumerate(DEVICES)]
    async with two_servers(project) as servers:
        chance.shuffle(calls)
        answers = [
            servers[number % 2].writer.submit(prepared(servers[number % 2], call))
            for number, call in enumerate(calls)
        ]
        assert [words(list(await answer)) for answer in answers] == [[A]] * len(calls)
        await check_people(servers[0], further=["{}@work"])
    assert (await rebuild(project, check=True)).equal


async def check_people(shop: Shop, further: list[str]) -> None:
    """Each person is one customer with exactly their devices and names."""
    for number, person in enumerate(PEOPLE):
        names = [person, *(pattern.format(person) for pattern in further)]
        customer = await shop.customer(person)
        assert sorted(customer.identities) == sorted(names)
        assert sorted(customer.tracking_ids) == sorted(DEVICES[number::5])
        for name in (*names, *DEVICES[number::5]):
            assert (await shop.customer(name)).customer_id == customer.customer_id


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_200_parallel_identify_calls_neither_fail_nor_split_a_customer(workers):
    """The same five people from forty devices, each call five times."""
    chance = random.Random(3)
    calls = [
        (device, PEOPLE[number % 5], 1_780_000_000 + number + repeat)
        for number, device in enumerate(DEVICES)
        for repeat in range(5)
    ]
    chance.shuffle(calls)
    assert len(calls) == 200
    with folder() as place, Service(place, "--workers", workers) as service:
        answers = await _identify_all(service, calls)
        by_person: dict[str, set[str]] = {}
        for (_, person, _), answer in zip(calls, answers, strict=True):
            by_person.setdefault(person, set()).add(answer.customer_id)
        assert all(len(ids) == 1 for ids in by_person.values()), by_person
        assert len(set.union(*by_person.values())) == len(PEOPLE)
        async with open_shop(service.ready["database_url"]) as opened:
            [(project_id,)] = stored(service.ready["database_url"], "SELECT project_id FROM projects")
            await check_people(replace(opened, project=replace(PROJECT, project_id=project_id)), further=[])
        assert service.command("rebuild", "--check").returncode == 0
        assert "deadlock" not in service.log()


async def _identify_all(service: Service, calls: list[tuple[str, str, int]]) -> list[Any]:
    async with (
        grpc.aio.insecure_channel(service.address) as one,
        grpc.aio.insecure_channel(service.address, options=[("grpc.use_local_subchannel_pool", 1)]) as other,
    ):
        stubs = [CollectorServiceStub(one), CollectorServiceStub(other)]
        return await asyncio.gather(
            *(
                stubs[number % 2].Identify(
                    collector_pb2.IdentifyRequest(
                        event_id=str(uuid4()),
                        occurred_at=Timestamp(seconds=second),
                        tracking_id=device,
                        identity=person,
                    ),
                    metadata=service.metadata("server"),
                    timeout=PATIENCE_SECONDS,
                )
                for number, (device, person, second) in enumerate(calls)
            )
        )


async def test_an_identity_is_not_forgotten_while_another_server_meets_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """Bob's only order turns out to have been Ann's, in the moment in which he looks at a page."""
    noted, released = asyncio.Event(), asyncio.Event()
    after_noting = transaction.add_late

    async def count_later(conn: Any, items: Any) -> None:
        if any(item.type == "page_view" for item in items):
            noted.set()
            await released.wait()
        await after_noting(conn, items)

    async with two_servers(database_url) as [one, other]:
        [taken] = await one.writer.submit(prepared(one, order("o", identity="bob", at=10)))
        assert words([taken]) == [A]
        monkeypatch.setattr(transaction, "add_late", count_later)
        looking = one.writer.submit(prepared(one, page(None, identity="bob", at=20)))
        await noted.wait()
        taking_over = other.writer.submit(prepared(other, order("o", identity="ann", at=5)))
        await asyncio.wait([taking_over], timeout=0.5)
        released.set()
        assert words(list(await looking)) == [A]
        assert words(list(await taking_over)) == [D]
    assert stored(database_url, "SELECT identity FROM identities ORDER BY identity") == [("ann",), ("bob",)]
    assert (await rebuild(database_url, check=True)).equal


@pytest.mark.parametrize("quick", [True, False], ids=["few and new", "old"])
async def test_who_waits_to_decide_keeps_nobody_who_decides_waiting(project: str, quick: bool):
    """Bob's page view and an order wait for another server, which meets Bob on its way."""
    at = datetime.now(UTC) if quick else 0
    waits = (
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
    )
    async with open_shop(project) as shop, await psycopg.AsyncConnection.connect(project) as deciding:
        dataset = Dataset.of(shop.project)
        await deciding.execute("SET LOCAL lock_timeout = '500ms'")
        await lock_dataset(deciding, dataset)
        answer = shop.writer.submit(
            prepared(shop, page(None, identity="bob", at=at), order("o", at=at, tracking_id="T"))
        )
        while stored(project, waits) == [(0,)]:  # noqa: ASYNC110 - only PostgreSQL knows
            await asyncio.sleep(0.02)
        subject = identity_subject("bob")
        await deciding.execute(
            "INSERT INTO identities VALUES (%s, 'bob', %s, %s, now())", [dataset, subject, subject]
        )
        await deciding.commit()
        assert words(list(await answer)) == [A, A]
