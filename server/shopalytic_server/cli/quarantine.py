"""`shopalytic quarantine`: the events that were not accepted, and storing them after all."""

from collections.abc import Callable, Iterator
from typing import IO, Any

import click
from google.protobuf import json_format

from shopalytic.v1 import admin_pb2, admin_pb2_grpc, collector_pb2
from shopalytic_server.cli.customers.customer import (
    csv_option,
    limit_option,
    page_option,
    pages,
    print_more,
    sandbox_option,
)
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import print_csv, print_json, print_table, say, time_text
from shopalytic_server.cli.remote import CALL_SECONDS, connect
from shopalytic_server.config import Settings

Command = Callable[..., Any]

_VIOLATION = ("received_at", "status", "key", "type", "field", "rule", "message")
REPLAY_SECONDS = 600.0


@click.group()
def quarantine() -> None:
    """Look at the events that were not accepted, whole and with the reasons. Needs a reports key.

    \b
    Example:  shopalytic quarantine list --rule email.taken
    """


@quarantine.command("list")
@click.option("--rule", default="", metavar="RULE_ID", help="Only events that break this rule.")
@click.option("--type", "type_", default="", metavar="TYPE", help="Only events of this type.")
@limit_option
@page_option
@sandbox_option
@with_settings(*REMOTE)
@csv_option
@json_option
def list_events(
    settings: Settings,
    rule: str,
    type_: str,
    limit: int,
    page_token: str,
    sandbox: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List them, newest arrival first, a page at a time.

    \b
    Example:  shopalytic quarantine list --limit 20 --json
    """
    request = admin_pb2.ListQuarantineRequest(
        page_size=limit, page_token=page_token, sandbox=sandbox, rule_id=rule, type=type_
    )
    with connect(settings, "reports") as remote:
        call = admin_pb2_grpc.AdminServiceStub(remote.channel).ListQuarantine
        if as_csv:
            found = (each for page in pages(remote, call, request) for each in page.events)
            rows = ((event.quarantine_id, *row) for event in found for row in _violations(event))
            print_csv(("quarantine_id", *_VIOLATION), rows)
            return
        answer = call(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    if as_json:
        data = [_event_data(event) for event in answer.events]
        total = answer.total_events
        print_json({"events": data, "next_page_token": answer.next_page_token, "total_events": total})
        return
    of = "" if page_token else f" of {answer.total_events:,}"
    title = f"Quarantine, {len(answer.events):,}{of} events, a line for each reason"
    print_table(_VIOLATION, [row for event in answer.events for row in _violations(event)], title=title)
    print_more(answer.next_page_token)


def _violations(event: admin_pb2.QuarantinedEvent) -> Iterator[tuple[str | None, ...]]:
    """A line for each reason why an event was not accepted."""
    for found in event.violations:
        yield (
            time_text(event.received_at),
            _status(event),
            _key_class(event),
            event.event.WhichOneof("payload"),
            found.field,
            found.rule_id,
            found.message,
        )


@quarantine.command()
@click.argument("quarantine_id")
@sandbox_option
@with_settings(*REMOTE)
def show(settings: Settings, quarantine_id: str, sandbox: bool) -> None:
    """Print one event, whole and with the reasons, as JSON.

    \b
    Example:  shopalytic quarantine show 0d5b7cbe-3a0c-6f43-83ac-2f9b1f6f3a77
    """
    request = admin_pb2.GetQuarantinedEventRequest(quarantine_id=quarantine_id, sandbox=sandbox)
    with connect(settings, "reports") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        answer = stub.GetQuarantinedEvent(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    print_json(_event_data(answer.event))


def _choosing(command: Command) -> Command:
    """The options that say which events, and whether to try only."""
    for add in (
        json_option,
        with_settings(*REMOTE),
        sandbox_option,
        click.option(
            "--as-server",
            is_flag=True,
            help="Treat the events with these ids as if they had come with a server key.",
        ),
        click.option("--dry-run", is_flag=True, help="Only show what would happen."),
        click.option("--all", "everything", is_flag=True, help="All events; needs no other choice."),
        click.option("--type", "type_", default="", metavar="TYPE", help="Only events of this type."),
        click.option("--rule", default="", metavar="RULE_ID", help="Only events that break this rule."),
        click.argument("quarantine_ids", nargs=-1, metavar="[ID]..."),
    ):
        command = add(command)
    return command


@quarantine.command()
@click.option(
    "--patch", type=click.File(), help="A file with a JSON Patch (RFC 6902); - is the standard input."
)
@click.option("--set", "patch_text", metavar="PATCH", help="The JSON Patch itself.")
@_choosing
def repair(patch: IO[str] | None, patch_text: str | None, **choice: Any) -> None:
    """Change events by a JSON Patch, judge them again, and store what is right now. Needs an admin key.

    Paths are those of the "event" that `quarantine show` prints. Choose events by
    their ids, --rule or --type.

    \b
    Example:  shopalytic quarantine repair --rule string.in --dry-run \\
                --set '[{"op": "replace", "path": "/shipment/carrier", "value": "dhl"}]'
    """
    if (patch is None) == (patch_text is None):
        raise click.UsageError("Give the patch by one of --patch and --set.")
    _replay(patch.read() if patch is not None else patch_text or "", **choice)


@quarantine.command()
@_choosing
def replay(**choice: Any) -> None:
    """Judge events again as they are, and store what is right now. Needs an admin key.

    For when the reason lay elsewhere: a setting of the project, an order or a
    customer that was not there yet. What fails stays, with its new reasons. Each
    event is judged by the class of the key that it came with; --as-server trusts
    those that you name.

    \b
    Example:  shopalytic quarantine replay --rule email.taken --dry-run
    """
    _replay("", **choice)


def _replay(
    patch: str,
    settings: Settings,
    quarantine_ids: tuple[str, ...],
    rule: str,
    type_: str,
    everything: bool,
    as_server: bool,
    dry_run: bool,
    sandbox: bool,
    as_json: bool,
) -> None:
    if not (quarantine_ids or rule or type_ or everything):
        raise click.UsageError("Choose events by their ids, --rule or --type, or take --all.")
    if as_server and not quarantine_ids:
        raise click.UsageError("With --as-server name the events by their ids: look at each first.")
    request = admin_pb2.ReplayQuarantineRequest(
        quarantine_ids=quarantine_ids,
        rule_id=rule,
        type=type_,
        patch=patch,
        dry_run=dry_run,
        sandbox=sandbox,
        as_server=as_server,
    )
    with connect(settings, "admin") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        answer = stub.ReplayQuarantine(request, metadata=remote.metadata, timeout=REPLAY_SECONDS)
    counts = {name: getattr(answer, name) for name in ("accepted", "duplicates", "failed", "unpatched")}
    if as_json:
        results = [
            json_format.MessageToDict(each, preserving_proto_field_name=True) for each in answer.results
        ]
        misfits = [
            {"quarantine_id": each.quarantine_id, "misfit": each.misfit}
            for each in answer.previews
            if each.misfit
        ]
        print_json({**counts, "dry_run": dry_run, "results": results, "misfits": misfits})
        return
    rows = [
        (result.event_id, found.field, found.rule_id, found.message)
        for result in answer.results
        for found in result.violations
    ]
    rows += [(each.quarantine_id, "", "patch", each.misfit) for each in answer.previews if each.misfit]
    if rows:
        print_table(["event", "field", "rule", "message"], rows)
    would = " (nothing was written: this is what would be)" if dry_run else ""
    say(", ".join(f"{number:,} {name}" for name, number in counts.items()) + would)


def _event_data(event: admin_pb2.QuarantinedEvent) -> dict[str, Any]:
    return {
        "quarantine_id": event.quarantine_id,
        "status": _status(event),
        "received_at": time_text(event.received_at),
        "key_class": _key_class(event),
        "key_id": event.key_id,
        "violations": [
            {"field": found.field, "rule_id": found.rule_id, "message": found.message}
            for found in event.violations
        ],
        "event": json_format.MessageToDict(event.event, preserving_proto_field_name=True),
    }


def _key_class(event: admin_pb2.QuarantinedEvent) -> str:
    return admin_pb2.KeyClass.Name(event.key_class).removeprefix("KEY_CLASS_").lower()


def _status(event: admin_pb2.QuarantinedEvent) -> str:
    return collector_pb2.EventStatus.Name(event.status).removeprefix("EVENT_STATUS_")
