"""`shopalytic import --from SYSTEM`: what a shop's other systems exported, reported on and then sent."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import grpc
import yaml

from shopalytic.v1.admin_pb2 import GetProjectRequest
from shopalytic.v1.admin_pb2_grpc import AdminServiceStub
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.cli.errors import Failure
from shopalytic_server.cli.exports.columns import FIELDS, SYSTEMS, folded
from shopalytic_server.cli.exports.messages import read_messages
from shopalytic_server.cli.exports.orders import Made, Maker, gathered
from shopalytic_server.cli.exports.report import Finding
from shopalytic_server.cli.exports.rows import read_rows
from shopalytic_server.cli.remote import CALL_SECONDS, connect
from shopalytic_server.config import Settings

MESSAGES = ("segment", "ga4")
EXPORTS = (*SYSTEMS, *MESSAGES)


class Export(NamedTuple):
    """What to read, and how."""

    system: str
    files: tuple[str, ...]
    map_file: str | None
    time_zone: str | None
    currency: str | None


def read_export(export: Export, settings: Settings, finding: Finding) -> Iterator[tuple[int, Event]]:
    """The events of the files with the number of their line; what was found goes into `finding`."""
    for made in _made(export, settings, finding):
        yield made.row.number, finding.take(made)


def _made(export: Export, settings: Settings, finding: Finding) -> Iterable[Made]:
    if export.system in MESSAGES:
        for path in export.files:
            yield from read_messages(path, export.system)
        return
    columns = [*_mapped(export.map_file), *SYSTEMS[export.system].items()]
    rows = (row for path in export.files for row in read_rows(path, columns, finding.headers))
    found = gathered(rows)
    finding.rows.update(found.kinds)
    finding.rows["rows that belong to nothing"] = len(found.unowned)
    zone, zone_from = _zone(export, settings)
    maker = Maker(zone, export.currency, export.system)
    yield from maker.events(found)
    finding.assumed.append(f"Times without an offset are of {zone.key} ({zone_from}).")
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


def _mapped(path: str | None) -> list[tuple[str, str]]:
    """The columns that the user names: `order_id: Order No`."""
    if path is None:
        return []
    try:
        # Every value is text, also a column that is called No.
        given = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - makes no objects
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise click.UsageError(f"{path} cannot be read as YAML.") from None
    if not isinstance(given, dict):
        raise click.UsageError(f"{path}: write a line for each column, such as order_id: Order No.")
    wrong = sorted(str(name) for name in given if name not in FIELDS)
    if wrong:
        raise click.UsageError(f"{path}: {', '.join(wrong)} is none of {', '.join(FIELDS)}.")
    return [(folded(str(column)), str(ours)) for ours, column in given.items()]


def _zone(export: Export, settings: Settings) -> tuple[ZoneInfo, str]:
    name, source = export.time_zone, "--time-zone"
    if name is None:
        name, source = _projects_zone(settings), "the project's zone"
    if name is None:
        name, source = "UTC", "no zone was given; --time-zone names the shop's"
    try:
        return ZoneInfo(name), source
    except (ZoneInfoNotFoundError, ValueError):
        raise click.UsageError(f"--time-zone: there is no zone {name}; write it as Europe/Berlin.") from None


def _projects_zone(settings: Settings) -> str | None:
    """The project's time zone, where a key that may ask is at hand."""
    try:
        with connect(settings, "reports") as remote:
            stub = AdminServiceStub(remote.channel)
            answer = stub.GetProject(GetProjectRequest(), metadata=remote.metadata, timeout=CALL_SECONDS)
    except (grpc.RpcError, Failure, click.ClickException):
        return None
    return str(answer.project.time_zone) or None
