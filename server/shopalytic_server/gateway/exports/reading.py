"""Reads what a shop's other systems exported: the same for the command and for the dashboard's page."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shopalytic.v1.events_pb2 import Event
from shopalytic_server.gateway.exports.columns import EXPORTS, FIELDS, MESSAGES, SYSTEMS, folded
from shopalytic_server.gateway.exports.finding import Finding
from shopalytic_server.gateway.exports.messages import read_messages
from shopalytic_server.gateway.exports.orders import Made, Maker, gathered
from shopalytic_server.gateway.exports.rows import ExportError, read_rows

__all__ = ["EXPORTS", "Export", "ExportError", "named_columns", "read_export"]


class Export(NamedTuple):
    """What to read, and how."""

    system: str
    """One of EXPORTS."""
    files: tuple[str, ...]
    """Paths; `-` is standard input."""
    columns: tuple[tuple[str, str], ...]
    """Folded names of columns, and what each is with us, where the user says it."""
    zone: ZoneInfo
    """Of times without an offset."""
    zone_from: str
    """Who says so, in words."""
    currency: str | None
    """Of rows that name none; None: the project's."""
    most_bytes: int | None = None
    """How large a file may be when it is unpacked; None: any size."""


def named_columns(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The columns that the user names, by our words: {"order_id": "Order No"}. Raises ExportError."""
    wrong = sorted(str(name) for name in given if name not in FIELDS)
    if wrong:
        raise ExportError(f"{', '.join(wrong)} is none of {', '.join(FIELDS)}.")
    return tuple((folded(str(column)), str(ours)) for ours, column in given.items())


def read_export(export: Export, finding: Finding) -> Iterator[tuple[int, Event]]:
    """The events of the files with the number of their row; what was found goes into `finding`.

    Raises ExportError for files of another kind.
    """
    for order, made in enumerate(_made(export, finding)):
        event = finding.take(made)
        # Of what happened at one time, the files' order tells what came first.
        event.tie_breaker = order
        yield made.row.number, event


def _made(export: Export, finding: Finding) -> Iterable[Made]:
    if export.system in MESSAGES:
        for path in export.files:
            yield from read_messages(path, export.system, export.most_bytes)
        return
    columns = [*export.columns, *SYSTEMS[export.system].items()]
    rows = (
        row for path in export.files for row in read_rows(path, columns, finding.headers, export.most_bytes)
    )
    found = gathered(rows)
    finding.rows.update(found.kinds)
    finding.rows["rows that belong to nothing"] = len(found.unowned)
    maker = Maker(export.zone, export.currency, export.system)
    yield from maker.events(found)
    finding.assumed.append(f"Times without an offset are of {export.zone.key} ({export.zone_from}).")
    if export.currency:
        finding.assumed.append(f"Amounts whose row names no currency are {export.currency}.")
    else:
        finding.assumed.append(
            "Amounts whose row names no currency are in the project's; --currency names it."
        )
    if maker.not_itemised:
        finding.assumed.append(
            f"{maker.not_itemised:,} orders list no products; each gets one line of its subtotal."
        )
    if maker.undated_refunds:
        finding.assumed.append(
            f"{maker.undated_refunds:,} refunds have no date; they count a second after their order."
        )
