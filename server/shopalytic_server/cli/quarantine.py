"""`shopalytic quarantine`: look at the events that were not accepted."""

from typing import Any

import click
from google.protobuf import json_format

from shopalytic.v1 import admin_pb2, admin_pb2_grpc, collector_pb2
from shopalytic_server.cli.customer import limit_option, page_option, print_more, sandbox_option
from shopalytic_server.cli.options import json_option, with_settings
from shopalytic_server.cli.output import print_json, print_table, time_text
from shopalytic_server.cli.remote import CALL_SECONDS, connect
from shopalytic_server.config import Settings


@click.group()
def quarantine() -> None:
    """Look at the events that were not accepted, whole and with the reasons. Needs a reports key.

    \b
    Example:  shopalytic quarantine list --rule email.taken
    """


@quarantine.command("list")
@click.option("--rule", default="", metavar="RULE_ID", help="Only events that break this rule.")
@limit_option
@page_option
@sandbox_option
@with_settings("target", "key", "data_dir")
@json_option
def list_events(
    settings: Settings, rule: str, limit: int, page_token: str, sandbox: bool, as_json: bool
) -> None:
    """List them, newest arrival first, a page at a time.

    \b
    Example:  shopalytic quarantine list --limit 20 --json
    """
    request = admin_pb2.ListQuarantineRequest(
        page_size=limit, page_token=page_token, sandbox=sandbox, rule_id=rule
    )
    with connect(settings, "reports") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        answer = stub.ListQuarantine(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    if as_json:
        found = [_event_data(event) for event in answer.events]
        print_json({"events": found, "next_page_token": answer.next_page_token})
        return
    rows = [
        (
            time_text(event.received_at),
            _status(event),
            event.event.WhichOneof("payload"),
            field,
            rule_id,
            message,
        )
        for event in answer.events
        for field, rule_id, message in ((v.field, v.rule_id, v.message) for v in event.violations)
    ]
    print_table(["received_at", "status", "type", "field", "rule", "message"], rows)
    print_more(answer.next_page_token)


def _event_data(event: admin_pb2.QuarantinedEvent) -> dict[str, Any]:
    return {
        "quarantine_id": event.quarantine_id,
        "status": _status(event),
        "received_at": time_text(event.received_at),
        "violations": [
            {"field": found.field, "rule_id": found.rule_id, "message": found.message}
            for found in event.violations
        ],
        "event": json_format.MessageToDict(event.event, preserving_proto_field_name=True),
    }


def _status(event: admin_pb2.QuarantinedEvent) -> str:
    return collector_pb2.EventStatus.Name(event.status).removeprefix("EVENT_STATUS_")
