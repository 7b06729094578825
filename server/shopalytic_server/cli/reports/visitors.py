"""`shopalytic report` on visitors: where they come from, how far they get, and who returns."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import click

from shopalytic.reports import funnel_split, funnel_step, report_interval
from shopalytic.v1 import reports_pb2
from shopalytic_server.cli.output import time_text
from shopalytic_server.cli.reports.lists import list_options, named_order
from shopalytic_server.cli.reports.question import (
    Question,
    Sheet,
    interval_option,
    report_options,
)
from shopalytic_server.cli.reports.rows import cells, columns, total_cells, words

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
_WAYS = ("landing_pages", "referrers", "campaigns")
_WAY_ORDERS = ("sessions", "visitors", "first-touch-revenue", "last-touch-revenue", "value")


class Duration(click.ParamType[int]):
    """A number of seconds, minutes, hours or days: 90s, 30m, 12h, 7d."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Seconds; wrong text is wrong usage."""
        match = re.fullmatch(r"([0-9]{1,8})([smhd])", str(value))
        if match is None or int(match[1]) == 0:
            self.fail(f"{value!r} is not a duration such as 30m, 12h or 7d.")
        return int(match[1]) * _SECONDS[match[2]]


@click.command()
@click.option(
    "--step",
    "steps",
    multiple=True,
    metavar="STEP",
    help="An event type, page_view:LABEL for a page_type, or custom:NAME; in order, up to ten times.  "
    "[default: product_view, cart_add, order]",
)
@click.option(
    "--window", type=Duration(), help="Longest time between the first and the last step.  [default: 7d]"
)
@click.option("--split", type=click.Choice(("source", "campaign")), help="A funnel per source or campaign.")
@report_options
def funnel(question: Question, steps: Sequence[str], window: int | None, split: str | None) -> None:
    """Print how many customers get from step to step, and how long they take.

    Conversion is the share of those who took the first step; the median is of
    the seconds since the step before.

    \b
    Example:  shopalytic report funnel --step page_view --step page_view:checkout-1 --step order --window 12h
    """
    answer = question.ask(
        reports_pb2.GetFunnelReportRequest(
            steps=[funnel_step(step) for step in steps],
            window_seconds=window or 0,
            split=funnel_split(split),
        )
    )
    names = ["step", "customers", "conversion", "median_seconds"]
    by = list(question.scope.breakdowns)
    rows = [
        [
            *([each.value] if split else []),
            *(each.dimensions[name] for name in by),
            *cells(question, step, names, own=by),
        ]
        for each in answer.funnels
        for step in each.steps
    ]
    head = [*([split] if split else []), *columns(question, names)]
    sheet = Sheet("funnel", head, rows, "Funnel", words=["step", *by])
    question.show(answer, [sheet] if rows else [], nothing="Nobody took the first step in this range.")


@click.command()
@click.option(
    "--interval",
    type=click.Choice(("week", "month")),
    help="Length of cohorts and periods.  [default: month]",
)
@click.option("--include-visitors", is_flag=True, help="Count anonymous visitors too.")
@report_options
def retention(question: Question, interval: str | None, include_visitors: bool) -> None:
    """Print who orders again: customers by the interval of their first order, and what they do later.

    Column 0 is the interval of the first order, column 1 the one after it, and
    so on. Only identified customers count.

    \b
    Example:  shopalytic report retention --from 2026-01-01 --to 2027-01-01 --table shares
    """
    answer = question.ask(
        reports_pb2.GetRetentionReportRequest(
            interval=report_interval(interval), include_visitors=include_visitors
        )
    )
    question.show(
        answer, _retention_sheets(question, answer), nothing="No orders of customers in this range."
    )


def _retention_sheets(question: Question, answer: reports_pb2.GetRetentionReportResponse) -> list[Sheet]:
    if not answer.cohorts:
        return []
    by = list(question.scope.breakdowns)
    compared = question.scope.HasField("compare")
    both = [*answer.cohorts, *(each.previous for each in answer.cohorts)]
    indexes = [str(index) for index in range(max(len(each.periods) for each in both))]

    def sheet(name: str, title: str, value: Callable[[reports_pb2.RetentionPeriod], Any]) -> Sheet:
        rows = []
        for each in answer.cohorts:
            own = [time_text(each.start), *(each.dimensions[dimension] for dimension in by)]
            found = [own, *(_cohort_cells(cohort, len(indexes), value) for cohort in (each, each.previous))]
            rows.append([cell for cells in found[: 3 if compared else 2] for cell in cells])
        numbers = ["size", *indexes]
        before = [f"previous_{number}" for number in numbers] if compared else []
        return Sheet(name, ["start", *by, *numbers, *before], rows, title, words=by)

    return [
        sheet("customers", "Customers", lambda period: period.customers),
        sheet("shares", "Share of the cohort", lambda period: period.share),
        _net_sheet(question, answer, indexes),
    ]


def _cohort_cells(
    cohort: reports_pb2.Cohort, most: int, value: Callable[[reports_pb2.RetentionPeriod], Any]
) -> list[Any]:
    """Its size, and what it did in each period."""
    return [cohort.size, *map(value, cohort.periods), *[""] * (most - len(cohort.periods))]


def _net_sheet(
    question: Question, answer: reports_pb2.GetRetentionReportResponse, indexes: Sequence[str]
) -> Sheet:
    by = list(question.scope.breakdowns)
    rows = [
        [
            *(time_text(each.start), *(each.dimensions[name] for name in by), currency),
            *(period.net.get(currency, "") for period in each.periods),
            *[""] * (len(indexes) - len(each.periods)),
        ]
        for each in answer.cohorts
        for currency in sorted({currency for period in each.periods for currency in period.net})
    ]
    return Sheet("net", ["start", *by, "currency", *indexes], rows, "Net", words=["currency", *by])


@click.command()
@interval_option
@list_options("landing pages, referrers and campaigns", _WAY_ORDERS, "sessions", most=1_000, shown=50)
@report_options
def traffic(
    question: Question, interval: str | None, limit: int | None, offset: int, sort: str, ascending: bool
) -> None:
    """Print page views, visitors and sessions, where they come from and what they buy.

    Revenue is in one currency: the one of --currency, else the project's. It
    goes to the customer's first session, and to the last one before the order.

    \b
    Example:  shopalytic report traffic --from 2026-01-01 --interval week --table campaigns
    """
    question.show_list(
        reports_pb2.GetTrafficReportRequest(
            interval=report_interval(interval),
            offset=offset,
            order_by=named_order("TRAFFIC_ORDER", sort),
            ascending=ascending,
        ),
        lambda answer: _traffic_sheets(question, answer),
        lambda answer: max(getattr(answer, f"total_{name}") for name in _WAYS),
        limit=limit,
        nothing="No page views and no orders in this range.",
    )


def _traffic_sheets(question: Question, answer: reports_pb2.GetTrafficReportResponse) -> list[Sheet]:
    names = ["start", "page_views", "visitors", "sessions"]
    sheets = []
    if answer.rows:
        rows = [cells(question, row, names) for row in answer.rows]
        total = total_cells(question, answer.total, names)
        head = columns(question, names)
        sheets.append(Sheet("traffic", head, rows, "Traffic", total, words=words(question)))
    numbers = ["sessions", "visitors", "first_touch_revenue", "last_touch_revenue"]
    for name in _WAYS:
        by = question.scope.breakdowns
        rows = [cells(question, each, ["value", *numbers], own=by) for each in getattr(answer, name)]
        if rows:
            total = getattr(answer, f"total_{name}")
            title = f"{name.replace('_', ' ').capitalize()}, {len(rows):,} of {total:,}"
            head = [name.removesuffix("s"), *columns(question, ["value", *numbers], own=by)[1:]]
            sheets.append(Sheet(name, head, rows, title, is_paged=True))
    return sheets
