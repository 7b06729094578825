"""Keeps what arrives of erased people out: the check that ingest makes, and what it checks against."""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from shopalytic.v1 import collector_pb2
from shopalytic.violations import Violation
from shopalytic_server.domain.erasure import Marks, hashed, marks_of
from shopalytic_server.domain.ingest import Prepared
from shopalytic_server.domain.verdicts import verdict
from shopalytic_server.storage.database import Connection
from shopalytic_server.storage.queries import load

_SQL = load("erasure")

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
    salts = await _salts(conn, {item.dataset_id // 2 for item in items})
    marked = [(item, marks_of(item.event)) for item in items if item.dataset_id // 2 in salts]
    hashes = {
        (item.dataset_id, mark): hashed(mark, salts[item.dataset_id // 2])
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


async def leave(conn: Connection, dataset: int, marks: Iterable[str], erased_at: datetime) -> int:
    """Leaves the tombstones of a person; returns how many."""
    salt = secrets.token_bytes(_SALT_BYTES)
    await conn.execute(_SQL.make_salt, {"project": dataset // 2, "salt": salt})
    salts = await _salts(conn, [dataset // 2])
    hashes = sorted({hashed(mark, salts[dataset // 2]) for mark in marks})
    await conn.execute(_SQL.leave_tombstones, {"dataset": dataset, "marks": hashes, "erased_at": erased_at})
    return len(hashes)
