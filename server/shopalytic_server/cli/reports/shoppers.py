"""`shopalytic report` on shoppers: what becomes of visits, coupons, and what customers are worth."""

import click
from google.protobuf.message import Message

from shopalytic.reports import report_interval
from shopalytic.v1 import reports_pb2
from shopalytic_server.cli.output import time_text
from shopalytic_server.cli.reports.question import Question, Sheet, interval_option, report_options
from shopalytic_server.cli.reports.rows import cells, columns, number_columns, total_cells, words
from shopalytic_server.domain.reports.segments import SEGMENTS

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
@click.option("--limit", type=click.IntRange(1, 10_000), help="How many codes.  [default: 100]")
@report_options
def coupons(question: Question, limit: int | None) -> None:
    """Print what coupons are used for and what they cost, beside the orders without one.

    \b
    Example:  shopalytic report coupons --from 2026-01-01 --currency EUR
    """
    answer = question.ask(reports_pb2.GetCouponReportRequest(limit=limit or 0))
    head = ["currency", *columns(question, ("coupon", *_COUPON))]
    of_words = ["coupon", *words(question)]
    sheets = []
    for block in answer.reports:
        rows = [[block.currency, *cells(question, row, ("coupon", *_COUPON))] for row in block.rows]
        title = f"Coupons in {block.currency}"
        sheets.append(Sheet("coupons", head, rows, title, words=of_words))
    all_orders = [
        [block.currency, label, *cells(question, row, _COUPON)[len(question.scope.breakdowns) :]]
        for block in answer.reports
        for label, row in (("with", block.with_coupon), ("without", block.without_coupon))
    ]
    if all_orders:
        by = columns(question, _COUPON)[len(question.scope.breakdowns) :]
        sheets.append(
            Sheet(
                "orders", ["currency", "coupon", *by], all_orders, "Orders with and without", words=["coupon"]
            )
        )
    question.show(answer, sheets, nothing="No orders in this range.")


@click.command()
@click.option("--list", "listed", type=click.Choice(SEGMENTS), help="List the customers of this segment.")
@click.option("--limit", type=click.IntRange(1, 10_000), help="How many to list.  [default: 100]")
@report_options
def segments(question: Question, listed: str | None, limit: int | None) -> None:
    """Print how many customers are best, loyal, new, promising, at risk or lost.

    By recency, frequency and money of all who ordered before the range's end.

    \b
    Example:  shopalytic report segments --list "at risk" --limit 50 --csv --table customers
    """
    answer = question.ask(reports_pb2.GetSegmentReportRequest(list=listed or "", limit=limit or 0))
    names = number_columns(reports_pb2.SegmentRow)
    rows = [cells(question, row, names) for row in answer.rows]
    total = total_cells(question, answer.total, names)
    sheets = [Sheet("segments", columns(question, names), rows, f"Customers, {answer.currency}", total)]
    if listed:
        people = ["customer_id", "email", "last_order_at", "orders", "net_of_refunds"]
        found = [
            [each.customer_id, each.email, time_text(each.last_order_at), each.orders, each.net_of_refunds]
            for each in answer.customers
        ]
        sheets.append(
            Sheet("customers", people, found, listed.capitalize(), words=["email"], local=("last_order_at",))
        )
    question.show(answer, sheets if answer.total.customers else [], nothing="Nobody ordered before this.")


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), help="How many rows.  [default: 100]")
@click.option("--without-results", is_flag=True, help="Only searches without a result.")
@report_options
def searches(question: Question, limit: int | None, without_results: bool) -> None:
    """Print what people look for, how often they find nothing, and what they buy after.

    \b
    Example:  shopalytic report searches --from 2026-01-01 --without-results
    """
    answer = question.ask(
        reports_pb2.GetSearchReportRequest(limit=limit or 0, only_without_results=without_results)
    )
    names = number_columns(reports_pb2.SearchRow)
    rows = [cells(question, row, names) for row in answer.rows]
    total = total_cells(question, answer.total, names)
    title = f"Searches, sales in {answer.currency}"
    sheet = Sheet("searches", columns(question, names), rows, title, total, words=words(question))
    question.show(answer, [sheet] if rows else [], nothing="Nobody searched in this range.")
