"""`shopalytic report` on goods: products, carts, and parcels."""

import click

from shopalytic.v1 import reports_pb2
from shopalytic_server.cli.output import time_text
from shopalytic_server.cli.reports.lists import list_options, named_order
from shopalytic_server.cli.reports.question import Question, Sheet, report_options
from shopalytic_server.cli.reports.rows import cells, columns, total_cells, words

_PRODUCT = (
    "sku",
    "name",
    "views",
    "viewers",
    "carts",
    "orders",
    "units",
    "gross",
    "refunds",
    "net",
    "view_to_order_rate",
    "gross_sales",
    "returns",
    "net_sales",
    "quantity",
    "discounts",
    "quantity_returned",
    "return_rate",
)
_PRODUCT_SHOWN = (
    "sku",
    "name",
    "net_sales",
    "gross_sales",
    "discounts",
    "returns",
    "return_rate",
    "orders",
    "units",
    "quantity_returned",
    "views",
    "viewers",
    "carts",
    "view_to_order_rate",
)
_PRODUCT_ORDERS = (
    "net",
    "views",
    "carts",
    "orders",
    "units",
    "gross",
    "refunds",
    "viewers",
    "view-to-order-rate",
    "sku",
    "returns",
    "discounts",
    "quantity-returned",
    "return-rate",
)
_CARTS = ("created", "ordered", "abandoned", "emptied", "open", "abandonment_rate", "abandoned_value")
_CART_ORDERS = ("changed", "created", "value")
_CARRIER = (
    "parcels",
    "on_the_way",
    "delivered",
    "order_to_shipped_median",
    "order_to_shipped_p90",
    "shipped_to_delivered_median",
    "shipped_to_delivered_p90",
    "late",
    "late_rate",
    "refund_rate_after_late",
)


@click.command()
@list_options("products", _PRODUCT_ORDERS, "net")
@click.option("--search", default="", metavar="TEXT", help="Only products whose SKU or name contains this.")
@report_options
def products(
    question: Question, limit: int | None, offset: int, sort: str, ascending: bool, search: str
) -> None:
    """Print views, carts, orders, sales and returns per product, and what is bought together.

    Gross sales are price times pieces over the order lines; discounts and
    returns are the product's part of what orders and refunds state, and net
    sales what is left, so that all products add up to the sales report.
    `gross`, `refunds` and `net` are before discounts.

    \b
    Example:  shopalytic report products --from 2026-01-01 --currency EUR --limit 20 --table products
    Example:  shopalytic report products --sort refunds --limit 100 --offset 100
    """
    question.show_list(
        reports_pb2.GetProductReportRequest(
            offset=offset,
            order_by=named_order("PRODUCT_ORDER", sort),
            ascending=ascending,
            search=search,
        ),
        lambda answer: _product_sheets(question, answer),
        lambda answer: max((block.total_products for block in answer.reports), default=0),
        limit=limit,
        nothing="No views, carts or orders in this range.",
    )


def _product_sheets(question: Question, answer: reports_pb2.GetProductReportResponse) -> list[Sheet]:
    sheets = []
    own = {"own": ("sku",)}
    head = ["currency", *columns(question, _PRODUCT, **own)]
    for block in answer.reports:
        rows = [[block.currency, *cells(question, row, _PRODUCT, **own)] for row in block.rows]
        title = f"Products in {block.currency}, {len(block.rows):,} of {block.total_products:,}"
        shown = [*question.scope.breakdowns, *_PRODUCT_SHOWN]
        of_words = ["sku", "name", *words(question)]
        sheets.append(Sheet("products", head, rows, title, shown=shown, words=of_words, is_paged=True))
    rest = ["gross_sales", "discounts", "returns", "net_sales"]
    for block in answer.reports:
        if block.HasField("unassigned"):
            row = [block.currency, *(getattr(block.unassigned, name) for name in rest)]
            title = f"In {block.currency}, of no product"
            sheets.append(Sheet("unassigned", ["currency", *rest], [row], title))
    for block in answer.reports:
        pairs = [
            [block.currency, pair.sku, pair.other_sku, pair.orders, pair.lift]
            for pair in block.bought_together
        ]
        if pairs:
            pair_columns = ["currency", "sku", "other_sku", "orders", "lift"]
            title = f"Bought together in {block.currency}"
            sheets.append(Sheet("bought_together", pair_columns, pairs, title, words=["sku", "other_sku"]))
    return sheets


@click.command()
@click.option(
    "--abandoned-after",
    "hours",
    type=click.IntRange(1, 8760),
    metavar="HOURS",
    help="A cart without an order counts as abandoned this many hours after its last change.  [default: 24]",
)
@list_options("carts", _CART_ORDERS, "changed", most=1_000)
@click.option("--min-value", metavar="AMOUNT", help="Only list carts that are worth at least this.")
@report_options
def carts(
    question: Question,
    hours: int | None,
    limit: int | None,
    offset: int,
    sort: str,
    ascending: bool,
    min_value: str | None,
) -> None:
    """Print how many carts were created, ordered and abandoned, and list the abandoned ones.

    A cart counts when it was created. One that holds nothing any more is emptied,
    and not abandoned. The carts that were changed last come first.

    \b
    Example:  shopalytic report carts --from 2026-01-01 --abandoned-after 48 --table abandoned
    Example:  shopalytic report carts --min-value 100 --table abandoned --csv > carts.csv
    """
    question.show_list(
        reports_pb2.GetCartReportRequest(
            abandoned_after_hours=hours or 0,
            offset=offset,
            order_by=named_order("CART_ORDER", sort),
            ascending=ascending,
            min_value=min_value,
        ),
        lambda answer: _cart_sheets(question, answer),
        lambda answer: max((block.total_carts for block in answer.reports), default=0),
        limit=limit,
        nothing="No carts were created in this range.",
    )


def _cart_sheets(question: Question, answer: reports_pb2.GetCartReportResponse) -> list[Sheet]:
    reports = answer.reports
    if not reports:
        return []
    numbers = [
        [block.currency, *cells(question, row, _CARTS)]
        for block in reports
        for row in (block.rows if question.scope.breakdowns else [block])
    ]
    listed = ["cart_id", "currency", "value", "pieces", "created_at", "changed_at", "email", "customer_id"]
    listed.append("identity")
    left = [
        [
            cart.cart_id,
            block.currency,
            cart.value,
            sum(line.qty for line in cart.lines),
            time_text(cart.created_at),
            time_text(cart.changed_at),
            cart.email,
            cart.customer_id,
            cart.identity,
        ]
        for block in reports
        for cart in block.carts
    ]
    of_words = ["currency", "created_at", "changed_at", "email", "customer_id", "identity"]
    head = ["currency", *columns(question, _CARTS)]
    sheets = [Sheet("carts", head, numbers, "Carts", words=words(question))]
    if left:
        title = f"Abandoned carts, {len(left):,} of {sum(block.total_carts for block in reports):,}"
        sheets.append(Sheet("abandoned", listed, left, title, words=of_words, is_paged=True))
    return sheets


@click.command()
@click.option(
    "--promised-days",
    type=click.IntRange(1, 365),
    metavar="DAYS",
    help="A parcel counts as late this many days after its order.  [default: 5]",
)
@report_options
def fulfilment(question: Question, promised_days: int | None) -> None:
    """Print how long parcels take per carrier, how many are late, and how many of those are refunded.

    Times are hours. A parcel counts when it was shipped.

    \b
    Example:  shopalytic report fulfilment --from 2026-01-01 --promised-days 3
    """
    answer = question.ask(reports_pb2.GetFulfilmentReportRequest(promised_days=promised_days or 0))
    # A breakdown's rows are of its values, and of no carrier besides.
    names = _CARRIER if question.scope.breakdowns else ("carrier", *_CARRIER)
    rows = [cells(question, row, names) for row in answer.carriers]
    total = total_cells(question, answer.total, names)
    head = columns(question, names)
    sheet = Sheet("fulfilment", head, rows, "Parcels, times in hours", total, words=words(question))
    question.show(answer, [sheet] if rows else [], nothing="No parcels in this range.")
