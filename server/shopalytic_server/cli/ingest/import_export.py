"""What `shopalytic import --from` asks for, and how it tells what it found."""

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import grpc
import yaml

from shopalytic.v1.admin_pb2 import GetProjectRequest
from shopalytic.v1.admin_pb2_grpc import AdminServiceStub
from shopalytic_server.cli.errors import Failure
from shopalytic_server.cli.output import say
from shopalytic_server.cli.remote import CALL_SECONDS, connect
from shopalytic_server.config import Settings
from shopalytic_server.domain.formats.terminal_text import one_line
from shopalytic_server.gateway.exports.finding import Finding
from shopalytic_server.gateway.exports.reading import Export, ExportError, named_columns


def export_of(
    settings: Settings,
    system: str,
    files: tuple[str, ...],
    map_file: str | None,
    time_zone: str | None,
    currency: str | None,
) -> Export:
    """What the options of the command say. Raises UsageError."""
    zone, zone_from = _zone(settings, time_zone)
    return Export(system, files, _mapped(map_file), zone, zone_from, currency and currency.upper())


def _mapped(path: str | None) -> tuple[tuple[str, str], ...]:
    """The columns that a file of the user names: `order_id: Order No`."""
    if path is None:
        return ()
    try:
        # Every value is text, also a column that is called No.
        given = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - makes no objects
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise click.UsageError(f"{path} cannot be read as YAML.") from None
    if not isinstance(given, dict):
        raise click.UsageError(f"{path}: write a line for each column, such as order_id: Order No.")
    try:
        return named_columns(given)
    except ExportError as error:
        raise click.UsageError(f"{path}: {error}") from None


def _zone(settings: Settings, name: str | None) -> tuple[ZoneInfo, str]:
    source = "--time-zone"
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


def print_finding(finding: Finding) -> None:
    """Tells a person, on standard error."""
    if finding.headers.recognised:
        pairs = ", ".join(f"{theirs} = {ours}" for theirs, ours in finding.headers.recognised.items())
        say(f"Columns: {one_line(pairs)}", err=True)
    if finding.headers.unknown:
        say(f"Columns that are not used: {one_line(', '.join(finding.headers.unknown))}", err=True)
    for title, counts in (("Found", finding.rows), ("Events", finding.events)):
        told = ", ".join(f"{number:,} {kind}" for kind, number in counts.items() if number)
        if told:
            say(f"{title}: {told}", err=True)
    for sentence in finding.assumed:
        say(sentence, err=True)
    if finding.refused:
        say(f"Refused by the contract's rules: {finding.refused:,}. The first:", err=True)
        for line in finding.refusals:
            say(f"  {one_line(line)}", err=True)
