"""`shopalytic tail`: watch events as they are stored."""

import time
from collections.abc import Callable, Iterator

import click
import grpc
from google.rpc.error_details_pb2 import RetryInfo

from shopalytic.v1 import reports_pb2, reports_pb2_grpc
from shopalytic_server.cli.customers.customer import event_data, sandbox_option, summary
from shopalytic_server.cli.errors import Failure, call_sentence, details_of
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import print_json, say
from shopalytic_server.cli.remote import connect
from shopalytic_server.config import Settings
from shopalytic_server.domain.formats.terminal_text import one_line

# After a service that was watched is away, it is asked again after so many seconds: first, and at most.
_SOON_SECONDS, _LATE_SECONDS = 0.5, 10.0
# What a service says that is away for a while; all else is about what was asked.
_PASSING = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.CANCELLED,
)


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

    When the service ends or restarts, the command waits for it and watches again; events that are stored
    meanwhile are not printed.

    With --json each event is one line.

    \b
    Example:  shopalytic tail --type order
    """
    customer = reports_pb2.CustomerSelector(any=who) if who else None
    request = reports_pb2.TailEventsRequest(types=types, customer=customer, sandbox=sandbox)
    for answer in _answers(settings, request):
        if answer.HasField("event"):
            _print(answer.event, as_json)
        else:
            say(f"{answer.missed} events were left out here: reading was too slow.", err=True)


def _answers(
    settings: Settings, request: reports_pb2.TailEventsRequest
) -> Iterator[reports_pb2.TailEventsResponse]:
    """What there is to tell, of one call after another. Raises what the first call fails with."""
    away_since = pause = 0.0

    def begun() -> None:
        nonlocal away_since, pause
        if away_since:
            seconds = time.monotonic() - away_since
            say(
                f"Watching again after {seconds:.1f} seconds; events stored meanwhile are not shown.",
                err=True,
            )
        away_since, pause = 0.0, _SOON_SECONDS

    while True:
        try:
            yield from _watch(settings, request, begun)
            reason = "The service ended the call."
        except grpc.RpcError as error:
            if not pause or error.code() not in _PASSING:
                raise
            # Without details it is gRPC that speaks, of a line that broke.
            known = any(details_of(error, RetryInfo))
            reason = call_sentence(error) if known else "The service has gone away."
        except Failure as failure:
            # The service of the data directory is not there, or not yet.
            if not pause:
                raise
            reason = failure.message
        if not away_since:
            away_since = time.monotonic()
            say(f"{one_line(reason)} Trying again.", err=True)
        time.sleep(pause)
        pause = min(2 * pause, _LATE_SECONDS)


def _watch(
    settings: Settings, request: reports_pb2.TailEventsRequest, begun: Callable[[], None]
) -> Iterator[reports_pb2.TailEventsResponse]:
    """One call: says when it has begun, then gives its answers."""
    # Found anew for each: a service that restarts may have another port.
    with connect(settings, "reports", keepalive=True) as remote:
        answers = reports_pb2_grpc.ReportServiceStub(remote.channel).TailEvents(
            request, metadata=remote.metadata
        )
        answers.initial_metadata()
        # A call that was refused has none, and says why when it is read.
        if answers.is_active():
            begun()
        yield from answers


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
