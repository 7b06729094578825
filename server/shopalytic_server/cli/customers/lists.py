"""`shopalytic customer list` and `orders`: lists of customers, and of what one of them ordered."""

from typing import Any

import click

from shopalytic.v1 import reports_pb2, reports_pb2_grpc
from shopalytic_server.cli.customers.customer import (
    ORDER,
    csv_option,
    currency_option,
    customer,
    customer_data,
    limit_option,
    order_cells,
    page_option,
    pages,
    print_more,
    print_orders,
    rfm_text,
    sandbox_option,
)
from shopalytic_server.cli.dates import Moment, moment
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import message_data, print_csv, print_json, print_table
from shopalytic_server.cli.remote import CALL_SECONDS, connect
from shopalytic_server.config import Settings

__all__ = ["customer"]

_SORTS = ("last-seen", "net", "orders", "last-order", "rfm")
_CSV = (
    "customer_id",
    "identities",
    "email",
    "first_name",
    "last_name",
    "country",
    "orders",
    "currency",
    "net",
    "rfm",
    "last_order_at",
    "first_seen",
    "last_seen",
)


@customer.command("list")
@click.option(
    "--search",
    default="",
    metavar="TEXT",
    help="Only customers with this text in an identity, e-mail or name, or with this order or parcel number.",
)
@click.option("--sort", type=click.Choice(_SORTS), help="Largest first.  [default: by id]")
@click.option("--ascending", is_flag=True, help="Smallest first instead.")
@click.option("--min-orders", type=click.IntRange(0), help="Only customers with at least this many orders.")
@click.option("--min-net", metavar="AMOUNT", help="Only customers with at least this net in --currency.")
@currency_option
@click.option("--country", metavar="CODE", help="Only customers with an order to this country (DEU).")
@click.option(
    "--seen-after", type=Moment(), help="Only customers seen since then; a date means midnight UTC."
)
@click.option("--seen-before", type=Moment(), help="Only customers last seen before then.")
@limit_option
@page_option
@sandbox_option
@with_settings(*REMOTE)
@csv_option
@json_option
def list_customers(
    settings: Settings,
    sort: str | None,
    seen_after: str | None,
    seen_before: str | None,
    limit: int,
    as_csv: bool,
    as_json: bool,
    **fields: Any,
) -> None:
    """List the identified customers, a page at a time.

    Net and RFM are in one currency: the one of --currency, else the project's.

    \b
    Example:  shopalytic customer list --search jane --sort last-seen --limit 20
    Example:  shopalytic customer list --sort net --currency EUR --csv > customers.csv
    """
    request = reports_pb2.ListCustomersRequest(page_size=limit, **fields)
    if sort is not None:
        request.order_by = getattr(reports_pb2, f"CUSTOMER_ORDER_{sort.replace('-', '_').upper()}")
    for name, text in (("seen_after", seen_after), ("seen_before", seen_before)):
        if text is not None:
            getattr(request, name).FromDatetime(moment(text, "UTC"))
    with connect(settings, "reports") as remote:
        call = reports_pb2_grpc.ReportServiceStub(remote.channel).ListCustomers
        if as_csv:
            found = (
                _cells(customer_data(one), page.currency)
                for page in pages(remote, call, request)
                for one in page.customers
            )
            print_csv(_CSV, ([row[name] for name in _CSV] for row in found))
            return
        answer = call(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    listed = [customer_data(one) for one in answer.customers]
    if as_json:
        print_json(
            {
                "customers": listed,
                "next_page_token": answer.next_page_token,
                "total_customers": answer.total_customers,
                "currency": answer.currency,
            }
        )
        return
    _print_customers(answer, listed, is_first=not fields["page_token"])


def _print_customers(
    answer: reports_pb2.ListCustomersResponse, listed: list[dict[str, Any]], *, is_first: bool
) -> None:
    columns = [
        "customer_id",
        "identities",
        "email",
        "orders",
        "net",
        "rfm",
        "last_order_at",
        "last_seen",
        "country",
    ]
    rows = [_cells(one, answer.currency) for one in listed]
    of = f" of {answer.total_customers:,}" if is_first else ""
    print_table(
        columns,
        [[row[name] for name in columns] for row in rows],
        title=f"Customers, {len(rows):,}{of}, net and RFM in {answer.currency}",
        right=("orders", "net"),
    )
    print_more(answer.next_page_token)


def _cells(row: dict[str, Any], currency: str) -> dict[str, Any]:
    """A customer as a row, with money in one currency."""
    return {
        **{
            name: row[name] for name in ("customer_id", "country", "last_order_at", "first_seen", "last_seen")
        },
        **{name: row["profile"][name] for name in ("email", "first_name", "last_name")},
        "identities": ", ".join(row["identities"]),
        "orders": sum(row["orders"].values()),
        "currency": currency,
        "net": row["net"].get(currency, "0"),
        "rfm": rfm_text(row["rfm"]) if row["rfm"] else "",
    }


@customer.command()
@click.argument("who", metavar="WHO")
@limit_option
@page_option
@sandbox_option
@with_settings(*REMOTE)
@csv_option
@json_option
def orders(
    settings: Settings, who: str, limit: int, page_token: str, sandbox: bool, as_csv: bool, as_json: bool
) -> None:
    """List a customer's orders, newest first, a page at a time.

    WHO is a customer as in `shopalytic customer show`. JSON has the lines,
    refunds and parcels of each.

    \b
    Example:  shopalytic customer orders 17850 --csv > orders.csv
    """
    selector = reports_pb2.CustomerSelector(any=who)
    request = reports_pb2.ListCustomerOrdersRequest(
        customer=selector, page_size=limit, page_token=page_token, sandbox=sandbox
    )
    with connect(settings, "reports") as remote:
        call = reports_pb2_grpc.ReportServiceStub(remote.channel).ListCustomerOrders
        if as_csv:
            found = (message_data(one) for page in pages(remote, call, request) for one in page.orders)
            print_csv(ORDER, (order_cells(one) for one in found))
            return
        answer = call(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    listed = [message_data(one) for one in answer.orders]
    if as_json:
        total = answer.total_orders
        print_json({"orders": listed, "next_page_token": answer.next_page_token, "total_orders": total})
        return
    print_orders(listed, f"Orders, {len(listed):,} of {answer.total_orders:,}")
    print_more(answer.next_page_token)
