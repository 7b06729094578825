"""`shopalytic tail`: watch events as they are stored."""

import click

from shopalytic.v1 import reports_pb2, reports_pb2_grpc
from shopalytic_server.cli.customer import event_data, sandbox_option, summary
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import print_json, say
from shopalytic_server.cli.remote import connect
from shopalytic_server.config import Settings
from shopalytic_server.domain.terminal_text import one_line


@click.command()
@click.option(
    "--type", "types", multiple=True, metavar="TYPE", help="Only this kind of event; may be repeated."
)
@click.option("--customer", "who", metavar="WHO", help="Only this customer's events, on all devices.")
@sandbox_option
@with_settings(*REMOTE)
@json_option
def tail(settings: Settings, types: tuple[str, ...], who: str | None, sandbox: bool, as_json: bool) -> None:
    """Print events as they are stored, until interrupted. Needs a reports key.

    With --json each event is one line.

    \b
    Example:  shopalytic tail --type order
    """
    customer = reports_pb2.CustomerSelector(any=who) if who else None
    request = reports_pb2.TailEventsRequest(types=types, customer=customer, sandbox=sandbox)
    with connect(settings, "reports") as remote:
        stub = reports_pb2_grpc.ReportServiceStub(remote.channel)
        for answer in stub.TailEvents(request, metadata=remote.metadata):
            if answer.HasField("event"):
                _print(answer.event, as_json)
            else:
                say(f"{answer.missed} events were left out here: reading was too slow.", err=True)


def _print(event: reports_pb2.StoredEvent, as_json: bool) -> None:
    data = event_data(event)
    if as_json:
        print_json(data, indent=None)
        return
    who = data.get("identity") or data.get("tracking_id")
    line = f"{data['counted_at']}  {data['type']}  {who}  {summary(data['properties'])}"
    if event.robot:
        line += "  (counted as a robot)"
    say(one_line(line))
