"""The questions that are asked of facts, by name: the shop's reports, and the events behind a number.

A report is a module with `answer(facts, project, request)`, its statements in
the `.sql` file beside it, a line here and its request in `names`; see docs/explanation/reports.md.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.dimensions import check_dimensions
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
from shopalytic_server.storage.reports.rows.comparison import compare, ranges, within_range
from shopalytic_server.storage.reports.rows.pages import beside, cut_to_page, unpaged
from shopalytic_server.storage.reports.rows.unfinished import mark_unfinished
from shopalytic_server.storage.reports.shoppers import conversion, coupons, lifetime, searches, segments

Answer = Callable[[Facts, Project, Any], Awaitable[Any]]


class Question(NamedTuple):
    """How a question is answered, and as of which moment; None is now. Both raise InvalidRequest."""

    answer: Answer
    as_of: Callable[[Project, Any], datetime | None]
    timeless: bool = False
    """Whether its answer follows from what it takes and reads alone, whenever it is asked."""
    finish: Callable[[Project, Any, Any], None] = lambda *_: None
    """Puts into an answer what depends on when it is asked."""


def _report(name: str, answer: Answer) -> Question:
    """A report: its open range goes as far as the shop's data, and so does the one it is compared with."""

    async def within(facts: Facts, project: Project, request: Any) -> Any:
        scope = resolve_scope(project, request.scope)
        check_dimensions(name, scope.filters, scope.by)
        if request.scope.HasField("compare"):
            now, then = ranges(scope, request)
            found = await answer(facts, project, within_range(unpaged(request), now.begin, now.end))
            found.robots = await facts.robots()
            before = await answer(facts, project, within_range(beside(request), then.begin, then.end))
            compare(found, before, now, then)
            cut_to_page(found, request)
            return found
        asked, outside = await within_data(facts.snapshot, project, request)
        found = await answer(facts, project, asked)
        found.robots = await facts.robots()
        found.outside.extend(outside)
        return found

    def finish(project: Project, request: Any, found: Any) -> None:
        mark_unfinished(resolve_scope(project, request.scope), request, found)

    return Question(
        within,
        lambda project, request: resolve_scope(project, request.scope).as_of,
        name in _TIMELESS,
        finish,
    )


_REPORTS: Mapping[str, Answer] = {
    "carts": carts.answer,
    "conversion": conversion.answer,
    "coupons": coupons.answer,
    "fulfilment": fulfilment.answer,
    "funnel": funnel.answer,
    "lifetime": lifetime.answer,
    "products": products.answer,
    "retention": retention.answer,
    "sales": sales.answer,
    "searches": searches.answer,
    "segments": segments.answer,
    "traffic": traffic.answer,
}

# When an abandoned cart is asked for decides whether it is one.
_TIMELESS = frozenset(_REPORTS) - {"carts"}

QUESTIONS: Mapping[str, Question] = {
    **{name: _report(name, answer) for name, answer in _REPORTS.items()},
    "events": Question(
        explain.list_events, lambda project, request: explain.read_explain(project, request.explain).as_of
    ),
}
