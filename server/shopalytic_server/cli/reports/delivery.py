"""`shopalytic report delivery`: what senders got through."""

import click

from shopalytic.v1 import reports_pb2
from shopalytic_server.cli.output import time_text
from shopalytic_server.cli.reports.question import Question, Sheet, report_options

_DROPS = ("queue_full", "expired", "refused", "too_large")
_COLUMNS = ("hour", "source", "senders", "received", "missing", *_DROPS, "unexplained")


@click.command()
@report_options
def delivery(question: Question) -> None:
    """Print events received and missing per source and hour, and what senders dropped themselves.

    Hours are those of arrival, in UTC. A number that was passed over is missing
    until it arrives. Unexplained is what is missing and no sender said it
    dropped. Senders that do not number their events are not in it.

    \b
    Example:  shopalytic report delivery --from 2026-01-01 --source checkout-service
    """
    answer = question.ask(reports_pb2.GetDeliveryReportRequest())
    rows = [[time_text(row.start), *_cells(row)] for row in answer.rows]
    total = ["total", *_cells(answer.total)]
    sheet = Sheet(
        "delivery", _COLUMNS, rows, "Delivery by hour of arrival", total, words=["source"], local=()
    )
    question.show(answer, [sheet] if rows else [], nothing="No numbered events arrived in this range.")


def _cells(row: reports_pb2.DeliveryRow) -> list[object]:
    dropped = [getattr(row.dropped, name) for name in _DROPS]
    return [row.source, row.senders, row.received, row.missing, *dropped, row.unexplained]
