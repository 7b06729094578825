"""The questions that are asked of facts, by name: the shop's reports, and the events behind a number.

A report is a module with `answer(facts, project, request)`, its statements in
the `.sql` file beside it, and a line here; see docs/explanation/reports.md.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.facts.facts import Facts
from shopalytic_server.storage.facts.scope import resolve_scope
from shopalytic_server.storage.reports import (
    carts,
    explain,
    fulfilment,
    funnel,
    products,
    retention,
    sales,
    traffic,
)
from shopalytic_server.storage.reports.open_range import within_data

Answer = Callable[[Facts, Project, Any], Awaitable[Any]]


class Question(NamedTuple):
    """How a question is answered, and as of which moment; None is now. Both raise InvalidRequest."""

    answer: Answer
    as_of: Callable[[Project, Any], datetime | None]


def _report(answer: Answer) -> Question:
    """A report: its open range goes as far as the shop's data."""

    async def within(facts: Facts, project: Project, request: Any) -> Any:
        asked, outside = await within_data(facts.snapshot, project, request)
        found = await answer(facts, project, asked)
        found.outside.extend(outside)
        return found

    return Question(within, lambda project, request: resolve_scope(project, request.scope).as_of)


QUESTIONS: Mapping[str, Question] = {
    "carts": _report(carts.answer),
    "fulfilment": _report(fulfilment.answer),
    "funnel": _report(funnel.answer),
    "products": _report(products.answer),
    "retention": _report(retention.answer),
    "sales": _report(sales.answer),
    "traffic": _report(traffic.answer),
    "events": Question(
        explain.list_events, lambda project, request: explain.read_explain(project, request.explain).as_of
    ),
}
