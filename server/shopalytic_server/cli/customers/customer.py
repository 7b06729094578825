"""`shopalytic customer`: look customers and their timelines up."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click
import grpc

from shopalytic.v1 import reports_pb2, reports_pb2_grpc
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import (
    message_data,
    plain,
    print_csv,
    print_json,
    print_table,
    say,
    time_text,
)
from shopalytic_server.cli.remote import CALL_SECONDS, Remote, connect
from shopalytic_server.config import Settings
from shopalytic_server.domain.customers.rfm import group_of
from shopalytic_server.domain.formats.terminal_text import one_line

# Of several customers with the same name so many are named.
_MOST_NAMED = 5
_CSV_PAGE = 500
_EVENT = (
    "counted_at",
    "type",
    "event_id",
    "occurred_at",
    "received_at",
    "tracking_id",
    "identity",
    "source",
    "robot",
    "properties",
    "context",
)
ORDER = ("order", "ordered_at", "total", "currency", "units", "refunds", "parcels", "status")

sandbox_option = click.option("--sandbox", is_flag=True, help="Look among trial data instead of real data.")
limit_option = click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="How many to print, up to 1,000.",
)
csv_option = click.option(
    "--csv", "as_csv", is_flag=True, help="Print CSV for spreadsheets; without --limit all pages."
)
currency_option = click.option(
    "--currency", metavar="CODE", help="Currency of the amounts.  [default: the project's]"
)
page_option = click.option(
    "--page-token",
    default="",
    metavar="TOKEN",
    help="next_page_token of the previous page.  [default: the first page]",
)


@click.group()
def customer() -> None:
    """Look customers up, joined over all their devices. Needs a reports key.

    \b
    Example:  shopalytic customer show jane@example.com
    """


@customer.command()
@click.argument("who", metavar="WHO")
@currency_option
@sandbox_option
@with_settings(*REMOTE)
@json_option
def show(settings: Settings, who: str, currency: str | None, sandbox: bool, as_json: bool) -> None:
    """Show everything known of one customer.

    WHO is tried as customer id, identity, tracking id, e-mail address, order
    number, as the tracking number or shipment id of a parcel, then as a name or
    part of one that a single customer has.

    \b
    Example:  shopalytic customer show 17850 --json
    Example:  shopalytic customer show "Jane Doe" --currency EUR
    """
    request = reports_pb2.GetCustomerRequest(
        customer=reports_pb2.CustomerSelector(any=who), currency=currency, sandbox=sandbox
    )
    with connect(settings, "reports") as remote:
        stub = reports_pb2_grpc.ReportServiceStub(remote.channel)
        answer = _asked(stub, remote, request)
    data = {**customer_data(answer.customer), **_history(answer.customer)}
    if as_json:
        print_json(data)
    else:
        _print_customer(data)


def _asked(
    stub: reports_pb2_grpc.ReportServiceStub, remote: Remote, request: reports_pb2.GetCustomerRequest
) -> reports_pb2.GetCustomerResponse:
    """The customer of whom this is a name or number, or else whose name contains it."""
    try:
        return stub.GetCustomer(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        who = request.customer.any
        search = reports_pb2.ListCustomersRequest(
            search=who[:200], page_size=_MOST_NAMED, sandbox=request.sandbox
        )
        found = stub.ListCustomers(search, metadata=remote.metadata, timeout=CALL_SECONDS)
        if not found.customers:
            raise
        if found.total_customers > 1:
            names = ", ".join(_name(each) for each in found.customers)
            more = found.total_customers - len(found.customers)
            several = f"{found.total_customers:,} customers fit {who!r}: {names}"
            several += f" and {more:,} more" if more else ""
            raise click.ClickException(
                one_line(
                    f"{several}. Name one by an identity or e-mail address; customer list --search has all."
                )
            ) from None
    request.customer.customer_id = found.customers[0].customer_id
    return stub.GetCustomer(request, metadata=remote.metadata, timeout=CALL_SECONDS)


def _name(found: reports_pb2.Customer) -> str:
    """What tells a customer from others of the same name."""
    return next(iter(found.identities), "") or found.profile.email or found.customer_id


@customer.command()
@click.argument("who", metavar="WHO")
@click.option(
    "--type", "types", multiple=True, metavar="TYPE", help="Only this kind of event; may be repeated."
)
@limit_option
@page_option
@sandbox_option
@with_settings(*REMOTE)
@csv_option
@json_option
def events(
    settings: Settings,
    who: str,
    types: tuple[str, ...],
    limit: int,
    page_token: str,
    sandbox: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Print a customer's timeline, newest first, a page at a time.

    WHO is a customer as in `shopalytic customer show`.

    \b
    Example:  shopalytic customer events 17850 --type order --limit 20
    """
    request = reports_pb2.ListCustomerEventsRequest(
        customer=reports_pb2.CustomerSelector(any=who),
        page_size=limit,
        page_token=page_token,
        sandbox=sandbox,
        types=types,
    )
    with connect(settings, "reports") as remote:
        call = reports_pb2_grpc.ReportServiceStub(remote.channel).ListCustomerEvents
        if as_csv:
            print_csv(
                _EVENT, (_event_cells(each) for page in pages(remote, call, request) for each in page.events)
            )
            return
        answer = call(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    title = None if page_token else f"Events, {len(answer.events):,} of {answer.total_events:,}"
    print_events(answer.events, answer.next_page_token, as_json=as_json, title=title)


def pages(remote: Remote, call: Any, request: Any) -> Iterator[Any]:
    """The pages of a list, from the one that is asked for on; with a limit that was given only that one."""
    context = click.get_current_context()
    only_one = context.get_parameter_source("limit") is not click.core.ParameterSource.DEFAULT
    request.page_size = request.page_size if only_one else _CSV_PAGE
    while True:
        answer = call(request, metadata=remote.metadata, timeout=CALL_SECONDS)
        yield answer
        if only_one or not answer.next_page_token:
            return
        request.page_token = answer.next_page_token


def customer_data(found: reports_pb2.Customer) -> dict[str, Any]:
    """A customer as plain data: money as exact text, by currency."""
    profile = found.profile
    return {
        "customer_id": found.customer_id,
        "identities": list(found.identities),
        "tracking_ids": list(found.tracking_ids),
        "profile": {
            "email": profile.email if profile.HasField("email") else None,
            "first_name": profile.first_name if profile.HasField("first_name") else None,
            "last_name": profile.last_name if profile.HasField("last_name") else None,
            "join_date": time_text(profile.join_date) if profile.HasField("join_date") else None,
        },
        "orders": {value.currency: value.orders for value in found.values},
        "gross": {value.currency: value.gross for value in found.values},
        "refunds": {value.currency: value.refunds for value in found.values},
        "net": {value.currency: value.net for value in found.values},
        "first_seen": time_text(found.first_seen) if found.HasField("first_seen") else None,
        "last_seen": time_text(found.last_seen) if found.HasField("last_seen") else None,
        "links": [_link_data(link) for link in found.links],
        "last_order_at": time_text(found.last_order_at) if found.HasField("last_order_at") else None,
        "country": found.country or None,
        "rfm": message_data(found.rfm) if found.HasField("rfm") else None,
    }


def _history(found: reports_pb2.Customer) -> dict[str, Any]:
    """What only a customer's own page has; `orders` is the number of orders already."""
    return {
        "days_between_orders": found.days_between_orders or None,
        "first_touch": message_data(found.first_touch) if found.HasField("first_touch") else None,
        "last_touch": message_data(found.last_touch) if found.HasField("last_touch") else None,
        "devices": [message_data(device) for device in found.devices],
        "order_list": [message_data(order) for order in found.orders],
    }


def _link_data(link: reports_pb2.Link) -> dict[str, Any]:
    return {
        "tracking_id": link.tracking_id if link.HasField("tracking_id") else None,
        "identity": link.identity,
        "existing_identity": link.existing_identity if link.HasField("existing_identity") else None,
        "kind": link.kind,
        "occurred_at": time_text(link.occurred_at),
        "event_id": link.event_id,
        "owner": link.owner,
    }


def print_events(
    events: Iterable[reports_pb2.StoredEvent],
    next_page_token: str,
    *,
    as_json: bool,
    title: str | None = None,
) -> None:
    """Print a page of events."""
    found = [event_data(event) for event in events]
    if as_json:
        print_json({"events": found, "next_page_token": next_page_token})
        return
    rows = [(row["counted_at"], row["type"], row.get("source"), summary(row["properties"])) for row in found]
    print_table(["counted_at", "type", "source", "properties"], rows, title=title)
    print_more(next_page_token)


def _event_cells(event: reports_pb2.StoredEvent) -> list[Any]:
    data = event_data(event)
    texts = {name: json.dumps(data.get(name), ensure_ascii=False) for name in ("properties", "context")}
    return [texts.get(name, data.get(name)) for name in _EVENT]


def event_data(event: reports_pb2.StoredEvent) -> dict[str, Any]:
    """A stored event as plain data; what it does not have is left out."""
    data: dict[str, Any] = {"event_id": event.event_id, "type": event.type}
    for name in ("occurred_at", "counted_at", "received_at", "corrected_at"):
        if event.HasField(name):
            data[name] = time_text(getattr(event, name))
    # A service of before does not tell it.
    data.setdefault("counted_at", data.get("occurred_at"))
    for name in ("tracking_id", "identity", "source"):
        if event.HasField(name):
            data[name] = getattr(event, name)
    if event.robot:
        data["robot"] = True
    data["properties"] = plain(event.properties)
    if event.HasField("context"):
        data["context"] = plain(event.context)
    return data


def _print_customer(data: dict[str, Any]) -> None:
    facts = [(name, value) for name, value in data["profile"].items() if value]
    facts += [
        ("identities", ", ".join(data["identities"])),
        ("tracking ids", ", ".join(data["tracking_ids"])),
    ]
    facts += [(name, data[name]) for name in ("first_seen", "last_seen")]
    facts += [("days between orders", data["days_between_orders"])] if data["days_between_orders"] else []
    facts += [
        (name.replace("_", " "), _way(data[name])) for name in ("first_touch", "last_touch") if data[name]
    ]
    facts += [("country", data["country"])] if data["country"] else []
    if data["rfm"]:
        facts.append((f"RFM, money in {data['rfm']['currency']}", rfm_text(data["rfm"])))
    print_table(["customer", data["customer_id"]], facts)
    if data["orders"]:
        rows = [
            [code, *(data[name][code] for name in ("orders", "gross", "refunds", "net"))]
            for code in data["orders"]
        ]
        columns = ["currency", "orders", "gross", "refunds", "net"]
        print_table(columns, rows, right=columns[1:])
    if data["order_list"]:
        # Those that are cancelled are listed and not counted.
        total = max(sum(data["orders"].values()), len(data["order_list"]))
        print_orders(data["order_list"], f"Orders, {len(data['order_list']):,} of {total:,}")
        if len(data["order_list"]) < total:
            say("shopalytic customer orders has all of them.")
    if data["devices"]:
        devices = [
            [device[name] for name in ("tracking_id", "first_seen", "last_seen", "user_agent_family")]
            for device in data["devices"]
        ]
        print_table(["device", "first_seen", "last_seen", "browser"], devices)
    if data["links"]:
        links = [
            (
                link["occurred_at"],
                link["kind"],
                link["tracking_id"] or link["existing_identity"],
                link["identity"],
                "yes" if link["owner"] else "no",
            )
            for link in data["links"]
        ]
        print_table(["linked at", "by", "from", "identity", "joined"], links)


def _way(touch: dict[str, Any]) -> str:
    parts = [
        touch["landing_page"],
        *(f"{name} {touch[name]}" for name in ("referrer", "campaign") if touch[name]),
    ]
    return f"{touch['occurred_at']}: {', '.join(parts)}"


def print_orders(orders: Sequence[dict[str, Any]], title: str | None = None) -> None:
    """A table of orders."""
    rows = [order_cells(order) for order in orders]
    print_table(ORDER, rows, title=title, right=("total", "units", "refunds", "parcels"))


def rfm_text(rfm: dict[str, Any]) -> str:
    """The classes, with what shops call such customers."""
    classes = [rfm[name] for name in ("recency", "frequency", "money")]
    return f"{'-'.join(map(str, classes))} ({group_of(*classes)})"


def order_cells(order: dict[str, Any]) -> list[Any]:
    """An order as a row of ORDER."""
    units = sum(line["qty"] for line in order["lines"])
    head = [order[name] for name in ("order_id", "ordered_at", "total", "currency")]
    return [*head, units, len(order["refunds"]), len(order["parcels"]), order["status"]]


def print_more(next_page_token: str) -> None:
    """How to get the next page, if there is one."""
    if next_page_token:
        say(f"There is more: repeat with --page-token {next_page_token}")


def summary(properties: dict[str, Any]) -> str:
    """An event's properties in one line."""
    parts = [
        f"{name}={len(value)} items" if isinstance(value, list) else f"{name}={value}"
        for name, value in properties.items()
    ]
    return " ".join(part for part in parts if not part.endswith("=None"))[:300]
