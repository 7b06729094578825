"""`shopalytic report`: the shop's numbers, a command per report.

A command takes the options of all reports (`report_options`), asks with the
request of its method, and says which tables the answer has for people and CSV;
JSON is the whole answer by the contract's names.
"""

import click

from shopalytic.reports import report_interval
from shopalytic.v1 import reports_pb2, reports_pb2_grpc
from shopalytic_server.cli.customers.customer import limit_option, page_option, print_events
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.remote import CALL_SECONDS, connect
from shopalytic_server.cli.reports.delivery import delivery
from shopalytic_server.cli.reports.goods import carts, fulfilment, products
from shopalytic_server.cli.reports.question import Question, Sheet, interval_option, report_options
from shopalytic_server.cli.reports.rows import cells, columns, number_columns, total_cells, words
from shopalytic_server.cli.reports.shoppers import conversion, coupons, lifetime, searches, segments
from shopalytic_server.cli.reports.visitors import funnel, retention, traffic
from shopalytic_server.config import Settings

_WEIGHTY = ("start", "orders", "units", "net_sales", "total_sales", "gross_sales", "discounts", "returns")


@click.group()
def report() -> None:
    """Print the shop's numbers. Needs a reports key.

    A date means its midnight in the report's time zone. Amounts of two
    currencies are never added.

    \b
    Example:  shopalytic report sales --from 2026-01-01 --to 2027-01-01 --interval month
    """


@report.command()
@interval_option
@report_options
def sales(question: Question, interval: str | None) -> None:
    """Print orders, sales by the names that shops use, costs and customers per interval.

    Net sales are gross sales less discounts less returns, without tax and
    shipping; total sales are what was charged. A terminal shows as many columns
    as fit; --csv and --json have all. `gross` and `net` are the former names of
    total_sales and net_of_refunds.

    \b
    Example:  shopalytic report sales --from 2026-01-01 --to 2026-04-01 --interval month --currency EUR
    """
    answer = question.ask(reports_pb2.GetSalesReportRequest(interval=report_interval(interval)))
    names = number_columns(reports_pb2.SalesRow)
    sheets = []
    for block in answer.reports:
        rows = [[block.currency, *cells(question, row, names)] for row in block.rows]
        total = [block.currency, *total_cells(question, block.total, names)]
        title = f"Sales in {block.currency}, days in {question.zone}"
        head = ["currency", *columns(question, names)]
        shown = [*question.scope.breakdowns, *_shown(names), *head[len(names) + 1 + len(words(question)) :]]
        sheets.append(Sheet("sales", head, rows, title, total, words=words(question), shown=shown))
    question.show(answer, sheets, nothing="No orders and no refunds in this range.")


@report.command()
@click.argument("token", metavar="EXPLAIN")
@limit_option
@page_option
@with_settings(*REMOTE)
@json_option
def events(settings: Settings, token: str, limit: int, page_token: str, as_json: bool) -> None:
    """Print the events behind a number, newest first, by the `explain` that stands beside it in JSON.

    \b
    Example:  shopalytic report events eNqLVio... --limit 20
    """
    request = reports_pb2.ListEventsRequest(explain=token, page_size=limit, page_token=page_token)
    with connect(settings, "reports") as remote:
        stub = reports_pb2_grpc.ReportServiceStub(remote.channel)
        answer = stub.ListEvents(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    title = None if page_token else f"Events, {len(answer.events):,} of {answer.total_events:,}"
    print_events(answer.events, answer.next_page_token, as_json=as_json, title=title)


_REPORTS = (
    *(funnel, products, retention, carts, fulfilment, traffic, delivery),
    *(conversion, coupons, segments, lifetime, searches),
)
for command in _REPORTS:
    report.add_command(command)


def _shown(columns: list[str]) -> list[str]:
    """What people see: without the former names of the same numbers, what is asked for most first."""
    former = {"gross", "net", "net_of_refunds", "refunds"}
    return [
        *_WEIGHTY,
        *(column for column in columns if column not in {*_WEIGHTY, *former}),
        "refunds",
        "net_of_refunds",
    ]
