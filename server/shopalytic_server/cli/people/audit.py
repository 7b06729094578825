"""`shopalytic audit`: who looked customers up, exported and erased them, and changed keys and people."""

import click

from shopalytic.v1 import users_pb2, users_pb2_grpc
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import message_data, print_json, print_table, say, time_text
from shopalytic_server.cli.remote import CALL_SECONDS, connect
from shopalytic_server.config import Settings


@click.group()
def audit() -> None:
    """Read the audit log. Needs an admin key.

    \b
    Example:  shopalytic audit list
    """


@audit.command("list")
@click.option("--actor", default="", metavar="WHO", help="Only what this e-mail address or key did.")
@click.option("--subject", default="", metavar="WHOM", help="Only what was done about this person or thing.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--page-token", default="", metavar="TOKEN", help="Where the next page begins.")
@with_settings(*REMOTE)
@json_option
def list_audit(
    settings: Settings, actor: str, subject: str, limit: int, page_token: str, as_json: bool
) -> None:
    """List who did what, newest first.

    \b
    Example:  shopalytic audit list --subject jane@example.com
    """
    request = users_pb2.ListAuditRequest(page_size=limit, page_token=page_token, actor=actor, subject=subject)
    with connect(settings, "admin") as remote:
        stub = users_pb2_grpc.UserServiceStub(remote.channel)
        answer = stub.ListAudit(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    if as_json:
        print_json(message_data(answer))
        return
    if not answer.entries:
        say("Nothing is in the audit log.")
        return
    rows = [[time_text(each.at), each.actor, each.action, each.subject] for each in answer.entries]
    print_table(["when", "who", "did", "about"], rows)
    if answer.next_page_token:
        say(f"More: --page-token {answer.next_page_token}", err=True)
