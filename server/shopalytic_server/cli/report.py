"""`shopalytic report`: the shop's numbers."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from shopalytic.v1 import admin_pb2, admin_pb2_grpc, reports_pb2, reports_pb2_grpc
from shopalytic_server.cli.options import json_option, with_settings
from shopalytic_server.cli.output import print_json, print_table, time_text
from shopalytic_server.cli.remote import CALL_SECONDS, Remote, connect
from shopalytic_server.config import Settings

INTERVALS = ("day", "week", "month")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Moment(click.ParamType[str]):
    """A date (midnight in the report's time zone) or an RFC 3339 time, as text until the zone is known."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check the form; wrong text is wrong usage."""
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            parsed = None
        if parsed is None or (parsed.tzinfo is None and not _DATE.fullmatch(value)):
            self.fail(
                f"{value!r} is neither a date (2026-01-31) nor an RFC 3339 time (2026-01-31T12:00:00Z)."
            )
        return str(value)


class Zone(click.ParamType[str]):
    """An IANA time zone."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check that the zone exists."""
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            self.fail(f"{value!r} is not an IANA time zone such as Europe/Berlin.")
        return str(value)


@click.group()
def report() -> None:
    """Print the shop's numbers. Needs a reports key.

    \b
    Example:  shopalytic report sales --from 2026-01-01 --to 2027-01-01 --interval month
    """


@report.command()
@click.option("--from", "start", type=Moment(), help="Begin of the range.  [default: the first event]")
@click.option("--to", "end", type=Moment(), help="End of the range, exclusive.  [default: the last event]")
@click.option("--interval", type=click.Choice(INTERVALS), help="Length of a row.  [default: the whole range]")
@click.option("--currency", metavar="CODE", help="Only this currency.  [default: each by itself]")
@click.option("--time-zone", type=Zone(), help="Whose days count.  [default: the project's]")
@click.option("--source", metavar="LABEL", help="Only events with this source label.")
@click.option("--include-sandbox", is_flag=True, help="Count trial events too.")
@with_settings("target", "key", "data_dir")
@json_option
def sales(
    settings: Settings,
    start: str | None,
    end: str | None,
    interval: str | None,
    currency: str | None,
    time_zone: str | None,
    source: str | None,
    include_sandbox: bool,
    as_json: bool,
) -> None:
    """Print orders, units, gross, refunds, net, customers and the average order per interval.

    Gross is the sum of the orders' totals, net is gross less refunds. A date
    means its midnight in the report's time zone. Amounts of two currencies are
    never added.

    \b
    Example:  shopalytic report sales --from 2026-01-01 --to 2026-04-01 --interval month --currency EUR
    """
    with connect(settings, "reports") as remote:
        zone = time_zone or _project_zone(remote)
        scope = reports_pb2.ReportScope(
            time_zone=zone, currency=currency, source=source, include_sandbox=include_sandbox
        )
        for name, text in (("from", start), ("to", end)):
            if text is not None:
                getattr(scope, name).FromDatetime(moment(text, zone))
        request = reports_pb2.GetSalesReportRequest(scope=scope)
        if interval:
            request.interval = getattr(reports_pb2.Interval, f"INTERVAL_{interval.upper()}")
        stub = reports_pb2_grpc.ReportServiceStub(remote.channel)
        answer = stub.GetSalesReport(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    blocks = [_block_data(block) for block in answer.reports]
    if as_json:
        print_json(blocks[0] if currency and blocks else {"reports": blocks})
        return
    for block in blocks:
        _print_block(block, zone)
    if not blocks:
        click.echo("No orders and no refunds in this range.")


def moment(text: str, zone: str) -> datetime:
    """A date as midnight in the zone, a time as it is; in UTC."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=ZoneInfo(zone))
    return parsed.astimezone(UTC)


def _project_zone(remote: Remote) -> str:
    stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
    answer = stub.GetProject(admin_pb2.GetProjectRequest(), metadata=remote.metadata, timeout=CALL_SECONDS)
    return str(answer.project.time_zone)


def _block_data(block: reports_pb2.SalesReport) -> dict[str, Any]:
    return {
        "currency": block.currency,
        "rows": [_row_data(row) for row in block.rows],
        "total": _row_data(block.total),
    }


def _row_data(row: reports_pb2.SalesRow) -> dict[str, Any]:
    data: dict[str, Any] = {"start": time_text(row.start)} if row.HasField("start") else {}
    names = ("orders", "units", "gross", "refunds", "net", "customers", "average_order")
    return {**data, **{name: getattr(row, name) for name in names}}


def _print_block(block: dict[str, Any], zone: str) -> None:
    columns = ["start", "orders", "units", "gross", "refunds", "net", "customers", "average_order"]
    rows = [[_local(row.get("start"), zone), *(row[name] for name in columns[1:])] for row in block["rows"]]
    rows.append(["total", *(block["total"][name] for name in columns[1:])])
    print_table(columns, rows, title=f"Sales in {block['currency']}, days in {zone}", right=columns[1:])


def _local(start: str | None, zone: str) -> str:
    if start is None:
        return ""
    return datetime.fromisoformat(start).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d")
