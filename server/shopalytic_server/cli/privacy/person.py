"""`shopalytic customer export` and `erase`: all that is held of a person, and none of it."""

from typing import IO

import click

from shopalytic.v1 import admin_pb2, admin_pb2_grpc, reports_pb2
from shopalytic_server.cli.customers.customer import sandbox_option
from shopalytic_server.cli.customers.lists import customer
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import message_data, print_json, print_table, say
from shopalytic_server.cli.remote import connect
from shopalytic_server.config import Settings
from shopalytic_server.domain.formats.terminal_text import one_line

# Both read everything that there is of a person, and an erasure reads all events once.
_SECONDS = 3_600.0

__all__ = ["customer"]


@customer.command()
@click.argument("who", metavar="IDENTITY|TRACKING_ID|EMAIL|CUSTOMER_ID")
@click.option("--output", type=click.File("w", lazy=True), default="-", help="File to write.  [default: -]")
@sandbox_option
@with_settings(*REMOTE)
def export(settings: Settings, who: str, output: IO[str], sandbox: bool) -> None:
    """Write everything that is held of one person, as JSON Lines. Needs an admin key.

    Each line is a row, and its "table" tells where it is held.

    \b
    Example:  shopalytic customer export jane@example.com --output jane.jsonl
    """
    request = admin_pb2.ExportCustomerRequest(customer=_selector(who), sandbox=sandbox)
    with connect(settings, "admin") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        for answer in stub.ExportCustomer(request, metadata=remote.metadata, timeout=_SECONDS):
            output.writelines(f"{one_line(line)}\n" for line in answer.lines)


@customer.command()
@click.argument("who", metavar="IDENTITY|TRACKING_ID|EMAIL|CUSTOMER_ID")
@click.option("--keep-order-totals", is_flag=True, help="Keep orders and refunds as nobody's, for revenue.")
@click.option("--dry-run", is_flag=True, help="Only count what would be erased.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@sandbox_option
@with_settings(*REMOTE)
@json_option
def erase(
    settings: Settings,
    who: str,
    keep_order_totals: bool,
    dry_run: bool,
    yes: bool,
    sandbox: bool,
    as_json: bool,
) -> None:
    """Erase one person for good, and refuse what arrives of them later. Needs an admin key.

    Nothing brings the person back but a backup that was made before. Prints a
    receipt of how many rows went, by table.

    \b
    Example:  shopalytic customer erase jane@example.com --keep-order-totals
    """
    if not (yes or dry_run):
        click.confirm(f"Erase all that is held of {who}? This cannot be undone.", abort=True, err=True)
    request = admin_pb2.EraseCustomerRequest(
        customer=_selector(who), sandbox=sandbox, keep_order_totals=keep_order_totals, dry_run=dry_run
    )
    with connect(settings, "admin") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        receipt = stub.EraseCustomer(request, metadata=remote.metadata, timeout=_SECONDS)
    data = {**message_data(receipt), "dry_run": dry_run}
    if as_json:
        print_json(data)
        return
    rows = [(table, f"{number:,}") for table, number in data["erased"].items() if number]
    print_table(["table", "rows erased"], rows, right=["rows erased"])
    say(
        f"{receipt.anonymised_events:,} events made nobody's, {receipt.unlinked_events:,} events of others"
        f" unlinked, {receipt.tombstones:,} tombstones left."
    )
    if dry_run:
        say("Nothing was changed: this is what would be erased.")


def _selector(who: str) -> reports_pb2.CustomerSelector:
    return reports_pb2.CustomerSelector(any=who)
