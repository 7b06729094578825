"""`shopalytic customer`: look customers and their timelines up."""

from collections.abc import Iterable
from typing import Any

import click

from shopalytic.v1 import reports_pb2, reports_pb2_grpc
from shopalytic_server.cli.moments import Moment, moment
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import message_data, plain, print_json, print_table, say, time_text
from shopalytic_server.cli.remote import CALL_SECONDS, connect
from shopalytic_server.config import Settings

_SORTS = ("last-seen", "net", "orders")

sandbox_option = click.option("--sandbox", is_flag=True, help="Look among trial data instead of real data.")
limit_option = click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="How many to print, up to 1,000.",
)
page_option = click.option(
    "--page-token",
    default="",
    metavar="TOKEN",
    help="next_page_token of the page before.  [default: the first page]",
)


@click.group()
def customer() -> None:
    """Look customers up, joined over all their devices. Needs a reports key.

    \b
    Example:  shopalytic customer show jane@example.com
    """


@customer.command()
@click.argument("who", metavar="WHO")
@sandbox_option
@with_settings(*REMOTE)
@json_option
def show(settings: Settings, who: str, sandbox: bool, as_json: bool) -> None:
    """Show everything known of one customer.

    WHO is tried as customer id, identity, tracking id, e-mail address, order
    number, then as the tracking number or shipment id of a parcel.

    \b
    Example:  shopalytic customer show 17850 --json
    """
    request = reports_pb2.GetCustomerRequest(customer=reports_pb2.CustomerSelector(any=who), sandbox=sandbox)
    with connect(settings, "reports") as remote:
        stub = reports_pb2_grpc.ReportServiceStub(remote.channel)
        answer = stub.GetCustomer(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    data = {**customer_data(answer.customer), **_history(answer.customer)}
    if as_json:
        print_json(data)
    else:
        _print_customer(data)


@customer.command()
@click.argument("who", metavar="WHO")
@click.option(
    "--type", "types", multiple=True, metavar="TYPE", help="Only this kind of event; may be repeated."
)
@limit_option
@page_option
@sandbox_option
@with_settings(*REMOTE)
@json_option
def events(
    settings: Settings,
    who: str,
    types: tuple[str, ...],
    limit: int,
    page_token: str,
    sandbox: bool,
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
        stub = reports_pb2_grpc.ReportServiceStub(remote.channel)
        answer = stub.ListCustomerEvents(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    print_events(answer.events, answer.next_page_token, as_json=as_json)


@customer.command("list")
@click.option("--search", default="", metavar="TEXT", help="Only with this in an identity, e-mail or name.")
@click.option(
    "--sort", type=click.Choice(("last-seen", "net", "orders")), help="Largest first.  [default: by id]"
)
@click.option("--min-orders", type=click.IntRange(0), help="Only with at least so many orders.")
@click.option("--min-net", metavar="AMOUNT", help="Only with at least this net in --currency.")
@click.option("--currency", metavar="CODE", help="Of --min-net and --sort net.  [default: the project's]")
@click.option("--country", metavar="CODE", help="Only with an order to this country (DEU).")
@click.option("--seen-after", type=Moment(), help="Only seen then or later; a date is its midnight in UTC.")
@click.option("--seen-before", type=Moment(), help="Only seen last before then.")
@limit_option
@page_option
@sandbox_option
@with_settings(*REMOTE)
@json_option
def list_customers(
    settings: Settings,
    sort: str | None,
    seen_after: str | None,
    seen_before: str | None,
    limit: int,
    as_json: bool,
    **fields: Any,
) -> None:
    """List the identified customers, a page at a time.

    \b
    Example:  shopalytic customer list --search jane --sort last-seen --limit 20
    """
    request = reports_pb2.ListCustomersRequest(page_size=limit, **fields)
    if sort is not None:
        request.order_by = getattr(reports_pb2, f"CUSTOMER_ORDER_{sort.replace('-', '_').upper()}")
    for name, text in (("seen_after", seen_after), ("seen_before", seen_before)):
        if text is not None:
            getattr(request, name).FromDatetime(moment(text, "UTC"))
    with connect(settings, "reports") as remote:
        stub = reports_pb2_grpc.ReportServiceStub(remote.channel)
        answer = stub.ListCustomers(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    found = [customer_data(one) for one in answer.customers]
    if as_json:
        print_json({"customers": found, "next_page_token": answer.next_page_token})
        return
    rows = [
        (
            row["customer_id"],
            ", ".join(row["identities"]),
            row["profile"]["email"],
            _amounts(row["net"]),
            row["last_seen"],
        )
        for row in found
    ]
    print_table(["customer_id", "identities", "email", "net", "last_seen"], rows)
    print_more(answer.next_page_token)


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
    }


def _history(found: reports_pb2.Customer) -> dict[str, Any]:
    """What only a customer's own page has; `orders` is the number of orders already."""
    return {
        "days_between_orders": found.days_between_orders or None,
        "rfm": message_data(found.rfm) if found.HasField("rfm") else None,
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


def print_events(events: Iterable[reports_pb2.StoredEvent], next_page_token: str, *, as_json: bool) -> None:
    """Print a page of events."""
    found = [event_data(event) for event in events]
    if as_json:
        print_json({"events": found, "next_page_token": next_page_token})
        return
    rows = [(row["counted_at"], row["type"], row.get("source"), summary(row["properties"])) for row in found]
    print_table(["counted_at", "type", "source", "properties"], rows)
    print_more(next_page_token)


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
    if data["rfm"]:
        facts.append(
            ("recency, frequency, money", " ".join(f"{value} of 5" for value in data["rfm"].values()))
        )
    print_table(["customer", data["customer_id"]], facts)
    if data["orders"]:
        rows = [
            [code, *(data[name][code] for name in ("orders", "gross", "refunds", "net"))]
            for code in data["orders"]
        ]
        columns = ["currency", "orders", "gross", "refunds", "net"]
        print_table(columns, rows, right=columns[1:])
    if data["order_list"]:
        columns = ["order", "ordered_at", "total", "currency", "units", "refunds", "parcels"]
        orders = [_order_cells(order) for order in data["order_list"]]
        print_table(columns, orders, right=("total", "units", "refunds", "parcels"))
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


def _order_cells(order: dict[str, Any]) -> list[Any]:
    units = sum(line["qty"] for line in order["lines"])
    head = [order[name] for name in ("order_id", "ordered_at", "total", "currency")]
    return [*head, units, len(order["refunds"]), len(order["parcels"])]


def print_more(next_page_token: str) -> None:
    """How to get the next page, if there is one."""
    if next_page_token:
        say(f"There is more: repeat with --page-token {next_page_token}")


def _amounts(by_currency: dict[str, str]) -> str:
    return ", ".join(f"{amount} {code}" for code, amount in by_currency.items())


def summary(properties: dict[str, Any]) -> str:
    """An event's properties in one line."""
    parts = [
        f"{name}={len(value)} items" if isinstance(value, list) else f"{name}={value}"
        for name, value in properties.items()
    ]
    return " ".join(part for part in parts if not part.endswith("=None"))[:300]
