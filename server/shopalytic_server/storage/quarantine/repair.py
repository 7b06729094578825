"""Judges events of quarantine again, as they are or repaired by a patch."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from google.protobuf import json_format
from psycopg.rows import dict_row

from shopalytic.events.decoding import DecodeError, undecoded_event
from shopalytic.events.violations import Violation
from shopalytic.v1 import admin_pb2, collector_pb2
from shopalytic.v1.collector_pb2 import EventResult
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.events.prepared import skew_us
from shopalytic_server.domain.formats.json_faults import fault_in
from shopalytic_server.domain.formats.json_patch import (
    InvalidPatch,
    PatchDoesNotFit,
    apply_patch,
    check_patch,
)
from shopalytic_server.domain.ingest import undecoded
from shopalytic_server.domain.ingest.preparation import Prepared, prepare
from shopalytic_server.domain.ingest.verdicts import Verdicts
from shopalytic_server.domain.privacy.addresses import AddressLevel, stricter
from shopalytic_server.domain.privacy.consent import CONSENT_RULE
from shopalytic_server.domain.projects import KeyClass, Project
from shopalytic_server.storage.database.connections import Connection, Pool, translated
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.ingest.quarantine_capacity import recount
from shopalytic_server.storage.ingest.transaction import Ingest
from shopalytic_server.storage.quarantine.listing import class_of

_SQL = load("quarantine/quarantine")
_ERASURE = load("privacy/erasure")

MAX_RESULTS = 1_000
MAX_PREVIEWS = 20
# gRPC clients refuse answers beyond 4 MB.
MAX_PREVIEW_BYTES = 1_000_000
_CHUNK = 200

_ACCEPTED = collector_pb2.EVENT_STATUS_ACCEPTED
_DUPLICATE = collector_pb2.EVENT_STATUS_DUPLICATE
_REJECTED = collector_pb2.EVENT_STATUS_REJECTED
_KEPT_BY_NOBODY = frozenset({"privacy.erased", CONSENT_RULE})

Patch = Sequence[Mapping[str, Any]]


class Repairs:
    """Replays quarantine. Everything may raise StoreUnavailable."""

    def __init__(
        self,
        pool: Pool,
        on_stored: Callable[[Sequence[Prepared]], None] | None = None,
        addresses: AddressLevel = AddressLevel.TRUNCATED,
    ) -> None:
        """`on_stored` is told of the events that were accepted, after each COMMIT."""
        self._pool = pool
        self._addresses = addresses
        self._on_stored = on_stored

    async def replay_quarantine(
        self, project: Project, request: admin_pb2.ReplayQuarantineRequest
    ) -> admin_pb2.ReplayQuarantineResponse:
        """Judges the events that a request names again; raises InvalidRequest."""
        _check_vouched(request)
        patch = _read_patch(request.patch)
        dataset = Dataset.of(project, request.sandbox)
        response = admin_pb2.ReplayQuarantineResponse()
        with translated():
            async with self._pool.connection() as conn:
                # All are chosen first: one that stays must not be met again.
                cursor = await conn.execute(_SQL.choose, _filter(request, dataset))
                chosen = [row[0] for row in await cursor.fetchall()]
                for start in range(0, len(chosen), _CHUNK):
                    part = chosen[start : start + _CHUNK]
                    async with conn.transaction(force_rollback=request.dry_run):
                        stored = await _replay(conn, project, request, part, patch, response, self._addresses)
                    if self._on_stored is not None and not request.dry_run:
                        self._on_stored(stored)
                if not request.dry_run:
                    async with conn.transaction():
                        await recount(conn, dataset)
        return response


def _check_vouched(request: admin_pb2.ReplayQuarantineRequest) -> None:
    """Nobody can vouch for events that they have not looked at, such as those that come meanwhile."""
    if request.as_server and not request.quarantine_ids:
        message = "is only for events that quarantine_ids names; look at each, then name those to trust"
        raise InvalidRequest([Violation("as_server", "as_server.named", message)])


def _read_patch(text: str) -> Patch | None:
    if not text:
        return None
    try:
        return check_patch(json.loads(text, parse_float=Decimal))
    except InvalidPatch as error:
        raise InvalidRequest([Violation("patch", "patch.form", str(error))]) from error
    except (ValueError, RecursionError) as error:
        message = 'is no JSON; send a JSON Patch, such as [{"op": "add", "path": "/a", "value": 1}]'
        raise InvalidRequest([Violation("patch", "json", message)]) from error


def _filter(request: admin_pb2.ReplayQuarantineRequest, dataset: int) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "fingerprints": list(request.quarantine_ids) or None,
        "rule_id": request.rule_id or None,
        "type": request.type or None,
    }


async def _replay(
    conn: Connection,
    project: Project,
    request: admin_pb2.ReplayQuarantineRequest,
    fingerprints: Sequence[UUID],
    patch: Patch | None,
    response: admin_pb2.ReplayQuarantineResponse,
    addresses: AddressLevel,
) -> list[Prepared]:
    """Replays some events in the caller's transaction; returns those that were accepted.

    Adds to the response what became of each.
    """
    dataset = Dataset.of(project, request.sandbox)
    # In the order of ingest, so that an erasure and this cannot wait for each other.
    await conn.execute(_ERASURE.wait_for_erasures)
    rows, items = [], []
    for row in await _take(conn, dataset, fingerprints):
        try:
            event = repaired(Event.FromString(row["event"]), patch, class_of(row["key_class"]))
        except PatchDoesNotFit as error:
            response.unpatched += 1
            await conn.execute(_SQL.put_back, {**row, "dataset": dataset})
            _preview(request, response, row, misfit=str(error))
            continue
        rows.append(row)
        items.append(_prepared(project, event, row, addresses, as_server=request.as_server))
    if not items:
        return []
    # One of its own: the store's remembers partitions, which a dry run takes back.
    stored = await Ingest().store(conn, items)
    for row, item, result in zip(rows, items, Verdicts(items), strict=True):
        await _keep(conn, dataset, row, item, result)
        response.accepted += result.status == _ACCEPTED
        response.duplicates += result.status == _DUPLICATE
        response.failed += result.status not in (_ACCEPTED, _DUPLICATE)
        if len(response.results) < MAX_RESULTS:
            response.results.append(result)
        _preview(request, response, row, event=item.event, result=result)
    return stored


def _preview(
    request: admin_pb2.ReplayQuarantineRequest,
    response: admin_pb2.ReplayQuarantineResponse,
    row: Mapping[str, Any],
    **found: Any,
) -> None:
    """Adds what would become of an event, for those who only look."""
    if not request.dry_run or len(response.previews) >= MAX_PREVIEWS:
        return
    preview = admin_pb2.ReplayPreview(quarantine_id=str(row["fingerprint"]), **found)
    if sum(each.ByteSize() for each in response.previews) + preview.ByteSize() <= MAX_PREVIEW_BYTES:
        response.previews.append(preview)


async def _take(conn: Connection, dataset: int, fingerprints: Sequence[UUID]) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL.take, {"dataset": dataset, "fingerprints": list(fingerprints)})
        rows = await cursor.fetchall()
    return sorted(rows, key=lambda row: (row["received_at"], row["fingerprint"]))


def _prepared(
    project: Project, event: Event, row: Mapping[str, Any], addresses: AddressLevel, *, as_server: bool
) -> Prepared:
    """The event as it would be if its request came now, with the clock that it had when it came."""
    level = row["address_level"]
    return prepare(
        event,
        project=project,
        key_class=KeyClass.SERVER if as_server else class_of(row["key_class"]),
        received_at=datetime.now(UTC),
        sent_at=None,
        skew_us=0 if row["sent_at"] is None else skew_us(row["received_at"], row["sent_at"]),
        addresses=addresses if level is None else stricter(addresses, AddressLevel(level)),
        arrived_at=row["received_at"],
        proven=row["signed_identities"] or (),
    )


async def _keep(
    conn: Connection, dataset: int, row: dict[str, Any], item: Prepared, result: EventResult
) -> None:
    """Keeps what failed again as having arrived when it did; what nobody may keep is gone."""
    if result.status in (_ACCEPTED, _DUPLICATE):
        return
    if result.status == _REJECTED:
        if all(found.rule_id not in _KEPT_BY_NOBODY for found in result.violations):
            await conn.execute(_SQL.put_back, {**row, "dataset": dataset})
        return
    fingerprint = UUID(bytes=item.fingerprint)
    await conn.execute(_SQL.set_arrival, {**row, "dataset": item.dataset_id, "fingerprint": fingerprint})


def repaired(event: Event, patch: Patch | None, key_class: KeyClass) -> Event:
    """The event after the patch; one that could not be read is read again. Raises PatchDoesNotFit."""
    if event.WhichOneof("payload") == "undecoded":
        return _read_again(event, patch, public=key_class is KeyClass.BROWSER)
    if patch is None:
        return event
    document = apply_patch(json_format.MessageToDict(event, preserving_proto_field_name=True), patch)
    document = _plain(document)
    try:
        return json_format.ParseDict(document, Event())
    except (json_format.ParseError, ValueError, TypeError) as error:
        path, words = fault_in(document, Event.DESCRIPTOR) or ("", "a value is out of its bounds")
        raise PatchDoesNotFit(f"{path}: {words}" if path else words) from error


def _read_again(event: Event, patch: Patch | None, *, public: bool) -> Event:
    text = event.undecoded.json
    if patch is None:
        read = undecoded.read_again(event, public=public)
        return read if isinstance(read, Event) else event
    try:
        document = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        document = None
    document = apply_patch(document, patch)
    text = json.dumps(document, default=str)
    try:
        read = undecoded.decoded(document)
    except DecodeError as error:
        read = undecoded_event(text, error, data=document)
    undecoded.complete(read, event, public=public)
    if read.WhichOneof("payload") == "undecoded":
        read.event_id = event.event_id
        read.occurred_at.CopyFrom(event.occurred_at)
    return read


def _plain(value: Any) -> Any:
    """Numbers of a patch as protobuf's JSON takes them: money is text there."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value
