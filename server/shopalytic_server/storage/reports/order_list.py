"""The orders of a range of time, oldest first, for comparing with the shop's own books."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from shopalytic.events.violations import Violation
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import text
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.formats.order_numbers import (
    SEPARATOR,
    number_of,
    numbering_of,
    order_key,
    order_keys,
)
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.database.paging import (
    page_size,
    parse_position,
    position,
    read_token,
    write_token,
)
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.database.times import timestamp
from shopalytic_server.storage.ingest.tombstones import erased_orders

_SQL = load("reports/order_list")

_OLDEST = ("-infinity", "")


async def list_orders(
    snapshot: Snapshot, project: Project, request: reports_pb2.ListOrdersRequest
) -> reports_pb2.ListOrdersResponse:
    """A page of orders; raises InvalidRequest."""
    dataset = Dataset.of(project, request.sandbox)
    from_at = _end(request, "from", "-infinity")
    to_at = _end(request, "to", "infinity")
    if request.HasField("from") and request.HasField("to") and from_at >= to_at:
        message = "must be after from; the range includes its begin and excludes its end"
        raise InvalidRequest([Violation("to", "list_orders.range", message)])
    groups = project.order_number_groups
    numbering = numbering_of(request.source, groups) if request.HasField("source") else None
    keys = [
        key
        for number in request.order_ids
        for key in order_keys(number, groups)
        if numbering is None or key == order_key(number, request.source, groups)
    ]
    wanted = keys or None
    if request.disputed:
        wanted = list(await _disputed(snapshot, dataset, wanted))
    after_at, after_id = read_token(request, project, parse_position) or _OLDEST
    rows = await snapshot.fetch(
        _SQL.page,
        dataset=dataset,
        from_at=from_at,
        to_at=to_at,
        after_at=after_at,
        after_id=after_id,
        order_ids=wanted,
        numbering=numbering,
        separator=SEPARATOR,
        limit=page_size(request) + 1,
    )
    page = rows[: page_size(request)]
    erased = await erased_orders(snapshot.fetch, dataset, keys)
    claims = await _disputed(snapshot, dataset, [row["order_id"] for row in page])
    response = reports_pb2.ListOrdersResponse(
        orders=[_listed(row, claims.get(row["order_id"], ())) for row in page],
        erased_order_ids=sorted(set(map(number_of, erased))),
    )
    if len(rows) > len(page):
        last = position(page[-1]["ordered_at"], page[-1]["order_id"])
        response.next_page_token = write_token(request, project, last)
    return response


async def _disputed(snapshot: Snapshot, dataset: int, order_ids: list[str] | None) -> dict[str, list[str]]:
    """Orders that several identified customers claim, with their ids."""
    rows = await snapshot.fetch(_SQL.disputed, dataset=dataset, order_ids=order_ids)
    return {row["order_id"]: row["claimed_by"] for row in rows}


def _listed(row: dict[str, Any], claimed_by: Sequence[str]) -> reports_pb2.ListedOrder:
    return reports_pb2.ListedOrder(
        order_id=number_of(row["order_id"]),
        ordered_at=timestamp(row["ordered_at"]),
        currency=row["currency"],
        total=text(row["total"]),
        event_id=str(row["event_id"]),
        source=row["source"],
        status=row["status"],
        claimed_by=claimed_by,
    )


def _end(request: reports_pb2.ListOrdersRequest, name: str, absent: str) -> str:
    return getattr(request, name).ToDatetime(UTC).isoformat() if request.HasField(name) else absent
