"""`shopalytic merges`: what joined customers, and taking a join back."""

from typing import Any

import click

from shopalytic.v1 import admin_pb2, admin_pb2_grpc, reports_pb2
from shopalytic_server.cli.customers.customer import limit_option, page_option, print_more, sandbox_option
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import message_data, print_json, print_table, say
from shopalytic_server.cli.remote import CALL_SECONDS, connect
from shopalytic_server.config import Settings

_STATES = ("joined", "not-merged", "undone", "refused", "email-lost")


@click.group()
def merges() -> None:
    """See which calls joined devices and identities to customers, and take one back.

    \b
    Example:  shopalytic merges list --customer jane@example.com
    """


@merges.command("list")
@click.option("--customer", default="", metavar="WHO", help="Only of this customer, by any name or id.")
@click.option("--state", type=click.Choice(_STATES), help="Only merges in this state now.")
@limit_option
@page_option
@sandbox_option
@with_settings(*REMOTE)
@json_option
def list_merges(
    settings: Settings,
    customer: str,
    state: str | None,
    limit: int,
    page_token: str,
    sandbox: bool,
    as_json: bool,
) -> None:
    """List what identify and alias calls stated, newest arrival first, a page at a time.

    Needs a reports key. "not-merged" are shared computers, "refused" are aliases
    that another customer had, "email-lost" are emails of browsers' events that
    are another customer's. "address" in the column "by" is an e-mail address with
    capitals or space around it: it is one customer with its plain form.

    \b
    Example:  shopalytic merges list --state refused --limit 20
    """
    request = admin_pb2.ListMergesRequest(page_size=limit, page_token=page_token, sandbox=sandbox)
    if customer:
        request.customer.CopyFrom(reports_pb2.CustomerSelector(any=customer))
    if state is not None:
        request.state = getattr(admin_pb2, f"MERGE_STATE_{state.replace('-', '_').upper()}")
    with connect(settings, "reports") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        answer = stub.ListMerges(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    found = [_merge_data(merge) for merge in answer.merges]
    if as_json:
        token, total = answer.next_page_token, answer.total_merges
        print_json({"merges": found, "next_page_token": token, "total_merges": total})
        return
    columns = ["merge_id", "arrived", "by", "from", "identity", "state"]
    of = "" if page_token else f" of {answer.total_merges:,}"
    print_table(columns, [_cells(row) for row in found], title=f"Merges, {len(found):,}{of}")
    print_more(answer.next_page_token)


@merges.command()
@click.argument("merge_id")
@click.option("--dry-run", is_flag=True, help="Only show what would happen; write nothing.")
@sandbox_option
@with_settings(*REMOTE)
@json_option
def undo(settings: Settings, merge_id: str, dry_run: bool, sandbox: bool, as_json: bool) -> None:
    """Take a merge back: all is then as if the call and its repetitions had never been made.

    Needs an admin key. The two stay apart, whichever call says again that they
    belong together. MERGE_ID is from `shopalytic merges list`.

    \b
    Example:  shopalytic merges undo 0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10 --dry-run
    """
    request = admin_pb2.UndoMergeRequest(merge_id=merge_id, sandbox=sandbox, dry_run=dry_run)
    with connect(settings, "admin") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        answer = stub.UndoMerge(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    customers = [message_data(each) for each in answer.customers]
    if as_json:
        print_json({"merge": _merge_data(answer.merge), "customers": customers, "dry_run": dry_run})
        return
    rows = [
        (each["customer_id"], ", ".join(each["identities"]), ", ".join(each["tracking_ids"]))
        for each in customers
    ]
    print_table(["customer", "identities", "tracking ids"], rows)
    say("Nothing was changed: this is what would be." if dry_run else "Undone.")


def _merge_data(merge: admin_pb2.Merge) -> dict[str, Any]:
    state = admin_pb2.MergeState.Name(merge.state).removeprefix("MERGE_STATE_")
    return {**message_data(merge), "state": state.lower().replace("_", "-")}


def _cells(row: dict[str, Any]) -> list[Any]:
    if row["kind"] == "email":
        whose = row.get("identity") or row.get("tracking_id")
        return [row["merge_id"], row["received_at"], row["kind"], whose, row["email"], row["state"]]
    joined = row.get("tracking_id") or row.get("existing_identity")
    return [row["merge_id"], row["received_at"], row["kind"], joined, row["identity"], row["state"]]
