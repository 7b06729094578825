"""`shopalytic report` on shoppers: what becomes of visits, coupons, and what customers are worth."""

import click
from google.protobuf.message import Message

from shopalytic.reports import report_interval
from shopalytic.v1 import reports_pb2
from shopalytic_server.cli.output import time_text
from shopalytic_server.cli.reports.lists import list_options, named_order
from shopalytic_server.cli.reports.question import Question, Sheet, interval_option, report_options
from shopalytic_server.cli.reports.rows import cells, columns, number_columns, total_cells, words
from shopalytic_server.domain.reports.segments import SEGMENTS

_COUPON_ORDERS = (
    *("orders", "customers", "new-customers", "discounts", "total-sales", "average-order"),
    "coupon",
)
_SEARCH_ORDERS = ("searches", "visitors", "without-results", "orders", "total-sales", "query")
_COUPON = ("orders", "customers", "new_customers", "discounts", "total_sales", "average_order")


@click.command()
@interval_option
@report_options
def conversion(question: Question, interval: str | None) -> None:
    """Print what becomes of visits: carts, checkouts, orders, rates and value per visit.

    Amounts are in one currency: the one of --currency, else the project's.

    \b
    Example:  shopalytic report conversion --from 2026-01-01 --by landing_page --compare previous
    """
    answer = question.ask(reports_pb2.GetConversionReportRequest(interval=report_interval(interval)))
    sheet = _sheet(question, "conversion", answer, reports_pb2.ConversionRow, "Visits")
    empty = not answer.total.sessions and not answer.total.orders
    question.show(answer, [] if empty else [sheet], nothing="No visits and no orders in this range.")


@click.command()
@click.option("--interval", type=click.Choice(("week", "month")), help="Length of cohorts.  [default: month]")
@click.option("--include-visitors", is_flag=True, help="Count anonymous visitors too.")
@report_options
def lifetime(question: Question, interval: str | None, include_visitors: bool) -> None:
    """Print what customers are worth per head, by when and how they came.

    A row is of those who ordered first in an interval; --by looks at their first
    order. What they ordered later counts until the range's end.

    \b
    Example:  shopalytic report lifetime --from 2026-01-01 --by channel
    """
    answer = question.ask(
        reports_pb2.GetLifetimeReportRequest(
            interval=report_interval(interval), include_visitors=include_visitors
        )
    )
    title = f"Lifetime value in {answer.currency}"
    sheet = _sheet(question, "lifetime", answer, reports_pb2.LifetimeRow, title)
    nothing = "No customer ordered first in this range."
    question.show(answer, [sheet] if answer.total.customers else [], nothing=nothing)


def _sheet(
    question: Question,
    name: str,
    answer: reports_pb2.GetConversionReportResponse | reports_pb2.GetLifetimeReportResponse,
    row: type[Message],
    title: str,
) -> Sheet:
    names = number_columns(row)
    rows = [cells(question, each, names) for each in answer.rows]
    total = total_cells(question, answer.total, names)
    return Sheet(name, columns(question, names), rows, title, total, words=words(question))


@click.command()
@list_options("codes", _COUPON_ORDERS, "orders")
@report_options
def coupons(question: Question, limit: int | None, offset: int, sort: str, ascending: bool) -> None:
    """Print what coupons are used for and what they cost, beside the orders without one.

    \b
    Example:  shopalytic report coupons --from 2026-01-01 --currency EUR
    Example:  shopalytic report coupons --sort discounts --csv > coupons.csv
    """
    question.show_list(
        reports_pb2.GetCouponReportRequest(
            offset=offset, order_by=named_order("COUPON_ORDER", sort), ascending=ascending
        ),
        lambda answer: _coupon_sheets(question, answer),
        lambda answer: max((block.total_rows for block in answer.reports), default=0),
        limit=limit,
        nothing="No orders in this range.",
    )


def _coupon_sheets(question: Question, answer: reports_pb2.GetCouponReportResponse) -> list[Sheet]:
    head = ["currency", *columns(question, ("coupon", *_COUPON))]
    of_words = ["coupon", *words(question)]
    sheets = []
    for block in answer.reports:
        rows = [[block.currency, *cells(question, row, ("coupon", *_COUPON))] for row in block.rows]
        title = f"Coupons in {block.currency}, {len(block.rows):,} of {block.total_rows:,}"
        sheets.append(Sheet("coupons", head, rows, title, words=of_words, is_paged=True))
    all_orders = [
        [block.currency, label, *cells(question, row, _COUPON)[len(question.scope.breakdowns) :]]
        for block in answer.reports
        for label, row in (("with", block.with_coupon), ("without", block.without_coupon))
    ]
    if all_orders:
        by = columns(question, _COUPON)[len(question.scope.breakdowns) :]
        title = "Orders with and without"
        sheets.append(Sheet("orders", ["currency", "coupon", *by], all_orders, title, words=["coupon"]))
    return sheets


@click.command()
@click.option("--list", "listed", type=click.Choice(SEGMENTS), help="List the customers of this segment.")
@list_options("customers", ("net-of-refunds", "orders", "last-order"), "net-of-refunds")
@report_options
def segments(
    question: Question, listed: str | None, limit: int | None, offset: int, sort: str, ascending: bool
) -> None:
    """Print how many customers are best, loyal, new, promising, at risk or lost.

    By recency, frequency and money of all who ordered before the range's end.

    \b
    Example:  shopalytic report segments --list "at risk" --limit 50 --table customers
    Example:  shopalytic report segments --list best --csv --table customers > best.csv
    """
    question.show_list(
        reports_pb2.GetSegmentReportRequest(
            list=listed or "",
            offset=offset,
            order_by=named_order("SEGMENT_CUSTOMER_ORDER", sort),
            ascending=ascending,
        ),
        lambda answer: _segment_sheets(question, listed, answer),
        lambda answer: answer.total_customers,
        limit=limit,
        nothing="Nobody ordered before this.",
    )


def _segment_sheets(
    question: Question, listed: str | None, answer: reports_pb2.GetSegmentReportResponse
) -> list[Sheet]:
    if not answer.total.customers:
        return []
    names = number_columns(reports_pb2.SegmentRow)
    rows = [cells(question, row, names) for row in answer.rows]
    total = total_cells(question, answer.total, names)
    sheets = [Sheet("segments", columns(question, names), rows, f"Customers, {answer.currency}", total)]
    if listed:
        people = ["customer_id", "email", "last_order_at", "orders", "net_of_refunds", "identity", "rfm"]
        found = [
            [
                *(each.customer_id, each.email, time_text(each.last_order_at), each.orders),
                *(each.net_of_refunds, each.identity),
                f"{each.rfm.recency}-{each.rfm.frequency}-{each.rfm.money}",
            ]
            for each in answer.customers
        ]
        title = f"{listed.capitalize()}, {len(found):,} of {answer.total_customers:,}"
        of_words = ["email", "identity", "rfm"]
        local = ("last_order_at",)
        sheets.append(Sheet("customers", people, found, title, words=of_words, local=local, is_paged=True))
    return sheets


@click.command()
@list_options("queries", _SEARCH_ORDERS, "searches")
@click.option("--without-results", is_flag=True, help="Only searches without a result.")
@report_options
def searches(
    question: Question, limit: int | None, offset: int, sort: str, ascending: bool, without_results: bool
) -> None:
    """Print what people look for, how often they find nothing, and what they buy after.

    \b
    Example:  shopalytic report searches --from 2026-01-01 --without-results
    Example:  shopalytic report searches --sort total-sales --csv > searches.csv
    """
    question.show_list(
        reports_pb2.GetSearchReportRequest(
            offset=offset,
            order_by=named_order("SEARCH_ORDER", sort),
            ascending=ascending,
            only_without_results=without_results,
        ),
        lambda answer: _search_sheets(question, answer),
        lambda answer: answer.total_rows,
        limit=limit,
        nothing="Nobody searched in this range.",
    )


def _search_sheets(question: Question, answer: reports_pb2.GetSearchReportResponse) -> list[Sheet]:
    if not answer.total_rows:
        return []
    names = number_columns(reports_pb2.SearchRow)
    rows = [cells(question, row, names) for row in answer.rows]
    total = total_cells(question, answer.total, names)
    title = f"Searches, sales in {answer.currency}, {len(rows):,} of {answer.total_rows:,}"
    return [
        Sheet("searches", columns(question, names), rows, title, total, words=words(question), is_paged=True)
    ]
