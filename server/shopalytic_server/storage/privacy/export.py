"""Everything that is held of a person, as lines of JSON."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import orjson
from google.protobuf import json_format

from shopalytic.v1 import admin_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.formats.order_numbers import number_of
from shopalytic_server.domain.privacy.erasure import marks_of, names_person, person_marks
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.customers.lookup import find_held, load_people
from shopalytic_server.storage.database.connections import Connection, Pool, translated
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot

_SQL = load("privacy/erasure")

# Lines of one answer: together they stay far below what gRPC clients take.
_CHUNK = 100


class Exports:
    """Exports people. Everything may raise StoreUnavailable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def export_customer(
        self, project: Project, request: admin_pb2.ExportCustomerRequest
    ) -> AsyncGenerator[admin_pb2.ExportCustomerResponse, None]:
        """All lines, from one moment; raises NotFound."""
        dataset = Dataset.of(project, request.sandbox)
        with translated():
            async with self._pool.connection() as conn, conn.transaction():
                await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                # The reader sets the pace.
                await conn.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")
                lines: list[str] = []
                size = 0
                async for table, row in _rows(conn, dataset, request):
                    lines.append(orjson.dumps({"table": table, **row}).decode())
                    size += len(lines[-1])
                    if len(lines) == _CHUNK or size > 500_000:
                        yield admin_pb2.ExportCustomerResponse(lines=lines)
                        lines, size = [], 0
                if lines:
                    yield admin_pb2.ExportCustomerResponse(lines=lines)


async def _rows(
    conn: Connection, dataset: int, request: admin_pb2.ExportCustomerRequest
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    snapshot = Snapshot(conn)
    [person] = await load_people(snapshot, dataset, [await find_held(snapshot, dataset, request.customer)])
    names: dict[str, Any] = {
        "dataset": dataset,
        "identities": person.identities,
        "tracking_ids": person.tracking_ids,
        "subjects": person.subjects,
    }
    emails = [row["email"] for row in await snapshot.fetch(_SQL.emails, **names)]
    orders = await snapshot.fetch(_SQL.own_orders, **names)
    names["order_ids"] = [row["order_id"] for row in orders]
    async with conn.cursor() as cursor:
        await cursor.execute(_SQL.export_rows.encode(), names)
        for table, row in await cursor.fetchall():
            row |= {name: number_of(row[name]) for name in ("order_id", "shipment_id") if name in row}
            yield table, row
    async with conn.cursor("shopalytic_export") as cursor:
        await cursor.execute(_SQL.export_events, names)
        async for (row,) in cursor:
            yield "events", row
    marks = person_marks(person.identities, person.tracking_ids, emails)
    texts = [*person.identities, *person.tracking_ids, *emails]
    numbers = list(map(number_of, names["order_ids"]))
    for found in await snapshot.fetch(_SQL.suspects, **names, texts=[*texts, *numbers]):
        event = Event.FromString(found["event"])
        if marks & marks_of(event).own.keys() or names_person(event, texts, numbers):
            yield (
                "quarantine",
                {
                    "quarantine_id": str(found["fingerprint"]),
                    "status": found["status"],
                    "received_at": found["received_at"].isoformat(),
                    "violations": found["violations"],
                    "event": json_format.MessageToDict(event, preserving_proto_field_name=True),
                },
            )
