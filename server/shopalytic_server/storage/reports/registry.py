"""The shop's reports by name. A report that is here answers from facts.

A report is a module with `answer(facts, project, request)`, its statements in
the `.sql` file beside it, and a line here; see docs/explanation/reports.md.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.facts.facts import Facts
from shopalytic_server.storage.reports import (
    carts,
    fulfilment,
    funnel,
    products,
    retention,
    sales,
    traffic,
)

Answer = Callable[[Facts, Project, Any], Awaitable[Any]]

REPORTS: Mapping[str, Answer] = {
    "carts": carts.answer,
    "fulfilment": fulfilment.answer,
    "funnel": funnel.answer,
    "products": products.answer,
    "retention": retention.answer,
    "sales": sales.answer,
    "traffic": traffic.answer,
}
