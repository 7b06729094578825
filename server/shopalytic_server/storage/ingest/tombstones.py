"""Keeps what arrives of erased people out: the check that ingest makes, and what it checks against."""

import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shopalytic.events.violations import Violation
from shopalytic.v1 import collector_pb2
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.ingest.preparation import Prepared, make_late_refund_nobodys
from shopalytic_server.domain.ingest.verdicts import verdict
from shopalytic_server.domain.privacy.erasure import (
    Marks,
    hashed,
    kept_order_id,
    kept_order_mark,
    kept_refund_mark,
    marks_of,
    order_mark,
    person_marks,
)
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load

_SQL = load("privacy/erasure")

Fetch = Callable[..., Awaitable[list[dict[str, Any]]]]

_SALT_BYTES = 32
_MESSAGE = "belongs to somebody who was erased; nothing of the event is kept"


async def exist(conn: Connection) -> bool:
    """Whether anybody was ever erased. An erasure that is under way has ended before this answers."""
    await conn.execute(_SQL.wait_for_erasures)
    row = await (await conn.execute(_SQL.tombstones_exist)).fetchone()
    return row is not None and bool(row[0])


async def refuse_erased(conn: Connection, items: Sequence[Prepared]) -> list[Prepared]:
    """Rejects the events of erased people, and takes their devices from events of others.

    Returns those rejected. It must run after the transaction has written to
    `event_keys`, which an erasure locks: so none can begin meanwhile.
    """
    salts = await _salts(conn, {_project(item) for item in items})
    marked = [(item, _marks(item)) for item in items if _project(item) in salts]
    hashes = {
        (item.dataset_id, mark): hashed(mark, salts[_project(item)])
        for item, found in marked
        for mark in _all(found)
    }
    erased = await _erased(conn, hashes)
    refused = []
    for item, found in marked:
        fields = [field for mark, field in found.own.items() if (item.dataset_id, mark) in erased]
        if fields:
            violation = Violation(fields[0], "privacy.erased", _MESSAGE)
            item.verdict = verdict(item, collector_pb2.EVENT_STATUS_REJECTED, [violation])
            refused.append(item)
        elif (item.dataset_id, found.device) in erased:
            item.tracking_id = None
            item.event.ClearField("tracking_id")
    return refused


async def take_late_refunds(conn: Connection, items: Iterable[Prepared]) -> list[Prepared]:
    """Makes refunds of orders that were kept as nobody's those of nobody; returns these."""
    refunds = [item for item in items if item.type == "refund"]
    if not refunds:
        return []
    salts = await _salts(conn, {_project(item) for item in refunds})
    hashes = {
        (item.dataset_id, mark): hashed(mark, salts[_project(item)])
        for item in refunds
        if _project(item) in salts
        for mark in (kept_order_mark(item.order_key), kept_refund_mark(item.event.event_id))
    }
    known = await _erased(conn, hashes)
    taken = []
    for item in refunds:
        order_id = item.order_key
        kept = (item.dataset_id, kept_order_mark(order_id)) in known
        if kept and (item.dataset_id, kept_refund_mark(item.event.event_id)) not in known:
            make_late_refund_nobodys(item, kept_order_id(order_id, salts[_project(item)]))
            taken.append(item)
    return taken


async def erased_orders(fetch: Fetch, dataset: int, order_ids: Sequence[str]) -> list[str]:
    """Which of these orders were those of somebody who was erased."""
    rows = await fetch(_SQL.salts, projects=[Dataset(dataset).project_id])
    if not rows or not order_ids:
        return []
    marks = {hashed(order_mark(order_id), rows[0]["salt"]): order_id for order_id in order_ids}
    found = await fetch(_SQL.find_tombstones, datasets=[dataset] * len(marks), marks=list(marks))
    return sorted(marks[row["mark"]] for row in found)


async def is_erased(conn: Connection, project: int, name: str) -> bool:
    """Whether a name is of somebody who was erased: an identity, an e-mail, a tracking id or an order's."""
    salt = await known_salt(conn, project)
    if salt is None:
        return False
    marks = person_marks([name], [name], [name]) | {order_mark(name)}
    hashes: dict[tuple[int, str], UUID] = {
        (dataset, mark): hashed(mark, salt) for dataset in Dataset.both(project) for mark in marks
    }
    return bool(await _erased(conn, hashes))


async def known_salt(conn: Connection, project: int) -> bytes | None:
    """What the marks of a project's erased people are hashed with; None: nobody was erased."""
    return (await _salts(conn, [project])).get(project)


def hashes_of(items: Iterable[Prepared], salt: bytes) -> list[bytes]:
    """What tells whether events are of erased people, as it is kept: 16 bytes each."""
    marks = {mark for item in items for mark in _all(_marks(item))}
    marks |= {kept_order_mark(item.order_key) for item in items if item.type == "refund"}
    return [hashed(mark, salt).bytes for mark in marks]


def _project(item: Prepared) -> int:
    return Dataset(item.dataset_id).project_id


def _marks(item: Prepared) -> Marks:
    return marks_of(item.event, item.sending.order_number_groups)


def _all(marks: Marks) -> Iterable[str]:
    return (*marks.own, marks.device) if marks.device else marks.own


async def _salts(conn: Connection, projects: Collection[int]) -> dict[int, bytes]:
    cursor = await conn.execute(_SQL.salts, {"projects": list(projects)})
    return dict(await cursor.fetchall())


async def _erased(conn: Connection, hashes: Mapping[tuple[int, str], UUID]) -> set[tuple[int, str | None]]:
    parameters = {"datasets": [dataset for dataset, _ in hashes], "marks": list(hashes.values())}
    cursor = await conn.execute(_SQL.find_tombstones, parameters)
    found = set(await cursor.fetchall())
    return {key for key, mark in hashes.items() if (key[0], mark) in found}


async def salt_of(conn: Connection, dataset: int) -> bytes:
    """The salt of a dataset's project, made if there is none."""
    salt = secrets.token_bytes(_SALT_BYTES)
    project = Dataset(dataset).project_id
    await conn.execute(_SQL.make_salt, {"project": project, "salt": salt})
    return (await _salts(conn, [project]))[project]


async def leave(conn: Connection, dataset: int, marks: Iterable[str], erased_at: datetime) -> int:
    """Leaves the tombstones of a person; returns how many."""
    salt = await salt_of(conn, dataset)
    hashes = sorted({hashed(mark, salt) for mark in marks})
    await conn.execute(_SQL.leave_tombstones, {"dataset": dataset, "marks": hashes, "erased_at": erased_at})
    return len(hashes)
