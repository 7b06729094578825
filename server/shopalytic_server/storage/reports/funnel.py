"""The funnel report: how many customers go from step to step, and how long they take."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Any

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.campaigns import campaign_of
from shopalytic_server.domain.reports.shares import rounded, share
from shopalytic_server.storage.database.queries import load_beside
from shopalytic_server.storage.facts.facts import EVER, Facts, Row, Span, until, within
from shopalytic_server.storage.facts.scope import Scope, resolve_scope
from shopalytic_server.storage.reports.explain import explain_token, explained_through
from shopalytic_server.storage.reports.rows.breakdown import Values, dimensions_of, values_of, within_limit

_SQL = load_beside(__name__)

DEFAULT_STEPS = ("product_view", "cart_add", "order")
DEFAULT_WINDOW = 7 * 24 * 3600

# What a step's label is of, by how the step is asked for.
_LABELLED = {"page_type": "page_view", "custom_name": "custom"}
_SPLITS = {
    reports_pb2.FUNNEL_SPLIT_UNSPECIFIED: "",
    reports_pb2.FUNNEL_SPLIT_SOURCE: "source",
    reports_pb2.FUNNEL_SPLIT_CAMPAIGN: "campaign",
}


def _spans(scope: Scope, question: Mapping[str, Any]) -> dict[str, Span]:
    """First steps are of the range; the others may follow it while the window lasts."""
    end = None if scope.to_at is None else scope.to_at + timedelta(seconds=question["window"])
    spans = {"steps": Span(scope.from_at, end, frozenset(question["types"])), "customers_of": EVER}
    if question["split"] == "campaign":
        spans |= {"visit_parts": until(scope), "page_views": within(scope)}
    return spans


def _keeps(_: Scope, question: Mapping[str, Any], *, counted: bool = False) -> Iterator[tuple[str, str]]:
    """`counted`: it does not matter by which event somebody entered who took no second step."""
    yield "begun", _SQL.begun if question["split"] == "campaign" else _SQL.none_begun
    yield "going_on", _SQL.going_on
    yield "followed", _SQL.followed
    if counted:
        yield "alone", _SQL.alone_counted
    else:
        yield "entered", _SQL.entered
        yield "alone", _SQL.alone
    yield "chosen", _SQL.chosen


explained_through("funnel_step", _SQL.explain_step, _spans, lambda *asked: list(_keeps(*asked)))


async def answer(
    facts: Facts, project: Project, request: reports_pb2.GetFunnelReportRequest
) -> reports_pb2.GetFunnelReportResponse:
    """Customers and median times per step; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    steps = list(request.steps) or [reports_pb2.FunnelStep(event_type=name) for name in DEFAULT_STEPS]
    question: dict[str, Any] = {
        "types": [step.event_type or _LABELLED[step.WhichOneof("by")] for step in steps],
        "page_types": [step.page_type or step.custom_name for step in steps],
        "window": request.window_seconds or DEFAULT_WINDOW,
        "split": _SPLITS[request.split],
    }
    await facts.take(scope, **_spans(scope, question))
    if scope.by:
        await facts.break_down(scope.by)
    for name, statement in _keeps(scope, question, counted=not (question["split"] or scope.by)):
        await facts.keep(name, statement, **question)
    campaigns = {row["value"]: campaign_of(row["value"]) for row in await facts.ask(_SQL.encoded)}
    rows = await facts.ask(_SQL.steps, encoded=list(campaigns), decoded=list(campaigns.values()))
    found: dict[tuple[str, Values], dict[int, Row]] = defaultdict(dict)
    for row in rows:
        found[row["value"], values_of(scope, row)][row["step"]] = row
    keys = list(found) if question["split"] or scope.by else [("", ())]
    keys.sort(key=lambda key: (key[0], -found[key][1]["customers"] if scope.by else 0, key[1]))
    shown = list(within_limit(scope, keys)) if scope.by else keys
    return reports_pb2.GetFunnelReportResponse(
        funnels=[_funnel(scope, question, campaigns, key, found[key]) for key in shown],
        more_rows=len(keys) - len(shown),
    )


def _funnel(
    scope: Scope,
    question: dict[str, Any],
    campaigns: dict[str, str],
    key: tuple[str, Values],
    rows: dict[int, Row],
) -> reports_pb2.Funnel:
    value, values = key
    funnel = reports_pb2.Funnel(value=value, dimensions=dimensions_of(scope, values))
    # A token only needs the campaigns that say what this funnel is of.
    encoded = [each for each, campaign in campaigns.items() if campaign == value]
    by = dict(zip(("by_1", "by_2"), (*values, None, None), strict=False))
    first = rows[1]["customers"] if rows else 0
    for number, (type_, page_type) in enumerate(
        zip(question["types"], question["page_types"], strict=True), 1
    ):
        row = rows.get(number)
        customers = row["customers"] if row else 0
        funnel.steps.add(
            step=f"{type_}:{page_type}" if page_type else type_,
            customers=customers,
            conversion=share(customers, first),
            median_seconds=_median(row["waits"]) if row and number > 1 else "",
            explain=explain_token(
                scope, "funnel_step", **question, **by, encoded=encoded, value=value, step=number
            ),
        )
    return funnel


def _median(middle: list[int]) -> str:
    """The mean of the two middle waits, in microseconds, as seconds with 3 digits."""
    return rounded(Fraction(sum(middle), 2 * 1_000_000), 3)
