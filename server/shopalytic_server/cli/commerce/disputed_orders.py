"""`shopalytic disputed-orders`: order numbers that several customers have ordered under."""

from collections.abc import Iterator
from typing import Any

import click

from shopalytic.v1 import reports_pb2, reports_pb2_grpc
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import message_data, print_json, print_table, say
from shopalytic_server.cli.remote import CALL_SECONDS, Remote, connect
from shopalytic_server.config import Settings

_PAGE = 1_000
_COLUMNS = ("order", "ordered_at", "total", "currency", "claimed_by")


@click.command("disputed-orders")
@click.option("--sandbox", is_flag=True, help="List trial orders.")
@with_settings(*REMOTE)
@json_option
def disputed_orders(settings: Settings, sandbox: bool, as_json: bool) -> None:
    """List the order numbers that several identified customers have ordered under, for review.

    Two sources may number alike, or two customers may be one person. Nothing of
    such an order is refused; it counts for the customer whose content is the last.
    Where two shops number alike, `shopalytic project update --order-number-group`
    makes two orders of it, and both count.

    \b
    Example:  shopalytic disputed-orders
    """
    with connect(settings, "reports") as remote:
        orders = list(_orders(remote, sandbox))
    if as_json:
        print_json({"orders": orders})
    elif orders:
        rows = [
            [*(order[name] for name in ("order_id", *_COLUMNS[1:-1])), ", ".join(order["claimed_by"])]
            for order in orders
        ]
        print_table(_COLUMNS, rows, title=f"Disputed orders, {len(rows):,}", right=("total",))
    else:
        say("No order number was used by several customers.")


def _orders(remote: Remote, sandbox: bool) -> Iterator[dict[str, Any]]:
    stub = reports_pb2_grpc.ReportServiceStub(remote.channel)
    request = reports_pb2.ListOrdersRequest(disputed=True, page_size=_PAGE, sandbox=sandbox)
    while True:
        answer = stub.ListOrders(request, metadata=remote.metadata, timeout=CALL_SECONDS)
        yield from map(message_data, answer.orders)
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token
