"""`shopalytic project`: see, create and change projects."""

from typing import Any

import click

from shopalytic.v1 import admin_pb2, admin_pb2_grpc
from shopalytic_server.cli.key import key_data, print_created
from shopalytic_server.cli.options import json_option, with_settings
from shopalytic_server.cli.output import print_json, print_table, time_text
from shopalytic_server.cli.remote import CALL_SECONDS, connect
from shopalytic_server.config import Settings


@click.group()
def project() -> None:
    """See, create and change projects. Needs an admin key.

    \b
    Example:  shopalytic project show
    """


@project.command()
@with_settings("target", "key", "data_dir")
@json_option
def show(settings: Settings, as_json: bool) -> None:
    """Show the key's project.

    \b
    Example:  shopalytic project show --json
    """
    with connect(settings, "admin") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        answer = stub.GetProject(
            admin_pb2.GetProjectRequest(), metadata=remote.metadata, timeout=CALL_SECONDS
        )
    _print_project(answer.project, as_json)


@project.command()
@click.argument("name")
@click.option("--currency", metavar="CODE", help="Currency of events that name none; fixed.  [default: USD]")
@click.option("--time-zone", metavar="ZONE", help="Time zone of reports that name none.  [default: UTC]")
@with_settings("target", "key", "data_dir")
@json_option
def create(settings: Settings, name: str, currency: str | None, time_zone: str | None, as_json: bool) -> None:
    """Create a project and one key of each class.

    The secrets are printed this once; only their hashes are kept.

    \b
    Example:  shopalytic project create outlet --currency EUR --time-zone Europe/Berlin
    """
    request = admin_pb2.CreateProjectRequest(name=name, currency=currency, time_zone=time_zone)
    with connect(settings, "admin") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        answer = stub.CreateProject(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    if as_json:
        keys = [{**key_data(created.key), "secret": created.secret} for created in answer.keys]
        print_json({"project": _project_data(answer.project), "keys": keys})
        return
    _print_project(answer.project, as_json=False)
    print_created(answer.keys)


@project.command()
@click.option("--time-zone", metavar="ZONE", help="Time zone of reports that name none.")
@click.option(
    "--browser-event-types",
    metavar="TYPES",
    help="Event types that browser keys may send, separated by commas; '' allows none.",
)
@with_settings("target", "key", "data_dir")
@json_option
def update(settings: Settings, time_zone: str | None, browser_event_types: str | None, as_json: bool) -> None:
    """Change settings of the key's project. What is not given stays.

    \b
    Example:  shopalytic project update --browser-event-types page_view,product_view,identify
    """
    if time_zone is None and browser_event_types is None:
        raise click.UsageError("Nothing to change: give --time-zone or --browser-event-types.")
    request = admin_pb2.UpdateProjectRequest(time_zone=time_zone)
    if browser_event_types is not None:
        names = [name.strip() for name in browser_event_types.split(",") if name.strip()]
        request.browser_event_types.CopyFrom(admin_pb2.EventTypes(types=names))
    with connect(settings, "admin") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        answer = stub.UpdateProject(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    _print_project(answer.project, as_json)


def _project_data(found: admin_pb2.Project) -> dict[str, Any]:
    return {
        "name": found.name,
        "currency": found.currency,
        "time_zone": found.time_zone,
        "browser_event_types": list(found.browser_event_types),
        "created_at": time_text(found.created_at),
    }


def _print_project(found: admin_pb2.Project, as_json: bool) -> None:
    data = _project_data(found)
    if as_json:
        print_json(data)
        return
    data["browser_event_types"] = ", ".join(data["browser_event_types"])
    print_table(["project", data["name"]], list(data.items())[1:])
