"""Puts events into quarantine as long as there is room, and keeps the account of it.

How much the keys of a class fill stands in `quarantine_use`, one row for each
class of a dataset, so that nobody counts events to take one more. It is written
last in a transaction: whoever waits for it waits for nothing else. What takes
events out counts anew instead, which mends whatever the version before did not
write down.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shopalytic.events.violations import Violation
from shopalytic.v1 import collector_pb2
from shopalytic_server.domain.events.prepared import Admitted, Prepared
from shopalytic_server.domain.ingest.verdicts import verdict
from shopalytic_server.domain.quarantine import Bounds, full
from shopalytic_server.storage.database.arrays import BytesArray, TextArray, TimeArray, UuidArray, array_text
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.ingest import tombstones
from shopalytic_server.storage.ingest.tombstones import refuse_erased

_SQL = load("quarantine/quarantine")

_CONFLICT = collector_pb2.EVENT_STATUS_CONFLICT
_QUARANTINED = collector_pb2.EVENT_STATUS_QUARANTINED
_REJECTED = collector_pb2.EVENT_STATUS_REJECTED

_EXPIRED_A_TIME = 1_000

# One statement takes so much: the loop waits while its parameters are written.
_PART_BYTES = 1024 * 1024
_PART_ROWS = 100
# So many are made before others have their turn.
_ROWS_A_STEP = 50
# What the statement calls the columns, the rows their values, and how they are passed.
_COLUMNS: dict[str, tuple[str, Callable[[list[Any]], Any]]] = {
    "fingerprints": ("fingerprint", UuidArray),
    "event_ids": ("event_id", TextArray),
    "statuses": ("status", TextArray),
    "types": ("type", TextArray),
    "events": ("event", BytesArray),
    "violations": ("violations", TextArray),
    "received": ("received_us", TimeArray),
    "sent": ("sent_us", TimeArray),
    "key_classes": ("key_class", TextArray),
    "key_ids": ("key_id", TextArray),
    "address_levels": ("address_level", TextArray),
    "signed_identities": ("signed_identities", TextArray),
}
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

Row = dict[str, Any]


class QuarantineRoom:
    """What may be in quarantine, and how full it was when this process last looked."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        """Without `bounds` there is always room."""
        self._bounds = bounds or Bounds()
        self._bytes: dict[tuple[int, str], int] = {}

    def fill(self, key_class: str) -> float:
        """The fullest dataset's part, from 0 to 1, of what a class of keys may fill; 0 without a bound."""
        limit = self._bounds.bytes_of(key_class)
        filled = [size for (_, name), size in self._bytes.items() if name == key_class]
        return max(filled, default=0) / limit if limit else 0.0

    async def keep(self, conn: Connection, items: Iterable[Prepared]) -> None:
        """Keeps what was not accepted, with the reasons, unless it is of somebody who was erased.

        What there is no room for is rejected, for that reason too.
        """
        refused = [item for item in items if _is_kept(item)]
        if refused and await tombstones.exist(conn):
            await refuse_erased(conn, refused)
        groups: dict[tuple[int, str], list[Prepared]] = defaultdict(list)
        for item in refused:
            if _is_kept(item):
                groups[item.dataset_id, _class_of(item) or ""].append(item)
        changes = [await self._keep(conn, *key, groups[key]) for key in sorted(groups)]
        for change in changes:
            if change["key_class"]:
                await conn.execute(_SQL.add_use, change)

    async def _keep(self, conn: Connection, dataset: int, key_class: str, items: list[Prepared]) -> Row:
        rows = await _rows(items)
        turned_away: list[Prepared] = []
        limit = self._bounds.bytes_of(key_class) if key_class else 0
        if limit:
            items, rows, turned_away = await self._fitting(conn, dataset, key_class, items, rows)
        events = size = 0
        for part in _parts(rows):
            found = await (await conn.execute(_SQL.keep, {"dataset": dataset, **_columns(part)})).fetchone()
            if found is not None:
                events, size = events + found[0], size + int(found[1])
        for item in turned_away:
            reasons = [
                Violation(found.field, found.rule_id, found.message)
                for found in (item.verdict.violations if item.verdict else ())
            ]
            item.verdict = verdict(item, _REJECTED, [*reasons, full(key_class, limit)])
        self._bytes[dataset, key_class] = self._bytes.get((dataset, key_class), 0) + size
        return {
            "dataset": dataset,
            "key_class": key_class,
            "events": events,
            "bytes": size,
            "refused": len(turned_away),
        }

    async def _fitting(
        self, conn: Connection, dataset: int, key_class: str, items: list[Prepared], rows: list[Row]
    ) -> tuple[list[Prepared], list[Row], list[Prepared]]:
        """The events that there is room for, with their rows, and those that there is none for."""
        limit = self._bounds.bytes_of(key_class)
        cursor = await conn.execute(_SQL.use, {"dataset": dataset, "key_class": key_class})
        found = await cursor.fetchone()
        used = found[0] if found is not None else 0
        self._bytes[dataset, key_class] = used
        if used + sum(len(row["event"]) for row in rows) <= limit:
            return items, rows, []
        # What is there already takes no room.
        wanted = {"dataset": dataset, "fingerprints": UuidArray([item.fingerprint for item in items])}
        there = {row[0].bytes for row in await (await conn.execute(_SQL.known, wanted)).fetchall()}
        kept, away = [], []
        for item, row in zip(items, rows, strict=True):
            size = 0 if row["fingerprint"] in there else len(row["event"])
            if used + size <= limit:
                used += size
                kept.append((item, row))
            else:
                away.append(item)
        return [item for item, _ in kept], [row for _, row in kept], away

    async def look(self, conn: Connection) -> None:
        """Counts all of quarantine anew."""
        for (dataset,) in await (await conn.execute(_SQL.datasets)).fetchall():
            async with conn.transaction():
                await recount(conn, dataset)
        rows = await (await conn.execute(_SQL.uses)).fetchall()
        self._bytes = {(dataset, key_class): size for dataset, key_class, size in rows}

    async def expire(self, conn: Connection, now: datetime | None = None) -> Counter[str]:
        """Removes what is too old; returns how many events of each class of keys."""
        removed: Counter[str] = Counter()
        for dataset, key_class, _ in await (await conn.execute(_SQL.uses)).fetchall():
            age = self._bounds.age_of(key_class)
            if age is None:
                continue
            which = {"dataset": dataset, "key_class": key_class, "limit": _EXPIRED_A_TIME}
            which["before"] = (now or datetime.now(UTC)) - age
            while True:
                async with conn.transaction():
                    gone = (await conn.execute(_SQL.expire, which)).rowcount
                    await conn.execute(_SQL.add_expired, {**which, "expired": gone})
                removed[key_class] += gone
                if gone < _EXPIRED_A_TIME:
                    break
        return +removed


async def recount(conn: Connection, dataset: int) -> None:
    """Counts what a dataset has in quarantine, in the caller's transaction.

    Its rows of the account are locked first: who has added to them is seen then, and
    who is about to, adds to what is counted.
    """
    await conn.execute(_SQL.hold_uses, {"dataset": dataset})
    rows = await (await conn.execute(_SQL.contents, {"dataset": dataset})).fetchall()
    key_classes, events, sizes = zip(*rows, strict=True) if rows else ((), (), ())
    counted = {"key_classes": list(key_classes), "events": list(events), "bytes": list(sizes)}
    await conn.execute(_SQL.recount, {"dataset": dataset, **counted})


async def _rows(items: Sequence[Prepared]) -> list[Row]:
    rows: list[Row] = []
    for begin in range(0, len(items), _ROWS_A_STEP):
        rows += map(_row, items[begin : begin + _ROWS_A_STEP])
        await asyncio.sleep(0)
    return rows


def _row(item: Prepared) -> Row:
    result = item.verdict
    violations = result.violations if result is not None else ()
    sending = item.sending
    sender = (
        (
            str(sending.key_class),
            str(sending.key_id) if sending.key_id is not None else None,
            str(sending.addresses),
            array_text(sorted(item.proven)) if item.proven else None,
        )
        if isinstance(sending, Admitted)
        else (None, None, None, None)
    )
    return {
        "fingerprint": item.fingerprint,
        "event_id": item.event.event_id[:100].replace("\0", ""),
        "status": "CONFLICT" if result is not None and result.status == _CONFLICT else "QUARANTINED",
        "type": item.type,
        "event": item.event.SerializeToString(),
        "violations": json.dumps(
            [{"field": v.field, "rule_id": v.rule_id, "message": v.message} for v in violations]
        ),
        "received_us": _microseconds(item.received_at),
        "sent_us": _microseconds(item.sent_at),
        **dict(zip(("key_class", "key_id", "address_level", "signed_identities"), sender, strict=True)),
    }


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in parts, in the order of the index; of equal events the first."""
    part: list[Row] = []
    size = 0
    first = {row["fingerprint"]: row for row in reversed(list(rows))}
    for _, row in sorted(first.items()):
        part.append(row)
        size += len(row["event"])
        if size >= _PART_BYTES or len(part) == _PART_ROWS:
            yield part
            part, size = [], 0
    if part:
        yield part


def _columns(rows: Sequence[Row]) -> dict[str, Any]:
    return {column: kind([row[name] for row in rows]) for column, (name, kind) in _COLUMNS.items()}


def _microseconds(time: datetime | None) -> int | None:
    return None if time is None else (time - _EPOCH) // _MICROSECOND


def _class_of(item: Prepared) -> str | None:
    return str(item.sending.key_class) if isinstance(item.sending, Admitted) else None


def _is_kept(item: Prepared) -> bool:
    return item.verdict is not None and item.verdict.status in (_CONFLICT, _QUARANTINED)
