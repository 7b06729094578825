"""`shopalytic project`: see, create and change projects."""

import re
from typing import Any

import click

from shopalytic.v1 import admin_pb2, admin_pb2_grpc
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import print_json, print_table, say, time_text
from shopalytic_server.cli.projects.key import key_data, print_created
from shopalytic_server.cli.remote import CALL_SECONDS, connect
from shopalytic_server.config import Settings

# Small enough for the contract's numbers; the server says which are too large.
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")


def _read_retention(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> list[admin_pb2.Retention]:
    changes = []
    for text in given:
        event_type, equals, days = (part.strip() for part in text.partition("="))
        change = admin_pb2.Retention(event_type=event_type)
        if days == "forever":
            change.forever = True
        elif days != "default":
            if not (event_type and equals and _WHOLE_NUMBER.fullmatch(days)):
                message = f"{text!r} is not TYPE=DAYS; write one such as page_view=90 or page_view=forever."
                raise click.BadParameter(message)
            change.days = int(days)
        changes.append(change)
    return changes


@click.group()
def project() -> None:
    """See, create and change projects. Needs an admin key.

    \b
    Example:  shopalytic project show
    """


@project.command()
@with_settings(*REMOTE)
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
@click.option(
    "--currency",
    metavar="CODE",
    help="Currency of events that name none.  [default: that of the first money that arrives]",
)
@click.option("--time-zone", metavar="ZONE", help="Time zone of reports that name none.  [default: UTC]")
@with_settings(*REMOTE)
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
@click.option("--currency", metavar="CODE", help="Currency of events that name none, from now on.")
@click.option(
    "--browser-event-types",
    metavar="TYPES",
    help="Event types that browser keys may send, separated by commas; '' allows none, 'default' all but "
    "those that only a backend can know of.",
)
@click.option(
    "--allowed-origins",
    metavar="ORIGINS",
    help="Origins of pages that may send with a browser key, separated by commas; '' allows any.",
)
@click.option(
    "--own-user-agents",
    metavar="TEXTS",
    help="Texts in the user agents of your own programs, separated by commas, so that these are no robots; "
    "'' ends it. For events from now on.",
)
@click.option(
    "--order-number-group",
    "order_number_groups",
    metavar="SOURCES",
    multiple=True,
    help="Sources that number their orders together, and apart from all others, separated by commas; may be "
    "repeated for more groups, '' ends all. For all orders, of the past too.",
)
@click.option(
    "--respect-privacy-signals/--ignore-privacy-signals",
    default=None,
    help="Whether to refuse events of browsers that send Do Not Track or Global Privacy Control.",
)
@click.option(
    "--signed-identify/--unsigned-identify",
    default=None,
    help="Whether identities from browsers must be signed (see identity-secret).",
)
@click.option(
    "--denied-consent",
    type=click.Choice(["keep", "anonymize", "drop"]),
    help="What to do with events whose context.analytics_consent is denied.",
)
@click.option(
    "--retain",
    "retention",
    metavar="TYPE=DAYS",
    multiple=True,
    callback=_read_retention,
    help="How many days events of a type are kept: page_view, product_view, or default for those of them "
    "without a setting; DAYS may be forever, or default to end the type's own setting. May be repeated.",
)
@with_settings(*REMOTE)
@json_option
def update(
    settings: Settings,
    time_zone: str | None,
    currency: str | None,
    browser_event_types: str | None,
    allowed_origins: str | None,
    own_user_agents: str | None,
    order_number_groups: tuple[str, ...],
    respect_privacy_signals: bool | None,
    signed_identify: bool | None,
    denied_consent: str | None,
    retention: list[admin_pb2.Retention],
    as_json: bool,
) -> None:
    """Change settings of the key's project. What is not given stays.

    \b
    Example:  shopalytic project update --browser-event-types page_view,product_view,identify
    Example:  shopalytic project update --retain page_view=90 --retain default=730
    """
    given = (
        time_zone,
        currency,
        browser_event_types,
        allowed_origins,
        own_user_agents,
        respect_privacy_signals,
        signed_identify,
        denied_consent,
    )
    if given == (None,) * len(given) and not retention and not order_number_groups:
        raise click.UsageError("Nothing to change: give one of the options that --help lists.")
    request = admin_pb2.UpdateProjectRequest(
        time_zone=time_zone,
        currency=currency,
        respect_privacy_signals=respect_privacy_signals,
        signed_identify=signed_identify,
        denied_consent=None if denied_consent is None else f"DENIED_CONSENT_{denied_consent.upper()}",
        retention=retention,
    )
    _set_lists(request, browser_event_types, allowed_origins, own_user_agents, order_number_groups)
    with connect(settings, "admin") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        answer = stub.UpdateProject(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    _print_project(answer.project, as_json)
    if time_zone is not None:
        say(
            "The service moves what was sent as a plain date to the days of this zone, within a minute.",
            err=True,
        )
    if order_number_groups:
        say("The service tells the orders apart anew, of the past too, within a few minutes.", err=True)


def _set_lists(
    request: admin_pb2.UpdateProjectRequest,
    browser_event_types: str | None,
    allowed_origins: str | None,
    own_user_agents: str | None,
    order_number_groups: tuple[str, ...],
) -> None:
    if browser_event_types is not None:
        as_default = browser_event_types.strip() == "default"
        types = [] if as_default else _listed(browser_event_types)
        request.browser_event_types.CopyFrom(admin_pb2.EventTypes(types=types, default=as_default))
    if allowed_origins is not None:
        request.allowed_origins.CopyFrom(admin_pb2.Origins(origins=_listed(allowed_origins)))
    if own_user_agents is not None:
        request.own_user_agents.CopyFrom(admin_pb2.UserAgents(user_agents=_listed(own_user_agents)))
    if order_number_groups:
        groups = [
            admin_pb2.Sources(sources=named) for each in order_number_groups if (named := _listed(each))
        ]
        request.order_number_groups.CopyFrom(admin_pb2.SourceGroups(groups=groups))


@project.command("identity-secret")
@click.option("--end-previous", is_flag=True, help="End the old secret at once; otherwise it stays valid.")
@with_settings(*REMOTE)
@json_option
def identity_secret(settings: Settings, end_previous: bool, as_json: bool) -> None:
    """Make a secret that a backend signs identities with. It is printed this once.

    The one before stays valid until the next call, so that backends can take
    the new one in their own time.

    \b
    Example:  shopalytic project identity-secret
    """
    request = admin_pb2.RotateIdentitySecretRequest(end_previous=end_previous)
    with connect(settings, "admin") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        answer = stub.RotateIdentitySecret(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    if as_json:
        print_json({"secret": answer.secret})
    else:
        say(answer.secret)


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _project_data(found: admin_pb2.Project) -> dict[str, Any]:
    return {
        "name": found.name,
        "currency": found.currency,
        "currency_open": found.currency_open,
        "time_zone": found.time_zone,
        "browser_event_types": list(found.browser_event_types),
        "browser_event_types_by_default": found.browser_event_types_by_default,
        "allowed_origins": list(found.allowed_origins),
        "own_user_agents": list(found.own_user_agents),
        "order_number_groups": [list(group.sources) for group in found.order_number_groups],
        "respect_privacy_signals": found.respect_privacy_signals,
        "signed_identify": found.signed_identify,
        "denied_consent": _denied_consent(found),
        "retention": {each.event_type: each.days or None for each in found.retention},
        "created_at": time_text(found.created_at),
    }


def _denied_consent(found: admin_pb2.Project) -> str:
    return admin_pb2.DeniedConsent.Name(found.denied_consent).removeprefix("DENIED_CONSENT_").lower()


def _print_project(found: admin_pb2.Project, as_json: bool) -> None:
    data = _project_data(found)
    if as_json:
        print_json(data)
        return
    if data.pop("currency_open"):
        data["currency"] += " until the first money arrives"
    chosen = " (default)" if data.pop("browser_event_types_by_default") else ""
    data["browser_event_types"] = ", ".join(data["browser_event_types"]) + chosen
    data["allowed_origins"] = ", ".join(data["allowed_origins"]) or "any"
    data["own_user_agents"] = ", ".join(data["own_user_agents"]) or "none"
    groups = [" + ".join(group) for group in data["order_number_groups"]]
    data["order_number_groups"] = ", ".join(groups) or "none"
    kept = [f"{name} {f'{days:,} days' if days else 'for ever'}" for name, days in data["retention"].items()]
    data["retention"] = ", ".join(kept) or "all events for ever"
    print_table(["project", data["name"]], list(data.items())[1:])
