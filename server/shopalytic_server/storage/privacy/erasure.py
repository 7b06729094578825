"""Erases a person in one transaction, and leaves what keeps them out."""

import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
from psycopg.rows import dict_row

from shopalytic.v1 import admin_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.access.audit import ERASED, plain_text
from shopalytic_server.domain.customers.identity import identity_subject, tracking_subject
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.events.event_order import Place, place, rank
from shopalytic_server.domain.events.prepared import JSONB_VERSION, Prepared, Sending, microseconds
from shopalytic_server.domain.formats.order_numbers import number_of, order_key
from shopalytic_server.domain.formats.plain_forms import plain_form
from shopalytic_server.domain.privacy.erasure import (
    anonymous_order,
    anonymous_refund,
    kept_order_id,
    kept_order_mark,
    kept_refund_mark,
    marks_of,
    names_person,
    order_mark,
    person_marks,
)
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.customers.lookup import Person, find_held, load_people
from shopalytic_server.storage.database.arrays import UuidArray
from shopalytic_server.storage.database.connections import Connection, Pool, translated
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.database.times import timestamp
from shopalytic_server.storage.facts.changes import mark_times, note_upheaval
from shopalytic_server.storage.ingest import tombstones
from shopalytic_server.storage.ingest.copyrows import copy_events
from shopalytic_server.storage.ingest.decisions import Decisions, lock_dataset
from shopalytic_server.storage.ingest.identities import forget_unused
from shopalytic_server.storage.ingest.quarantine_capacity import recount
from shopalytic_server.storage.ingest.settlement import date_orders, settle_orders
from shopalytic_server.storage.rollups.page_sums import forget_subjects

_SQL = load("privacy/erasure")
_INGEST = load("ingest/ingest")

# Children before their parents: order_items finds its rows by order_revisions.
_BY_EVENT = (
    "profile_changes",
    "cart_changes",
    "order_items",
    "order_revisions",
    "order_statements",
    "refund_items",
    "refunds",
    "shipment_changes",
)
_BY_NAME = ("tracking_links", "alias_links", "undone_merges", "identities")
_PARCEL_NUMBERS = ("shipment_id", "tracking_number")
_ALWAYS = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Erasure:
    """One erasure: who, what of them is to go, and what is done of it."""

    conn: Connection
    dataset: int
    project: Project
    person: Person
    emails: list[str] = field(default_factory=list)
    order_ids: list[str] = field(default_factory=list)
    kept_orders: dict[str, set[UUID]] = field(default_factory=dict)
    """Those whose totals stay, with the events that they are made of again."""
    events: list[dict[str, Any]] = field(default_factory=list)
    erased: dict[str, int] = field(default_factory=dict)

    def key(self, row: dict[str, Any], name: str = "order_id") -> str:
        """What the store knows the order, or the parcel, by that an event is of."""
        return order_key(row["properties"][name], row["source"], self.project.order_number_groups)

    @property
    def names(self) -> dict[str, Any]:
        """What the statements take: whose rows they are about."""
        return {
            "dataset": self.dataset,
            "identities": self.person.identities,
            "tracking_ids": self.person.tracking_ids,
            "subjects": self.person.subjects,
            "order_ids": self.order_ids,
        }

    async def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        async with self.conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement, {**self.names, **parameters})
            return await cursor.fetchall()

    async def run(self, statement: str, **parameters: Any) -> int:
        return (await self.conn.execute(statement, {**self.names, **parameters})).rowcount


class Erasures:
    """Erases people. Everything may raise StoreUnavailable."""

    def __init__(self, pool: Pool, forget: Callable[[], Awaitable[None]] | None = None) -> None:
        """`forget` removes what this server keeps of people who were erased, before the receipt is given."""
        self._pool = pool
        self._forget = forget

    async def erase_customer(
        self, project: Project, request: admin_pb2.EraseCustomerRequest
    ) -> admin_pb2.EraseCustomerResponse:
        """Erases one person, or with dry_run only counts; raises NotFound."""
        with translated():
            async with self._pool.connection() as conn, conn.transaction(force_rollback=request.dry_run):
                receipt = await _erase(conn, project, request)
        if self._forget is not None and not request.dry_run:
            await self._forget()
        return receipt


async def _erase(
    conn: Connection, project: Project, request: admin_pb2.EraseCustomerRequest
) -> admin_pb2.EraseCustomerResponse:
    dataset = Dataset.of(project, request.sandbox)
    response = admin_pb2.EraseCustomerResponse()
    # It may read long, but not make ingest wait long behind it for a lock.
    await conn.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10s'")
    begun = _Erasure(conn, dataset, project, await _person(conn, dataset, request))
    # Reads all events, so it is done while ingest goes on; what came meanwhile follows.
    response.unlinked_events = await begun.run(_SQL.unlink_others, since=_ALWAYS)
    await conn.execute(_SQL.hold_ingest)
    await lock_dataset(conn, dataset)
    erasure = _Erasure(conn, dataset, project, await _person(conn, dataset, request))
    recently = datetime.now(UTC) - timedelta(days=1)
    response.unlinked_events += await erasure.run(_SQL.unlink_others, since=recently)
    await _find(erasure)
    await _forget_in_audit(erasure, request)
    if request.keep_order_totals:
        for row in await erasure.rows(_SQL.counted_orders):
            erasure.kept_orders.setdefault(row["order_id"], set()).add(row["event_id"])
    kept = await _anonymous(erasure)
    await _delete(erasure)
    await _store(erasure, kept)
    response.anonymised_events = len(kept)
    marks = person_marks(erasure.person.identities, erasure.person.tracking_ids, erasure.emails)
    erasure.erased["quarantine"] = await _clean_quarantine(erasure, marks)
    marks |= _sales_marks(erasure)
    erased_at = datetime.now(UTC)
    response.tombstones = await tombstones.leave(conn, dataset, marks, erased_at)
    response.erased_at.CopyFrom(timestamp(erased_at))
    response.erased.update(erasure.erased)
    return response


def _sales_marks(erasure: _Erasure) -> set[str]:
    """Marks of orders, by which what comes of them later is known, and of refunds that were kept."""
    marks = set(map(order_mark, erasure.order_ids)) | set(map(kept_order_mark, erasure.kept_orders))
    if erasure.kept_orders:
        marks |= {kept_refund_mark(str(row["event_id"])) for row in erasure.events if row["type"] == "refund"}
    return marks


async def _person(conn: Connection, dataset: int, request: admin_pb2.EraseCustomerRequest) -> Person:
    snapshot = Snapshot(conn)
    [person] = await load_people(snapshot, dataset, [await find_held(snapshot, dataset, request.customer)])
    return person


async def _forget_in_audit(erasure: _Erasure, request: admin_pb2.EraseCustomerRequest) -> None:
    """What the person was looked up by goes out of the audit log; who did it stays."""
    by = request.customer.WhichOneof("by")
    names = {
        getattr(request.customer, by) if by else "",
        *erasure.person.identities,
        *erasure.person.tracking_ids,
        *map(str, erasure.person.subjects),
        *erasure.emails,
        *map(number_of, erasure.order_ids),
        *(str(row["properties"].get(name, "")) for row in erasure.events for name in _PARCEL_NUMBERS),
    }
    subjects = sorted({plain_text(plain_form(name)) for name in names} - {""})
    project_id = erasure.project.project_id
    await erasure.run(_SQL.forget_in_audit, project_id=project_id, names=subjects, erased=ERASED)


async def _find(erasure: _Erasure) -> None:
    """Finds what is to go."""
    erasure.emails = [row["email"] for row in await erasure.rows(_SQL.emails)]
    erasure.order_ids = [row["order_id"] for row in await erasure.rows(_SQL.own_orders)]
    namers = [
        identity_subject(row["existing_identity"])
        if row["existing_identity"]
        else tracking_subject(row["existing_tracking_id"])
        for row in await erasure.rows(_SQL.namers)
    ]
    found = await erasure.rows(_SQL.doomed_events, namers=namers, emails=erasure.emails)
    erasure.events = sorted(found, key=_place)


def _place(row: dict[str, Any]) -> Place:
    type_rank = rank(row["type"], row["properties"].get("refund_type", ""))
    return place(type_rank, microseconds(row["occurred_at"]), row["tie_breaker"], row["event_id"].bytes)


async def _anonymous(erasure: _Erasure) -> list[Prepared]:
    """What stays as nobody's: some orders and refunds, and views that products are named by."""
    views = [row for row in erasure.events if row["type"] == "product_view"]
    last = await erasure.rows(
        _SQL.last_views,
        skus=[row["properties"]["sku"] for row in views],
        event_ids=[row["event_id"] for row in views],
    )
    last_views = {row["seen_event_id"] for row in last}
    chosen = [row for row in erasure.events if row["event_id"] in last_views or _is_kept(erasure, row)]
    nobody = f"erased-{secrets.token_hex(16)}"
    salt = await tombstones.salt_of(erasure.conn, erasure.dataset)
    carts: dict[str, str] = {}

    def renamed(kind: str, value: str) -> str:
        if kind == "order":
            return kept_order_id(value, salt)
        return carts.setdefault(value, f"erased-{secrets.token_hex(12)}")

    # New ids in the old order: of what happened at the same time, the id decides.
    fresh_ids = sorted(uuid4() for _ in chosen)
    return [
        _nobodys(erasure, row, fresh_id, nobody, renamed)
        for row, fresh_id in zip(chosen, fresh_ids, strict=True)
    ]


def _is_kept(erasure: _Erasure, row: dict[str, Any]) -> bool:
    """Whether an event is part of a total that stays."""
    if row["type"] not in ("order", "refund"):
        return False
    events = erasure.kept_orders.get(erasure.key(row))
    return events is not None and (row["type"] == "refund" or row["event_id"] in events)


def _nobodys(erasure: _Erasure, row: dict[str, Any], fresh_id: UUID, nobody: str, renamed: Any) -> Prepared:
    given = row["properties"]
    event_id, properties = row["event_id"], given
    if row["type"] == "order":
        event_id = fresh_id
        properties = anonymous_order(
            given,
            renamed("order", erasure.key(row)),
            renamed("cart", given["cart_id"]) if "cart_id" in given else None,
        )
    elif row["type"] == "refund":
        event_id, properties = fresh_id, anonymous_refund(given, renamed("order", erasure.key(row)))
    return Prepared(
        event=Event(),
        sending=Sending(
            erasure.project.first_currency,
            row["received_at"],
            time_zone=erasure.project.time_zone,
            order_number_groups=erasure.project.order_number_groups,
        ),
        dataset_id=erasure.dataset,
        type=row["type"],
        fingerprint=secrets.token_bytes(16),
        event_key=event_id.bytes,
        subject_key=tracking_subject(nobody).bytes,
        occurred_us=microseconds(row["occurred_at"]),
        tracking_id=nobody,
        source=row["source"],
        bot=row["bot"],
        properties=properties,
        properties_jsonb=JSONB_VERSION + orjson.dumps(properties),
        tie_breaker=row["tie_breaker"],
        # It happened when it counted, from now on.
        plain_dates=tuple(name for name in row["plain_dates"] or () if name != "occurred_at"),
    )


async def _delete(erasure: _Erasure) -> None:
    events = erasure.events
    keys = {
        "event_ids": [row["event_id"] for row in events],
        "event_subjects": [row["subject"] for row in events],
        "order_ids": sorted({erasure.key(row) for row in events if "order_id" in row["properties"]}),
        "cart_ids": _values(events, "cart_id"),
        "shipment_ids": sorted(
            {erasure.key(row, "shipment_id") for row in events if "shipment_id" in row["properties"]}
        ),
    }
    await _mark(erasure, [row["at"] for row in await erasure.rows(_SQL.times_of_facts, **keys)])
    for table in _BY_EVENT:
        erasure.erased[table] = await erasure.run(getattr(_SQL, f"delete_{table}"), **keys)
    for table in _BY_NAME:
        erasure.erased[table] = await erasure.run(getattr(_SQL, f"delete_{table}"))
    erasure.erased["events"] = await erasure.run(
        _SQL.delete_events,
        subjects=keys["event_subjects"],
        times=[row["occurred_at"] for row in events],
        event_ids=keys["event_ids"],
    )
    views = [row for row in events if row["type"] == "page_view"]
    await forget_subjects(
        erasure.conn,
        erasure.dataset,
        sorted({*erasure.person.subjects, *(row["subject"] for row in views)}),
    )
    # An event that somebody else sent of an order is refused as a duplicate for ever.
    own = [row["event_id"] for row in events if row["own"]]
    erasure.erased["event_keys"] = await erasure.run(_SQL.delete_event_keys, event_ids=own)
    others = [row["subject"] for row in events if not row["own"]]
    # The plain form of an address may be named by another form only.
    others += [identity_subject(plain_form(identity)) for identity in erasure.person.identities]
    await forget_unused(erasure.conn, erasure.dataset, others)
    left = set(keys["order_ids"]) - set(erasure.order_ids)
    await _mark(erasure, await date_orders(erasure.conn, erasure.dataset, left))
    settled = await settle_orders(erasure.conn, erasure.dataset, erasure.project.first_currency, left)
    await _mark(erasure, settled)
    await note_upheaval(erasure.conn, [erasure.dataset])


async def _mark(erasure: _Erasure, times: Iterable[datetime]) -> None:
    """Marks the days whose facts are others now; no file of before may be kept."""
    await mark_times(erasure.conn, [(erasure.dataset, at) for at in times], erased=True)


def _values(events: list[dict[str, Any]], name: str) -> list[str]:
    return sorted({row["properties"][name] for row in events if name in row["properties"]})


async def _store(erasure: _Erasure, kept: list[Prepared]) -> None:
    """Stores what is nobody's now."""
    keys = [item.event_key for item in kept]
    parameters = {
        "dataset": erasure.dataset,
        "event_ids": UuidArray(keys),
        "fingerprints": UuidArray([item.fingerprint for item in kept]),
    }
    if kept:
        await erasure.conn.execute(_INGEST.claim_event_ids, parameters)
    decided = [item for item in kept if item.type != "product_view"]
    if decided:
        decisions = Decisions(erasure.conn, erasure.dataset, decided, trusted=True)
        await decisions.decide()
        await _mark(erasure, decisions.times)
    await copy_events(erasure.conn, kept)


async def _clean_quarantine(erasure: _Erasure, marks: set[str]) -> int:
    names = [*erasure.person.identities, *erasure.person.tracking_ids, *erasure.emails]
    doomed: list[UUID] = []
    numbers = list(map(number_of, erasure.order_ids))
    for row in await erasure.rows(_SQL.suspects, texts=[*names, *numbers]):
        event = Event.FromString(row["event"])
        found = marks_of(event, erasure.project.order_number_groups)
        if marks & found.own.keys() or names_person(event, names, numbers):
            doomed.append(row["fingerprint"])
        elif found.device in marks:
            event.ClearField("tracking_id")
            await erasure.run(
                _SQL.replace_quarantined, fingerprint=row["fingerprint"], event=event.SerializeToString()
            )
    deleted = await erasure.run(_SQL.delete_quarantine, fingerprints=doomed)
    await recount(erasure.conn, erasure.dataset)
    return deleted
